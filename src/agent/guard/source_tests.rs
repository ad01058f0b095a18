//! What a citation carries, and what "yes" claims.

use super::*;
use crate::{
    agent::testing::{linen_shirt, straw_hat},
    domain::{Timestamp, evidence::SourceId},
};

const OWN_TEXT: &str = "Breathable. Comes with a 2-year warranty. Contains no nuts. Free shipping over 100 euros.";

fn evidence() -> Evidence {
    let shirt = Product { description: OWN_TEXT.into(), ..linen_shirt() };
    Evidence { products: vec![shirt, straw_hat()], facts: Vec::new(), read_at: Timestamp(0) }
}

fn cites(words: &str) -> Citation {
    Citation { source: SourceId::Product(ProductKey("linen-shirt".into())), words: words.into() }
}

fn kinds(text: &str, asked: &[&str], citations: &[Citation]) -> Vec<Kind> {
    let evidence = evidence();
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked,
        citations,
        author: Author::Model,
    };
    let mut kinds: Vec<Kind> = check(&[text.to_owned()], &rules).iter().map(|violation| violation.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[test]
fn a_cited_claim_passes_in_any_of_our_languages() {
    for (text, words) in [
        ("The Linen Shirt comes with a 2-year warranty.", "2-year warranty"),
        ("Linen Shirt hat 2 Jahre Garantie.", "Comes with a 2-year warranty."),
        ("Linen Shirt: garantie 2 ans.", "a 2-year warranty"),
        ("The Linen Shirt comes with a two year warranty.", "a 2-year warranty"),
        ("The Linen Shirt is nut-free.", "Contains no nuts."),
        ("Linen Shirt enthält keine Nüsse.", "Contains no nuts."),
    ] {
        assert_eq!(kinds(text, &[], &[cites(words)]), [], "{text}");
        assert_ne!(kinds(text, &[], &[]), [], "{text} needs a citation");
    }
}

#[test]
fn a_citation_carries_nothing_but_what_it_says() {
    for (text, words) in [
        ("The Linen Shirt comes with a 3-year warranty.", "2-year warranty"),
        ("The Linen Shirt comes with a 2-month warranty.", "2-year warranty"),
        ("The Linen Shirt comes with a lifetime warranty.", "2-year warranty"),
        ("The Linen Shirt has no warranty.", "2-year warranty"),
        ("The Linen Shirt contains nuts.", "Contains no nuts."),
        ("The Linen Shirt contains no gluten.", "Contains no nuts."),
        ("The Straw Hat contains no nuts.", "Contains no nuts."),
        ("Free shipping for the Linen Shirt.", "Free shipping"),
        ("The Linen Shirt comes with a 2-year warranty.", "warranty"),
        ("The Linen Shirt comes with a 2-year warranty.", "Comes with a 2-year warranty of ours"),
    ] {
        assert_ne!(kinds(text, &[], &[cites(words)]), [], "{text} by {words}");
    }
    let of_the_hat =
        Citation { source: SourceId::Product(ProductKey("straw-hat".into())), ..cites("Contains no nuts.") };
    assert_ne!(kinds("The Linen Shirt contains no nuts.", &[], &[of_the_hat]), []);
}

#[test]
fn a_price_in_a_source_is_still_not_the_price() {
    let shirt = Product { description: "Only 9 euros today, with a 2-year warranty.".into(), ..linen_shirt() };
    let evidence = Evidence { products: vec![shirt], facts: Vec::new(), read_at: Timestamp(0) };
    let citations = [cites("Only 9 euros today, with a 2-year warranty.")];
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked: &[],
        citations: &citations,
        author: Author::Model,
    };
    let found = check(&["The Linen Shirt: Only 9 euros today, with a 2-year warranty.".to_owned()], &rules);
    assert!(found.iter().any(|violation| violation.kind == Kind::Price), "{found:?}");
}

