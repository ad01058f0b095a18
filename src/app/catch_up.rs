//! Finds DMs whose webhook never came, by comparing the newest threads with the store.
//!
//! Only what still waits for an answer is taken: a message that the account's side has answered since is history, and
//! history is never answered.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{App, Error, accounts};
use crate::{
    channel::{ReadError, Thread},
    domain::{
        Timestamp,
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
/// Pause between two accounts (Meta: 2 calls a second on the Conversations API per account).
const PAUSE: Duration = Duration::from_millis(500);
/// Threads compared per account and round.
const THREADS_MAX: usize = 20;
/// A message younger than this is probably still on its way as a webhook.
const YOUNG_MS: i64 = 60_000;

/// Runs until told to stop.
pub async fn run(app: App, stop: CancellationToken) {
    let mut rounds = tokio::time::interval_at(tokio::time::Instant::now() + FIRST, EVERY);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = rounds.tick() => {}
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            outcome = app.catch_up() => if let Err(error) = outcome {
                tracing::warn!(error = %chain(&error), "catch-up ended early");
            },
        }
    }
}

impl App {
    /// Compares every account that works once; returns how many messages were recovered. An account that cannot be read
    /// is logged and skipped.
    pub async fn catch_up(&self) -> Result<u32, Error> {
        let mut recovered = 0;
        for account in self.store.control().all_accounts().await? {
            if account.state != AccountState::Active || account.channel != ChannelKind::Instagram {
                continue;
            }
            match self.catch_up_account(&account).await {
                Ok(found) => recovered += found,
                Err(error) => tracing::warn!(
                    tenant.id = %account.tenant, account.id = %account.id, error = %chain(&error),
                    "an account could not be compared"
                ),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(recovered)
    }

    async fn catch_up_account(&self, account: &Account) -> Result<u32, Error> {
        let token = accounts::token_of(&self.secrets, account).await?;
        let threads = match self.graph.newest_threads(&account.id, &token, THREADS_MAX).await {
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
        let _place = self.bulk.enter(account.tenant).await?;
        let store = self.store.visit_tenant(account.tenant).await?.in_bulk();
        let now = self.clock.now();
        let mut arrivals = Vec::new();
        for thread in threads {
            arrivals.extend(missed(&store, account, thread, now).await?);
        }
        if arrivals.is_empty() {
            return Ok(0);
        }
        let hold = self.wakes.hold(self.store.control(), account.tenant, now).await?;
        let rules = InboundRules {
            channel: ChannelKind::Instagram,
            debounce_ms: i64::from(self.config.conversation.debounce_ms),
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

/// The messages at a thread's end that the shopper wrote, nobody has answered and the store does not have.
async fn missed(store: &TenantStore, account: &Account, thread: Thread, now: Timestamp) -> Result<Vec<Arrival>, Error> {
    let window_ms = ChannelRules::of(account.channel).window_ms.unwrap_or(i64::MAX);
    let oldest = account.connected_at.max(now.plus_ms(-window_ms));
    let waiting: Vec<_> = thread
        .messages
        .into_iter()
        .take_while(|message| message.from_shopper)
        .filter(|message| message.created_at >= oldest && now.since_ms(message.created_at) > YOUNG_MS)
        .collect();
    let mids = waiting.iter().map(|message| message.mid.clone()).collect();
    let unknown = store.unknown_mids(account.id.clone(), mids).await?;
    Ok(waiting
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
