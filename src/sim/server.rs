//! The simulated Graph API: the calls that Aura makes, under any `/vXX.X/`, with Meta's rules and the planned faults.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Future, pending},
    io,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State as Ours},
    http::{HeaderMap, Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use tower::ServiceExt;

use super::{
    Shared, State,
    fault::{Call, CallKind, Fault},
    payload::{self, Of},
    readback::{conversations, object},
    world::{By, Read, Seen, Send, Shown, Verdict},
};
use crate::{channel::instagram::signature::app_secret_proof, domain::channel::ChannelRules};

/// How long a send waits for its early echo to be delivered.
const EARLY_ECHO_DEADLINE: Duration = Duration::from_secs(5);

/// What a refused call says: HTTP 400 with this code and subcode.
pub(super) struct Refusal(i64, Option<i64>);

const BAD_TOKEN: Refusal = Refusal(190, None);
pub(super) const NO_OBJECT: Refusal = Refusal(100, Some(33));
const BAD_PARAMETER: Refusal = Refusal(100, None);
const BAD_MESSAGE: Refusal = Refusal(100, Some(2_534_015));
const NO_SUCH_PERSON: Refusal = Refusal(100, Some(2_018_001));
const OUTSIDE_WINDOW: Refusal = Refusal(10, Some(2_534_022));
const PERSON_UNAVAILABLE: Refusal = Refusal(551, Some(1_545_041));
const NO_CONSENT: Refusal = Refusal(230, None);
pub(super) const UNREADABLE_MESSAGE: Refusal = Refusal(9_000_001, None);
const UNKNOWN_PATH: Refusal = Refusal(2_500, None);

/// Marks an answer that is never given: the connection ends instead.
#[derive(Clone, Copy)]
struct Cut;

/// Answers until the simulator goes away; its connections end with it.
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let router = Router::new().fallback(answer).with_state(shared);
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let router = router.clone();
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request| uncut(router.clone(), request));
            // A connection that breaks is the client's business, or was planned.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
        while connections.try_join_next().is_some() {}
    }
}

type Answering = Pin<Box<dyn Future<Output = io::Result<Response>> + std::marker::Send>>;

/// Ends the connection where the answer is marked [`Cut`].
fn uncut(router: Router, request: Request<hyper::body::Incoming>) -> Answering {
    Box::pin(async move {
        let answered: Result<Response, Infallible> = router.oneshot(request.map(Body::new)).await;
        let response = match answered {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match response.extensions().get::<Cut>() {
            Some(Cut) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            None => Ok(response),
        }
    })
}

pub(super) type Params = BTreeMap<String, String>;

async fn answer(
    Ours(shared): Ours<Arc<Shared>>,
    method: Method,
    uri: Uri,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(path) = path(&uri) else { return UNKNOWN_PATH.into_response() };
    let Some(account) = authenticate(&shared, &params, &headers) else { return BAD_TOKEN.into_response() };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let own = |id: &str| id == "me" || id == account;
    match (method.as_str(), path.as_slice()) {
        ("GET", [id]) if own(id) => read(&shared, CallKind::Me, &account, None, |state| Ok(me(state, &account))).await,
        ("POST", [id, "messages"]) if own(id) => messages(&shared, &account, &body).await,
        ("GET", [id, "conversations"]) if own(id) => {
            let shopper = params.get("user_id").cloned();
            let now = shared.clock.now();
            let list = |state: &mut State| Ok(conversations(state, &account, &params, now));
            read(&shared, CallKind::Conversations, &account, shopper, list).await
        }
        (method @ ("GET" | "POST" | "DELETE"), [id, "subscribed_apps"]) if own(id) => {
            let change = |state: &mut State| Ok(subscription(state, &account, method));
            read(&shared, CallKind::Subscription, &account, None, change).await
        }
        ("GET", [id]) if is_shopper(&shared, &account, id) => {
            let profile = |state: &mut State| profile(state, &account, id);
            read(&shared, CallKind::Profile, &account, Some((*id).to_owned()), profile).await
        }
        ("GET", [id]) => {
            let now = shared.clock.now();
            let find = |state: &mut State| object(state, &account, id, &params, now);
            read(&shared, CallKind::Read, &account, None, find).await
        }
        _ => NO_OBJECT.into_response(),
    }
}

/// The path behind the version.
fn path(uri: &Uri) -> Option<Vec<String>> {
    let segments: Vec<String> = uri.path().split('/').skip(1).map(decoded).collect();
    let (version, path) = segments.split_first()?;
    is_version(version).then(|| path.to_vec())
}

/// Whose token it is.
fn authenticate(shared: &Shared, params: &Params, headers: &HeaderMap) -> Option<String> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = bearer.or_else(|| params.get("access_token").map(String::as_str))?;
    let proven =
        params.get("appsecret_proof").is_none_or(|proof| *proof == app_secret_proof(token, &shared.app_secret));
    shared.change(|state| {
        state.world.tokens_in_urls += usize::from(params.contains_key("access_token"));
        let owner = state.world.accounts.values().find(|account| account.token == token && proven);
        owner.map(|account| account.id.clone())
    })
}

fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or_default();
    digits.split_once('.').is_some_and(|(major, minor)| major.parse::<u16>().is_ok() && minor.parse::<u16>().is_ok())
}

/// Ids may hold characters that a path has to escape.
fn decoded(segment: &str) -> String {
    let plus_kept = segment.replace('+', "%2B");
    url::form_urlencoded::parse(plus_kept.as_bytes()).map(|(key, _)| key.into_owned()).next().unwrap_or_default()
}

/// A call that sends nothing: counted, perhaps struck by a fault, else answered from the state.
async fn read(
    shared: &Shared,
    kind: CallKind,
    account: &str,
    shopper: Option<String>,
    answer: impl FnOnce(&mut State) -> Result<Value, Refusal>,
) -> Response {
    let call = Call { kind, account: account.to_owned(), shopper, text: None };
    let at = shared.clock.now();
    let answer = shared.change(|state| {
        if matches!(kind, CallKind::Conversations | CallKind::Read) {
            state.world.reads.push(Read { account: account.to_owned(), at });
        }
        match state.plan.strike(&call) {
            Some(fault) => Err(fault),
            None => Ok(answer(state)),
        }
    });
    match answer {
        Ok(Ok(value)) => axum::Json(value).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(fault) => fail(fault, account).await,
    }
}

fn me(state: &State, account: &str) -> Value {
    let account = &state.world.accounts[account];
    json!({"id": account.app_scoped_id, "user_id": account.id, "username": account.username})
}

fn is_shopper(shared: &Shared, account: &str, id: &str) -> bool {
    shared.change(|state| state.world.threads.contains_key(&(account.to_owned(), id.to_owned())))
}

/// The profile of a shopper who has written; of anybody else Meta tells nothing (230, no consent).
fn profile(state: &mut State, account: &str, id: &str) -> Result<Value, Refusal> {
    let thread = state.world.threads.get(&(account.to_owned(), id.to_owned()));
    match thread.filter(|thread| thread.last_shopper_at.is_some() && !thread.blocked) {
        Some(thread) => Ok(json!({"username": thread.name, "id": id})),
        None => Err(NO_CONSENT),
    }
}

fn subscription(state: &mut State, account: &str, method: &str) -> Value {
    let Some(account) = state.world.accounts.get_mut(account) else { return json!({"data": []}) };
    match method {
        "GET" if account.subscribed => return json!({"data": [{"id": super::APP_ID, "name": "simulated app"}]}),
        "GET" => return json!({"data": []}),
        "DELETE" => account.subscribed = false,
        _ => {
            account.subscribed = true;
            account.subscriptions += 1;
        }
    }
    json!({"success": true})
}

/// `POST /{account}/messages`: a text, or an action.
async fn messages(shared: &Shared, account: &str, body: &[u8]) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return BAD_PARAMETER.into_response() };
    let Some(shopper) = body["recipient"]["id"].as_str().map(str::to_owned) else {
        return BAD_PARAMETER.into_response();
    };
    match (body["sender_action"].as_str(), body["message"]["text"].as_str()) {
        (Some(action), None) => show(shared, account, shopper, action).await,
        (None, Some(text)) => {
            let tag = body["tag"].as_str();
            send(shared, account, shopper, text, tag).await
        }
        (Some(_), Some(_)) => Refusal(100, Some(2_018_014)).into_response(),
        (None, None) => BAD_MESSAGE.into_response(),
    }
}

async fn show(shared: &Shared, account: &str, shopper: String, action: &str) -> Response {
    let at = shared.clock.now();
    let call = Call { kind: CallKind::Action, account: account.to_owned(), shopper: Some(shopper.clone()), text: None };
    let fault = shared.change(|state| {
        let fault = state.plan.strike(&call);
        if fault.is_none_or(Fault::delivers) {
            let (account, shopper) = (account.to_owned(), shopper.clone());
            state.world.actions.push(Shown { account, shopper, action: action.to_owned(), at });
        }
        fault
    });
    match fault {
        Some(fault) => fail(fault, account).await,
        None => axum::Json(json!({"recipient_id": shopper})).into_response(),
    }
}