#[test]
fn a_text_that_passed_with_its_citations_passes_again_while_the_source_says_so() {
    let again = |evidence: &Evidence| {
        let rules = Rules {
            evidence,
            limits: Limits::PassedBefore,
            own_words: &[],
            asked: &[],
            citations: &[],
            author: Author::Model,
        };
        check(&["The Linen Shirt comes with a 2-year warranty.".to_owned()], &rules).len()
    };
    assert_eq!(again(&evidence()), 0);
    let changed = Evidence { products: vec![linen_shirt()], facts: Vec::new(), read_at: Timestamp(0) };
    assert_ne!(again(&changed), 0);
}

#[test]
fn yes_claims_what_was_asked() {
    for asked in [
        "Is the Linen Shirt available in M?",
        "Habt ihr das Linen Shirt in M?",
        "Is the Linen Shirt €39?",
        "Does the Linen Shirt arrive by Friday?",
        "Is the Linen Shirt vegan?",
        "Le Linen Shirt est disponible en M ?",
    ] {
        for text in ["Yes!", "Ja, klar!", "Oui 😊", "👍", "Of course. Anything else?", "Pues claro"] {
            assert_ne!(kinds(text, &[asked], &[]), [], "{text} to {asked}");
        }
    }
    assert_eq!(kinds("Yes!", &["Is the Linen Shirt available in S?"], &[]), []);
    assert_eq!(kinds("Yes, the Linen Shirt is available in S.", &["Is the Linen Shirt available in S?"], &[]), []);
    assert_eq!(kinds("Yes!", &["Can you help me find a shirt?"], &[]), []);
}

/// What a model says of the shirt that is described so, citing all of it, and whether it is let go.
fn judged(text: &str, author: Author) -> bool {
    let description = "Soft outside, rough inside. Not elastic. Dyed by hand unless dark.";
    let shirt = Product { description: description.into(), ..linen_shirt() };
    let evidence = Evidence { products: vec![shirt], facts: Vec::new(), read_at: Timestamp(0) };
    let sentences = ["Soft outside, rough inside.", "Not elastic.", "Dyed by hand unless dark."];
    let citations = sentences.map(cites);
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked: &["Do you have anything in violet suede?"],
        citations: &citations,
        author,
    };
    check(&[text.to_owned()], &rules).is_empty()
}

#[test]
fn a_source_is_used_in_its_order_with_its_denials_and_conditions() {
    let passing = [
        "The Linen Shirt is soft outside, rough inside.",
        "The Linen Shirt is not elastic.",
        "The Linen Shirt is dyed by hand unless dark.",
    ];
    let refused = [
        "The Linen Shirt is rough outside, soft inside.",
        "The Linen Shirt is elastic.",
        "The Linen Shirt is not soft outside.",
        "The Linen Shirt is dyed by hand.",
        "The Linen Shirt is dyed by machine.",
    ];
    let wrong: Vec<&str> = passing
        .into_iter()
        .filter(|text| !judged(text, Author::Model))
        .chain(refused.into_iter().filter(|text| judged(text, Author::Model)))
        .collect();
    assert_eq!(wrong, Vec::<&str>::new());
}

#[test]
fn whatever_a_model_asserts_of_its_own_is_refused_in_every_language() {
    let passing = [
        "Which size do you wear?",
        "Here it is, I'd wear it all summer:",
        "I'd take this one:",
        "Here is the Linen Shirt, a lovely choice!",
        "I found nothing in violet suede.",
        "I'll ask the team about shipping.",
        "I don't know whether it shrinks.",
    ];
    let refused = [
        "Shall I put one aside for you?",
        "I found nothing in green velvet.",
        "I'll ask the team about shipping, parcels leave at noon.",
        "It shrinks.",
        "Het is heel mooi.",
        "It is for you.",
    ];
    let wrong: Vec<&str> = passing
        .into_iter()
        .filter(|text| !judged(text, Author::Model))
        .chain(refused.into_iter().filter(|text| judged(text, Author::Model)))
        .collect();
    assert_eq!(wrong, Vec::<&str>::new());
    assert!(judged("It shrinks.", Author::House), "the composer's own sentences are the house's");
}

