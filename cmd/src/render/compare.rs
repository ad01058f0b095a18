//! What several models would answer to one question: side by side where the width allows, else below each other.

use aura::{
    api::{ModelPreviewed, PreviewAnswer, Usage},
    terminal::{one_line, terminal_safe},
};

use super::layout::{Look, columns, count};

/// Narrower than this nobody likes to read an answer.
const COLUMNS_MIN: usize = 34;

pub fn compared(previewed: &ModelPreviewed, look: Look) -> String {
    let answers: Vec<(String, String)> = previewed
        .answers
        .iter()
        .map(|answer| (one_line(&answer.model), terminal_safe(&told(answer)).into_owned()))
        .collect();
    let fits = look.width.filter(|width| answers.len() > 1 && width / answers.len() >= COLUMNS_MIN);
    match fits {
        Some(width) => columns(width, &answers),
        None => answers.iter().map(|(model, told)| format!("{model}\n\n{told}")).collect::<Vec<_>>().join("\n\n\n"),
    }
}

fn told(answer: &PreviewAnswer) -> String {
    let mut parts: Vec<String> = answer.replies.iter().map(|reply| reply.text.clone()).collect();
    if parts.is_empty() && answer.error.is_none() {
        parts.push("(it says nothing to this)".into());
    }
    parts.push(notes(answer).join("\n"));
    parts.join("\n\n")
}

/// What stands under an answer, a line each.
fn notes(answer: &PreviewAnswer) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(error) = &answer.error {
        notes.push(format!("failed: {}", one_line(error)));
    }
    if let Some(by) = answer.written_by.as_ref().filter(|by| **by != answer.model) {
        notes.push(format!("written by {} in its place", one_line(by)));
    }
    if answer.guard_refusals > 0 {
        notes.push(format!("{} by the guard", count(answer.guard_refusals.into(), "draft refused", "drafts refused")));
    }
    if let Some(reason) = &answer.handoff {
        notes.push(format!("a person is needed: {reason}"));
    }
    if !answer.evidence.is_empty() {
        let ids: Vec<_> = answer.evidence.iter().map(|product| one_line(&product.product_id)).collect();
        notes.push(format!("rests on {}", ids.join(", ")));
    }
    let Usage { input_tokens, output_tokens, cost_usd } = &answer.usage;
    if *input_tokens + *output_tokens > 0 {
        notes.push(format!("{input_tokens} tokens in, {output_tokens} out, {cost_usd} USD"));
    }
    notes.push(format!("{} ms", answer.elapsed_ms));
    notes
}
