//! The shop's own words: which ones stand as they are, and which ones an answer may quote.

use crate::{
    agent::guard::{self, Kind, Limits, Rules, Violation},
    domain::{
        evidence::{Citation, Evidence, SourceId},
        persona::Persona,
        product::Product,
        tenant::Tenant,
        turn::TurnInput,
    },
};

/// The shop's own words, which the guard lets stand as they are.
#[must_use]
pub fn own_words<'a>(persona: &'a Persona, tenant: &'a Tenant) -> Vec<&'a str> {
    let optional = [persona.greeting.as_deref(), persona.sign_off.as_deref(), persona.disclosure.as_deref()];
    let own = optional.into_iter().flatten().chain([persona.name.as_str(), tenant.name.as_str()]);
    let times = persona.hours.values().chain(persona.reply_time.values()).map(String::as_str);
    let facts = persona.facts.iter().map(String::as_str);
    own.chain(times)
        .chain(facts)
        .chain(tenant.website.as_deref())
        .map(str::trim)
        .filter(|words| !words.is_empty())
        .collect()
}

/// Words in which emoji stay: the shop's own, and what its products are called.
pub(super) fn kept_words<'a>(input: &'a TurnInput, products: &'a [String]) -> Vec<&'a str> {
    own_words(&input.persona, &input.tenant).into_iter().chain(products.iter().map(String::as_str)).collect()
}

/// Points at words of a product's own text.
pub(super) fn citation(product: &Product, words: &str) -> Citation {
    Citation { source: SourceId::Product(product.key.clone()), words: words.to_owned() }
}

/// Whether a sentence of the description may follow what is quoted of it: what it claims of the thing itself, it carries
/// by itself; "20% off, ships free tomorrow" was true on the day that somebody wrote it.
pub(super) fn quotable(name: &str, excerpt: &str, sentence: &str, own: &Evidence) -> bool {
    let Some(product) = own.products.first() else { return false };
    let messages = [format!("{name}: {excerpt} {sentence}")];
    let citations: Vec<Citation> =
        excerpt.split_inclusive(['.', '!', '?']).chain([sentence]).map(|words| citation(product, words)).collect();
    let judged = |citations: &[Citation]| {
        let rules = Rules {
            evidence: own,
            limits: Limits::Named(&[]),
            own_words: &[],
            asked: &[],
            citations,
            author: guard::Author::House,
        };
        guard::check(&messages, &rules)
    };
    let lasting = |violation: &Violation| matches!(violation.kind, Kind::Ingredient | Kind::Warranty | Kind::Price);
    judged(&citations).is_empty() && judged(&[]).iter().all(lasting)
}
