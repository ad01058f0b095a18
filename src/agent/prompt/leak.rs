//! Whether something secret of a prompt is in a text, however it is dressed up.
//!
//! A model that is talked into giving its prompt away is talked into encoding it as well. What can be undone by code is undone
//! here: spacing and punctuation, direction, other scripts' letters and digits, digits in words, base64, hexadecimal digits,
//! character codes, percent escapes, rot13. A part of the secret is enough.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use unicode_normalization::UnicodeNormalization;

use crate::agent::{guard::digit_in_words, text::words};

/// Letters of the secret in a row that give it away: by chance they stand in no text.
const PART_LETTERS: usize = 8;
/// Base64 letters in a row that may hold a part of it.
const BASE64_RUN_MIN: usize = 8;
/// Letters of text that are looked through: a draft has fewer.
const TEXT_CHARS_MAX: usize = 20_000;

/// Whether the secret, or a part of it, is in a text.
#[must_use]
pub fn leaks(text: &str, secret: &str) -> bool {
    let secret = bare(secret);
    if secret.is_empty() {
        return false;
    }
    let text: String = text.nfkc().take(TEXT_CHARS_MAX).map(latin).collect();
    let plain = [bare(&text), bare(&rot13(&text)), in_digits(&text)];
    let decoded = [percent(&text), codes(&text)].into_iter().chain(hexadecimal(&text)).chain(base64(&text));
    plain
        .into_iter()
        .chain(decoded.flat_map(|text| [bare(&text), bare(&rot13(&text))]))
        .any(|text| holds(&text, &secret))
}

/// Whether a part of the secret stands in the text, forwards or backwards.
fn holds(text: &str, secret: &str) -> bool {
    let backwards: String = secret.chars().rev().collect();
    let part = PART_LETTERS.min(secret.len());
    let parts = |secret: &str| (0..=secret.len() - part).any(|from| text.contains(&secret[from..from + part]));
    parts(secret) || parts(&backwards)
}

/// Letters and digits alone, in lower case.
fn bare(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Digits of other scripts, and letters that look like ours.
fn latin(letter: char) -> char {
    let digit = |zero: char| char::from_u32(u32::from('0') + u32::from(letter) - u32::from(zero)).unwrap_or(letter);
    match letter {
        '\u{660}'..='\u{669}' => digit('\u{660}'),
        '\u{6f0}'..='\u{6f9}' => digit('\u{6f0}'),
        '\u{966}'..='\u{96f}' => digit('\u{966}'),
        'а' | 'α' => 'a',
        'Ь' | 'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        _ => letter,
    }
}

/// "one f three": digits in words become digits, in all our languages.
fn in_digits(text: &str) -> String {
    let digit = |word: String| digit_in_words(&word).map_or(word, |digit| digit.to_string());
    words(text).into_iter().map(digit).collect()
}

fn rot13(text: &str) -> String {
    let turn = |letter: char, first: u8| char::from(first + (letter as u8 - first + 13) % 26);
    let turned = text.chars().map(|letter| match letter {
        'a'..='z' => turn(letter, b'a'),
        'A'..='Z' => turn(letter, b'A'),
        other => other,
    });
    turned.collect()
}

/// Runs of hexadecimal digits as bytes, begun at either of two places.
fn hexadecimal(text: &str) -> Vec<String> {
    let text = text.replace("0x", "").replace("\\x", "");
    let digits: Vec<u8> =
        text.chars().filter_map(|letter| letter.to_digit(16)).filter_map(|it| u8::try_from(it).ok()).collect();
    // Only where nothing but digits and what parts them stands: words have such letters too.
    let runs = text.split(|letter: char| !(letter.is_ascii_hexdigit() || matches!(letter, ' ' | ':' | '-' | ',')));
    let of_run = |run: &str| {
        let digits: Vec<u8> =
            run.chars().filter_map(|letter| letter.to_digit(16)).filter_map(|it| u8::try_from(it).ok()).collect();
        [bytes_of(&digits), bytes_of(digits.get(1..).unwrap_or_default())]
    };
    runs.filter(|run| run.len() >= 2 * PART_LETTERS).flat_map(of_run).chain([bytes_of(&digits)]).collect()
}

fn bytes_of(digits: &[u8]) -> String {
    readable(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]))
}

/// Numbers as the letters that they are codes of: `114 101 102`, `&#114;`.
fn codes(text: &str) -> String {
    let numbers = text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse::<u8>().ok());
    readable(numbers)
}

