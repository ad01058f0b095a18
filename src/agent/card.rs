//! What can be said of one product, written by code from its data alone: its card, its forms, its prices.

use super::{
    cues::Cues,
    guard::is_plain_value,
    money_text::price_text,
    text::{fold, one_line, words},
    wording::{Phrase, Voice},
};
use crate::{
    domain::{
        Money,
        product::{Product, Variant},
    },
    workflow::Wants,
};

/// More values than this are a table, not an answer; the product's page has it.
const VALUES_MAX: usize = 12;

/// A product's name as it is written in a message.
pub(super) fn name(product: &Product) -> String {
    one_line(&product.title)
}

/// The product in two or three lines: name and price, what can be had, link.
pub(super) fn card(voice: &Voice<'_>, product: &Product) -> String {
    let head = match card_price(voice, product) {
        Some(price) => format!("{} – {price}", name(product)),
        None => name(product),
    };
    let lines = [Some(head), Some(availability(voice, product)), link(product)];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The product's link, on a line of its own.
pub(super) fn link(product: &Product) -> Option<String> {
    // A link with white space could not be tapped, and the guard could not hold it to the data.
    product.url.clone().filter(|url| !url.is_empty() && !url.contains(char::is_whitespace))
}

/// What can be had of it: "Available in S, L".
pub(super) fn availability(voice: &Voice<'_>, product: &Product) -> String {
    match (product.available(), values_to_be_had(product)) {
        (false, _) => voice.say(Phrase::Unavailable, &[]),
        (true, None) => voice.say(Phrase::Available, &[]),
        (true, Some(values)) => voice.say(Phrase::AvailableIn, &[("values", &values)]),
    }
}

/// "€49.00", "€49.00 (instead of €60.00)", "from €49.00".
pub(super) fn card_price(voice: &Voice<'_>, product: &Product) -> Option<String> {
    let (low, high) = product.price_range()?;
    let text = price_text(low, voice.language);
    if low != high {
        return Some(voice.say(Phrase::FromPrice, &[("price", &text)]));
    }
    voice.note_fact(&text);
    Some(match before_reduction(product, low) {
        Some(before) => format!("{text} ({})", instead_of(voice, before)),
        None => text,
    })
}

pub(super) fn instead_of(voice: &Voice<'_>, before: Money) -> String {
    voice.say(Phrase::InsteadOf, &[("price", &price_text(before, voice.language))])
}

/// The price before the reduction, if every variant at this price has the same one.
pub(super) fn before_reduction(product: &Product, price: Money) -> Option<Money> {
    let mut before =
        product.variants.iter().filter(|variant| variant.price == Some(price)).map(|variant| variant.compare_at);
    let first = before.next()??;
    (first.currency == price.currency && first.minor > price.minor && before.all(|other| other == Some(first)))
        .then_some(first)
}

/// The values of each option that can be had, `S, L · Blue`; `None` where there is nothing to choose or too much.
pub(super) fn values_to_be_had(product: &Product) -> Option<String> {
    // A variant with a value that cannot be listed safely is left out whole, so that the list stays true together.
    let listable = |variant: &&Variant| variant.options.iter().all(|option| is_plain_value(&option.value));
    let there: Vec<&Variant> =
        product.variants.iter().filter(|variant| variant.stock.available()).filter(listable).collect();
    let mut options: Vec<(&str, Vec<&str>)> = Vec::new();
    // In the shop's own order, S before M, whichever of them is sold out in the first colour.
    for option in product.variants.iter().flat_map(|variant| &variant.options) {
        if !there.iter().any(|variant| variant.options.contains(option)) {
            continue;
        }
        match options.iter_mut().find(|(name, _)| *name == option.name) {
            None => options.push((&option.name, vec![&option.value])),
            Some((_, values)) if !values.contains(&option.value.as_str()) => values.push(&option.value),
            Some(_) => {}
        }
    }
    if options.is_empty() || options.iter().any(|(_, values)| values.len() > VALUES_MAX) {
        return None;
    }
    let shown =
        options.iter().map(|(_, values)| values.iter().map(|value| one_line(value)).collect::<Vec<_>>().join(", "));
    Some(shown.collect::<Vec<_>>().join(" · "))
}

/// The forms to be had that share something with those asked for, `Blue / S, White / M`: where two options are asked at
/// once, lists of each by itself would suggest what cannot be had.
pub(super) fn forms_to_be_had(product: &Product, wants: &Wants) -> Option<String> {
    let asked: Vec<Vec<&str>> = wishes(product, wants).map(|wish| values_of(product, &wish.1)).collect();
    if asked.len() < 2 {
        return values_to_be_had(product);
    }
    let shares = |variant: &&Variant| {
        variant.options.iter().any(|option| asked.iter().any(|values| values.contains(&option.value.as_str())))
    };
    let listable = |variant: &&Variant| variant.options.iter().all(|option| is_plain_value(&option.value));
    let there = product.variants.iter().filter(|variant| variant.stock.available()).filter(shares).filter(listable);
    let shown: Vec<String> = there
        .map(|variant| variant.options.iter().map(|option| one_line(&option.value)).collect::<Vec<_>>().join(" / "))
        .collect();
    if shown.is_empty() || shown.len() > VALUES_MAX { None } else { Some(shown.join(", ")) }
}

/// The form of a product that a shopper asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form<'p> {
    /// None in particular.
    Any,
    /// These variants, called so.
    These {
        /// Every variant that is meant, to be had or not.
        variants: Vec<&'p Variant>,
        /// The values meant, in the shop's words.
        called: String,
    },
    /// The data has no such form; what the shopper called it.
    NotListed(String),
    /// The data has it under a name that cannot be repeated safely.
    Unsayable,
}

