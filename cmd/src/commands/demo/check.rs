//! Compares what the shoppers saw with what the script expects. Pure.

use serde::Serialize;

use super::script::Expect;

/// One thing that had to be so.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it was.
    pub ok: bool,
    /// What was instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// All of them, in order.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// Notes one; `otherwise` says what was instead.
    pub fn that(&mut self, name: impl Into<String>, ok: bool, otherwise: impl FnOnce() -> String) {
        self.0.push(Check { name: name.into(), ok, detail: (!ok).then(otherwise) });
    }

    /// Notes one that is so when nothing is wrong.
    pub fn none_wrong(&mut self, name: impl Into<String>, wrong: &[String]) {
        self.that(name, wrong.is_empty(), || wrong.join("; "));
    }

    /// All of them.
    pub fn all(&self) -> &[Check] {
        &self.0
    }

    /// Those that were not so.
    pub fn failed(&self) -> Vec<&Check> {
        self.0.iter().filter(|check| !check.ok).collect()
    }
}

/// What an answer lacks, or has and should not; empty: it is as expected.
pub fn missing(expects: &Expect, reply: &str) -> Vec<String> {
    let lower = reply.to_lowercase();
    let says = |words: &str| lower.contains(&words.to_lowercase());
    let mut wrong = Vec::new();
    if let Some(product) = expects.product {
        if !says(product.title) {
            wrong.push(format!("does not name {}", product.title));
        }
        if expects.price && !names_price(reply, product.price) {
            wrong.push(format!("does not say {}", product.price));
        }
        if expects.link && !reply.contains(product.url) {
            wrong.push(format!("does not link to {}", product.url));
        }
    }
    let groups = expects.says.iter().filter(|group| !group.iter().any(|&words| says(words)));
    wrong.extend(groups.map(|group| format!("does not say {}", quoted(group))));
    wrong.extend(expects.never.iter().filter(|&&words| says(words)).map(|words| format!("says `{words}`")));
    wrong
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|words| format!("`{}`", words.trim())).collect::<Vec<_>>().join(" or ")
}

/// Whether a text says a price, however its language writes it: `58.00`, `58`, `58,00`.
fn names_price(text: &str, price: &str) -> bool {
    let wanted = cents(price);
    let numbers = text.split(|character: char| !character.is_ascii_digit() && !matches!(character, '.' | ','));
    wanted.is_some() && numbers.map(cents).any(|found| found == wanted)
}

/// Hundredths. A sign before two digits is decimal, one before three groups thousands, whichever it is.
fn cents(number: &str) -> Option<u64> {
    let number = number.trim_matches(['.', ',']);
    let (whole, decimals) = match number.rsplit_once(['.', ',']) {
        Some((whole, decimals)) if decimals.len() == 2 => (whole, decimals),
        Some((_, decimals)) if decimals.len() != 3 => return None,
        _ => (number, "00"),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(decimals.parse().ok()?)
}

/// The one in the middle; `None` when there is none.
pub fn median(values: &[i64]) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{
        super::script::{Expect, Product},
        *,
    };

    static SHIRT: Product = Product { title: "Cove Linen Shirt", price: "58.00", url: "https://h.example/p/cove" };

    fn expects() -> Expect {
        Expect {
            outcome: "answered",
            product: Some(&SHIRT),
            price: true,
            link: true,
            says: &[&["available", "in stock"]],
            never: &["not available"],
        }
    }

    #[test]
    fn a_good_answer_lacks_nothing() {
        let reply = "Yes, COVE linen shirt is available in M: $58.\nhttps://h.example/p/cove";
        assert_eq!(missing(&expects(), reply), Vec::<String>::new());
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        insta::assert_snapshot!(missing(&expects(), "It is not available for 158.00.").join("\n"), @r"
        does not name Cove Linen Shirt
        does not say 58.00
        does not link to https://h.example/p/cove
        says `not available`
        ");
    }

    #[test]
    fn a_price_is_found_in_every_way_of_writing_it() {
        for text in ["58.00 USD", "for $58!", "58,00 €", "nur 58 €.", "(58.00)"] {
            assert!(names_price(text, "58.00"), "{text}");
        }
        for text in ["158.00", "58.90", "580", "no price", "5.8"] {
            assert!(!names_price(text, "58.00"), "{text}");
        }
        assert!(names_price("1.299,00 €", "1299.00") && names_price("$1,299", "1299.00"));
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!((median(&[]), median(&[3]), median(&[9, 1, 5])), (None, Some(3), Some(5)));
    }

    #[test]
    fn failed_checks_say_what_was_instead() {
        let mut checks = Checks::default();
        checks.that("one", true, || "never told".into());
        checks.none_wrong("two", &["this".into(), "that".into()]);
        let failed: Vec<_> = checks.failed().into_iter().map(|check| (&check.name, check.detail.as_deref())).collect();
        assert_eq!((checks.all().len(), failed), (2, vec![(&"two".to_owned(), Some("this; that"))]));
    }
}
