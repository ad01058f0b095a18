//! Delivers the simulated Instagram's webhooks: signed, one request after another unless asked otherwise, again until a
//! 200.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::oneshot, task::JoinSet, time::Instant};

use super::{Shared, payload, world::Delivery};
use crate::{channel::instagram::signature, domain::Timestamp};

/// Meta waits 5 s for the answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// How webhooks are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliveries {
    /// How often each request is made, even if the first was answered with 200.
    pub copies: u32,
    /// At most so many waiting events go into one request.
    pub batch: usize,
    /// So many requests may be under way at once; with more than one, order is not kept.
    pub parallel: usize,
    /// A pause before each request.
    pub delay: Duration,
    /// How long until a request without a 200 is made again.
    pub retry_delay: Duration,
    /// So many attempts, then it is given up.
    pub attempts_max: u32,
}

impl Default for Deliveries {
    fn default() -> Self {
        let (delay, retry_delay) = (Duration::ZERO, Duration::from_millis(100));
        Self { copies: 1, batch: 1, parallel: 1, delay, retry_delay, attempts_max: 600 }
    }
}

/// The order in which held webhooks go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they happened.
    AsHappened,
    /// The newest first.
    Reversed,
    /// Mixed up, the same way for the same seed.
    Shuffled(u64),
}

/// When Meta reports what was sent through the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Echoes {
    /// At about the time of the answer.
    #[default]
    Prompt,
    /// Delivered before the answer is given.
    BeforeAnswer,
    /// Prompt, and once more.
    Twice,
    /// So much later.
    Late(Duration),
    /// Kept until `release_echoes`.
    Held,
    /// Not at all.
    Never,
}

/// One thing to report.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) account: String,
    pub(super) what: What,
    /// Told when the first attempt has ended.
    pub(super) tried: Option<oneshot::Sender<()>>,
}

#[derive(Debug)]
pub(super) enum What {
    /// A messaging item.
    Item(Value),
    /// A whole entry.
    Entry(Value),
}

#[derive(Debug)]
struct Post {
    body: Vec<u8>,
    events: usize,
    attempt: u32,
    tried: Vec<oneshot::Sender<()>>,
}

#[derive(Debug)]
enum Later {
    Event(Event),
    Post(Post),
}

/// Everything on its way out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) callback: Option<String>,
    pub(super) plan: Deliveries,
    pub(super) held: bool,
    events: VecDeque<Event>,
    posts: VecDeque<Post>,
    later: Vec<(Instant, Later)>,
    held_echoes: Vec<Event>,
    in_flight: usize,
}

impl Queue {
    pub(super) fn push(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn push_late(&mut self, event: Event, delay: Duration) {
        self.later.push((Instant::now() + delay, Later::Event(event)));
    }

    pub(super) fn hold_echo(&mut self, event: Event) {
        self.held_echoes.push(event);
    }

    pub(super) fn release_echoes(&mut self) {
        self.events.extend(self.held_echoes.drain(..));
    }

    pub(super) fn release(&mut self, order: Order) {
        self.held = false;
        let events = self.events.make_contiguous();
        match order {
            Order::AsHappened => {}
            Order::Reversed => events.reverse(),
            Order::Shuffled(seed) => shuffle(events, seed),
        }
    }

    /// Whether a delivery would begin now.
    pub(super) const fn flows(&self) -> bool {
        !self.held && self.callback.is_some()
    }

    /// What has not reached its end yet; held echoes are not counted.
    pub(super) fn waiting(&self) -> usize {
        self.events.len() + self.posts.len() + self.later.len() + self.in_flight
    }

    /// The next request, if one can be made now.
    fn next(&mut self, now: Instant) -> Option<(String, Post)> {
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|(at, _)| *at <= now);
        self.later = later;
        for (_, later) in due {
            match later {
                Later::Event(event) => self.events.push_back(event),
                Later::Post(post) => self.posts.push_back(post),
            }
        }
        if self.held {
            return None;
        }
        let callback = self.callback.clone()?;
        if self.posts.is_empty() {
            self.batch();
        }
        let post = self.posts.pop_front()?;
        self.in_flight += 1;
        Some((callback, post))
    }

