//! Links: a text that a shopper's app would make tappable, or that spells an address, is a product's exact link or refused.

use crate::agent::text::fold;

/// Endings that make two words with a dot and a space an address all the same.
const COMMON_ENDINGS: [&str; 12] =
    ["com", "net", "org", "shop", "store", "info", "eu", "io", "app", "online", "site", "xyz"];

/// Schemes that work without a host.
const SCHEMES: [&str; 9] = ["javascript:", "data:", "tel:", "mailto:", "sms:", "file:", "whatsapp:", "http:", "https:"];

/// Abbreviations with inner dots.
const ABBREVIATIONS: [&str; 8] = ["p.ej", "p.ex", "z.hd", "i.d.r", "u.s.w", "v.a", "p.m", "a.m"];

/// Everything in a text, out of which the products' own links are taken, that leads somewhere.
pub(super) fn foreign(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<String> =
        parts.iter().filter(|part| leads_somewhere(part)).map(|part| (*part).to_owned()).collect();
    for pair in parts.windows(2) {
        let ending = |word: &str| COMMON_ENDINGS.contains(&word.trim_matches(|letter: char| !letter.is_alphanumeric()));
        let joined = (pair[0].ends_with('.') && ending(pair[1])) || (pair[1].starts_with('.') && ending(&pair[1][1..]));
        let dot_alone = pair[0] == "." && ending(pair[1]);
        if joined || dot_alone {
            found.push(pair.join(" "));
        }
    }
    found
}

fn leads_somewhere(part: &str) -> bool {
    let folded = fold(part);
    folded.contains("://")
        || folded.contains("www.")
        || folded.contains("[.]")
        || folded.contains("(.)")
        || folded.contains("[dot]")
        || folded.contains("(dot)")
        || SCHEMES.iter().any(|scheme| folded.contains(scheme))
        || is_address(&folded)
        || is_handle(&folded)
        || folded
            .split(['/', '(', ')', ',', ';', '"', '<', '>', '[', ']', '?', '#', '|', '«', '»', '“', '”'])
            .any(is_host)
}

/// `185.12.33.4`, with whatever follows.
fn is_address(part: &str) -> bool {
    let host = part.split(['/', ':', '?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = host.trim_matches(|letter: char| !letter.is_ascii_digit()).split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

/// `@name`, or an e-mail address.
fn is_handle(part: &str) -> bool {
    part.match_indices('@')
        .any(|(at, _)| part[at + 1..].starts_with(|letter: char| letter.is_alphanumeric() || letter == '_'))
}

/// `shop.example`, with or without a port.
fn is_host(part: &str) -> bool {
    let part = part.trim_matches(|letter: char| !letter.is_alphanumeric());
    let part = part.split(':').next().unwrap_or(part);
    let labels: Vec<&str> = part.split('.').collect();
    let Some((ending, names)) = labels.split_last() else { return false };
    let ending_fits = (2..=24).contains(&ending.chars().count()) && ending.chars().all(char::is_alphabetic);
    let names_fit = !names.is_empty()
        && names.iter().all(|name| {
            !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '-' || letter == '_')
        });
    ending_fits
        && names_fit
        && names.iter().any(|name| name.chars().any(char::is_alphabetic))
        && !ABBREVIATIONS.contains(&part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_seen_in_every_dress() {
        for text in [
            "https://noor.example/x",
            "see noor.example",
            "(www.noor.example).",
            "noor.example/products/hat?x=1",
            "HTTP://NOOR.EXAMPLE",
            "ftp://noor",
            "wa.me/4917",
            "mail hi@noor.example",
            "follow @noor",
            "noor[.]example",
            "noor .com",
            "noor. com",
            "t.co/abc",
            "noor-shop.co.uk!",
        ] {
            assert!(!foreign(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn ordinary_sentences_lead_nowhere() {
        for text in [
            "Hello. How are you?",
            "49.90 and 1.299,00 €",
            "z.B. in M, d.h. sofort",
            "p.ej. en M",
            "It's here... really!",
            "5 p.m. sharp",
            "S/M or M/L",
        ] {
            assert_eq!(foreign(text), Vec::<String>::new(), "{text}");
        }
    }
}
