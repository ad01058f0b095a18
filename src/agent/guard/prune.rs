//! What is left of a draft when the sentences are taken out that nothing accounts for.
//!
//! Only statements that nobody can vouch for may be left out. A draft with a wrong price, form, link or product is wrong about
//! what it does speak of, and is not mended by leaving things out.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    Kind, Rules, Sentence, check, check_draft,
    sheet::{Known, Sheet},
};
use crate::domain::product::ProductKey;

/// How much may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Talk that nobody misses: sentences of paragraphs that stand without them, in a draft that shows products, where neither
    /// they nor the shopper name a matter that a shop is held to. Such a statement had better be said again, with its source.
    Talk,
    /// Everything that nothing accounts for.
    Unproven,
}

/// The messages without the sentences that nothing accounts for; `None` when that does not make the draft pass, or leaves
/// nothing of it.
#[must_use]
pub fn prune(messages: &[String], products: &[ProductKey], leave: Leave, rules: &Rules<'_>) -> Option<Vec<String>> {
    let violations = check_draft(messages, products, rules);
    if violations.is_empty() || violations.iter().any(|violation| violation.kind != Kind::Claim) {
        return None;
    }
    let known = Known { products: &rules.evidence.products, own_words: rules.own_words };
    if leave == Leave::Talk && (products.is_empty() || rules.asked.iter().any(|text| names_matter(text, &known))) {
        return None;
    }
    let mut lost = false;
    let mut stands = |sentence: &&str| {
        let stands = sentence.trim().is_empty()
            || check(&[(*sentence).to_owned()], rules).iter().all(|violation| violation.kind != Kind::Claim);
        lost |= !stands && leave == Leave::Talk && names_matter(sentence, &known);
        stands
    };
    let pruned: Vec<String> = messages
        .iter()
        .map(|message| message.split_sentence_bounds().filter(&mut stands).collect::<String>().trim().to_owned())
        .filter(|message| message.chars().any(char::is_alphanumeric))
        .collect();
    // A whole paragraph may be the answer.
    let stays = leave == Leave::Unproven || paragraphs(&pruned) == paragraphs(messages);
    let passes = !lost && stays && !pruned.is_empty() && check_draft(&pruned, products, rules).is_empty();
    passes.then_some(pruned)
}

/// Whether a text is about something that the shop could be held to: delivery, returns, materials and the like.
fn names_matter(text: &str, known: &Known<'_>) -> bool {
    let sheet = Sheet::lay_out(text, known);
    !Sentence::new(&sheet.pieces, known.products, &[]).topics.is_empty()
}

fn paragraphs(messages: &[String]) -> usize {
    let says = |text: &&str| text.chars().any(char::is_alphanumeric);
    messages.iter().flat_map(|message| message.split("\n\n")).filter(says).count()
}
