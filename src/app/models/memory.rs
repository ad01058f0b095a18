//! Has older messages of conversations summarised, after a turn whose answer is durable: no shopper waits for that.
//!
//! What is not made, because the process ends, too many wait or no model answers, is made after a later turn. Until then
//! older messages are left out of prompts, and nothing else changes. A failure is followed by a rest that grows.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::ask::{Asker, Matter};
use crate::{
    agent::memory,
    app::{App, Error},
    domain::{
        ConversationId, MessageId, TenantId, Timestamp, chain, chat::ModelRef, conversation::Memory, model::ModelRole,
        secret::SecretScope,
    },
    store,
};

/// Of what a model can hold, earlier messages take one part in so many at most: the shop's data, the instructions, the tools
/// and the answer need the rest.
const SHARE_OF_CONTEXT: u32 = 4;
/// Conversations that wait for notes, over all tenants; one more waits for its next turn.
const WAITING_MAX: usize = 256;
/// Notes that are taken at the same time, over all tenants: models are there for turns first.
const PARALLEL: usize = 4;
/// How long one call may take: nobody waits for it, and a local model may have to be loaded.
const WITHIN: Duration = Duration::from_secs(60);
/// How long notes under way are waited for when the daemon ends.
const DRAIN: Duration = Duration::from_secs(2);
/// The rest of a conversation after a failure; it doubles with each that follows.
const REST_MS: i64 = 60_000;
/// Doublings at most: four hours.
const DOUBLINGS_MAX: u32 = 8;
/// Conversations whose rest is remembered.
const RESTING_MAX: usize = 4_096;

/// A conversation in which a model has answered.
#[derive(Clone, Debug)]
pub(in crate::app) struct Answered {
    pub(in crate::app) tenant: TenantId,
    pub(in crate::app) conversation: ConversationId,
    /// Ties the call to what brought the turn.
    pub(in crate::app) correlation: String,
}

/// Conversations whose notes may be due.
#[derive(Debug, Default)]
pub struct Notes {
    state: Mutex<State>,
    found: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Answered>,
    /// In the queue, or under way.
    taken: HashSet<ConversationId>,
    resting: HashMap<ConversationId, Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    failures: u32,
    until: Timestamp,
}

impl Notes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a conversation looked at, unless it is already, rests, or too many wait.
    fn offer(&self, answered: Answered, now: Timestamp) {
        let mut state = self.state();
        let rests = state.resting.get(&answered.conversation).is_some_and(|rest| rest.until > now);
        if rests || state.queue.len() >= WAITING_MAX || !state.taken.insert(answered.conversation) {
            return;
        }
        state.queue.push_back(answered);
        drop(state);
        self.found.notify_one();
    }

    fn take(&self) -> Option<Answered> {
        self.state().queue.pop_front()
    }

    async fn next(&self) -> Answered {
        loop {
            match self.take() {
                Some(answered) => return answered,
                None => self.found.notified().await,
            }
        }
    }

    fn done(&self, conversation: ConversationId, went_well: bool, now: Timestamp) {
        let mut state = self.state();
        state.taken.remove(&conversation);
        if went_well {
            state.resting.remove(&conversation);
            return;
        }
        if state.resting.len() >= RESTING_MAX {
            state.resting.retain(|_, rest| rest.until > now);
        }
        if state.resting.len() >= RESTING_MAX {
            state.resting.clear();
        }
        let failures = state.resting.get(&conversation).map_or(0, |rest| rest.failures);
        let until = now.plus_ms(REST_MS << failures.min(DOUBLINGS_MAX));
        state.resting.insert(conversation, Rest { failures: failures.saturating_add(1), until });
    }
}

/// Takes notes until told to stop.
pub async fn take_notes(app: App, stop: CancellationToken) {
    let (tasks, permits) = (TaskTracker::new(), Arc::new(Semaphore::new(PARALLEL)));
    loop {
        // A place first: what waits stays in the queue, which is bounded.
        let place = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            place = Arc::clone(&permits).acquire_owned() => place.expect("never closed"),
        };
        let answered = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            answered = app.notes.next() => answered,
        };
        let (app, stop) = (app.clone(), stop.clone());
        tasks.spawn(async move {
            let _place = place;
            tokio::select! {
                () = app.note(&answered) => {}
                () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => {}
            }
        });
    }
    tasks.close();
    tasks.wait().await;
}

impl App {
    /// Tokens of earlier messages that are told in full: what the setting says, as far as every model of the route holds it.
    pub(super) fn history_tokens(&self, route: &[ModelRef]) -> usize {
        let held = route.iter().filter_map(|model| self.models.known.of(model).context_tokens);
        let most = held.map(|tokens| tokens / SHARE_OF_CONTEXT).min().unwrap_or(u32::MAX);
        usize::try_from(self.config.models.history_tokens.min(most)).unwrap_or(usize::MAX)
    }

