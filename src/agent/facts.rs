//! Which facts of the shop answer a question. By ideas that have words in all our languages, then by the words themselves.
//!
//! A fact is said as it stands, so a wrong choice says something true that was not asked; the next time a person answers.

use super::{
    cues::Cues,
    guard::ideas,
    text::{Token, tokens},
};

/// Facts in one answer: more is a page, not an answer.
const FACTS_MAX: usize = 2;
/// An idea in common says more than a word.
const IDEA_WEIGHT: usize = 2;
/// Letters that words share at least: "return" and "returns".
const STEM_MIN: usize = 4;
/// Letters by which their endings may differ.
const ENDING_MAX: usize = 3;

/// The numbers, from 1, of the facts that fit the texts best; empty when none is about the same.
pub(super) fn answering(facts: &[String], texts: &[&str]) -> Vec<usize> {
    let asked = texts.join("\n");
    let (asked_ideas, asked_words) = (ideas(&asked), content(&asked));
    let weigh = |fact: &String| {
        let (ideas, words) = (ideas(fact), content(fact));
        let shared_ideas = asked_ideas.iter().filter(|idea| ideas.contains(idea)).count();
        let shared_words = asked_words.iter().filter(|word| words.iter().any(|other| alike(word, other))).count();
        // One word of several may be any word: "card" of a loyalty card and of a credit card.
        let about_it = shared_ideas > 0 || 2 * shared_words > asked_words.len();
        if about_it { IDEA_WEIGHT * shared_ideas + shared_words } else { 0 }
    };
    let weights: Vec<usize> = facts.iter().map(weigh).collect();
    let best = weights.iter().copied().max().filter(|best| *best > 0);
    let fits = |(_, weight): &(usize, usize)| Some(*weight) == best;
    (1..).zip(weights).filter(fits).map(|(number, _)| number).take(FACTS_MAX).collect()
}

/// The folded words that name something.
fn content(text: &str) -> Vec<String> {
    let cues = Cues::get();
    let named = |token: &Token| token.folded.chars().count() >= STEM_MIN && !cues.is_function_word(token);
    tokens(text).into_iter().filter(named).map(|token| token.folded).collect()
}

fn alike(one: &str, other: &str) -> bool {
    let shared = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let rest = |word: &str| word.chars().count() - shared;
    shared >= STEM_MIN && rest(one) <= ENDING_MAX && rest(other) <= ENDING_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fact_that_answers_is_found_in_whatever_language_it_is_asked() {
        let facts = [
            "Delivery within Germany takes 2 to 4 working days.",
            "You can return everything within 30 days.",
            "Our showroom in Berlin is open Monday to Saturday, 10 am to 7 pm.",
            "We take PayPal, credit cards and bank transfers.",
        ]
        .map(str::to_owned);
        for (asked, number) in [
            ("How long does shipping take?", 1),
            ("Wie lange dauert der Versand?", 1),
            ("Can I send it back?", 2),
            ("Kann ich das umtauschen?", 2),
            ("When is your showroom open?", 3),
            ("Do you take PayPal?", 4),
        ] {
            assert_eq!(answering(&facts, &[asked]), [number], "{asked}");
        }
        for asked in ["Do you have a loyalty card?", "", "ja"] {
            assert!(answering(&facts, &[asked]).is_empty(), "{asked}");
        }
        assert!(answering(&[], &["How long does shipping take?"]).is_empty());
    }
}
