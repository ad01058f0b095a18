//! How models fare, on the wire.

use std::time::Duration;

use crate::{
    api,
    app::models::{ModelHealth, ModelState},
    domain::{
        Timestamp,
        chat::ModelRef,
        model::{Model, ModelRole},
        tenant::TenantSlug,
    },
    provider::gateway::{BreakerState, Quantiles},
};

pub(in crate::http) fn model_health(health: ModelHealth) -> api::ModelHealth {
    api::ModelHealth {
        at: health.at.into(),
        window_s: health.window.as_secs(),
        models: health.models.into_iter().map(figures).collect(),
        tenants: health.tenants.into_iter().map(tenant).collect(),
        unread_tenants: health.unread.iter().map(ToString::to_string).collect(),
    }
}

fn figures((model, state): (String, ModelState)) -> api::ModelFigures {
    let (breaker, open_until) = worst(&state.breakers);
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let percentiles = |found: Quantiles| api::Percentiles { p50: ms(found.p50), p95: ms(found.p95) };
    api::ModelFigures {
        model,
        breaker: breaker.as_str().into(),
        open_until: open_until.map(Into::into),
        keys_left_alone: state.breakers.len() as u64,
        calls: state.figures.calls,
        failures: state.figures.failures.into_iter().map(|(class, count)| (class.to_owned(), count)).collect(),
        first_token_ms: state.figures.first_token.map(percentiles),
        total_ms: state.figures.total.map(percentiles),
        spent_today_usd: state.spent_today.to_string(),
    }
}

/// The breaker that stays open the longest; else one that is probed; else they are closed.
fn worst(breakers: &[(BreakerState, Option<Timestamp>)]) -> (BreakerState, Option<Timestamp>) {
    let open = breakers.iter().filter(|(_, until)| until.is_some()).max_by_key(|(_, until)| *until);
    open.or_else(|| breakers.first()).copied().unwrap_or((BreakerState::Closed, None))
}

fn tenant((slug, routes): (TenantSlug, Vec<(ModelRole, Vec<ModelRef>)>)) -> api::TenantModels {
    let role = |(role, route): (ModelRole, Vec<ModelRef>)| {
        // Behind whatever a provider has stands Aura's own.
        let mut names = route.iter().map(ToString::to_string).chain([Model::BUILTIN.to_owned()]);
        api::ModelChoice {
            role: role.as_str().into(),
            model: names.next().unwrap_or_default(),
            fallbacks: names.collect(),
        }
    };
    api::TenantModels { tenant: slug.to_string(), roles: routes.into_iter().map(role).collect() }
}
