//! How models fare: what the gateway has seen of them lately, what they cost today, and who uses which. No provider is asked.
//!
//! What a tenant spent today is read from its file once, and again after each of its calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};

use crate::{
    app::{App, Error},
    domain::{
        TenantId, Timestamp, chain, chat::ModelRef, cost::PicoDollars, model::ModelRole, secret::SecretScope,
        tenant::TenantSlug,
    },
    provider::gateway::{BreakerState, Figures, Record},
};

/// Tenants' files looked into at once.
const AT_ONCE: usize = 16;
const DAY_MS: i64 = 86_400_000;

/// What a tenant's models have cost on one day, counted from 1970, by the names that they served under.
pub(super) type OfDay = (i64, Arc<[(String, PicoDollars)]>);

/// The models of each role, in the order in which they are tried.
pub type Routes = Vec<(ModelRole, Vec<ModelRef>)>;

/// How models fare.
#[derive(Clone, Debug)]
pub struct ModelHealth {
    /// When it was looked at.
    pub at: Timestamp,
    /// The figures are of so long.
    pub window: Duration,
    /// Models by name.
    pub models: BTreeMap<String, ModelState>,
    /// Every tenant with its routes, by slug; an empty one: `builtin` answers.
    pub tenants: Vec<(TenantSlug, Routes)>,
    /// Tenants whose files cannot be read.
    pub unread: Vec<TenantSlug>,
}

/// How one model fares.
#[derive(Clone, Debug, Default)]
pub struct ModelState {
    /// The breakers that are not closed: with which state, and until when if that is known.
    pub breakers: Vec<(BreakerState, Option<Timestamp>)>,
    /// What became of its calls.
    pub figures: Figures,
    /// What it cost today.
    pub spent_today: PicoDollars,
}

impl App {
    /// How models fare.
    ///
    /// # Errors
    /// When `control.db` cannot be read. A tenant's file that cannot be is named instead.
    pub async fn model_health(&self) -> Result<ModelHealth, Error> {
        let (at, gateway) = (self.clock.now(), &self.models.gateway);
        let all = self.store.control().tenants().await?;
        let mut models: BTreeMap<String, ModelState> = BTreeMap::new();
        for (model, figures) in gateway.record().figures() {
            models.entry(model.to_string()).or_default().figures = figures;
        }
        for (circuit, state) in gateway.breakers().open() {
            let until = match state {
                BreakerState::Open(left) => Some(at.plus_ms(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))),
                BreakerState::Closed | BreakerState::Probing => None,
            };
            models.entry(circuit.model.to_string()).or_default().breakers.push((state, until));
        }
        let mut unread = Vec::new();
        let ids: Vec<TenantId> = all.iter().map(|tenant| tenant.id).collect();
        let mut days = stream::iter(ids.into_iter().map(|tenant| self.spent_today(tenant, at))).buffered(AT_ONCE);
        let mut position = all.iter();
        while let (Some(spent), Some(tenant)) = (days.next().await, position.next()) {
            match spent {
                Ok(spent) => {
                    for (model, cost) in spent.iter() {
                        models.entry(model.clone()).or_default().spent_today += *cost;
                    }
                }
                Err(error) => {
                    tracing::debug!(tenant.id = %tenant.id, error = %chain(&error), "what a tenant spent is not known");
                    unread.push(tenant.slug.clone());
                }
            }
        }
        drop(days);
        let (mut tenants, mut chosen) = (Vec::with_capacity(all.len()), BTreeSet::new());
        for tenant in all {
            let settings = self.models_of(SecretScope::Tenant(tenant.id)).await?;
            let routes: Vec<_> = ModelRole::ALL.into_iter().map(|role| (role, settings.route(role))).collect();
            chosen.extend(routes.iter().flat_map(|(_, route)| route).cloned());
            tenants.push((tenant.slug, routes));
        }
        for model in chosen {
            models.entry(model.to_string()).or_default();
        }
        Ok(ModelHealth { at, window: Record::WINDOW, models, tenants, unread })
    }

    /// What a tenant's models have cost today.
    async fn spent_today(&self, tenant: TenantId, now: Timestamp) -> Result<Arc<[(String, PicoDollars)]>, Error> {
        let (remembered, today) = (&self.models.spent_today, now.0.div_euclid(DAY_MS));
        let changes = match remembered.get(&tenant) {
            Ok((day, spent)) if day == today => return Ok(spent),
            // Not a call since that day.
            Ok(_) => return Ok(Arc::default()),
            Err(changes) => changes,
        };
        let rows = self.store.visit_tenant(tenant).await?.spend_rows(now, now).await?;
        let spent: Arc<[_]> = rows.into_iter().map(|row| (row.model, row.cost)).collect();
        remembered.keep(tenant, (today, Arc::clone(&spent)), changes);
        Ok(spent)
    }
}