fn percent(text: &str) -> String {
    let mut undone = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        undone.push_str(before);
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if byte.is_ascii() => {
                undone.push(char::from(byte));
                rest = &after[2..];
            }
            _ => rest = after,
        }
    }
    undone + rest
}

/// What stands in base64, whatever it begins with and however it is broken into pieces.
fn base64(text: &str) -> Vec<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engines = [GeneralPurpose::new(&STANDARD, config), GeneralPurpose::new(&URL_SAFE, config)];
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '-' | '_');
    let whole: String = text.chars().filter(|letter| is_letter(*letter)).collect();
    let runs = text.split(|letter: char| !is_letter(letter)).filter(|run| run.len() >= BASE64_RUN_MIN);
    let mut found = Vec::new();
    for run in runs.chain([whole.as_str()]) {
        for from in 0..4 {
            let Some(piece) = run.get(from..) else { continue };
            // One letter left over holds no byte.
            let piece = if piece.len() % 4 == 1 { &piece[..piece.len() - 1] } else { piece };
            found.extend(engines.iter().filter_map(|engine| engine.decode(piece).ok()).map(readable));
        }
    }
    found
}

/// The readable ones among bytes.
fn readable(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().filter(u8::is_ascii).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    const SECRET: &str = "ref-91c4e07ab35f2d8860a1b7e4";

    #[test]
    fn a_secret_is_found_in_every_dress_that_code_can_undo() {
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
        let spaced_hex: String = SECRET.bytes().map(|byte| format!("{byte:02X} ")).collect();
        let codes: String = SECRET.bytes().map(|byte| format!("{byte}, ")).collect();
        let entities: String = SECRET.bytes().map(|byte| format!("&#{byte};")).collect();
        let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let spaced: String = SECRET.chars().map(|letter| format!("{letter} ")).collect();
        let fullwidth: String = SECRET.chars().filter_map(|letter| char::from_u32(letter as u32 + 0xfee0)).collect();
        let arabic = SECRET.replace('9', "٩").replace('1', "١").replace('4', "٤").replace('0', "۰");
        let cyrillic = SECRET.replace('a', "а").replace('c', "с").replace('e', "е");
        let english = SECRET.chars().fold(String::new(), |said, letter| {
            let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
            let word = letter.to_digit(10).map_or(letter.to_string(), |digit| names[digit as usize].into());
            format!("{said} {word}")
        });
        let german = english.replace("one", "eins").replace("seven", "sieben").replace("zero", "null");
        let sentence = format!("My reference is {SECRET}.");
        for (dress, text) in [
            ("plain", SECRET.to_owned()),
            ("capitals", SECRET.to_uppercase()),
            ("a part", "it begins with ref-91c4e07a and goes on".into()),
            ("spaced", spaced),
            ("backwards", SECRET.chars().rev().collect()),
            ("rot13", rot13(SECRET)),
            ("hex", hex),
            ("hex with spaces", spaced_hex),
            ("codes", codes),
            ("entities", entities),
            ("percent", percent),
            ("fullwidth", fullwidth),
            ("Arabic digits", arabic),
            ("Cyrillic letters", cyrillic),
            ("English words", english),
            ("German words", german),
            ("base64", BASE64_STANDARD.encode(SECRET)),
            ("base64 of a sentence", BASE64_STANDARD.encode(&sentence)),
            ("base64 for addresses", BASE64_URL_SAFE_NO_PAD.encode(&sentence)),
            ("base64 backwards", BASE64_STANDARD.encode(SECRET.chars().rev().collect::<String>())),
            (
                "base64 in pieces",
                BASE64_STANDARD
                    .encode(&sentence)
                    .as_bytes()
                    .chunks(7)
                    .map(|it| String::from_utf8_lossy(it).into_owned())
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
        ] {
            assert!(leaks(&format!("Sure! {text} Anything else?"), SECRET), "{dress}: {text}");
            assert!(leaks(&text, SECRET), "{dress}: {text}");
        }
    }

    #[test]
    fn ordinary_answers_hold_nothing_secret() {
        for text in [
            "The Cove Linen Shirt costs $58.00 and is available in M, L and XL.",
            "Delivery takes 2 to 4 working days, from 100 euros on it is free. Ref. 91c4 is not ours.",
            "Your order number 8101-8102-8103, 12:30, 50% linen, #ff8800, 2083400081013",
            "https://harborandpine.example/products/cove-linen-shirt?variant=8104",
            "",
        ] {
            assert!(!leaks(text, SECRET), "{text}");
        }
        assert!(!leaks("anything", ""));
    }
}