/// Finds the form that the wishes mean.
pub(super) fn wanted_form<'p>(product: &'p Product, wants: &Wants) -> Form<'p> {
    let mut variants: Vec<&Variant> = product.variants.iter().collect();
    let mut called: Vec<String> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for (shown, wish) in wishes(product, wants) {
        let values = values_of(product, &wish);
        if values.is_empty() {
            missing.push(shown);
            continue;
        }
        variants.retain(|variant| variant.options.iter().any(|option| values.contains(&option.value.as_str())));
        called.extend(values.iter().map(|value| one_line(value)));
        if values.iter().any(|value| !is_plain_value(value)) {
            return Form::Unsayable;
        }
    }
    match (missing.is_empty(), called.is_empty()) {
        (false, _) => Form::NotListed(missing.join(", ")),
        (true, true) => Form::Any,
        // Each value exists, but not together.
        (true, false) if variants.is_empty() => Form::NotListed(called.join(", ")),
        (true, false) => Form::These { variants, called: called.join(", ") },
    }
}

enum Wish<'w> {
    Size(&'w str),
    Colour(&'w [String]),
}

/// What is wished of a product beyond what its name says, each with what to call it.
fn wishes<'w>(product: &Product, wants: &'w Wants) -> impl Iterator<Item = (String, Wish<'w>)> {
    let sizes = wants.size.iter().map(|size| (size.to_uppercase(), Wish::Size(size)));
    let colours = wants.colours.iter().filter(|group| !title_says(product, group));
    // A colour that the product lacks is called by the first word of its group.
    let shown = |group: &[String]| group.first().cloned().unwrap_or_default();
    sizes.chain(colours.map(move |group| (shown(group), Wish::Colour(group))))
}

/// The option values of a product that a wish means. A colour means every shade that names it.
fn values_of<'p>(product: &'p Product, wish: &Wish<'_>) -> Vec<&'p str> {
    let means = |value: &str| match wish {
        Wish::Size(size) => {
            let folded = fold(value.trim());
            folded == *size || Cues::get().letter_size(&folded) == Some(size)
        }
        Wish::Colour(group) => words(value).iter().any(|word| group.contains(word)),
    };
    let mut values: Vec<&str> = Vec::new();
    for option in product.variants.iter().flat_map(|variant| &variant.options) {
        if means(&option.value) && !values.contains(&option.value.as_str()) {
            values.push(&option.value);
        }
    }
    values
}

/// Whether the name already says the colour: a "Blue Shirt" need not come "in blue".
fn title_says(product: &Product, group: &[String]) -> bool {
    words(&product.title).iter().any(|word| group.contains(word))
}

/// The values that the variants to be had among these have for what was asked: for several shades, those there are.
pub(super) fn called_where_available(product: &Product, wants: &Wants, variants: &[&Variant]) -> Option<String> {
    let mut called: Vec<String> = Vec::new();
    for (_, wish) in wishes(product, wants) {
        let values = values_of(product, &wish);
        let there = |value: &&&str| {
            variants.iter().any(|variant| {
                variant.stock.available() && variant.options.iter().any(|option| option.value == ***value)
            })
        };
        called.extend(values.iter().filter(there).map(|value| one_line(value)));
    }
    (!called.is_empty()).then(|| called.join(", "))
}
