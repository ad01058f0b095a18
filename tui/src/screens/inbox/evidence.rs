//! What the newest answer of a conversation rests on: products with what they cost and when that was read, words of the
//! shop, tools, models, what all of it cost.

use aura::{
    api::{ConversationDetail, ModelCall, ProductRead, Step, ToolCalled, Turn, TurnDetail},
    terminal::age,
};
use ratatui::{layout::Rect, text::Line};

use super::super::parts::{instead, pairs, price};
use crate::{
    canvas::{Canvas, Hit},
    scroll::Scroll,
    strings, text,
    theme::Ink,
    work::{Load, Place},
    world::World,
};

/// The run that is shown: the newest that has ended, else the newest.
pub(super) fn shown_turn(detail: &ConversationDetail) -> Option<&Turn> {
    detail.turns.iter().rev().find(|turn| turn.outcome.is_some()).or(detail.turns.last())
}

pub(super) fn view(
    world: &World,
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    focused: bool,
    chosen: Option<&Place>,
    scroll: &Scroll,
) {
    let thread = chosen.and_then(|place| Some((place, world.threads.get(place)?)));
    let turn = thread.and_then(|(_, thread)| shown_turn(&thread.detail));
    let title = turn.map_or_else(
        || "What it rests on".to_owned(),
        |turn| format!("What the answer rests on, {}", canvas.ago(turn.started_at)),
    );
    let inside = canvas.page(area, &title, focused);
    canvas.hit(area, Hit::Pane(2));
    let Some((place, _)) = thread else { return canvas.empty(inside, "Choose a conversation.") };
    let Some(turn) = turn else { return canvas.empty(inside, "No answer yet.") };
    let Some(detail) = world.turns.get(&(place.clone(), turn.id.clone())) else {
        return instead(canvas, inside, world, &Load::Turn(place.clone(), turn.id.clone()), strings::LOADING);
    };
    let lines = lines(detail, canvas, inside.width.into());
    let skip = scroll.within(lines.len(), inside.height.into());
    canvas.lines(inside, lines, skip);
}

fn lines(detail: &TurnDetail, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
    let mut lines = pairs(canvas, &summary(detail), cells);
    let mut section = |title: &str, more: Vec<Line<'static>>| {
        if !more.is_empty() {
            lines.push(Line::default());
            lines.push(canvas.inked(&[(Ink::Title, title)]));
            lines.extend(more);
        }
    };
    let read_at = detail.read_at;
    let products = detail.products.iter().flat_map(|product| product_lines(product, canvas, cells));
    let when = read_at.map_or_else(String::new, |at| format!(", read {} ago", age(at, canvas.now)));
    section(&format!("Products{when}"), products.collect());
    let cited = detail.citations.iter().flat_map(|citation| {
        let words = text::wrap(&citation.words, cells.saturating_sub(2));
        let head = canvas.inked(&[(Ink::Faint, &citation.source)]);
        std::iter::once(head)
            .chain(words.into_iter().map(|line| canvas.inked(&[(Ink::Plain, "  "), (Ink::Plain, &line)])))
    });
    section("Words of the shop", cited.collect());
    section("Steps", detail.steps.iter().flat_map(|step| step_lines(step, canvas, cells)).collect());
    section("Calls of models", detail.calls.iter().flat_map(|call| call_lines(call, canvas)).collect());
    lines
}

fn summary(detail: &TurnDetail) -> Vec<(&'static str, Ink, String)> {
    let turn = &detail.turn;
    let (ink, outcome) = match (turn.outcome.as_deref(), &turn.reason) {
        (None, _) => (Ink::Faint, "running".to_owned()),
        (Some("answered"), _) => (Ink::Good, "answered".to_owned()),
        (Some(outcome), None) => (Ink::Wanted, outcome.to_owned()),
        (Some(outcome), Some(reason)) => (Ink::Wanted, format!("{outcome} ({reason})")),
    };
    let took = detail.elapsed_ms.map_or_else(|| "-".into(), |ms| format!("{} ms", text::number(ms)));
    let mut rows = vec![
        ("outcome", ink, outcome),
        ("model", Ink::Assistant, turn.model.clone().unwrap_or_else(|| "-".into())),
        ("took", Ink::Plain, took),
        ("cost", Ink::Plain, text::dollars(&detail.cost_usd)),
    ];
    if detail.input_tokens + detail.output_tokens > 0 {
        let cached = match detail.cached_tokens {
            0 => String::new(),
            cached => format!(" ({} cached)", text::number(cached)),
        };
        let (input, output) = (text::number(detail.input_tokens), text::number(detail.output_tokens));
        rows.push(("tokens", Ink::Plain, format!("{input} in{cached}, {output} out")));
    }
    if turn.guard_refusals > 0 {
        rows.push(("refused drafts", Ink::Wanted, turn.guard_refusals.to_string()));
    }
    rows
}

