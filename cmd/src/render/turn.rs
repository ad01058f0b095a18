//! How an answer came about, and what it rests on.

use aura::{
    api::{ModelCall, Price, ProductRead, Step, ToolCalled, TurnDetail},
    terminal::one_line,
};

use super::layout::{Grid, Look, count, or_dash};

pub fn turn(detail: &TurnDetail, look: Look) -> String {
    let turn = &detail.turn;
    let outcome = match (&turn.outcome, &turn.reason) {
        (None, _) => "running".into(),
        (Some(outcome), None) => outcome.clone(),
        (Some(outcome), Some(reason)) => format!("{outcome} ({reason})"),
    };
    let (read, out, cached) = (detail.input_tokens, detail.output_tokens, detail.cached_tokens);
    let about = look.pairs(&[
        ("turn", turn.id.clone()),
        ("began", look.ago(turn.started_at)),
        ("took", detail.elapsed_ms.map_or_else(|| "-".into(), took)),
        ("outcome", outcome),
        ("written by", or_dash(turn.model.as_deref()).into()),
        ("answers", count(detail.covers.len() as u64, "message", "messages")),
        ("tokens", format!("{read} in ({cached} from a cache), {out} out")),
        ("cost", format!("{} USD", detail.cost_usd)),
    ]);
    let mut text = about;
    match detail.read_at {
        None => text.push_str("\n\nWhat it rests on was not kept"),
        Some(at) if !detail.products.is_empty() => {
            text.push_str(&format!("\n\nProducts, as read {}\n{}", look.ago(at), products(&detail.products, look)));
        }
        Some(_) => {}
    }
    if !detail.citations.is_empty() {
        let cited = |it: &aura::api::Citation| format!("{}: \"{}\"", one_line(&it.source), one_line(&it.words));
        text.push_str(&format!("\n\nCites\n{}", detail.citations.iter().map(cited).collect::<Vec<_>>().join("\n")));
    }
    if !detail.steps.is_empty() {
        let steps: Vec<_> = detail.steps.iter().map(step).collect();
        text.push_str(&format!("\n\nSteps\n{}", steps.join("\n")));
    }
    if !detail.calls.is_empty() {
        text.push_str(&format!("\n\nModels\n{}", calls(&detail.calls, look)));
    }
    text
}

fn took(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1_000.0) }
}

fn price(price: Option<&Price>) -> String {
    price.map_or_else(|| "-".into(), |price| format!("{} {}", price.amount, price.currency))
}

fn products(rows: &[ProductRead], look: Look) -> String {
    let mut grid =
        Grid::new(look.width, &["PRODUCT", "TITLE", "PRICE", "BEFORE", "STOCK", "NAMED"]).whole(&[0]).folds(&[3, 5]);
    for row in rows {
        let stock = if row.available { "available" } else { "sold out" };
        let named = if row.named { "yes" } else { "-" };
        let (now, before) = (price(row.price.as_ref()), price(row.compare_at.as_ref()));
        grid.row([row.product_id.as_str(), &row.title, &now, &before, stock, named]);
    }
    grid.finish()
}

/// `consult   12 ms  gemini:…` with a line for each thing that happened in it.
fn step(step: &Step) -> String {
    let time = step.elapsed_ms.map_or_else(|| "-".into(), took);
    let mut words: Vec<String> = Vec::new();
    words.extend(step.by.iter().map(|by| one_line(by)));
    words.extend(step.intent.clone());
    words.extend(step.search.iter().map(|search| format!("\"{}\"", one_line(search))));
    words.extend(step.found.map(|found| count(found.into(), "product", "products")));
    words.extend(step.stood_in.iter().map(|why| format!("for a model that was {why}")));
    if step.kind == "guard" {
        words.push(if step.refused.is_empty() { "passed".into() } else { "refused".into() });
    }
    let mut lines = vec![format!("{:10}  {time:>7}  {}", step.kind, words.join(", ")).trim_end().to_owned()];
    lines.extend(step.missed.iter().map(|it| format!("  passed over {}: {}", one_line(&it.model), it.reason)));
    lines.extend(step.tools.iter().map(tool));
    lines.extend(step.refused.iter().map(|why| format!("  {}", one_line(why))));
    lines.join("\n")
}

/// `  search_products {"query":"hat"}: 3 products, 2 ms`.
fn tool(call: &ToolCalled) -> String {
    let came = match (&call.refused, call.results) {
        (Some(why), _) => format!("not done: {}", one_line(why)),
        (None, Some(results)) if call.near => {
            format!("{}, none of which meets every condition", count(results.into(), "product", "products"))
        }
        (None, Some(results)) => count(results.into(), "product", "products"),
        (None, None) => "done".into(),
    };
    let time = call.elapsed_ms.map(|ms| format!(", {}", took(ms))).unwrap_or_default();
    format!("  {} {}: {came}{time}", one_line(&call.name), one_line(&call.arguments))
}

fn calls(rows: &[ModelCall], look: Look) -> String {
    let head = ["MODEL", "FOR", "OUTCOME", "FIRST", "TOTAL", "IN", "CACHED", "OUT", "USD"];
    let mut grid = Grid::new(look.width, &head).right(&[3, 4, 5, 6, 7, 8]);
    for row in rows {
        let first = row.first_token_ms.map_or_else(|| "-".into(), took);
        let figures = [row.input_tokens, row.cached_tokens, row.output_tokens].map(|figure| figure.to_string());
        let cost = format!("{}{}", if row.estimated { "~" } else { "" }, row.cost_usd);
        let total = took(row.latency_ms);
        let [read, cached, out] = &figures;
        grid.row([row.model.as_str(), &row.role, &row.outcome, &first, &total, read, cached, out, &cost]);
    }
    grid.finish()
}
