//! A tenant's money for models: its budget, its prices, its file.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _};

use super::health::OfDay;
use crate::{
    domain::{
        CallId, Clock, ConversationId, Ids, TenantId, TurnId, chain,
        chat::ModelRef,
        cost::{Budget, PicoDollars},
        model::ModelRole,
        spend::{NewReservation, Reserved, Settlement, Used},
    },
    provider::{
        gateway::{Bound, NoMoney, Purse, Spent},
        price::Prices,
    },
    store::{Remembered, TenantStore},
};

/// A call that has not come back after this has lost its caller: longer than any turn may take.
const LOST_AFTER_MS: i64 = 15 * 60_000;

fn ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// What calls are paid from, and what they are for.
pub(super) struct TenantPurse<'a> {
    pub(super) store: &'a TenantStore,
    pub(super) budget: Budget,
    pub(super) tenant: TenantId,
    pub(super) prices: &'a Prices,
    /// What it spent today is read anew after a call.
    pub(super) spent_today: &'a Remembered<TenantId, OfDay>,
    pub(super) clock: &'a dyn Clock,
    pub(super) ids: &'a dyn Ids,
    pub(super) role: ModelRole,
    pub(super) conversation: Option<ConversationId>,
    pub(super) turn: Option<TurnId>,
    pub(super) correlation: Option<String>,
    /// Adds up what calls of no conversation cost.
    pub(super) tally: Option<&'a Tally>,
}

/// What calls of a turn that is kept nowhere have cost so far: no conversation remembers it for the limits.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Used>);

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it.
    pub(super) fn used(&self) -> Used {
        *self.lock()
    }

    fn add(&self, settled: &Settlement) {
        let mut used = self.lock();
        used.input_tokens += settled.input_tokens;
        used.output_tokens += settled.output_tokens;
        used.cost += settled.cost;
    }

    /// What is left: such a turn is its whole conversation, so the lower of the two limits is its own.
    fn left_of(&self, budget: Budget) -> Budget {
        let limit = budget.turn.into_iter().chain(budget.conversation).min();
        Budget { turn: limit.map(|limit| limit.less(self.used().cost)), ..budget }
    }
}

impl TenantPurse<'_> {
    /// Without a limit a model without a price may be used: its calls are counted, and cost what nobody knows.
    fn most(&self, model: &ModelRef, bound: Bound) -> Result<PicoDollars, NoMoney> {
        match self.prices.most(model, bound.input, bound.output, self.clock.now()) {
            Some(most) => Ok(most),
            None if self.budget.is_open() => Ok(PicoDollars::ZERO),
            None => Err(NoMoney::Unpriced(model.clone())),
        }
    }

    /// What a call cost, and whether that is an estimate.
    fn cost(&self, model: &ModelRef, spent: &Spent) -> (PicoDollars, bool) {
        let now = self.clock.now();
        let told = spent.usage.as_ref().and_then(|usage| self.prices.cost(model, usage, now));
        match (told, spent.at_most) {
            (Some(cost), _) => (cost, spent.usage.as_ref().is_some_and(|usage| usage.estimated)),
            (None, Bound { input: 0, output: 0 }) => (PicoDollars::ZERO, false),
            (None, bound) => (self.prices.most(model, bound.input, bound.output, now).unwrap_or_default(), true),
        }
    }
}

impl Purse for TenantPurse<'_> {
    fn reserve<'a>(&'a self, model: &'a ModelRef, bound: Bound) -> BoxFuture<'a, Result<CallId, NoMoney>> {
        async move {
            let now = self.clock.now();
            let call = CallId::next(self.ids);
            let wanted = NewReservation {
                call,
                conversation: self.conversation,
                turn: self.turn,
                correlation: self.correlation.clone(),
                role: self.role,
                model: model.clone(),
                amount: self.most(model, bound)?,
                now,
                expires_at: now.plus_ms(LOST_AFTER_MS),
            };
            let budget = self.tally.map_or(self.budget, |tally| tally.left_of(self.budget));
            let reserved = self.store.reserve_spend(wanted, budget).await;
            // It may have counted a call of before that was lost.
            self.spent_today.forget(|tenant| *tenant == self.tenant);
            match reserved {
                Ok(Reserved::Held) => Ok(call),
                Ok(Reserved::OverBudget(over)) => Err(NoMoney::OverBudget(over)),
                Err(error) => Err(NoMoney::Failed(chain(&error).to_string())),
            }
        }
        .boxed()
    }

    fn settle<'a>(&'a self, call: CallId, model: &'a ModelRef, spent: Spent) -> BoxFuture<'a, ()> {
        async move {
            let (cost, estimated) = self.cost(model, &spent);
            let usage = spent.usage.unwrap_or_default();
            let tokens = |count| u64::try_from(count).unwrap_or(0);
            let served = usage.served_model.map(|name| ModelRef::new(model.provider.clone(), name));
            let settlement = Settlement {
                call,
                served,
                cost,
                estimated,
                input_tokens: tokens(usage.input_total),
                cached_tokens: tokens(usage.input_cached),
                output_tokens: tokens(usage.output_total),
                outcome: spent.outcome,
                latency_ms: ms(spent.timing.total),
                first_token_ms: spent.timing.first_token.map(ms),
                now: self.clock.now(),
            };
            if let Some(tally) = self.tally {
                tally.add(&settlement);
            }
            let settled = self.store.settle_spend(settlement).await;
            self.spent_today.forget(|tenant| *tenant == self.tenant);
            match settled {
                Ok(true) => {}
                Ok(false) => tracing::warn!(call.id = %call, "a model call ended after it was given up; it counts in full"),
                // What was set aside counts in full when its time is over: a budget is never overdrawn by it.
                Err(error) => {
                    tracing::error!(call.id = %call, error = %chain(&error), "what a model call cost is not counted yet");
                }
            }
        }
        .boxed()
    }
}
