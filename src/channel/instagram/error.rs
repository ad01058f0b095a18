//! What Graph's error codes mean for a message: one table. Wording and HTTP status are not part of it, because messages
//! are localised and the status is not documented.

use serde_json::Value;

use super::json;
use crate::{
    channel::ReadError,
    domain::outbox::{RefusalScope, SendOutcome},
};

/// What an error says about the message, and what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// R: not sent; later, with backoff.
    Retry,
    /// A: may have been sent; find out first.
    Ambiguous,
    /// L: stop the account, ask for login or permission.
    Login,
    /// C: closed for this person or thread.
    Closed,
    /// P: account or app restricted; stop and alert.
    Restricted,
    /// F: the request is wrong; do not repeat it.
    Request,
}

/// Which subcodes a row speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sub {
    /// This one.
    Is(i64),
    /// None given.
    Absent,
    /// Whatever no other row names.
    Any,
}

/// One row of the table.
struct Row(i64, Sub, Class, &'static str);

use Class::{Ambiguous as A, Closed as C, Login as L, Request as F, Restricted as P, Retry as R};
use Sub::{Absent, Any, Is};

/// Meta's documentation of the Messenger and Instagram platforms, and what implementers found. A code that is not here
/// is ambiguous.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Throttles.
    Row(4,       Any,         R, "too many calls by this app"),
    Row(17,      Any,         R, "too many calls by this user"),
    Row(32,      Any,         R, "too many calls for this Page"),
    Row(341,     Any,         R, "application limit reached"),
    Row(613,     Any,         R, "calls to this API have exceeded the rate limit"),
    Row(613,     Is(2018338), R, "warned for bothersome messages to this person"),
    Row(80001,   Any,         R, "too many calls for this Page"),
    Row(80002,   Any,         R, "too many calls for this Instagram account"),
    Row(80006,   Any,         R, "too many messages by this account"),
    Row(2018321, Any,         R, "the thread is in Meta's own automated flow"),
    // Transient: Meta answers 1/1357046 even where everything was sent.
    Row(-1,      Any,         A, "unknown error"),
    Row(1,       Any,         A, "unknown error"),
    Row(1,       Is(1357046), A, "an error although it may have been sent"),
    Row(2,       Any,         A, "temporary failure, or the person has blocked the shop"),
    // Login and permissions.
    Row(1,       Is(99),      L, "unknown error, often a missing permission"),
    Row(190,     Any,         L, "the access token is not valid"),
    Row(190,     Is(458),     L, "the app was removed by the account's owner"),
    Row(190,     Is(459),     L, "the owner has to log in at Meta first (checkpoint)"),
    Row(190,     Is(460),     L, "the password was changed"),
    Row(190,     Is(463),     L, "the access token has expired"),
    Row(190,     Is(464),     L, "the owner's account is not confirmed"),
    Row(190,     Is(467),     L, "the access token was withdrawn"),
    Row(190,     Is(492),     L, "the owner has lost the role on the Page"),
    Row(102,     Any,         L, "the session is not valid"),
    Row(3,       Any,         L, "the app lacks this capability"),
    Row(10,      Absent,      L, "a permission is missing"),
    Row(10,      Is(2534077), L, "the link between Instagram account and Page cannot be confirmed"),
    Row(200,     Absent,      L, "a permission is missing"),
    Row(200,     Is(2018028), L, "a permission or access level is missing"),
    Row(200,     Is(2534041), L, "the owner does not allow connected tools to access messages"),
    Row(200,     Is(2534066), L, "the permission for private replies is missing"),
    Row(230,     Any,         L, "a permission is missing"),
    Row(100,     Is(2534013), L, "the Page is not linked to an Instagram account"),
    Row(36103,   Any,         L, "the account may not use this API"),
    Row(10904,   Any,         L, "the shop's messages are switched off"),
    // This person or thread.
    Row(10,      Is(2534022), C, "outside the allowed window"),
    Row(10,      Is(2018278), C, "outside the allowed window"),
    Row(10,      Is(2018065), C, "outside the allowed window"),
    Row(10,      Is(2018108), C, "the person does not receive messages"),
    Row(10,      Is(2018300), C, "another app controls the thread"),
    Row(2018300, Any,         C, "another app controls the thread"),
    Row(100,     Is(2534037), C, "this app does not own the thread"),
    Row(551,     Any,         C, "the person is not available"),
    Row(200,     Is(1545041), C, "the person is not available"),
    Row(100,     Is(2018001), C, "no such person for this account"),
    Row(100,     Is(2534014), C, "no such person for this account"),
    Row(9010,    Any,         C, "no such person for this account"),
    Row(100,     Is(2534001), C, "the owner has archived or deleted the thread"),
    Row(100,     Is(2534025), C, "the comment cannot be answered privately any more"),
    Row(10900,   Any,         C, "the comment cannot be answered privately any more"),
    Row(10903,   Any,         C, "the commenter is restricted"),
    // Restrictions.
    Row(10,      Is(1893063), P, "messaging is restricted"),
    Row(100,     Is(2534029), P, "messaging is restricted"),
    Row(2534122, Any,         P, "messaging is restricted"),
    Row(368,     Any,         P, "blocked for policy reasons"),
    Row(2022,    Any,         P, "blocked for policy reasons"),
    // The request.
    Row(10,      Any,         F, "refused"),
    Row(200,     Any,         F, "refused"),
    Row(100,     Any,         F, "a parameter is wrong"),
    Row(100,     Is(33),      F, "no such object, or no permission for it"),
    Row(100,     Is(2018008), F, "the media address cannot be fetched"),
    Row(2018008, Any,         F, "the media address cannot be fetched"),
    Row(2018047, Any,         F, "the media type is wrong"),
    Row(2018074, Any,         F, "the attachment belongs to someone else"),
    Row(2018109, Any,         F, "the attachment is too large"),
    Row(2018294, Any,         F, "the video is broken or too slow to fetch"),
    Row(100,     Is(2534015), F, "the message is not valid"),
    Row(100,     Is(2018014), F, "a message and an action in one request"),
    Row(100,     Is(2018320), F, "no such product"),
    Row(100,     Is(2018328), F, "the API version is too old"),
    Row(9000001, Any,         F, "the message is deleted, or older than the 20 that can be read"),
    Row(2500,    Any,         F, "unknown path"),
];

