//! What is left of a draft when the sentences are taken out that nothing accounts for.
//!
//! Only statements that nobody can vouch for may be left out. A draft with a wrong price, form, link or product is wrong about
//! what it does speak of, and is not mended by leaving things out.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Kind, Rules, check, check_draft};
use crate::domain::product::ProductKey;

/// The messages without the sentences that nothing accounts for; `None` when that does not make the draft pass, or leaves
/// nothing of it.
#[must_use]
pub fn prune(messages: &[String], products: &[ProductKey], rules: &Rules<'_>) -> Option<Vec<String>> {
    let violations = check_draft(messages, products, rules);
    if violations.is_empty() || violations.iter().any(|violation| violation.kind != Kind::Claim) {
        return None;
    }
    let stands = |sentence: &&str| {
        sentence.trim().is_empty()
            || check(&[(*sentence).to_owned()], rules).iter().all(|violation| violation.kind != Kind::Claim)
    };
    let pruned: Vec<String> = messages
        .iter()
        .map(|message| message.split_sentence_bounds().filter(stands).collect::<String>().trim().to_owned())
        .filter(|message| message.chars().any(char::is_alphanumeric))
        .collect();
    let passes = !pruned.is_empty() && check_draft(&pruned, products, rules).is_empty();
    passes.then_some(pruned)
}
