//! The Graph API, one call at a time: sends, reads, the subscription.
//!
//! Nothing is retried here. Tokens travel in a header only, and neither they nor the text of a message nor Meta's own
//! words appear in what comes back.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::{
    error::GraphError,
    json::{self, first_id, integer, is_true},
    signature::app_secret_proof,
    thread::{self, Names},
};
use crate::{
    channel::{ReadError, Thread, ThreadMessage},
    domain::{
        channel::{AccountId, ChannelRules, ShopperId},
        outbox::{RefusalScope, SendOutcome},
        policy::Tag,
    },
    net,
};

/// Messages that the Conversations API shows with details.
pub const READABLE_MESSAGES: usize = 20;

/// What an account subscribes to (Meta delivers every field that the app selected, but wants a list).
const SUBSCRIBED_FIELDS: &str = "messages,message_echoes,messaging_postbacks,messaging_referral,messaging_seen,\
                                 message_reactions,message_edit,messaging_handover,standby,comments";

/// What is read of a message.
const MESSAGE_FIELDS: &str = "id,created_time,from,to,message,attachments,shares,story,is_unsupported";

/// The largest answer that is read: 25 threads of 20 messages with long CDN links stay far below.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest wait that a header can impose.
const WAIT_MS_MAX: i64 = 24 * 3_600_000;

/// How often a list of threads is asked for again with half the threads, when it was too much for Meta.
const HALVINGS_MAX: u32 = 3;

/// Between two calls of the Conversations API (Meta: 2 a second per account).
const READ_PAUSE: Duration = Duration::from_millis(500);

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InvalidGraph {
    /// The base address is none.
    #[error("`{0}` is not an http or https address")]
    BaseUrl(String),
    /// The version is none.
    #[error("`{0}` is not a Graph API version; it looks like `v26.0`")]
    Version(String),
    /// The HTTP client failed.
    #[error(transparent)]
    Client(#[from] net::Error),
}

/// What is shown to the shopper besides messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The messages are read.
    MarkSeen,
    /// An answer is being written; fades after about 20 s.
    TypingOn,
}

impl Action {
    /// Meta's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MarkSeen => "mark_seen",
            Self::TypingOn => "typing_on",
        }
    }
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The account's id as webhooks name it.
    pub user_id: AccountId,
    /// The account's id as only this app sees it.
    pub app_scoped_id: Option<String>,
    /// The account's name.
    pub username: Option<String>,
}

/// A client of one Graph host in one version.
#[derive(Clone, Debug)]
pub struct Graph {
    client: reqwest::Client,
    base: Url,
    app_secret: Option<SecretString>,
    deadline: Duration,
}

