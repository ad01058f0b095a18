//! The client for addresses that somebody else named: shoppers' pictures, catalogues, pages, staff's webhooks.
//!
//! Every call is judged by [`Rules`] before it is made, every name's addresses before they are dialled, every redirect as
//! if it were a call of its own. It carries no cookies, asks no proxy and repeats nothing. Secrets of ours for fixed hosts
//! (Meta's token, a provider's key) never pass through here: they go by [`super::fixed_client`].

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method, Response,
    dns::Resolve,
    header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER},
};
use tokio::{sync::Semaphore, time::Instant};
use url::Url;

use super::{
    CONNECT_DEADLINE, Content, Error, Limits, Plain, Refusal, Rule, Rules, Target, Wait, body,
    quota::{FETCHES_PER_MINUTE, Quota},
    resolver::{GuardedResolver, NoAddress, SystemResolver, is_own},
    rules::By,
};
use crate::domain::TenantId;

/// Fetches at the same time, over all tenants: with [`Limits::IMAGE`] at most 512 MiB are held.
const FETCHES_MAX: usize = 64;
/// Idle connections are kept shortly: the next picture of a crowd, not the next day's feed.
const IDLE_DEADLINE: Duration = Duration::from_secs(10);
/// Idle connections to one host.
const IDLE_PER_HOST: usize = 4;

/// Something to fetch.
#[derive(Clone, Debug)]
pub struct Fetch<'a> {
    /// Where it is said to be.
    pub url: &'a str,
    /// Whether plain http will do.
    pub plain: Plain,
    /// What it may take.
    pub limits: Limits,
    /// What it may be, by its first bytes; empty: anything.
    pub kinds: &'a [Content],
    /// The `Accept` header, sent to every host on the way.
    pub accept: Option<&'static str>,
    /// Further headers, a login for instance. Another host than the first never sees them.
    pub headers: HeaderMap,
}

impl<'a> Fetch<'a> {
    /// A picture of a kind that can be decoded. Public pictures may come over plain http: they are checked for themselves.
    #[must_use]
    pub fn image(url: &'a str) -> Self {
        let (limits, kinds) = (Limits::IMAGE, Content::PICTURES);
        let accept = Some("image/jpeg, image/png, image/webp, image/gif;q=0.8");
        Self { url, plain: Plain::Public, limits, kinds, accept, headers: HeaderMap::new() }
    }

    /// A page of a shop.
    #[must_use]
    pub fn page(url: &'a str) -> Self {
        let accept = Some("text/html, application/xhtml+xml, */*;q=0.5");
        Self { limits: Limits::PAGE, kinds: &[], accept, ..Self::image(url) }
    }

    /// A catalogue. It is believed, so that it must come over https.
    #[must_use]
    pub fn feed(url: &'a str) -> Self {
        Self { plain: Plain::Never, limits: Limits::FEED, kinds: &[], accept: None, ..Self::image(url) }
    }
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it was in the end.
    pub url: Url,
    /// The answer's headers. What they call the content is not to be believed.
    pub headers: HeaderMap,
    /// All of it, unpacked.
    pub body: Vec<u8>,
    /// What it is, by its first bytes.
    pub content: Content,
}

/// What became of a [`Guarded::post`].
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status, whatever it is.
    pub status: u16,
    /// When it wants to be called again.
    pub retry_after: Option<Duration>,
}

/// The client.
#[derive(Clone)]
pub struct Guarded {
    rules: Arc<Rules>,
    /// For names and addresses of the public internet and of allowed networks.
    open: reqwest::Client,
    /// For names that the operator allows wherever they lead. A client of its own, so that the two share no connection.
    allowed: reqwest::Client,
    quota: Arc<Quota>,
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Guarded {
    /// One that asks the system for the addresses of names.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(rules: Rules) -> Result<Self, Error> {
        Self::with_resolver(rules, Arc::new(SystemResolver::new()), FETCHES_PER_MINUTE)
    }

    pub(super) fn with_resolver(rules: Rules, inner: Arc<dyn Resolve>, per_minute: u32) -> Result<Self, Error> {
        let rules = Arc::new(rules);
        let client = |by| {
            let resolver = GuardedResolver { rules: Arc::clone(&rules), by, inner: Arc::clone(&inner) };
            super::configured(CONNECT_DEADLINE, |builder| {
                builder
                    .dns_resolver(Arc::new(resolver))
                    // Unpacked here, where the ratio is seen.
                    .gzip(false)
                    .referer(false)
                    .pool_idle_timeout(IDLE_DEADLINE)
                    .pool_max_idle_per_host(IDLE_PER_HOST)
            })
        };
        Ok(Self {
            open: client(By::Name)?,
            allowed: client(By::AllowedName)?,
            rules,
            quota: Arc::new(Quota::new(per_minute)),
            places: Arc::new(Semaphore::new(FETCHES_MAX)),
        })
    }

