//! Foreign text must not steer the terminal: shoppers, shops and other tools wrote it.

use std::borrow::Cow;

/// `text` without anything that steers a terminal: control characters become visible pictures (`␛`), characters that
/// turn the direction of writing, or that hide, are dropped. Line ends stay, tabs become spaces.
pub fn terminal_safe(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| verdict(character) == Verdict::Keep) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match verdict(character) {
            Verdict::Keep => safe.push(character),
            Verdict::Drop => {}
            Verdict::Show(shown) => safe.push_str(shown.encode_utf8(&mut [0; 4])),
            Verdict::Tab => safe.push_str("    "),
        }
    }
    Cow::Owned(safe)
}

/// The same for one line: line ends become spaces.
pub fn one_line(text: &str) -> String {
    let safe = terminal_safe(text.trim());
    safe.split('\n').map(str::trim_end).collect::<Vec<_>>().join(" ")
}

/// JSON that says the same and is safe on a terminal: what `terminal_safe` would change is written as `\uXXXX`.
///
/// Outside its strings JSON has no such character, so the result is the same document.
pub fn json_safe(json: &str) -> Cow<'_, str> {
    let harmless = |character| matches!(verdict(character), Verdict::Keep | Verdict::Tab);
    if json.chars().all(harmless) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if harmless(character) {
            safe.push(character);
        } else {
            let escape = |unit: &u16| format!("\\u{unit:04x}");
            safe.extend(character.encode_utf16(&mut [0; 2]).iter().map(escape));
        }
    }
    Cow::Owned(safe)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    Drop,
    Show(char),
    Tab,
}

fn verdict(character: char) -> Verdict {
    match character {
        '\n' => Verdict::Keep,
        '\t' => Verdict::Tab,
        // Unicode has a picture for each of the 32 control characters of ASCII, in their order, and one for DEL.
        '\0'..='\u{1f}' => Verdict::Show(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
        '\u{7f}' => Verdict::Show('\u{2421}'),
        // C1: some terminals take U+009B for the start of an escape sequence.
        '\u{80}'..='\u{9f}' => Verdict::Show('\u{fffd}'),
        // Line and paragraph separators.
        '\u{2028}' | '\u{2029}' => Verdict::Show(' '),
        // Direction marks, embeddings, overrides and isolates; deprecated formatting.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => Verdict::Drop,
        // Invisible: zero-width space, word joiner and kin, byte order mark, interlinear annotation. The joiners
        // U+200C and U+200D stay: Persian and emoji need them.
        '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => Verdict::Drop,
        _ => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        for (what, text, shown) in [
            ("colour", "\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m"),
            ("clear screen", "a\u{1b}[2J\u{1b}[Hb", "a␛[2J␛[Hb"),
            ("clipboard (OSC 52)", "\u{1b}]52;c;cm0gLXJmIH4=\u{7}", "␛]52;c;cm0gLXJmIH4=␇"),
            ("link (OSC 8)", "\u{1b}]8;;http://x\u{1b}\\y", "␛]8;;http://x␛\\y"),
            ("C1 sequence", "\u{9b}31mred", "\u{fffd}31mred"),
            ("overwriting a line", "paid\rfree", "paid␍free"),
            ("backspace", "abc\u{8}\u{8}", "abc␈␈"),
            ("bell and delete", "\u{7}\u{7f}", "␇␡"),
            ("bidi override", "invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("bidi isolates", "\u{2066}a\u{2069}\u{200f}\u{61c}", "a"),
            ("hidden characters", "pay\u{200b}pal\u{feff}", "paypal"),
            ("separators", "a\u{2028}b", "a b"),
            ("tab", "a\tb", "a    b"),
            ("null", "a\0b", "a␀b"),
        ] {
            assert_eq!(terminal_safe(text), shown, "{what}");
        }
    }

    #[test]
    fn ordinary_text_of_any_language_is_left_alone() {
        for text in ["Größe M?", "هل العباءة متوفرة؟", "می‌خواهم", "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a\nb", "日本語"]
        {
            assert!(matches!(terminal_safe(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(one_line("  Yes:\n 49 EUR\u{1b}[A\n"), "Yes:  49 EUR␛[A");
    }

    proptest! {
        #[test]
        fn safe_text_is_a_fixed_point(text in any::<String>()) {
            let once = terminal_safe(&text).into_owned();
            prop_assert_eq!(terminal_safe(&once), once.as_str());
            prop_assert!(!once.chars().any(|character| character.is_control() && character != '\n'));
        }

        #[test]
        fn safe_json_is_the_same_document(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("a string is JSON");
            let safe = json_safe(&json);
            prop_assert!(!safe.chars().any(char::is_control));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).expect("still JSON"), text);
        }
    }
}