async fn send(shared: &Shared, account: &str, shopper: String, text: &str, tag: Option<&str>) -> Response {
    let at = shared.clock.now();
    let mut send = Send {
        account: account.to_owned(),
        shopper: shopper.clone(),
        text: text.to_owned(),
        tag: tag.map(str::to_owned),
        at,
        verdict: Verdict::Accepted,
        mid: None,
    };
    let call = Call {
        kind: CallKind::Send,
        account: account.to_owned(),
        shopper: Some(shopper.clone()),
        text: Some(text.to_owned()),
    };
    let (send, early_echo) = shared.change(|state| {
        let fault = state.plan.strike(&call);
        let refusal = may_send(state, &send);
        send.verdict = match (fault, refusal) {
            (Some(fault), _) => Verdict::Faulted(fault),
            (None, Some(Refusal(code, subcode))) => Verdict::Refused(code, subcode),
            (None, None) => Verdict::Accepted,
        };
        let mut early_echo = None;
        if may_send(state, &send).is_none() && fault.is_none_or(Fault::delivers) {
            let mid = state.next_mid();
            early_echo = deliver(state, &send, &mid);
            send.mid = Some(mid);
        }
        state.world.sends.push(send.clone());
        (send, early_echo)
    });
    if let Some(delivered) = early_echo {
        // Told or given up: either way the answer may go.
        drop(tokio::time::timeout(EARLY_ECHO_DEADLINE, delivered).await);
    }
    match send.verdict {
        Verdict::Accepted => axum::Json(json!({"recipient_id": shopper, "message_id": send.mid})).into_response(),
        Verdict::Refused(code, subcode) => Refusal(code, subcode).into_response(),
        Verdict::Faulted(fault) => fail(fault, account).await,
    }
}

/// Meta's rules for one text; `None`: it may go.
fn may_send(state: &State, send: &Send) -> Option<Refusal> {
    let Some(thread) = state.world.threads.get(&(send.account.clone(), send.shopper.clone())) else {
        return Some(NO_SUCH_PERSON);
    };
    let rules = ChannelRules::INSTAGRAM;
    let window_ms = match send.tag.as_deref() {
        None => rules.window_ms,
        Some("HUMAN_AGENT") => rules.human_agent_window_ms,
        Some(_) => return Some(BAD_PARAMETER),
    };
    let age_ms = thread.last_shopper_at.map(|last| send.at.since_ms(last));
    match age_ms {
        _ if send.text.is_empty() || send.text.len() > rules.text_bytes_max => Some(BAD_MESSAGE),
        _ if thread.blocked => Some(PERSON_UNAVAILABLE),
        None => Some(NO_SUCH_PERSON),
        Some(age_ms) if window_ms.is_some_and(|window_ms| age_ms > window_ms) => Some(OUTSIDE_WINDOW),
        Some(_) => None,
    }
}

/// Puts the text into the thread and reports it.
fn deliver(state: &mut State, send: &Send, mid: &str) -> Option<tokio::sync::oneshot::Receiver<()>> {
    let key = (send.account.clone(), send.shopper.clone());
    if let Some(thread) = state.world.threads.get_mut(&key) {
        thread.messages.push(Seen {
            mid: mid.to_owned(),
            account: send.account.clone(),
            by: By::Bot,
            text: Some(send.text.clone()),
            media: Vec::new(),
            at: send.at,
            unsent: false,
        });
    }
    let of = Of { account: &send.account, shopper: &send.shopper, at: send.at };
    let echo = payload::echo(of, mid, &send.text, state.echo_app_id.as_deref());
    state.echo(&send.account, echo)
}

/// Carries out a fault.
async fn fail(fault: Fault, account: &str) -> Response {
    match fault {
        Fault::Graph { code, subcode, .. } => Refusal(code, subcode).into_response(),
        Fault::Http { status, .. } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "<html>Sorry, something went wrong.</html>").into_response()
        }
        Fault::Cut { .. } => {
            let mut response = StatusCode::OK.into_response();
            response.extensions_mut().insert(Cut);
            response
        }
        Fault::Hang { .. } => pending().await,
        Fault::Garbage { .. } => (StatusCode::OK, "<html>OK</html>").into_response(),
        Fault::TooMany { retry_after_s } => {
            let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Fault::Throttled { minutes } => {
            let usage = json!({account: [{"type": "instagram", "call_count": 100, "total_cputime": 9, "total_time": 9,
                "estimated_time_to_regain_access": minutes}]});
            ([("x-business-use-case-usage", usage.to_string())], Refusal(80_002, None)).into_response()
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(code, subcode) = self;
        let mut error = json!({"message": "(simulated) Ein Fehler ist aufgetreten", "type": "OAuthException",
            "code": code, "fbtrace_id": "SimTrace"});
        if let Some(subcode) = subcode {
            error["error_subcode"] = subcode.into();
        }
        (StatusCode::BAD_REQUEST, axum::Json(json!({"error": error}))).into_response()
    }
}