    /// Makes requests of the oldest waiting events: one entry per run of events of one account.
    fn batch(&mut self) {
        let count = self.events.len().min(self.plan.batch.max(1));
        let mut entries: Vec<Value> = Vec::new();
        let mut items: Vec<Value> = Vec::new();
        let mut tried = Vec::new();
        let mut batch = self.events.drain(..count).peekable();
        while let Some(event) = batch.next() {
            tried.extend(event.tried);
            match event.what {
                What::Entry(entry) => entries.push(entry),
                What::Item(item) => {
                    items.push(item);
                    let more = batch.peek().is_some_and(|next| next.account == event.account && next.is_item());
                    if !more {
                        let items = std::mem::take(&mut items);
                        let at = items.first().and_then(|item| item["timestamp"].as_i64()).unwrap_or_default();
                        entries.push(payload::entry(&event.account, Timestamp(at), items));
                    }
                }
            }
        }
        drop(batch);
        if entries.is_empty() {
            return;
        }
        let body = payload::body(&entries);
        for _ in 1..self.plan.copies.max(1) {
            self.posts.push_back(Post { body: body.clone(), events: count, attempt: 1, tried: Vec::new() });
        }
        self.posts.push_front(Post { body, events: count, attempt: 1, tried });
    }

    /// When something delayed is due.
    fn next_due(&self) -> Option<Instant> {
        self.later.iter().map(|(at, _)| *at).min()
    }
}

impl Event {
    const fn is_item(&self) -> bool {
        matches!(self.what, What::Item(_))
    }
}

/// Fisher and Yates, with a multiplicative generator: the same order for the same seed.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let span = u64::try_from(last).expect("a queue has less than 2^64 elements") + 1;
        let other = usize::try_from((state >> 33) % span).expect("it is not beyond the last element");
        items.swap(last, other);
    }
}

/// Delivers until the simulator goes away.
pub(super) async fn deliver(shared: Arc<Shared>) {
    let mut attempts = JoinSet::new();
    loop {
        let (next, due, delay) = {
            let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            let plan = state.queue.plan;
            // Without a free place only an attempt that ends changes anything.
            match attempts.len() < plan.parallel.max(1) {
                true => (state.queue.next(Instant::now()), state.queue.next_due(), plan.delay),
                false => (None, None, plan.delay),
            }
        };
        let Some((callback, post)) = next else {
            tokio::select! {
                () = shared.wake.notified() => {}
                Some(_) = attempts.join_next() => {}
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            continue;
        };
        let shared = Arc::clone(&shared);
        attempts.spawn(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let status = attempt(&shared, &callback, &post.body).await;
            settle(&shared, post, status);
        });
    }
}

async fn attempt(shared: &Shared, callback: &str, body: &[u8]) -> Option<u16> {
    let request = shared
        .client
        .post(callback)
        .timeout(ANSWER_DEADLINE)
        .header("content-type", "application/json")
        .header(signature::SIGNATURE_HEADER, signature::sign(body, shared.app_secret.as_bytes()))
        .body(body.to_vec());
    request.send().await.ok().map(|response| response.status().as_u16())
}

/// Writes down what came of an attempt, and plans the next one where it was no 200.
fn settle(shared: &Shared, mut post: Post, status: Option<u16>) {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    let at = shared.clock.now();
    state.world.deliveries.push(Delivery { events: post.events, attempt: post.attempt, status, at });
    state.queue.in_flight -= 1;
    for tried in post.tried.drain(..) {
        // The send that waited for it may be gone.
        let _ = tried.send(());
    }
    if status != Some(200) {
        if post.attempt < state.queue.plan.attempts_max {
            post.attempt += 1;
            let again = Instant::now() + state.queue.plan.retry_delay;
            state.queue.later.push((again, Later::Post(post)));
        } else {
            state.world.webhooks_given_up += 1;
        }
    }
    drop(state);
    shared.changed();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_every_element_and_repeats_for_its_seed() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..20).collect();
            shuffle(&mut items, seed);
            items
        };
        let mut sorted = shuffled(7);
        assert_ne!(sorted, (0..20).collect::<Vec<_>>());
        assert_eq!(sorted, shuffled(7));
        assert_ne!(sorted, shuffled(8));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
}
