//! How many emoji an answer has: counted and taken out by code, whoever wrote it.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::domain::persona::EmojiRule;

/// Takes out the emoji that are too many for the rule, the last ones first. `kept`: names and words of the shop's own, which
/// stay as they are; what they hold counts.
pub(super) fn limit(messages: &mut [String], rule: EmojiRule, kept: &[&str]) {
    let Some(mut left) = rule.most() else { return };
    for message in messages {
        *message = limited(message, &mut left, kept);
    }
}

/// Whether a text has an emoji.
pub(super) fn has(text: &str) -> bool {
    text.graphemes(true).any(is_emoji)
}

fn limited(text: &str, left: &mut usize, kept: &[&str]) -> String {
    let mut spans: Vec<(usize, usize)> = kept
        .iter()
        .filter(|words| !words.is_empty())
        .flat_map(|words| text.match_indices(words).map(|(from, found)| (from, from + found.len())))
        .collect();
    spans.sort_unstable();
    let mut made = String::with_capacity(text.len());
    let mut graphemes = text.grapheme_indices(true).peekable();
    while let Some((at, grapheme)) = graphemes.next() {
        let stays = spans.iter().any(|(from, to)| (*from..*to).contains(&at));
        if !is_emoji(grapheme) || stays || *left > 0 {
            *left = left.saturating_sub(usize::from(is_emoji(grapheme)));
            made.push_str(grapheme);
            continue;
        }
        let next = graphemes.peek().and_then(|(_, next)| next.chars().next());
        let joins = made.chars().next_back().is_some_and(char::is_alphanumeric)
            && next.is_some_and(|next| next.is_alphanumeric());
        if joins {
            // "5", a heart, "0" must not become 50.
            made.push(' ');
        } else if next.is_none_or(|next| next.is_whitespace() || next.is_ascii_punctuation()) {
            made.truncate(made.trim_end_matches(' ').len());
        }
        if made.is_empty() {
            while graphemes.next_if(|(_, next)| *next == " ").is_some() {}
        }
    }
    made
}

/// Pictures, flags, hearts and keycaps; not `©`, arrows or check marks that are written as text.
fn is_emoji(grapheme: &str) -> bool {
    let picture = |letter: char| {
        matches!(letter,
            '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{26ff}' | '\u{2705}' | '\u{2728}' | '\u{270a}' | '\u{270b}'
            | '\u{2753}'..='\u{2755}' | '\u{2757}' | '\u{2764}' | '\u{2795}'..='\u{2797}' | '\u{231a}' | '\u{231b}'
            | '\u{23e9}'..='\u{23f3}' | '\u{2b50}' | '\u{2b55}' | '\u{2b1b}' | '\u{2b1c}' | '\u{20e3}')
    };
    grapheme.chars().any(|letter| picture(letter) || letter == '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, rule: EmojiRule, kept: &[&str]) -> String {
        let mut messages = [text.to_owned()];
        limit(&mut messages, rule, kept);
        let [message] = messages;
        message
    }

    #[test]
    fn none_leaves_none_and_tidies_what_is_left() {
        for (text, left) in [
            ("Hi there! 👋", "Hi there!"),
            ("😊 Hello", "Hello"),
            ("Sure 😊, here it is ❤️!", "Sure, here it is!"),
            ("👩‍💻🏳️‍🌈🇩🇪 1️⃣ ⭐", ""),
            ("one 😊 two", "one two"),
            ("first 😊\n\nsecond 😊", "first\n\nsecond"),
            ("only 5💛0 €", "only 5 0 €"),
            ("© ™ → ✓ M/L 50 %", "© ™ → ✓ M/L 50 %"),
        ] {
            assert_eq!(told(text, EmojiRule::Never, &[]).trim(), left, "{text}");
        }
    }

    #[test]
    fn some_leaves_one_in_an_answer_and_many_leaves_all() {
        let mut messages = ["Hi 👋 and 😊".to_owned(), "Bye 💛".to_owned()];
        limit(&mut messages, EmojiRule::Sparing, &[]);
        assert_eq!(messages, ["Hi 👋 and", "Bye"]);
        assert_eq!(told("Hi 👋😊💛", EmojiRule::Free, &[]), "Hi 👋😊💛");
    }

    #[test]
    fn a_products_name_keeps_its_own() {
        assert_eq!(told("The ⭐ Mug is here 😊", EmojiRule::Never, &["⭐ Mug"]), "The ⭐ Mug is here");
        assert_eq!(told("The ⭐ Mug is here 😊", EmojiRule::Sparing, &["⭐ Mug"]), "The ⭐ Mug is here");
    }
}
