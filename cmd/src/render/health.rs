//! How models fare: breakers, calls, latencies and spend, then which models answer whom.

use aura::{
    api::{ModelChoice, ModelFigures, ModelHealth, Percentiles, TenantModels, Time},
    terminal::one_line,
};

use super::layout::{Grid, Look, count, or_dash};

/// Tenants shown when there are more.
const TENANTS_MAX: usize = 12;
const MS_PER_S: i64 = 1_000;

/// `all`: every tenant, however many.
pub fn model_health(health: &ModelHealth, look: Look, all: bool) -> String {
    let mut parts = vec![match health.models.is_empty() {
        true => "No model of a provider is used.".to_owned(),
        false => models(health, look),
    }];
    parts.extend(failures(&health.models));
    if !health.tenants.is_empty() {
        parts.push(tenants(&health.tenants, look, all));
    }
    if !health.unread_tenants.is_empty() {
        parts.push(format!("what these spent cannot be read: {}", health.unread_tenants.join(", ")));
    }
    parts.join("\n\n")
}

fn models(health: &ModelHealth, look: Look) -> String {
    let head = ["MODEL", "BREAKER", "CALLS", "FAILED", "FIRST TOKEN", "WHOLE", "USD TODAY"];
    let mut grid = Grid::new(look.width, &head).whole(&[0]).right(&[2, 3, 4, 5, 6]).folds(&[4, 5]);
    for model in &health.models {
        let failed: u64 = model.failures.values().sum();
        let (first, whole) = (times(model.first_token_ms), times(model.total_ms));
        let breaker = breaker(model, health.at);
        let (calls, failed) = (model.calls.to_string(), failed.to_string());
        grid.row([&model.model, &breaker, &calls, &failed, &first, &whole, &model.spent_today_usd]);
    }
    let window = health.window_s / 60;
    format!(
        "{}\ncalls of the last {window} min; ms that half did not exceed / that 19 of 20 did not exceed",
        grid.finish()
    )
}

fn breaker(model: &ModelFigures, now: Time) -> String {
    let keys = match model.keys_left_alone {
        0 | 1 => String::new(),
        keys => format!(", {}", count(keys, "key", "keys")),
    };
    match model.open_until {
        Some(until) => format!("open {} s{keys}", (until.0 - now.0).max(0) / MS_PER_S),
        None => format!("{}{keys}", one_line(&model.breaker)),
    }
}

fn times(found: Option<Percentiles>) -> String {
    found.map_or_else(|| or_dash(None).to_owned(), |Percentiles { p50, p95 }| format!("{p50}/{p95}"))
}

/// What failed, a line a model.
fn failures(models: &[ModelFigures]) -> Option<String> {
    let kinds = |model: &ModelFigures| {
        model.failures.iter().map(|(kind, calls)| format!("{calls} {}", one_line(kind))).collect::<Vec<_>>().join(", ")
    };
    let failed = models.iter().filter(|model| !model.failures.is_empty());
    let lines: Vec<_> = failed.map(|model| format!("{} failed: {}", one_line(&model.model), kinds(model))).collect();
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

fn tenants(tenants: &[TenantModels], look: Look, all: bool) -> String {
    let shown = if all { tenants.len() } else { TENANTS_MAX };
    let mut grid = Grid::new(look.width, &["TENANT", "CHAT", "VISION", "EMBED"]).whole(&[0]).folds(&[3, 2]);
    for tenant in tenants.iter().take(shown) {
        let route = |role: &str| tenant.roles.iter().find(|choice| choice.role == role).map(route).unwrap_or_default();
        grid.row([tenant.tenant.clone(), route("chat"), route("vision"), route("embed")]);
    }
    let table = grid.finish();
    match tenants.len().saturating_sub(shown) {
        0 => table,
        others => format!("{table}\nand {} more: aura model status --all", count(others as u64, "tenant", "tenants")),
    }
}

/// `openai:gpt-6-luna, then builtin`
fn route(choice: &ModelChoice) -> String {
    let names = std::iter::once(&choice.model).chain(&choice.fallbacks).cloned();
    names.collect::<Vec<_>>().join(", then ")
}
