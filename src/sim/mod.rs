//! A simulated Instagram on a loopback port: accounts, shoppers, webhooks, the Graph API, planned faults, and the truth
//! about what every shopper saw. For `aura demo`, `aura trigger` and tests; it shares no state with the Aura it talks
//! to, so it survives that one's restarts.

mod clock;
pub mod drafts;
mod fault;
mod hook;
mod mail;
mod model;
pub mod payload;
mod readback;
mod server;
mod shopper;
#[cfg(test)]
mod tests;
mod webhook;
mod world;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot, watch},
    task::AbortHandle,
};

use crate::{
    domain::{Clock, Timestamp},
    net,
};
pub use clock::ManualClock;
pub use fault::{Call, CallKind, Fault};
use fault::{Plan, Rule};
pub use hook::{Hook, HookAnswer, Received};
pub use mail::{Mail, MailServer};
pub use model::{Asked, Play, ScriptedModel};
pub use shopper::Shopper;
pub use webhook::{Deliveries, Echoes, Order};
use webhook::{Event, Queue, What};
use world::digits;
pub use world::{Account, By, Delivery, Read, Seen, Send, Shown, Thread, Verdict, World};

/// The app id in echoes of what is sent through the API.
const APP_ID: &str = "2200000000000001";

/// A running simulator. Clones are handles on the same one; it stops with the last.
#[derive(Clone, Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    _running: Arc<Running>,
}

/// The tasks; ended with the last handle.
#[derive(Debug)]
struct Running(Vec<AbortHandle>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// What the handles, the server and the deliverer share.
#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    app_secret: String,
    url: String,
    client: reqwest::Client,
    state: Mutex<State>,
    /// Wakes the deliverer.
    wake: Notify,
    /// Wakes whoever waits for a condition.
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    world: World,
    queue: Queue,
    plan: Plan,
    echoes: Echoes,
    echo_app_id: Option<String>,
    readback_lag_ms: i64,
    threads_hidden: bool,
    lists_without_messages: bool,
    ids_app_scoped: bool,
    webhooks_to_lose: usize,
    made: u64,
    started_at: Timestamp,
}

