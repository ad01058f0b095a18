//! Models: what is chosen, what it costs.

use aura::{
    api::{Budget, LocalModel, ModelPrice, ModelTest, Models, UsageReport},
    terminal::one_line,
};

use super::layout::{Grid, Look, count, or_dash};

pub fn models(models: &Models, look: Look) -> String {
    let mut grid = Grid::new(look.width, &["ROLE", "MODEL", "BEHIND IT"]).whole(&[0, 1]);
    for choice in &models.choices {
        let mut behind = choice.fallbacks.clone();
        if choice.model != "builtin" && behind.last().is_none_or(|last| last != "builtin") {
            behind.push("builtin".into());
        }
        grid.row([&choice.role, &choice.model, or_dash(Some(&behind.join(", ")))]);
    }
    let ready = |ready: bool| models.providers.iter().filter(move |provider| provider.ready == ready);
    let names =
        |ready_ones: bool| ready(ready_ones).map(|provider| provider.name.clone()).collect::<Vec<_>>().join(", ");
    let about = look.pairs(&[
        ("allowed", if models.allowed == ["*"] { "every provider".into() } else { models.allowed.join(", ") }),
        ("budget", budget(&models.budget)),
        ("ready", or_dash(Some(&names(true))).into()),
        ("without a key", or_dash(Some(&names(false))).into()),
        ("ollama", models.local.as_ref().map_or_else(|| "does not answer".into(), |local| has(local))),
    ]);
    let local = models.local.as_deref().filter(|local| !local.is_empty());
    let local = local.map_or_else(String::new, |local| format!("\n\n{}", local_models(local, look)));
    format!("{}\n\n{about}{local}", grid.finish())
}

fn has(local: &[LocalModel]) -> String {
    count(local.len() as u64, "model", "models")
}

fn local_models(local: &[LocalModel], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["MODEL", "SIZE", "CAN"]).whole(&[0]).right(&[1]).folds(&[2]);
    for model in local {
        grid.row([
            &one_line(&model.model),
            &size(model.size_bytes),
            or_dash(Some(&one_line(&model.capabilities.join(", ")))),
        ]);
    }
    grid.finish()
}

/// `6.6 GB`, as the library of models counts them.
fn size(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

pub fn model_test(test: &ModelTest, look: Look) -> String {
    let head = ["ASKED", "RESULT", "FIRST TOKEN", "TOTAL", "TOKENS IN", "OUT", "USD"];
    let mut grid = Grid::new(look.width, &head).whole(&[0]).right(&[2, 3, 4, 5, 6]).folds(&[4, 5, 2]);
    for probe in &test.probes {
        let is_asked = matches!(probe.result.as_str(), "able" | "unable");
        let asked = |figure: String| if is_asked { figure } else { String::new() };
        let result = match &probe.reason {
            Some(reason) => format!("{}: {}", probe.result, one_line(reason)),
            None => probe.result.clone(),
        };
        let first = probe.first_token_ms.map(|ms| format!("{ms} ms")).unwrap_or_default();
        let cost = probe.cost_usd.clone().unwrap_or_else(|| "unknown".into());
        let figures = [
            first,
            asked(format!("{} ms", probe.total_ms)),
            asked(probe.input_tokens.to_string()),
            asked(probe.output_tokens.to_string()),
            asked(cost),
        ];
        let [first, total, input, output, cost] = figures.each_ref().map(|figure| or_dash(Some(figure)));
        grid.row([&probe.skill, result.as_str(), first, total, input, output, cost]);
    }
    let cost = test.cost_usd.as_ref().map_or_else(|| "unknown".into(), |cost| format!("{cost} USD"));
    format!("{}\n\n{}", look.pairs(&[("model", one_line(&test.model)), ("cost", cost)]), grid.finish())
}

/// `2 USD a day, 40 USD a month`
pub fn budget(budget: &Budget) -> String {
    let Budget { day_usd, month_usd, conversation_usd } = budget;
    let spans = [(day_usd, "a day"), (month_usd, "a month"), (conversation_usd, "a conversation")];
    let limits: Vec<String> =
        spans.into_iter().filter_map(|(limit, span)| Some(format!("{} USD {span}", limit.as_ref()?))).collect();
    if limits.is_empty() { "none".into() } else { limits.join(", ") }
}

pub fn prices(prices: &[ModelPrice], look: Look) -> String {
    let head = ["MODEL", "FROM", "INPUT", "CACHED", "OUTPUT", "DEARER ABOVE"];
    let mut grid = Grid::new(look.width, &head).whole(&[0]).right(&[2, 3, 4, 5]).folds(&[5, 1, 3]);
    for price in prices {
        let from = price.from.map(|from| from.to_string().chars().take(10).collect::<String>());
        let above = price.dearer_above_tokens.map(|tokens| format!("{tokens} tokens"));
        let ModelPrice { model, input_usd, cached_usd, output_usd, .. } = price;
        grid.row([model, or_dash(from.as_deref()), input_usd, cached_usd, output_usd, or_dash(above.as_deref())]);
    }
    grid.finish()
}

pub fn usage(usage: &UsageReport, look: Look) -> String {
    let about = look.pairs(&[
        ("today", format!("{} USD", usage.today_usd)),
        ("this month", format!("{} USD", usage.month_usd)),
        ("set aside", format!("{} USD", usage.reserved_usd)),
    ]);
    if usage.rows.is_empty() {
        return format!("{about}\n\nNo model of a provider was called.");
    }
    let head = ["DAY", "ROLE", "MODEL", "CALLS", "FAILED", "TOKENS IN", "CACHED", "OUT", "USD"];
    let mut grid = Grid::new(look.width, &head).whole(&[0, 2]).right(&[3, 4, 5, 6, 7, 8]).folds(&[6, 4, 1, 7, 5]);
    for row in &usage.rows {
        let figures =
            [row.calls, row.failures, row.input_tokens, row.cached_tokens, row.output_tokens].map(|n| n.to_string());
        let [calls, failures, input, cached, output] = &figures;
        grid.row([&row.day, &row.role, &row.model, calls, failures, input, cached, output, &row.cost_usd]);
    }
    format!("{about}\n\n{}", grid.finish())
}
