//! How a tenant's models stand: what keeps one of them from answering, and what they have cost.

use super::keys::Keys;
use crate::{
    app::{App, Error},
    domain::{
        TenantId,
        chat::ModelRef,
        cost::{Budget, BudgetSpan},
        model::{Model, ModelRole},
        secret::SecretScope,
        spend::Spent,
    },
    provider::gateway::{BreakerState, Circuit, KeyRing as _},
};

/// A budget of which less than one part in so many is left is used up: a call is set aside at its worst case, and that
/// does not fit any more.
const LEFT_MIN: u64 = 50;

/// How a tenant's models stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelStanding {
    /// What writes its answers.
    pub chosen: Model,
    /// Whether anything of a provider is to be asked, be it only to look at pictures.
    pub asks: bool,
    /// Models of its routes whose provider has no key for it.
    pub keyless: Vec<ModelRef>,
    /// Models of its routes that are left alone after failures.
    pub left_alone: Vec<ModelRef>,
    /// What it has spent.
    pub spent: Spent,
    /// What it may spend.
    pub budget: Budget,
}

impl Default for ModelStanding {
    fn default() -> Self {
        let (keyless, left_alone) = (Vec::new(), Vec::new());
        let (spent, budget) = (Spent::default(), Budget::default());
        Self { chosen: Model::Builtin, asks: false, keyless, left_alone, spent, budget }
    }
}

impl ModelStanding {
    /// The budget that has nothing left for a call.
    #[must_use]
    pub fn used_up(&self) -> Option<BudgetSpan> {
        let spent = |span| match span {
            BudgetSpan::Day => Some(self.spent.day),
            BudgetSpan::Month => Some(self.spent.month),
            // Other turns and conversations have theirs.
            BudgetSpan::Turn | BudgetSpan::Conversation => None,
        };
        let is_used_up = |span: &BudgetSpan| {
            let (Some(limit), Some(spent)) = (self.budget.of(*span), spent(*span)) else { return false };
            limit.less(spent).times(LEFT_MIN) <= limit
        };
        if self.asks { BudgetSpan::OF_TENANTS.into_iter().find(is_used_up) } else { None }
    }
}

impl App {
    /// How a tenant's models stand, which has spent so much.
    pub(in crate::app) async fn model_standing(&self, tenant: TenantId, spent: Spent) -> Result<ModelStanding, Error> {
        let settings = self.models_of(SecretScope::Tenant(tenant)).await?;
        let budget = settings.budget;
        let chosen = settings.choice(ModelRole::Chat).map_or(Model::Builtin, |choice| choice.model.clone());
        let mut route = settings.route(ModelRole::Chat);
        for model in settings.route(ModelRole::Vision) {
            if !route.contains(&model) {
                route.push(model);
            }
        }
        let asks = !route.is_empty();
        let keys = Keys { secrets: &self.secrets, providers: &self.config.providers, tenant: Some(tenant) };
        let (mut keyless, mut left_alone) = (Vec::new(), Vec::new());
        for model in route {
            match keys.key(&model.provider).await {
                None => keyless.push(model),
                Some(key) => {
                    let circuit = Circuit { model, key: key.name };
                    if matches!(self.models.gateway.breakers().state(&circuit), BreakerState::Open(_)) {
                        left_alone.push(circuit.model);
                    }
                }
            }
        }
        Ok(ModelStanding { chosen, asks, keyless, left_alone, spent, budget })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cost::PicoDollars;

    #[test]
    fn a_budget_is_used_up_when_what_is_left_pays_for_no_call() {
        let dollars = |text| PicoDollars::parse(text).expect(text);
        let standing = |day, month| ModelStanding {
            chosen: Model::parse("gemini:flash").expect("a model"),
            asks: true,
            spent: Spent { day: dollars(day), month: dollars(month), ..Spent::default() },
            budget: Budget { day: Some(dollars("1")), month: Some(dollars("10")), ..Budget::default() },
            ..ModelStanding::default()
        };
        assert_eq!(standing("0.97", "0.97").used_up(), None);
        assert_eq!(standing("0.98", "0.98").used_up(), Some(BudgetSpan::Day));
        assert_eq!(standing("0.1", "10").used_up(), Some(BudgetSpan::Month));
        let builtin = ModelStanding { asks: false, ..standing("5", "50") };
        assert_eq!(builtin.used_up(), None, "it costs nothing");
        let unlimited = ModelStanding { budget: Budget::default(), ..standing("5", "50") };
        assert_eq!(unlimited.used_up(), None);
    }
}