fn product_lines(product: &ProductRead, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
    let mark = if product.named { "* " } else { "  " };
    let amount = price(product.price.as_ref());
    let title = text::left(&product.title, cells.saturating_sub(text::width(&amount) + 4).max(8));
    let ink = if product.named { Ink::Strong } else { Ink::Faint };
    let mut lines = vec![canvas.inked(&[(Ink::Good, mark), (ink, &title), (Ink::Plain, "  "), (Ink::Plain, &amount)])];
    let stock = if product.available { (Ink::Good, "in stock") } else { (Ink::Wanted, "sold out") };
    let before = product.compare_at.as_ref().map(|before| format!(", before {} {}", before.amount, before.currency));
    lines.push(canvas.inked(&[
        (Ink::Plain, "  "),
        stock,
        (Ink::Faint, &before.unwrap_or_default()),
        (Ink::Faint, "  "),
        (Ink::Faint, &product.product_id),
    ]));
    lines
}

fn step_lines(step: &Step, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
    let took = step.elapsed_ms.map_or_else(String::new, |ms| format!("  {} ms", text::number(ms)));
    let mut parts: Vec<String> = Vec::new();
    parts.extend(step.intent.clone());
    parts.extend(step.search.as_ref().map(|words| format!("\"{words}\"")));
    parts.extend(step.found.map(|count| format!("{count} found")));
    parts.extend(step.by.as_ref().map(|by| format!("by {by}")));
    parts.extend(step.stood_in.as_ref().map(|why| format!("the built-in stood in: {why}")));
    let said = format!("{} {}", step.kind, parts.join(", "));
    let mut lines: Vec<Line<'static>> = Vec::new();
    let wrapped = text::wrap(said.trim(), cells.saturating_sub(12));
    for (at, line) in wrapped.iter().enumerate() {
        let indent = if at == 0 { "" } else { "  " };
        let took = if at + 1 == wrapped.len() { took.as_str() } else { "" };
        lines.push(canvas.inked(&[(Ink::Plain, indent), (Ink::Plain, line), (Ink::Faint, took)]));
    }
    lines.extend(step.tools.iter().flat_map(|tool| tool_lines(tool, canvas, cells)));
    for missed in &step.missed {
        let words = format!("  {} gave nothing: {}", missed.model, missed.reason);
        lines.push(canvas.inked(&[(Ink::Wanted, &words)]));
    }
    for refused in &step.refused {
        for line in text::wrap(&format!("refused: {refused}"), cells.saturating_sub(2)) {
            lines.push(canvas.inked(&[(Ink::Plain, "  "), (Ink::Wanted, &line)]));
        }
    }
    lines
}

fn tool_lines(tool: &ToolCalled, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
    let came = match (&tool.refused, tool.results) {
        (Some(why), _) => format!("refused: {why}"),
        (None, Some(count)) if tool.near => format!("{count} near"),
        (None, Some(count)) => format!("{count} found"),
        (None, None) => "done".into(),
    };
    let words = format!("{}({}) {came}", tool.name, tool.arguments);
    let wrapped = text::wrap(&words, cells.saturating_sub(2));
    wrapped.iter().map(|line| canvas.inked(&[(Ink::Plain, "  "), (Ink::Plain, line)])).collect()
}

fn call_lines(call: &ModelCall, canvas: &Canvas<'_, '_>) -> Vec<Line<'static>> {
    let ink = if call.outcome == "ok" { Ink::Good } else { Ink::Bad };
    let first =
        call.first_token_ms.map_or_else(String::new, |ms| format!(", first words after {} ms", text::number(ms)));
    let cost = format!("{}{}", if call.estimated { "about " } else { "" }, text::dollars(&call.cost_usd));
    vec![
        canvas.inked(&[
            (Ink::Assistant, &call.model),
            (Ink::Faint, " "),
            (Ink::Faint, &call.role),
            (Ink::Faint, " "),
            (ink, &call.outcome),
        ]),
        canvas.inked(&[(Ink::Faint, &format!("  {} ms{first}, {cost}", text::number(call.latency_ms)))]),
    ]
}