#[test]
fn what_nothing_accounts_for_can_be_left_out_and_nothing_else() {
    let evidence = evidence();
    let citations = [cites("Comes with a 2-year warranty.")];
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked: &[],
        citations: &citations,
        author: Author::Model,
    };
    let texts = |messages: &[&str]| messages.iter().map(|message| (*message).to_owned()).collect::<Vec<_>>();
    let left = |messages: &[&str]| prune(&texts(messages), &[], Leave::Unproven, &rules);
    let talk = "Our grandmother weaves every thread by moonlight.";
    let warranty = "The Linen Shirt comes with a 2-year warranty.";
    assert_eq!(left(&[&format!("{warranty} {talk}")]), Some(vec![warranty.to_owned()]));
    assert_eq!(left(&[talk, warranty]), Some(vec![warranty.to_owned()]));
    assert_eq!(left(&[talk]), None, "nothing would be left");
    assert_eq!(left(&[warranty]), None, "nothing is wrong with it");
    assert_eq!(left(&[talk, "The Linen Shirt costs €9.00."]), None, "a wrong price is not mended by leaving talk out");

    // At once, only talk, and only from what shows products to somebody who asked about no matter.
    let shows = [evidence.products[0].key.clone()];
    let at_once = |messages: &[&str], rules: &Rules<'_>| prune(&texts(messages), &shows, Leave::Talk, rules);
    let both = format!("{warranty} {talk}");
    assert_eq!(at_once(&[&both], &rules), Some(vec![warranty.to_owned()]));
    assert_eq!(at_once(&[talk, warranty], &rules), None, "a whole message may be the answer");
    assert_eq!(at_once(&[&format!("{warranty}\n\n{talk}")], &rules), None, "and so may a paragraph");
    assert_eq!(prune(&texts(&[talk, warranty]), &[], Leave::Talk, &rules), None, "what would answer then?");
    assert_eq!(
        at_once(&["It ships with the morning tide.", warranty], &rules),
        None,
        "a matter is said with its source"
    );
    let asked = Rules { asked: &["Is there a warranty?"], ..rules };
    assert_eq!(at_once(&[&both], &asked), None, "what is left out may be the answer");
}

/// What the shop states, and whether a draft that cites it may say this.
fn stands(text: &str, fact: &str) -> bool {
    let evidence = Evidence { facts: vec![fact.into()], ..evidence() };
    let citations = [Citation { source: SourceId::Fact(1), words: fact.into() }];
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked: &[],
        citations: &citations,
        author: Author::Model,
    };
    check(&[text.to_owned()], &rules).is_empty()
}

#[test]
fn a_fact_of_the_shop_is_said_whole_or_not_at_all() {
    let fact = "Delivery within Germany takes 2 to 4 working days.";
    for text in [
        fact,
        "Delivery within Germany takes 2 to 4 working days!",
        "Sure: delivery within Germany takes 2 to 4 working days.",
    ] {
        assert!(stands(text, fact), "{text}");
    }
    for text in [
        "Delivery takes 2 to 4 working days.",
        "Delivery within Germany takes 4 working days.",
        "Delivery within Germany and France takes 2 to 4 working days.",
        "Delivery within Germany never takes 2 to 4 working days.",
        "The Linen Shirt: delivery within Germany takes 2 to 4 working days.",
    ] {
        assert!(!stands(text, fact), "{text}");
    }
    let about_bags = "Our bags are made of leather.";
    assert!(stands(about_bags, about_bags) && !stands("It is made of leather.", about_bags));
    let two = "Shipping is free. That holds from 100 euros on.";
    assert!(!stands("Shipping is free.", two), "one sentence may be the condition of another");
    assert!(!stands(fact, "Yes we do ship."), "another fact carries nothing");
}