    /// Has notes taken of a conversation, if they are due, when there is time. A lone command takes none.
    pub(in crate::app) fn offer_notes(&self, answered: Answered) {
        if self.daemon {
            self.notes.offer(answered, self.clock.now());
        }
    }

    async fn note(&self, answered: &Answered) {
        // One that panics may be looked at again like any other that fails.
        let noted = AssertUnwindSafe(self.summarise(answered)).catch_unwind().await;
        let noted = noted.unwrap_or_else(|_panic| Err(Error::panicked()));
        if let Err(error) = &noted {
            tracing::warn!(
                tenant.id = %answered.tenant, conversation.id = %answered.conversation,
                correlation = answered.correlation, error = %chain(error), "no notes were taken"
            );
        }
        self.notes.done(answered.conversation, noted.is_ok(), self.clock.now());
    }

    /// Summarises what has outgrown the prompt, if anything has.
    async fn summarise(&self, answered: &Answered) -> Result<(), Error> {
        let Answered { tenant, conversation, ref correlation } = *answered;
        let settings = self.models_of(SecretScope::Tenant(tenant)).await?;
        let route = settings.route(ModelRole::Chat);
        if route.is_empty() {
            return Ok(());
        }
        let store = match self.store.tenant(tenant).await {
            Err(store::Error::NotFound { .. }) => return Ok(()),
            other => other?.in_bulk(),
        };
        let (messages, known) = store.recall(conversation).await?;
        let older = memory::outgrown(&messages, known.as_ref(), self.history_tokens(&route));
        let Some(last) = older.last() else { return Ok(()) };
        let (mark, canary) = (self.models.mark(tenant), self.models.canary(tenant));
        let request = memory::request(older, known.as_ref(), &mark);
        let asker = Asker {
            app: self,
            store: &store,
            tenant,
            budget: settings.budget,
            correlation: Some(correlation.clone()),
            tally: None,
        };
        // Of no turn: it serves those that come, and takes nothing from the ceiling of one.
        let matter = Matter { role: ModelRole::Chat, conversation: Some(conversation), turn: None };
        let failed = |message: &str, source| Error::Temporary { message: message.into(), source };
        let asked = asker.ask(matter, &route, &request, WITHIN).await;
        let asked = asked.map_err(|error| failed("no model has summarised", Some(Box::new(error))))?;
        let summary = memory::read(&asked.answer, &[&canary, &mark])
            .ok_or_else(|| failed("what a model has written cannot be used", None))?;
        let made_by = asked.model.to_string();
        let of: Vec<MessageId> = older.iter().filter(|message| !message.unsent).map(|message| message.id).collect();
        let memory = Memory { summary, through_at: last.at, through: last.id, made_by };
        let before = known.map(|known| known.through);
        let kept = store.remember(conversation, memory, of, before, self.clock.now()).await?;
        tracing::debug!(tenant.id = %tenant, conversation.id = %conversation, kept, "older messages were summarised");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn answered(n: u128) -> Answered {
        let conversation = ConversationId(Uuid::from_u128(n));
        Answered { tenant: TenantId(Uuid::nil()), conversation, correlation: "x".into() }
    }

    fn offer(notes: &Notes, n: u128, now: Timestamp) -> bool {
        notes.offer(answered(n), now);
        notes.take().is_some()
    }

    #[test]
    fn a_failure_is_followed_by_a_rest_that_doubles_until_it_goes_well() {
        let (notes, one) = (Notes::default(), answered(1).conversation);
        let mut now = NOW;
        for rest in [REST_MS, 2 * REST_MS, 4 * REST_MS] {
            assert!(offer(&notes, 1, now));
            notes.done(one, false, now);
            assert!(!offer(&notes, 1, now.plus_ms(rest - 1)), "it rests");
            assert!(offer(&notes, 2, now), "another one does not");
            notes.done(answered(2).conversation, true, now);
            now = now.plus_ms(rest);
        }
        assert!(offer(&notes, 1, now));
        notes.done(one, true, now);
        assert!(offer(&notes, 1, now), "it went well");
    }

    #[test]
    fn a_conversation_waits_once_and_no_more_of_them_than_the_limit() {
        let notes = Notes::default();
        for n in 0..WAITING_MAX as u128 + 9 {
            notes.offer(answered(n), NOW);
            notes.offer(answered(n), NOW);
        }
        let waiting: Vec<Answered> = std::iter::from_fn(|| notes.take()).collect();
        assert_eq!(waiting.len(), WAITING_MAX);
        assert!(!offer(&notes, 0, NOW), "it is under way");
        notes.done(answered(0).conversation, true, NOW);
        assert!(offer(&notes, 0, NOW));
    }
}
