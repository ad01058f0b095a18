//! How often one address may ask: GCRA, which is a bucket that drips, kept as one moment per address.
//!
//! Nothing here knows a route; `public` says which ones are limited.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use lru::LruCache;
use tokio::time::Instant;

/// Addresses remembered; beyond it the one that has asked least recently is forgotten (about 1 MiB).
const ADDRESSES_MAX: NonZeroUsize = NonZeroUsize::new(8_192).expect("not zero");
/// What a reverse proxy says of whom it asks for.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Requests in a minute.
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// Requests that may follow at once.
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Seconds until all of them may again.
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The limiter of one listener.
#[derive(Debug)]
pub(super) struct Limiter {
    per_minute: u32,
    /// When each address's bucket will be full again.
    full_at: Mutex<LruCache<IpAddr, Instant>>,
}

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    limit: u32,
    remaining: u32,
    reset: Duration,
    /// `Some`: refused, and when the next one may come.
    retry_after: Option<Duration>,
}

impl Limiter {
    /// So many requests a minute from each address, all of them at once if it has been quiet for a minute.
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), full_at: Mutex::new(LruCache::new(ADDRESSES_MAX)) }
    }

    /// Counts a request, if it may pass.
    pub(super) fn judge(&self, address: IpAddr, now: Instant) -> Verdict {
        let every = Duration::from_secs(60) / self.per_minute;
        let bucket = every * self.per_minute;
        let mut known = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_in = known.get(&address).map_or(Duration::ZERO, |full_at| full_at.saturating_duration_since(now));
        let after = full_in + every;
        let refused = after > bucket;
        let full_in = if refused { full_in } else { after };
        if !refused {
            known.put(address, now + after);
        }
        let remaining = bucket.saturating_sub(full_in).as_nanos() / every.as_nanos();
        Verdict {
            limit: self.per_minute,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset: full_in,
            retry_after: refused.then(|| after.saturating_sub(bucket)),
        }
    }
}

impl Verdict {
    pub(super) const fn refused(&self) -> bool {
        self.retry_after.is_some()
    }

    /// Tells whoever asked how it stands. These names and not the IETF's `RateLimit`, which is a draft still.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, seconds(self.reset));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds(wait));
        }
    }
}

/// Whole seconds, never too few.
fn seconds(duration: Duration) -> HeaderValue {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).into()
}

/// Whom a request counts for. A peer on this machine is a reverse proxy, and the last address it names is the one that it
/// saw itself; what stands before that anyone may have written. Of any other peer nothing but its own address is believed.
/// An IPv6 address stands for its /64, which one customer has to himself.
pub(super) fn address_of(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if !peer.is_loopback() {
        return network(peer);
    }
    let named = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|value| value.to_str().ok());
    let last = named.and_then(|value| value.rsplit(',').next()).map(str::trim);
    last.and_then(|text| text.parse::<IpAddr>().ok()).map_or(peer, |address| network(address.to_canonical()))
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOMEONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn at(began: Instant, ms: u64) -> Instant {
        began + Duration::from_millis(ms)
    }

    #[test]
    fn a_minutes_worth_at_once_then_one_a_drip() {
        let (limiter, began) = (Limiter::new(60), Instant::now());
        for n in 1..=60 {
            let verdict = limiter.judge(SOMEONE, began);
            assert_eq!((verdict.refused(), verdict.remaining), (false, 60 - n), "request {n}");
        }
        let verdict = limiter.judge(SOMEONE, began);
        assert_eq!(verdict.retry_after, Some(Duration::from_secs(1)));
        assert_eq!(verdict.reset, Duration::from_secs(60));
        assert!(limiter.judge(SOMEONE, at(began, 999)).refused());
        assert!(!limiter.judge(SOMEONE, at(began, 1_000)).refused());
        assert!(limiter.judge(SOMEONE, at(began, 1_000)).refused());
        assert!(!limiter.judge("198.51.100.7".parse().expect("an address"), began).refused(), "others are others");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (limiter, now) = (Limiter::new(1), Instant::now());
        for n in 0..20_000_u32 {
            limiter.judge(IpAddr::V4(n.into()), now);
        }
        assert_eq!(limiter.full_at.lock().expect("not poisoned").len(), ADDRESSES_MAX.get());
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed_and_only_what_it_saw_itself() {
        let who = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED_FOR, HeaderValue::from_str(value).expect("a header value"));
            }
            address_of(peer.parse().expect("an address"), &headers).to_string()
        };
        assert_eq!(who("203.0.113.9", &["192.0.2.1"]), "203.0.113.9", "a stranger names someone else");
        assert_eq!(who("127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(who("127.0.0.1", &["10.0.0.1, 192.0.2.1"]), "192.0.2.1", "the first was in the request already");
        assert_eq!(who("::1", &["10.0.0.1", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(who("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(who("127.0.0.1", &["192.0.2.1, nonsense"]), "127.0.0.1");
        assert_eq!(who("::ffff:203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(who("2001:db8:1:2:3:4:5:6", &[]), "2001:db8:1:2::");
        assert_eq!(who("127.0.0.1", &["2001:db8:1:2:ffff::1"]), "2001:db8:1:2::");
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_two_minutes_worth_and_a_patient_one_always_passes(
            per_minute in 1_u32..200, pauses in prop::collection::vec(0_u64..3_000, 1..300),
        ) {
            let (limiter, began) = (Limiter::new(per_minute), Instant::now());
            let (mut now_ms, mut passed) = (0, Vec::new());
            for pause in pauses {
                now_ms += pause;
                let verdict = limiter.judge(SOMEONE, at(began, now_ms));
                prop_assert!(verdict.remaining <= per_minute);
                if !verdict.refused() {
                    passed.push(now_ms);
                }
                if pause > 60_000 / u64::from(per_minute) {
                    prop_assert!(!verdict.refused(), "it has waited for a drip");
                }
            }
            for (first, from) in passed.iter().enumerate() {
                let within = passed[first..].iter().filter(|at| **at < from + 60_000).count();
                prop_assert!(within <= 2 * per_minute as usize);
            }
        }
    }
}
