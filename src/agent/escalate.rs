//! The topics that a shop leaves to people. Found by code in what the shopper wrote, so that no model decides about it.

use super::{phrases::PhraseBook, text::words};

/// Whether one of the texts speaks of one of the topics.
pub(super) fn is_due(topics: &[String], texts: &[&str]) -> bool {
    let mut book = PhraseBook::new();
    topics.iter().for_each(|topic| book.add((), topic));
    texts.iter().any(|text| !book.find(&words(text)).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_whole_words_in_whatever_case_and_script() {
        let topics = ["allerg*", "bridal fitting", "Großhandel", "گارانتی"].map(str::to_owned);
        for text in ["I'm ALLERGIC to wool", "a Bridal  fitting?", "Grosshandel?", "گارانتی دارد؟"] {
            assert!(is_due(&topics, &["hi", text]), "{text}");
        }
        for text in ["the bridal dress, a fitting one", "großhandelspreise", ""] {
            assert!(!is_due(&topics, &[text]), "{text}");
        }
        assert!(!is_due(&[], &["anything"]));
    }
}