/// Business-use-case throttles: without a header they last about a minute.
const SLOW_THROTTLES: [i64; 3] = [80_001, 80_002, 80_006];
const SLOW_THROTTLE_MS: i64 = 60_000;

/// The longest trace id we repeat; Meta's have about 23 characters.
const TRACE_BYTES_MAX: usize = 64;

/// Graph's error object, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GraphError {
    code: i64,
    subcode: Option<i64>,
    transient: bool,
    trace: Option<String>,
}

impl GraphError {
    /// Reads `{"error":{…}}`; `None` where there is none or it has no code.
    pub(super) fn read(body: &Value) -> Option<Self> {
        let error = &body["error"];
        let plain = |trace: &&str| {
            trace.len() <= TRACE_BYTES_MAX && trace.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-/+=".contains(&b))
        };
        Some(Self {
            code: json::integer(&error["code"])?,
            subcode: json::integer(&error["error_subcode"]).filter(|subcode| *subcode != 0),
            transient: json::is_true(&error["is_transient"]),
            trace: error["fbtrace_id"].as_str().filter(plain).map(str::to_owned),
        })
    }

    /// What it means. A throttle is one even if called transient; anything else called transient proves nothing.
    pub(super) fn class(&self) -> Class {
        match self.row().map(|row| row.2) {
            Some(Class::Retry) => Class::Retry,
            _ if self.transient => Class::Ambiguous,
            Some(class) => class,
            None => Class::Ambiguous,
        }
    }

