//! Whether a draft is plainly in another language than it was to be in. Plainly, because a second draft for nothing costs more
//! than a stray sentence.

use super::{
    Known,
    sheet::{Piece, Sheet},
};
use crate::{
    agent::language,
    domain::{Language, evidence::Evidence, reply::Draft},
};

/// Whether a draft, as its author wrote it, is plainly not in this language. The names of products, links and the shop's own
/// words are in none; a draft that cites a source may speak the source's.
#[must_use]
pub fn is_in_another_language(draft: &Draft, expected: Language, evidence: &Evidence, own_words: &[&str]) -> bool {
    if !draft.citations.is_empty() {
        return false;
    }
    let known = Known { products: &evidence.products, own_words };
    let mut text = String::new();
    for message in &draft.messages {
        for piece in Sheet::lay_out(message, &known).pieces {
            match piece {
                Piece::Word { folded, clipped, .. } => {
                    text.push(if clipped { '\'' } else { ' ' });
                    text.push_str(&folded);
                }
                _ => text.push_str(" ."),
            }
        }
        text.push('\n');
    }
    language::is_plainly_another(&text, expected)
}