    /// What it may call.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Judges a URL by all that can be known before it is called.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, url: &str, plain: Plain) -> Result<Target, Refusal> {
        let target = self.rules.check(url, plain)?;
        match target.by {
            By::Address(address) => {
                let port = target.url.port_or_known_default();
                let is_allowed = self.rules.judge(address, port).unwrap_or_default();
                if !is_allowed && is_own(address.to_canonical()) {
                    return Err(Refusal::new(target.host(), Rule::Own));
                }
            }
            By::AllowedName | By::Name => {}
        }
        Ok(target)
    }

    /// Fetches something for a tenant.
    ///
    /// # Errors
    /// Whatever rule, limit or failure ended it; a status other than 2xx is [`Error::Status`].
    pub async fn fetch(&self, tenant: TenantId, fetch: Fetch<'_>) -> Result<Fetched, Error> {
        let target = self.check(fetch.url, fetch.plain)?;
        let places = self.quota.take(tenant, Instant::now()).map_err(|retry_after| Error::Quota { retry_after })?;
        let late = Error::Late { host: target.host().to_owned(), wait: Wait::Total };
        let fetching = async {
            // The tenant's place first: whoever waits for it holds none of the others'.
            let _own = places.acquire().await.expect("never closed");
            let _place = self.places.acquire().await.expect("never closed");
            self.follow(target, &fetch).await
        };
        tokio::time::timeout(fetch.limits.total, fetching).await.unwrap_or(Err(late))
    }

    /// Posts to a host, once, and takes no notice of what the answer says beyond its status. Redirects are not followed.
    /// The caller sets the deadline of it all.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn post(&self, target: &Target, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, Error> {
        let request = self.client(target).post(target.url.clone()).headers(headers).body(body);
        let response = request.send().await.map_err(|error| failed(target.host(), error))?;
        Ok(Answer { status: response.status().as_u16(), retry_after: retry_after(response.headers()) })
    }

    const fn client(&self, target: &Target) -> &reqwest::Client {
        match target.by {
            By::AllowedName => &self.allowed,
            By::Name | By::Address(_) => &self.open,
        }
    }

    /// Calls, and follows redirects, until something comes that is none.
    async fn follow(&self, mut target: Target, fetch: &Fetch<'_>) -> Result<Fetched, Error> {
        let origin = target.url.origin();
        let redirects_max = fetch.limits.redirects;
        for hop in 0..=redirects_max {
            let mut headers = if target.url.origin() == origin { fetch.headers.clone() } else { HeaderMap::new() };
            headers.insert(ACCEPT, HeaderValue::from_static(fetch.accept.unwrap_or("*/*")));
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            let response = self.get(&target, headers, fetch.limits.first_byte).await?;
            let host = target.host().to_owned();
            let status = response.status();
            match status.as_u16() {
                301 | 302 | 303 | 307 | 308 if hop == redirects_max => {
                    return Err(Error::Redirects { host, redirects_max });
                }
                301 | 302 | 303 | 307 | 308 => target = self.next(&target, &response, fetch.plain)?,
                status @ (0..200 | 300..) => {
                    return Err(Error::Status { host, status, retry_after: retry_after(response.headers()) });
                }
                200..300 => {
                    let headers = response.headers().clone();
                    let (body, content) = body::read(&host, response, &fetch.limits, fetch.kinds).await?;
                    return Ok(Fetched { url: target.url, headers, body, content });
                }
            }
        }
        Err(Error::Redirects { host: target.host().to_owned(), redirects_max })
    }

    async fn get(&self, target: &Target, headers: HeaderMap, first_byte: Duration) -> Result<Response, Error> {
        let request = self.client(target).request(Method::GET, target.url.clone()).headers(headers);
        let answer = tokio::time::timeout(first_byte, request.send()).await;
        let answer = answer.map_err(|_| Error::Late { host: target.host().to_owned(), wait: Wait::FirstByte })?;
        answer.map_err(|error| failed(target.host(), error))
    }

    /// Where a redirect leads, judged as a call of its own.
    pub(super) fn next(&self, from: &Target, response: &Response, plain: Plain) -> Result<Target, Error> {
        let nowhere = || Error::Nowhere { host: from.host().to_owned() };
        let location = response.headers().get(LOCATION).ok_or_else(nowhere)?;
        let location = std::str::from_utf8(location.as_bytes()).map_err(|_| nowhere())?;
        let next = from.url.join(location).map_err(|_| nowhere())?;
        // Whoever was called over https is not to be followed to where everybody can read along; the operator's own
        // hosts may be called either way.
        let was_safe = from.url.scheme() == "https" && next.scheme() == "http";
        let plain = if was_safe { Plain::Never } else { plain };
        self.check(next.as_str(), plain).map_err(|refusal| match refusal {
            Refusal { host, rule: Rule::PlainHttp } if was_safe => Refusal { host, rule: Rule::Downgrade }.into(),
            refusal => refusal.into(),
        })
    }
}

/// What became of a call that brought no answer.
fn failed(host: &str, error: reqwest::Error) -> Error {
    let host = host.to_owned();
    let error = error.without_url();
    if let Some(refusal) = within::<Refusal>(&error) {
        return Error::Refused(refusal.clone());
    }
    if let Some(NoAddress { name, .. }) = within::<NoAddress>(&error) {
        return Error::NoAddress { host: name.clone(), source: Some(error.into()) };
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => Error::Late { host, wait: Wait::Connect },
        (true, false) => Error::Unreachable { host, source: error },
        (false, true) => Error::Late { host, wait: Wait::FirstByte },
        (false, false) if error.is_builder() => Error::Header,
        (false, false) => Error::Broken { host, source: error.into() },
    }
}

/// The cause of that type, however deep.
fn within<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// Seconds in `Retry-After`; a date there is rare and not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u32>().ok()?;
    Some(Duration::from_secs(seconds.into()))
}
