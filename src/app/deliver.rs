//! Sends what is queued: the window and the guard first, then the claim, then the wire, then the outcome.

use super::{App, Error, attend::Attended, refresh};
use crate::{
    domain::{
        channel::{ChannelKind, ChannelRules},
        outbox::{Author, RefusalScope, SendOutcome},
        policy,
        tenant::TenantState,
    },
    fault,
    store::OutboxRow,
};

/// A row older than this passes the guard again before it goes out.
const GUARD_FRESH_MS: i64 = 60_000;
/// How long an account whose token or permissions were refused is left alone before the next try.
const ACCOUNT_REST_MS: i64 = 15 * 60_000;

impl App {
    /// Deals with the oldest pending row of a conversation; `false` if it has to wait.
    pub(super) async fn deliver(&self, attended: &Attended, row: OutboxRow) -> Result<bool, Error> {
        let Attended { tenant, store, .. } = attended;
        let now = self.clock.now();
        let bot = row.author == Author::Bot;
        if bot && tenant.state == TenantState::Paused {
            return Ok(false);
        }
        if bot && self.held_back(attended, &row).await? {
            return Ok(true);
        }
        let rules = ChannelRules::of(row.channel);
        let tag = match policy::may_send(rules, row.author, row.last_shopper_at, now) {
            Ok(tag) => tag,
            Err(_) => {
                store.cancel_send(row.id, row.epoch, "window_closed", bot, now).await?;
                self.metrics.replies_cancelled.inc();
                cancelled(attended, &row, "window_closed");
                return Ok(true);
            }
        };
        if bot && now.since_ms(row.guarded_at) > GUARD_FRESH_MS {
            return refresh::guard_again(self, attended, &row).await;
        }
        let Some(channel) = self.channel(tenant.id, row.channel, &row.account).await? else {
            store.cancel_send(row.id, row.epoch, "account_not_connected", bot, now).await?;
            self.metrics.replies_cancelled.inc();
            cancelled(attended, &row, "account_not_connected");
            return Ok(true);
        };
        self.pace(&row.account, rules.sends_per_second).await;
        if !store.claim_send(row.id, row.epoch, self.clock.now()).await? {
            return Ok(true);
        }
        fault::point("after_intent_commit");
        let began = tokio::time::Instant::now();
        let outcome = channel.send_text(&row.shopper, &row.text, tag).await;
        fault::point("after_response");
        self.metrics.attempt(&outcome);
        self.metrics.stage("send", began.elapsed());
        if row.channel == ChannelKind::Instagram {
            self.live.watch.reached(&outcome, self.clock.now());
        }
        tracing::info!(
            tenant.id = %tenant.id, conversation.id = %row.conversation, outbox.id = %row.id,
            correlation = row.correlation, attempt = row.attempts + 1, outcome = outcome.as_str(),
            elapsed_ms = began.elapsed().as_millis() as u64, "reply attempted"
        );
        let outcome = self.note_account(attended, &row, outcome).await?;
        let now = self.clock.now();
        if matches!(outcome, SendOutcome::Sent { .. }) {
            self.metrics.reply_latency.observe(now.since_ms(row.queued_at).max(0) as f64 / 1_000.0);
        }
        store.finish_send(row.id, row.epoch + 1, outcome, self.first_look_ms(), now).await?;
        fault::point("after_sent_commit");
        Ok(true)
    }

    /// A refusal of the whole account is remembered there; the reply itself waits for the account to be mended.
    async fn note_account(
        &self,
        attended: &Attended,
        row: &OutboxRow,
        outcome: SendOutcome,
    ) -> Result<SendOutcome, Error> {
        match outcome {
            SendOutcome::Refused { scope: RefusalScope::Login | RefusalScope::Account, reason } => {
                self.account_refused(attended.tenant.id, &attended.store, &row.account, &reason).await?;
                Ok(SendOutcome::NotSent { reason, retry_after_ms: Some(ACCOUNT_REST_MS) })
            }
            SendOutcome::Sent { mid } => {
                if row.channel == ChannelKind::Instagram {
                    self.account_works(attended, &row.account).await?;
                }
                Ok(SendOutcome::Sent { mid })
            }
            other => Ok(other),
        }
    }
}

fn cancelled(attended: &Attended, row: &OutboxRow, reason: &'static str) {
    tracing::info!(
        tenant.id = %attended.tenant.id, conversation.id = %row.conversation, outbox.id = %row.id,
        correlation = row.correlation, reason, "reply cancelled"
    );
}
