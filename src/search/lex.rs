//! A question as tokens: words, numbers and the signs that mean something.

use super::analyze::{fold, words};

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// As the shopper wrote it.
    pub(super) raw: String,
    pub(super) kind: Kind,
    /// Already understood as something other than a wished-for word.
    pub(super) used: bool,
    /// Written together with the token before it.
    pub(super) glued: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folded word.
    Word(String),
    /// A number as a plain decimal: `49.9`.
    Number(String),
    /// A currency sign, `-`, `/`, `<` or `>`.
    Sign(char),
    /// The end of a clause.
    Stop,
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<&str> {
        match &self.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// Splits a question.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut glued = false;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            c if c.is_ascii_digit() => number(rest, glued, &mut tokens),
            c if c.is_alphanumeric() => word(rest, glued, &mut tokens),
            c => {
                let kind = match c {
                    '€' | '$' | '£' | '¥' | '<' | '>' | '-' | '–' | '/' | '%' => {
                        Some(Kind::Sign(if c == '–' { '-' } else { c }))
                    }
                    '.' | ',' | ';' | '!' | '?' | ':' | '\n' | '(' | ')' => Some(Kind::Stop),
                    _ => None,
                };
                tokens.extend(kind.map(|kind| Token { raw: c.to_string(), kind, used: true, glued }));
                c.len_utf8()
            }
        };
        glued = !first.is_whitespace();
        rest = &rest[length..];
    }
    tokens
}

/// A number, or a word that begins with digits (`2xl`, `350ml` is a number and a word).
fn number(rest: &str, glued: bool, tokens: &mut Vec<Token>) -> usize {
    let mut end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '\''))).unwrap_or(rest.len());
    end = rest[..end].trim_end_matches(['.', ',', '\'']).len();
    let letters = rest[end..].find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len() - end);
    let whole = fold(&rest[..end + letters]);
    if letters > 0 && super::size::letters(&whole).is_some() {
        let raw = rest[..end + letters].to_owned();
        tokens.push(Token { raw, kind: Kind::Word(whole), used: false, glued });
        return end + letters;
    }
    let raw = rest[..end].to_owned();
    tokens.push(Token { kind: Kind::Number(plain(&raw)), raw, used: false, glued });
    end
}

/// `1.299,00` and `1,299.00` are 1299.00; `1.299` is 1299 and `49,9` is 49.9: nobody asks for tenths of a cent.
fn plain(raw: &str) -> String {
    let digits = raw.replace('\'', "");
    let Some(last) = digits.rfind(['.', ',']) else { return digits };
    let fraction = &digits[last + 1..];
    let whole: String = digits[..last].chars().filter(char::is_ascii_digit).collect();
    if fraction.len() == 3 { format!("{whole}{fraction}") } else { format!("{whole}.{fraction}") }
}

fn word(rest: &str, glued: bool, tokens: &mut Vec<Token>) -> usize {
    // Hyphens and apostrophes inside belong to it until `words` says otherwise: `t-shirt`, `l'été`, `LS-WHT-M`.
    let joins = |c: char| matches!(c, '-' | '\'' | '’' | '_');
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let inside = joins(c) && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !(c.is_alphanumeric() || inside || unicode_normalization::char::is_combining_mark(c)) {
            break;
        }
        end = at + c.len_utf8();
    }
    let raw = &rest[..end];
    let found = words(raw);
    // `t shirt` in two words.
    if let ([word], Some(last)) = (found.as_slice(), tokens.last_mut())
        && word.starts_with("shirt")
        && matches!(last.word(), Some("t" | "tee"))
    {
        last.kind = Kind::Word(format!("t{word}"));
        return end.max(1);
    }
    for (place, word) in found.into_iter().enumerate() {
        tokens.push(Token { raw: raw.to_owned(), kind: Kind::Word(word), used: false, glued: glued || place > 0 });
    }
    end.max(rest.chars().next().map_or(1, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        let token = |token: &Token| match &token.kind {
            Kind::Word(word) => word.clone(),
            Kind::Number(number) => format!("#{number}"),
            Kind::Sign(sign) => sign.to_string(),
            Kind::Stop => ".".into(),
        };
        tokens(text).iter().map(token).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn questions_come_apart() {
        for (text, expected) in [
            ("Hi! T-shirt under 1.299,00€?", "hi . tshirt under #1299.00 € ."),
            ("20-40€ tee shirt", "#20 - #40 € tshirt"),
            ("350ml 2XL", "#350 ml 2xl"),
            ("l'été, women's", "ete . women"),
            ("sugar-free V-neck", "sugar free v neck"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,120}") {
            tokens(&text);
        }
    }
}