    fn row(&self) -> Option<&'static Row> {
        let named = self.subcode.map_or(Sub::Absent, Sub::Is);
        let find = |sub| TABLE.iter().find(|row| row.0 == self.code && row.1 == sub);
        find(named).or_else(|| find(Sub::Any))
    }

    /// For events and the log: code, meaning and trace, none of Meta's words.
    pub(super) fn reason(&self) -> String {
        let subcode = self.subcode.map(|subcode| format!("/{subcode}")).unwrap_or_default();
        let meaning = self.row().map_or("a code that Aura does not know", |row| row.3);
        let trace = self.trace.as_ref().map(|trace| format!(" [trace {trace}]")).unwrap_or_default();
        format!("error {}{subcode}: {meaning}{trace}", self.code)
    }

    /// How long to wait where the answer itself does not say.
    fn default_wait_ms(&self) -> Option<i64> {
        SLOW_THROTTLES.contains(&self.code).then_some(SLOW_THROTTLE_MS)
    }

    /// What it means for a message being sent; `wait_ms` is the answer's own hint.
    pub(super) fn send_outcome(&self, wait_ms: Option<i64>) -> SendOutcome {
        let reason = self.reason();
        match self.class() {
            Class::Retry => SendOutcome::NotSent { reason, retry_after_ms: wait_ms.or_else(|| self.default_wait_ms()) },
            Class::Ambiguous => SendOutcome::Ambiguous { reason },
            Class::Login => SendOutcome::Refused { scope: RefusalScope::Login, reason },
            Class::Closed => SendOutcome::Refused { scope: RefusalScope::Thread, reason },
            Class::Restricted => SendOutcome::Refused { scope: RefusalScope::Account, reason },
            Class::Request => SendOutcome::Refused { scope: RefusalScope::Request, reason },
        }
    }

    /// What it means for any other call.
    pub(super) fn read_error(&self, wait_ms: Option<i64>) -> ReadError {
        match self.send_outcome(wait_ms) {
            SendOutcome::NotSent { reason, retry_after_ms } => ReadError::Limited { reason, retry_after_ms },
            SendOutcome::Refused { scope, reason } => ReadError::Refused { scope, reason },
            SendOutcome::Ambiguous { reason } => ReadError::Unreachable { reason },
            SendOutcome::Sent { .. } => ReadError::Unreadable { reason: "an error that is none" },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    fn error(code: i64, subcode: Option<i64>) -> GraphError {
        GraphError { code, subcode, transient: false, trace: None }
    }

    #[test]
    fn no_code_stands_in_the_table_twice() {
        let mut seen = HashSet::new();
        for row in TABLE {
            assert!(seen.insert((row.0, format!("{:?}", row.1))), "{} {:?}", row.0, row.1);
        }
    }

    #[test]
    fn codes_are_classified_by_subcode_first() {
        let cases = [
            (4, None, R),
            (613, Some(2_534_040), R),
            (613, Some(2_018_338), R),
            (80_002, None, R),
            (1, None, A),
            (1, Some(1_357_046), A),
            (2, Some(1_545_133), A),
            (-1, None, A),
            (1, Some(99), L),
            (190, None, L),
            (190, Some(463), L),
            (190, Some(7), L),
            (10, None, L),
            (200, None, L),
            (230, None, L),
            (10, Some(2_534_022), C),
            (551, Some(1_545_041), C),
            (100, Some(2_018_001), C),
            (10_903, Some(1_893_049), C),
            (10_904, Some(1_893_050), L),
            (10, Some(1_893_063), P),
            (368, None, P),
            (2_022, None, P),
            (100, None, F),
            (100, Some(33), F),
            (10, Some(5), F),
            (200, Some(5), F),
            (2_500, None, F),
            (777_777, None, A),
            (777_777, Some(1), A),
        ];
        for (code, subcode, class) in cases {
            assert_eq!(error(code, subcode).class(), class, "{code}/{subcode:?}");
        }
    }

    #[test]
    fn a_transient_error_proves_nothing_but_a_throttle_does() {
        assert_eq!(GraphError { transient: true, ..error(100, None) }.class(), A);
        assert_eq!(GraphError { transient: true, ..error(4, None) }.class(), R);
    }

    #[test]
    fn metas_words_are_never_repeated() {
        let body = json!({"error": {"message": "secret words", "code": "190", "error_subcode": 463,
            "error_user_msg": "more words", "fbtrace_id": "AbC-1_2"}});
        let error = GraphError::read(&body).expect("it has a code");
        assert_eq!(error.reason(), "error 190/463: the access token has expired [trace AbC-1_2]");
        let body = json!({"error": {"code": 1, "fbtrace_id": "bad trace\n"}});
        assert_eq!(GraphError::read(&body).expect("it has a code").reason(), "error 1: unknown error");
    }

    #[test]
    fn a_body_without_a_code_is_no_graph_error() {
        for body in [json!({}), json!([]), json!(null), json!({"error": "text"}), json!({"error": {"message": "m"}})] {
            assert_eq!(GraphError::read(&body), None);
        }
    }

    #[test]
    fn a_business_throttle_without_a_header_waits_a_minute() {
        let waits = |code, header| match error(code, None).send_outcome(header) {
            SendOutcome::NotSent { retry_after_ms, .. } => retry_after_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!(waits(80_002, None), Some(60_000));
        assert_eq!(waits(80_002, Some(5)), Some(5));
        assert_eq!(waits(4, None), None);
    }
}
