//! Finds DMs whose webhook never came, by comparing the newest threads with the store.
//!
//! Only what still waits for an answer is taken: a message that the account's side has answered since is history, and
//! history is never answered.

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{App, Error, accounts};
use crate::{
    channel::{ReadError, Thread},
    domain::{
        TenantId, Timestamp,
        account::{Account, AccountState},
        chain,
        channel::{ChannelKind, ChannelRules},
        outbox::RefusalScope,
    },
    store::{Arrival, InboundRules, TenantStore},
};

/// How long after the start the first comparison begins: webhooks that were held back come first.
const FIRST: Duration = Duration::from_secs(20);
/// How often accounts are compared.
const EVERY: Duration = Duration::from_secs(600);
/// Accounts read at the same time. Each is asked once, or half a second apart (Meta: 2 calls a second on the Conversations
/// API per account); at a third of a second a call, 10,000 accounts take less than two minutes.
pub const AT_ONCE: usize = 32;
/// Threads compared per account and round.
const THREADS_MAX: usize = 20;
/// A message younger than this is probably still on its way as a webhook.
const YOUNG_MS: i64 = 60_000;

/// Runs until told to stop.
pub async fn run(app: App, stop: CancellationToken) {
    let mut rounds = tokio::time::interval_at(tokio::time::Instant::now() + FIRST, EVERY);
    // A round that took longer than its time is not made up for.
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = rounds.tick() => {}
        }
        if let Err(error) = app.catch_up(&stop).await {
            tracing::warn!(error = %chain(&error), "catch-up ended early");
        }
    }
}

impl App {
    /// Compares every account that works once; returns how many messages were recovered. An account that cannot be read
    /// is logged and skipped. When `stop` is cancelled, no further account is begun and no answer waited for; what was
    /// found by then is recorded.
    pub async fn catch_up(&self, stop: &CancellationToken) -> Result<u32, Error> {
        let began = Instant::now();
        let mut accounts = self.store.control().all_accounts().await?;
        accounts.retain(|it| it.state == AccountState::Active && it.channel == ChannelKind::Instagram);
        let count = accounts.len();
        let at_once = AT_ONCE.min(self.config.queue.bulk_limit as usize).max(1);
        let one = |account: Account| async move {
            match self.catch_up_account(&account, stop).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(
                        tenant.id = %account.tenant, account.id = %account.id, error = %chain(&error),
                        "an account could not be compared"
                    );
                    0
                }
            }
        };
        let compared = stream::iter(in_turns(accounts)).take_until(stop.cancelled()).map(one).buffer_unordered(at_once);
        let recovered = compared.fold(0, |sum, found| async move { sum + found }).await;
        tracing::debug!(
            accounts = count,
            messages = recovered,
            stopped = stop.is_cancelled(),
            elapsed_ms = began.elapsed().as_millis() as u64,
            "accounts compared"
        );
        Ok(recovered)
    }

    async fn catch_up_account(&self, account: &Account, stop: &CancellationToken) -> Result<u32, Error> {
        let token = accounts::token_of(&self.secrets, account).await?;
        let threads = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(0),
            threads = self.graph.newest_threads(&account.id, &token, THREADS_MAX) => threads,
        };
        let threads = match threads {
            Ok(threads) => threads,
            // A token that fails is found out even while nobody writes.
            Err(ReadError::Refused { scope: RefusalScope::Login, reason }) => {
                let store = self.store.visit_tenant(account.tenant).await?;
                let hold = self.wakes.hold(self.store.control(), account.tenant, self.clock.now()).await?;
                self.account_refused(account.tenant, &store, &account.id, &reason).await?;
                drop(hold);
                self.changed(account.tenant).await?;
                return Ok(0);
            }
            Err(error) => {
                let message = "the account's threads could not be read".into();
                return Err(Error::Temporary { message, source: Some(error.into()) });
            }
        };
        let now = self.clock.now();
        let waiting: Vec<_> = threads.into_iter().map(|thread| unanswered(account, thread, now)).collect();
        // Nobody's file is opened to hear that nobody waits.
        if waiting.iter().all(|thread| thread.messages.is_empty()) {
            return Ok(0);
        }
        let _place = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(0),
            place = self.bulk.enter(account.tenant) => place?,
        };
        self.recover(account, waiting, now).await
    }

    /// Records those of the messages that the store does not have.
    async fn recover(&self, account: &Account, waiting: Vec<Thread>, now: Timestamp) -> Result<u32, Error> {
        let store = self.store.visit_tenant(account.tenant).await?.in_bulk();
        let mut arrivals = Vec::new();
        for thread in waiting {
            arrivals.extend(missed(&store, account, thread, now).await?);
        }
        if arrivals.is_empty() {
            return Ok(0);
        }
        let hold = self.wakes.hold(self.store.control(), account.tenant, now).await?;
        let rules = InboundRules {
            channel: ChannelKind::Instagram,
            debounce_ms: i64::from(self.config.conversation.debounce_ms),
            tombstones: Some(self.secrets.tombstones(account.tenant).await?),
            own_app_id: self.config.meta.app_id.clone(),
            now,
        };
        let report = store.record_inbound(arrivals, rules).await?;
        drop(hold);
        if report.new > 0 {
            tracing::warn!(
                tenant.id = %account.tenant, account.id = %account.id, messages = report.new,
                "messages were found that no webhook had brought"
            );
            self.changed(account.tenant).await?;
        }
        Ok(report.new)
    }
}

/// One account of every tenant, then a second one of those that have more, and so on: nobody waits for all of another's.
fn in_turns(accounts: Vec<Account>) -> Vec<Account> {
    let mut seen: HashMap<TenantId, usize> = HashMap::new();
    let mut ranked: Vec<(usize, Account)> = Vec::with_capacity(accounts.len());
    for account in accounts {
        let nth = seen.entry(account.tenant).or_default();
        *nth += 1;
        ranked.push((*nth, account));
    }
    ranked.sort_by_key(|(nth, _)| *nth);
    ranked.into_iter().map(|(_, account)| account).collect()
}

/// The thread with those messages at its end that the shopper wrote, nobody has answered and no webhook is to bring any more.
fn unanswered(account: &Account, mut thread: Thread, now: Timestamp) -> Thread {
    let window_ms = ChannelRules::of(account.channel).window_ms.unwrap_or(i64::MAX);
    let oldest = account.connected_at.max(now.plus_ms(-window_ms));
    thread.messages = thread
        .messages
        .into_iter()
        .take_while(|message| message.from_shopper)
        .filter(|message| message.created_at >= oldest && now.since_ms(message.created_at) > YOUNG_MS)
        .collect();
    thread
}

/// Those of a thread's messages that the store does not have.
async fn missed(store: &TenantStore, account: &Account, thread: Thread, now: Timestamp) -> Result<Vec<Arrival>, Error> {
    let mids = thread.messages.iter().map(|message| message.mid.clone()).collect();
    let unknown = store.unknown_mids(account.id.clone(), mids).await?;
    Ok(thread
        .messages
        .into_iter()
        .filter(|message| unknown.contains(&message.mid))
        .map(|message| Arrival {
            event: message.into_event(account.id.clone(), thread.shopper.clone()),
            received_at: now,
            request: None,
            recovered: true,
        })
        .collect())
}
