//! Which of the products that were found an answer speaks of.

use super::{
    compose::{Findings, PRODUCTS_MAX},
    text::words,
};
use crate::{
    domain::product::Product,
    workflow::{Ask, Understanding},
};

/// Whether a product can be spoken of: it may be shown, and it has a name.
pub(super) fn sayable(product: &Product) -> bool {
    product.visible() && !words(&product.title).is_empty()
}

/// The products that an answer speaks of.
pub(super) fn chosen<'f>(understanding: &Understanding, findings: &'f Findings) -> Vec<&'f Product> {
    let meant: Vec<&Product> = findings.meant.iter().filter(|product| sayable(product)).collect();
    if !meant.is_empty() {
        return by_colour(understanding, meant).into_iter().take(PRODUCTS_MAX).collect();
    }
    let hits: Vec<&Product> = findings.hits.iter().filter(|product| sayable(product)).collect();
    let named: Vec<&Product> =
        hits.iter().copied().filter(|product| title_has(product, &understanding.content)).collect();
    let wants = &understanding.wants;
    let particular = understanding.ask != Ask::Search || wants.size.is_some() || !wants.colours.is_empty();
    if particular && !named.is_empty() {
        let closest = named.iter().map(|product| words(&product.title).len()).min();
        let mut shortest = named.iter().copied().filter(|product| Some(words(&product.title).len()) == closest);
        // "The linen shirt" is the Linen Shirt, not the Linen Shirt Long.
        let whole = closest.is_some_and(|length| length <= understanding.content.len());
        return match (shortest.next(), shortest.next()) {
            (Some(only), None) if whole => vec![only],
            _ => named.into_iter().take(PRODUCTS_MAX).collect(),
        };
    }
    hits.into_iter().take(PRODUCTS_MAX).collect()
}

/// "The blue one" among several: those that have the colour, or all when none has.
fn by_colour<'f>(understanding: &Understanding, meant: Vec<&'f Product>) -> Vec<&'f Product> {
    if meant.len() < 2 || understanding.wants.colours.is_empty() {
        return meant;
    }
    let has = |product: &&&Product| {
        let values = product.variants.iter().flat_map(|variant| &variant.options).map(|option| option.value.as_str());
        let said: Vec<String> = values.chain([product.title.as_str()]).flat_map(words).collect();
        understanding.wants.colours.iter().all(|group| group.iter().any(|word| said.contains(word)))
    };
    let fitting: Vec<&Product> = meant.iter().filter(has).copied().collect();
    if fitting.is_empty() { meant } else { fitting }
}

/// Whether a title has every word that names the thing; plural and case endings may differ.
pub(super) fn title_has(product: &Product, content: &[String]) -> bool {
    let title = words(&product.title);
    !content.is_empty() && content.iter().all(|word| title.iter().any(|own| same_stem(own, word)))
}

fn same_stem(a: &str, b: &str) -> bool {
    const STEM_CHARS_MIN: usize = 3;
    const ENDING_CHARS_MAX: usize = 2;
    let shared = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let longest = a.chars().count().max(b.chars().count());
    a == b || (shared >= STEM_CHARS_MIN && longest - shared <= ENDING_CHARS_MAX)
}