impl Graph {
    /// A client for `base_url` (`https://graph.instagram.com`) and `version` (`v26.0`). With the app's secret each call
    /// also proves that the token is used by its own app.
    pub fn new(base_url: &str, version: &str, app_secret: Option<SecretString>) -> Result<Self, InvalidGraph> {
        let bad_base = || InvalidGraph::BaseUrl(base_url.to_owned());
        let mut base = Url::parse(base_url).map_err(|_| bad_base())?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(bad_base());
        }
        let digits = version.strip_prefix('v').unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(InvalidGraph::Version(version.to_owned()));
        }
        base.path_segments_mut().map_err(|()| bad_base())?.pop_if_empty().push(version);
        Ok(Self { client: net::fixed_client()?, base, app_secret, deadline: net::CALL_DEADLINE })
    }

    /// The same client with another total deadline per call.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whose token this is.
    pub async fn me(&self, token: &SecretString) -> Result<Me, ReadError> {
        let url = self.url(&["me"], &[("fields", "id,user_id,username")]);
        let answer = self.read(Method::GET, url, token).await?;
        let me = thread::data(&answer).first().unwrap_or(&answer);
        let app_scoped_id = json::id_of(me);
        let user_id = first_id(me, &["user_id", "id"]).ok_or(ReadError::Unreadable { reason: "no account id" })?;
        Ok(Me { user_id: AccountId(user_id), app_scoped_id, username: json::text(&me["username"]) })
    }

    /// Turns the account's webhooks on.
    pub async fn subscribe(&self, account: &AccountId, token: &SecretString) -> Result<(), ReadError> {
        let url = self.url(&[&account.0, "subscribed_apps"], &[("subscribed_fields", SUBSCRIBED_FIELDS)]);
        let answer = self.read(Method::POST, url, token).await?;
        if is_true(&answer["success"]) { Ok(()) } else { Err(ReadError::Unreadable { reason: "no success reported" }) }
    }

    /// Sends one text message, once.
    pub async fn send_text(
        &self,
        account: &AccountId,
        token: &SecretString,
        shopper: &ShopperId,
        text: &str,
        tag: Option<Tag>,
    ) -> SendOutcome {
        if text.len() > ChannelRules::INSTAGRAM.text_bytes_max {
            let reason = format!("{} bytes are more than Instagram takes", text.len());
            return SendOutcome::Refused { scope: RefusalScope::Request, reason };
        }
        let mut body = json!({"recipient": {"id": shopper.0}, "message": {"text": text}});
        if let Some(Tag::HumanAgent) = tag {
            body["messaging_type"] = "MESSAGE_TAG".into();
            body["tag"] = "HUMAN_AGENT".into();
        }
        match self.post_message(account, token, &body).await {
            Ok(answer) => answer.send_outcome(),
            Err(Broken::Token) => {
                let reason = "the access token holds characters that no token has".to_owned();
                SendOutcome::Refused { scope: RefusalScope::Login, reason }
            }
            Err(Broken::Before(reason)) => SendOutcome::NotSent { reason, retry_after_ms: None },
            Err(Broken::Unclear(reason)) => SendOutcome::Ambiguous { reason },
        }
    }

    /// Shows the shopper that we have read, or that we write.
    pub async fn send_action(
        &self,
        account: &AccountId,
        token: &SecretString,
        shopper: &ShopperId,
        action: Action,
    ) -> Result<(), ReadError> {
        let body = json!({"recipient": {"id": shopper.0}, "sender_action": action.as_str()});
        self.post_message(account, token, &body).await?.value().map(|_| ())
    }

    /// The shopper's user name, readable once the shopper has written; `None` where Meta gives none.
    pub async fn shopper_name(&self, token: &SecretString, shopper: &ShopperId) -> Result<Option<String>, ReadError> {
        let url = self.url(&[&shopper.0], &[("fields", "username")]);
        Ok(json::text(&self.read(Method::GET, url, token).await?["username"]))
    }

    /// The newest messages of the thread with `shopper`, newest first. Two calls of the Conversations API.
    pub async fn newest_messages(
        &self,
        account: &AccountId,
        token: &SecretString,
        shopper: &ShopperId,
    ) -> Result<Vec<ThreadMessage>, ReadError> {
        let query = [("platform", "instagram"), ("user_id", shopper.0.as_str()), ("fields", "id")];
        let found = self.read(Method::GET, self.url(&[&account.0, "conversations"], &query), token).await?;
        let conversation = thread::data(&found).iter().find_map(json::id_of).ok_or(ReadError::NoThread)?;
        let messages = self.messages(&conversation, token, shopper).await?;
        // The shopper has written, or we would not ask: an empty thread is one that is not shown.
        if messages.is_empty() { Err(ReadError::NoThread) } else { Ok(messages) }
    }

    /// The account's threads that changed last, with their newest messages. One call of the Conversations API; a
    /// second to `/me` if the account goes by another id there; more, half a second apart, where Meta finds the question
    /// too large or answers without messages.
    pub async fn newest_threads(
        &self,
        account: &AccountId,
        token: &SecretString,
        limit: usize,
    ) -> Result<Vec<Thread>, ReadError> {
        let listed = self.list_threads(account, token, limit).await?;
        let mut ours = Names { ids: vec![account.0.clone()], username: None };
        if thread::data(&listed).iter().any(|conversation| thread::thread(conversation, &ours).is_none()) {
            let me = self.me(token).await?;
            ours.ids.extend(me.app_scoped_id);
            ours.username = me.username;
        }
        let mut threads = Vec::new();
        for conversation in thread::data(&listed) {
            let Some(mut thread) = thread::thread(conversation, &ours) else { continue };
            thread.messages = match thread::messages(conversation, &thread.shopper) {
                Some(messages) => messages,
                None => {
                    tokio::time::sleep(READ_PAUSE).await;
                    self.messages(&thread.id, token, &thread.shopper).await?
                }
            };
            threads.push(thread);
        }
        Ok(threads)
    }

    async fn list_threads(&self, account: &AccountId, token: &SecretString, limit: usize) -> Result<Value, ReadError> {
        let mut limit = limit.max(1);
        let mut halvings = 0;
        let fields = format!("id,updated_time,participants,messages.limit({READABLE_MESSAGES}){{{MESSAGE_FIELDS}}}");
        loop {
            let wanted = limit.to_string();
            let query = [("platform", "instagram"), ("fields", fields.as_str()), ("limit", wanted.as_str())];
            match self.read(Method::GET, self.url(&[&account.0, "conversations"], &query), token).await {
                // "Reduce the amount of data" comes as code 1 or HTTP 500, and only its words tell.
                Err(ReadError::Unreachable { .. }) if limit > 1 && halvings < HALVINGS_MAX => {
                    limit = limit.div_ceil(2);
                    halvings += 1;
                    tokio::time::sleep(READ_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    async fn messages(
        &self,
        conversation: &str,
        token: &SecretString,
        shopper: &ShopperId,
    ) -> Result<Vec<ThreadMessage>, ReadError> {
        let fields = format!("messages{{{MESSAGE_FIELDS}}}");
        let answer = self.read(Method::GET, self.url(&[conversation], &[("fields", &fields)]), token).await?;
        thread::messages(&answer, shopper).ok_or(ReadError::NoThread)
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("`new` has pushed a segment already").extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn post_message(&self, account: &AccountId, token: &SecretString, body: &Value) -> Result<Answer, Broken> {
        let url = self.url(&[&account.0, "messages"], &[]);
        self.call(self.client.request(Method::POST, self.proven(url, token)).json(body), token).await
    }

    async fn read(&self, method: Method, url: Url, token: &SecretString) -> Result<Value, ReadError> {
        self.call(self.client.request(method, self.proven(url, token)), token).await?.value()
    }

    fn proven(&self, mut url: Url, token: &SecretString) -> Url {
        if let Some(secret) = &self.app_secret {
            let proof = app_secret_proof(token.expose_secret(), secret.expose_secret());
            url.query_pairs_mut().append_pair("appsecret_proof", &proof);
        }
        url
    }

    async fn call(&self, request: RequestBuilder, token: &SecretString) -> Result<Answer, Broken> {
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut bearer = header::HeaderValue::try_from(bearer).map_err(|_| Broken::Token)?;
        bearer.set_sensitive(true);
        let request = request.header(header::AUTHORIZATION, bearer).timeout(self.deadline);
        let mut response = request.send().await.map_err(|error| Broken::of(&error))?;
        let (status, wait_ms) = (response.status(), wait_ms(response.headers()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Broken::unclear(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Broken::Unclear("the answer is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, wait_ms, body: json::parse(&body).ok() })
    }
}

/// A call that brought no answer.
enum Broken {
    /// Not even tried: the token cannot be put in a header.
    Token,
    /// Certainly nothing was sent.
    Before(String),
    /// The other side may have had it all.
    Unclear(String),
}

impl Broken {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_connect() || error.is_builder() {
            Self::Before(format!("could not connect: {}", root_cause(error)))
        } else {
            Self::unclear(error)
        }
    }

    fn unclear(error: &reqwest::Error) -> Self {
        let what = if error.is_timeout() { "no answer in time" } else { "the connection broke" };
        Self::Unclear(format!("{what}: {}", root_cause(error)))
    }
}

impl From<Broken> for ReadError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Token => Self::Refused {
                scope: RefusalScope::Login,
                reason: "the access token holds characters that no token has".to_owned(),
            },
            Broken::Before(reason) | Broken::Unclear(reason) => Self::Unreachable { reason },
        }
    }
}

/// The innermost cause: it names what failed ("connection refused") and, unlike the outermost, no address.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "no further cause".to_owned(), ToString::to_string)
}

/// An answer, whatever it says.
struct Answer {
    status: StatusCode,
    /// How long the headers ask us to wait.
    wait_ms: Option<i64>,
    /// `None` if it is not JSON.
    body: Option<Value>,
}

impl Answer {
    /// What it says about a message being sent. A 5xx proves nothing, whatever its body claims.
    fn send_outcome(&self) -> SendOutcome {
        let error = self.body.as_ref().and_then(GraphError::read);
        if self.status.is_server_error() {
            return SendOutcome::Ambiguous { reason: self.bare_reason(error.as_ref()) };
        }
        match (error, self.body.as_ref()) {
            (Some(error), _) => error.send_outcome(self.wait_ms),
            (None, _) if self.status == StatusCode::TOO_MANY_REQUESTS => {
                SendOutcome::NotSent { reason: self.bare_reason(None), retry_after_ms: self.wait_ms }
            }
            (None, Some(body)) if self.status.is_success() => match json::id(&body["message_id"]) {
                Some(mid) => SendOutcome::Sent { mid },
                None => SendOutcome::Ambiguous { reason: "accepted without a message id".to_owned() },
            },
            _ => SendOutcome::Ambiguous { reason: self.bare_reason(None) },
        }
    }

    /// What it brings, for any other call.
    fn value(self) -> Result<Value, ReadError> {
        let error = self.body.as_ref().and_then(GraphError::read);
        if self.status.is_server_error() {
            return Err(ReadError::Unreachable { reason: self.bare_reason(error.as_ref()) });
        }
        match (error, self.body) {
            (Some(error), _) => Err(error.read_error(self.wait_ms)),
            (None, Some(body)) if self.status.is_success() => Ok(body),
            (None, None) if self.status.is_success() => Err(ReadError::Unreadable { reason: "the answer is not JSON" }),
            _ if self.status == StatusCode::TOO_MANY_REQUESTS => Err(ReadError::Limited {
                reason: format!("HTTP {}", self.status.as_u16()),
                retry_after_ms: self.wait_ms,
            }),
            _ => Err(ReadError::Unreachable { reason: format!("HTTP {}", self.status.as_u16()) }),
        }
    }

    fn bare_reason(&self, error: Option<&GraphError>) -> String {
        match error {
            Some(error) => format!("HTTP {}, {}", self.status.as_u16(), error.reason()),
            None => format!("HTTP {}", self.status.as_u16()),
        }
    }
}

/// What an answer means, to whatever asked for it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Interpreted {
    /// To a send.
    pub sent: SendOutcome,
    /// To any other call.
    pub read: Result<(), ReadError>,
    /// To a list of threads.
    pub threads: Vec<Thread>,
}

/// The way from an answer's bytes to its meaning without a server between, for `fuzz/`. `None` where these cannot be an
/// answer's status and headers.
#[doc(hidden)]
#[must_use]
pub fn interpret(status: u16, headers: &[(&str, &str)], body: &[u8], ours: &AccountId) -> Option<Interpreted> {
    let status = StatusCode::from_u16(status).ok()?;
    let header = |(name, value): &(&str, &str)| {
        Some((header::HeaderName::try_from(*name).ok()?, header::HeaderValue::try_from(*value).ok()?))
    };
    let wait_ms = wait_ms(&headers.iter().map(header).collect::<Option<_>>()?);
    let answer = Answer { status, wait_ms, body: json::parse(body).ok() };
    let sent = answer.send_outcome();
    let ours = Names { ids: vec![ours.0.clone()], username: None };
    let thread = |listed: &Value| {
        let thread = thread::thread(listed, &ours)?;
        Some(Thread { messages: thread::messages(listed, &thread.shopper).unwrap_or_default(), ..thread })
    };
    let value = answer.value();
    let threads = value.iter().flat_map(thread::data).filter_map(thread).collect();
    Some(Interpreted { sent, read: value.map(drop), threads })
}

/// How long the headers ask us to wait: Meta's usage header in minutes, or the usual one in seconds.
fn wait_ms(headers: &header::HeaderMap) -> Option<i64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let usage: Option<Value> = text("x-business-use-case-usage").and_then(|usage| serde_json::from_str(usage).ok());
    let entries = usage.iter().filter_map(Value::as_object).flat_map(|usage| usage.values()).flat_map(thread::data);
    let minutes = entries.filter_map(|entry| integer(&entry["estimated_time_to_regain_access"])).max();
    let from_usage = minutes.filter(|minutes| *minutes > 0).map(|minutes| minutes.saturating_mul(60_000));
    let from_retry =
        || text("retry-after")?.trim().parse::<i64>().ok().filter(|s| *s >= 0).map(|s| s.saturating_mul(1_000));
    from_usage.or_else(from_retry).map(|ms| ms.min(WAIT_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).expect("a test gives a real status");
        Answer { status, wait_ms: Some(7), body: json::parse(body.as_bytes()).ok() }
    }

    #[test]
    fn only_a_message_id_proves_that_a_message_was_sent() {
        let outcome = |status, body| answer(status, body).send_outcome();
        assert_eq!(outcome(200, r#"{"message_id":"m1"}"#), SendOutcome::Sent { mid: "m1".into() });
        for (status, body) in [
            (200, r#"{"recipient_id":"1"}"#),
            (200, "<html>"),
            (200, ""),
            (302, ""),
            (400, "<html>"),
            (404, "{}"),
            (500, r#"{"error":{"code":190}}"#),
            (503, ""),
            (429, r#"{"error":{"code":1,"error_subcode":1357046}}"#),
        ] {
            assert!(matches!(outcome(status, body), SendOutcome::Ambiguous { .. }), "{status} {body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_at_all_makes_a_message_sent_but_a_2xx_with_its_id(
            status in 100_u16..600,
            body in r#"(\{|\}|\[|"error"|"code"|"message_id"|"m"|:|,|[0-9]{1,22}|-|null|true|[a-z ]){0,30}"#,
        ) {
            let outcome = answer(status, &body).send_outcome();
            let sent = matches!(outcome, SendOutcome::Sent { .. });
            proptest::prop_assert!(!sent || ((200..300).contains(&status) && body.contains("message_id")));
            drop(answer(status, &body).value());
        }
    }

    #[test]
    fn a_throttle_was_not_sent_and_says_how_long_to_wait() {
        for (status, body) in
            [(429, ""), (429, "{}"), (403, r#"{"error":{"code":80002}}"#), (200, r#"{"error":{"code":4}}"#)]
        {
            let outcome = answer(status, body).send_outcome();
            assert!(matches!(outcome, SendOutcome::NotSent { retry_after_ms: Some(7), .. }), "{status} {body}");
        }
    }

    #[test]
    fn the_usage_header_is_in_minutes_and_wins_over_retry_after() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)))
                .collect()
        };
        let usage = r#"{"178":[{"type":"instagram","estimated_time_to_regain_access":3},{"type":"messenger"}]}"#;
        assert_eq!(wait_ms(&headers(&[("x-business-use-case-usage", usage), ("retry-after", "9")])), Some(180_000));
        assert_eq!(wait_ms(&headers(&[("retry-after", "9")])), Some(9_000));
        assert_eq!(wait_ms(&headers(&[("retry-after", "9999999999")])), Some(WAIT_MS_MAX));
        assert_eq!(wait_ms(&headers(&[("x-business-use-case-usage", "[1]"), ("retry-after", "soon")])), None);
    }

    #[test]
    fn a_base_address_or_version_that_is_none_is_refused() {
        for base in ["", "graph.instagram.com", "ftp://x.example", "data:text/plain,x"] {
            assert!(matches!(Graph::new(base, "v26.0", None), Err(InvalidGraph::BaseUrl(_))), "{base}");
        }
        for version in ["", "26.0", "v", "v26/../me"] {
            assert!(
                matches!(Graph::new("https://x.example", version, None), Err(InvalidGraph::Version(_))),
                "{version}"
            );
        }
    }

    #[test]
    fn ids_cannot_leave_their_place_in_the_path() {
        let graph = Graph::new("https://x.example/", "v26.0", None).expect("both are valid");
        let url = graph.url(&["../me?x=1#", "messages"], &[("q", "a&b")]);
        assert_eq!(url.as_str(), "https://x.example/v26.0/..%2Fme%3Fx=1%23/messages?q=a%26b");
    }

    #[tokio::test]
    async fn a_token_that_is_no_header_value_is_a_login_problem_and_never_shown() {
        let graph = Graph::new("http://127.0.0.1:9", "v26.0", None).expect("both are valid");
        let token = SecretString::from("to\nken");
        let (account, shopper) = (AccountId("1".into()), ShopperId("2".into()));
        let outcome = graph.send_text(&account, &token, &shopper, "hi", None).await;
        assert!(matches!(&outcome, SendOutcome::Refused { scope: RefusalScope::Login, .. }));
        assert!(!format!("{outcome:?}{graph:?}").contains("ken\""));
    }

    #[tokio::test]
    async fn a_text_that_is_too_long_never_leaves() {
        let graph = Graph::new("http://127.0.0.1:9", "v26.0", None).expect("both are valid");
        let (account, shopper) = (AccountId("1".into()), ShopperId("2".into()));
        let text = "ä".repeat(501);
        let outcome = graph.send_text(&account, &SecretString::from("t"), &shopper, &text, None).await;
        assert!(matches!(outcome, SendOutcome::Refused { scope: RefusalScope::Request, .. }));
    }
}