/// The simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port.
    #[error("could not open a loopback port for the simulated Instagram")]
    Port(#[source] io::Error),
    /// No client.
    #[error(transparent)]
    Client(#[from] net::Error),
}

/// A condition did not come true in time; shows what did happen.
#[derive(Debug, thiserror::Error)]
#[error("not within {deadline:?}; so far: {so_far}")]
pub struct TimedOut {
    deadline: Duration,
    so_far: String,
}

impl Sim {
    /// Starts on a free loopback port. `app_secret` signs the webhooks.
    pub async fn start(clock: Arc<dyn Clock>, app_secret: &str) -> Result<Self, StartError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(StartError::Port)?;
        let address = listener.local_addr().map_err(StartError::Port)?;
        let client = net::fixed_client()?;
        let started_at = clock.now();
        let state = State { echo_app_id: Some(APP_ID.to_owned()), started_at, ..State::default() };
        let shared = Arc::new(Shared {
            clock,
            app_secret: app_secret.to_owned(),
            url: format!("http://{address}"),
            client,
            state: Mutex::new(state),
            wake: Notify::new(),
            version: watch::Sender::new(0),
        });
        let server = tokio::spawn(server::serve(Arc::clone(&shared), listener));
        let deliverer = tokio::spawn(webhook::deliver(Arc::clone(&shared)));
        Ok(Self { shared, _running: Arc::new(Running(vec![server.abort_handle(), deliverer.abort_handle()])) })
    }

    /// What `meta.graph_url` must be: without a version, which may be any.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    // The shop's side.

    /// Adds an account with a token; its webhooks are on.
    pub fn account(&self, id: &str, username: &str, token: &str) {
        let account = Account {
            id: id.to_owned(),
            app_scoped_id: format!("2{}", digits(&["app", id], 15)),
            username: username.to_owned(),
            token: token.to_owned(),
            subscribed: true,
            subscriptions: 0,
        };
        self.change(|state| state.world.accounts.insert(id.to_owned(), account));
    }

    /// Gives an account another token: the old one fails with 190 from now on.
    pub fn replace_token(&self, account: &str, token: &str) {
        self.change(|state| {
            if let Some(account) = state.world.accounts.get_mut(account) {
                account.token = token.to_owned();
            }
        });
    }

    /// Turns an account's webhooks off until `subscribed_apps` is called: what happens meanwhile is never reported.
    pub fn unsubscribe(&self, account: &str) {
        self.change(|state| {
            if let Some(account) = state.world.accounts.get_mut(account) {
                account.subscribed = false;
            }
        });
    }

    /// A person of the shop answers in the Instagram app. Returns the message's id; the echo names no app.
    pub fn person_writes(&self, account: &str, shopper: &str, text: &str) -> String {
        self.writes_as(account, shopper, text, By::Person, None)
    }

    /// Another tool of the shop answers.
    pub fn tool_writes(&self, account: &str, shopper: &str, text: &str, app_id: &str) -> String {
        self.writes_as(account, shopper, text, By::OtherTool, Some(app_id))
    }

    fn writes_as(&self, account: &str, shopper: &str, text: &str, by: By, app_id: Option<&str>) -> String {
        self.change(|state| {
            let at = self.shared.clock.now();
            let mid = state.next_mid();
            let thread = state.world.thread(account, shopper);
            thread.messages.push(Seen {
                mid: mid.clone(),
                account: account.to_owned(),
                by,
                text: Some(text.to_owned()),
                media: Vec::new(),
                at,
                unsent: false,
            });
            let of = payload::Of { account, shopper: &thread.shopper.clone(), at };
            let item = payload::echo(of, &mid, text, app_id);
            state.report(account, What::Item(item));
            mid
        })
    }

    // Shoppers.

    /// The person called `name`.
    #[must_use]
    pub fn shopper(&self, name: &str) -> Shopper {
        Shopper::new(self.clone(), name)
    }

    // Webhooks.

    /// Where webhooks go: the whole address. What is waiting is delivered now.
    pub fn deliver_to(&self, callback_url: &str) {
        self.change(|state| state.queue.callback = Some(callback_url.to_owned()));
    }

    /// Meta's handshake with the callback, before it accepts one: whether the challenge came back unchanged.
    pub async fn handshake(&self, callback_url: &str, verify_token: &str) -> Result<bool, reqwest::Error> {
        const CHALLENGE: &str = "0012345678901234567";
        let query = [("hub.mode", "subscribe"), ("hub.challenge", CHALLENGE), ("hub.verify_token", verify_token)];
        let response = self.shared.client.get(callback_url).query(&query).send().await?;
        Ok(response.status() == 200 && response.text().await? == CHALLENGE)
    }

    /// How webhooks are delivered from now on.
    pub fn deliveries(&self, plan: Deliveries) {
        self.change(|state| state.queue.plan = plan);
    }

    /// Keeps webhooks back until [`Self::release_webhooks`].
    pub fn hold_webhooks(&self) {
        self.change(|state| state.queue.held = true);
    }

    /// Lets the held webhooks go, in this order.
    pub fn release_webhooks(&self, order: Order) {
        self.change(|state| state.queue.release(order));
    }

    /// The next `count` events are never reported.
    pub fn lose_webhooks(&self, count: usize) {
        self.change(|state| state.webhooks_to_lose += count);
    }

    /// Reports an item of your own making (see [`payload`]); the world does not change.
    pub fn report(&self, account: &str, item: Value) {
        self.change(|state| state.report(account, What::Item(item)));
    }

    /// Reports an entry of your own making.
    pub fn report_entry(&self, account: &str, entry: Value) {
        self.change(|state| state.report(account, What::Entry(entry)));
    }

    /// When sends are echoed, from now on.
    pub fn echoes(&self, echoes: Echoes) {
        self.change(|state| state.echoes = echoes);
    }

    /// The app id in echoes of sends; `None`: none. It is not to be relied on, so try both.
    pub fn echo_app_id(&self, app_id: Option<&str>) {
        self.change(|state| state.echo_app_id = app_id.map(str::to_owned));
    }

    /// Reports the echoes held by [`Echoes::Held`].
    pub fn release_echoes(&self) {
        self.change(|state| state.queue.release_echoes());
    }

    // Faults and the API's moods.

    /// The `nth` text message from now on (1: the next) fails like this.
    pub fn fail_send(&self, nth: usize, fault: Fault) {
        self.fail_calls(|call| call.kind == CallKind::Send, nth.saturating_sub(1), 1, fault);
    }

    /// The next `times` text messages that fit fail like this.
    pub fn fail_sends_when(
        &self,
        fits: impl Fn(&Call) -> bool + std::marker::Send + 'static,
        times: usize,
        fault: Fault,
    ) {
        self.fail_calls(move |call| call.kind == CallKind::Send && fits(call), 0, times, fault);
    }

    /// The next `times` calls of the Conversations API fail like this.
    pub fn fail_reads(&self, times: usize, fault: Fault) {
        self.fail_calls(|call| matches!(call.kind, CallKind::Conversations | CallKind::Read), 0, times, fault);
    }

    /// Lets `skip` calls that fit through, then fails `times` of them.
    pub fn fail_calls(
        &self,
        fits: impl Fn(&Call) -> bool + std::marker::Send + 'static,
        skip: usize,
        times: usize,
        fault: Fault,
    ) {
        self.change(|state| state.plan.add(Rule { fits: Box::new(fits), skip, times, fault }));
    }

    /// Forgets all planned faults.
    pub fn clear_faults(&self) {
        self.change(|state| state.plan.clear());
    }

    /// Messages younger than this are not yet in the Conversations API.
    pub fn readback_lag_ms(&self, ms: i64) {
        self.change(|state| state.readback_lag_ms = ms);
    }

    /// Has lists of threads come without their messages, which are then had one thread at a time.
    pub fn list_without_messages(&self, without: bool) {
        self.change(|state| state.lists_without_messages = without);
    }

    /// The Conversations API shows no threads, without an error (as it does when access is missing).
    pub fn hide_threads(&self, hidden: bool) {
        self.change(|state| state.threads_hidden = hidden);
    }

    /// The Conversations API names the account by its app-scoped id.
    pub fn use_app_scoped_ids(&self, yes: bool) {
        self.change(|state| state.ids_app_scoped = yes);
    }

    // The truth.

    /// Everything in the threads of the shopper called `name`.
    #[must_use]
    pub fn seen_by(&self, name: &str) -> Vec<Seen> {
        self.state().world.seen_by(name)
    }

    /// What the bot has said to the shopper called `name`, in order.
    #[must_use]
    pub fn replies_to(&self, name: &str) -> Vec<String> {
        self.state().world.replies_to(name)
    }

    /// What reached shoppers through the API, as `to NAME: TEXT` lines in order.
    #[must_use]
    pub fn sent(&self) -> String {
        self.state().world.sent()
    }

    /// A copy of everything that has happened.
    #[must_use]
    pub fn world(&self) -> World {
        let mut state = self.state();
        state.world.webhooks_waiting = state.queue.waiting();
        state.world.clone()
    }

    /// Waits until `holds` is true of the world. Nothing is polled: it is asked again whenever something happened.
    pub async fn until(&self, holds: impl Fn(&World) -> bool, deadline: Duration) -> Result<(), TimedOut> {
        let mut version = self.shared.version.subscribe();
        let wait = async {
            loop {
                version.mark_unchanged();
                let holds = {
                    let mut state = self.state();
                    state.world.webhooks_waiting = state.queue.waiting();
                    holds(&state.world)
                };
                // The sender lives as long as `self`, so `changed` cannot fail.
                if holds || version.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(deadline, wait).await.map_err(|_| TimedOut { deadline, so_far: self.summary() })
    }

    /// Waits until every reported event was answered with 200 or given up.
    pub async fn until_delivered(&self, deadline: Duration) -> Result<(), TimedOut> {
        self.until(|world| world.webhooks_waiting == 0, deadline).await
    }

    /// Waits until the bot has said `count` things to the shopper called `name`.
    pub async fn until_replies(&self, name: &str, count: usize, deadline: Duration) -> Result<(), TimedOut> {
        self.until(|world| world.replies_to(name).len() >= count, deadline).await
    }

    fn summary(&self) -> String {
        let world = self.world();
        let verdicts: Vec<&Verdict> = world.sends.iter().map(|send| &send.verdict).collect();
        let statuses: Vec<Option<u16>> = world.deliveries.iter().map(|delivery| delivery.status).collect();
        format!(
            "sends {verdicts:?}, webhook answers {statuses:?}, {} webhooks waiting, {} reads, sent:\n{}",
            world.webhooks_waiting,
            world.reads.len(),
            world.sent()
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.shared.change(change)
    }
}

impl Shared {
    /// Changes the state and wakes everyone who may care.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
        self.changed();
        outcome
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

impl State {
    /// A message id that no other simulator gives.
    fn next_mid(&mut self) -> String {
        self.made += 1;
        format!("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE{:x}Z{:06}", self.started_at.0, self.made)
    }

    /// Reports an event of an account, unless its webhooks are off or the event is to be lost.
    fn report(&mut self, account: &str, what: What) {
        if self.is_reported(account) {
            self.queue.push(Event { account: account.to_owned(), what, tried: None });
        }
    }

    fn is_reported(&mut self, account: &str) -> bool {
        let subscribed = self.world.accounts.get(account).is_none_or(|account| account.subscribed);
        if !subscribed || self.webhooks_to_lose > 0 {
            self.webhooks_to_lose = self.webhooks_to_lose.saturating_sub(usize::from(subscribed));
            self.world.webhooks_lost += 1;
            return false;
        }
        true
    }

    /// Reports a send of the API as the echo plan says; gives what to wait for before answering, if anything.
    fn echo(&mut self, account: &str, item: Value) -> Option<oneshot::Receiver<()>> {
        if self.echoes == Echoes::Never || !self.is_reported(account) {
            return None;
        }
        let event = |tried| Event { account: account.to_owned(), what: What::Item(item.clone()), tried };
        match self.echoes {
            Echoes::Never => {}
            Echoes::Prompt => self.queue.push(event(None)),
            Echoes::Twice => {
                self.queue.push(event(None));
                self.queue.push(event(None));
            }
            Echoes::Late(delay) => self.queue.push_late(event(None), delay),
            Echoes::Held => self.queue.hold_echo(event(None)),
            Echoes::BeforeAnswer => {
                let (tried, first_attempt) = oneshot::channel();
                self.queue.push(event(Some(tried)));
                return self.queue.flows().then_some(first_attempt);
            }
        }
        None
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shopper => "shopper",
            Self::Bot => "bot",
            Self::Person => "person",
            Self::OtherTool => "other tool",
        })
    }
}
