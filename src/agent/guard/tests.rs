//! Lies that the guard must see, and honest drafts that it must let pass.

use super::*;
use crate::{
    agent::{
        testing::{canvas_bag, euros, linen_dress, linen_shirt, straw_hat},
        wording,
    },
    domain::Timestamp,
};

fn evidence() -> Evidence {
    let products = vec![linen_shirt(), linen_dress(), straw_hat(), canvas_bag()];
    Evidence { products, facts: Vec::new(), read_at: Timestamp(0) }
}

fn kinds(messages: &[&str], limits: &[Money]) -> Vec<Kind> {
    let evidence = evidence();
    let messages: Vec<String> = messages.iter().map(|message| (*message).to_owned()).collect();
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(limits),
        own_words: &["Noor", "Free Spirits welcome!"],
        asked: &[],
        citations: &[],
        author: Author::House,
    };
    let mut kinds: Vec<Kind> = check(&messages, &rules).iter().map(|violation| violation.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn refused(text: &str, kind: Kind) {
    assert!(kinds(&[text], &[]).contains(&kind), "passed as no {kind:?}: {text} ({:?})", kinds(&[text], &[]));
}

fn passes(text: &str) {
    let evidence = evidence();
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &["Noor", "Free Spirits welcome!"],
        asked: &[],
        citations: &[],
        author: Author::House,
    };
    let violations: Vec<String> = check(&[text.to_owned()], &rules).iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{text}: {violations:?}");
}

#[test]
fn honest_sentences_pass() {
    for text in [
        "Linen Shirt – €49.00\nAvailable in S, L\nhttps://noor.example/products/linen-shirt",
        "Das Linen Shirt kostet 49,00 €.",
        "The linen shirt is 49 euros.",
        "Yes, Linen Shirt is available in S.",
        "Linen Shirt ist in M leider nicht verfügbar. Derzeit verfügbar: S, L.",
        "Linen Shirt is sold out in M, but S and L are available.",
        "Linen Dress – €89.00 (instead of €119.00)",
        "Linen Dress kostet 89,00 € statt 119,00 €.",
        "Linen Dress is available in Blue: S, M.",
        "Linen Dress is available in White in M.",
        "Linen Dress is not available in White in S.",
        "Straw Hat is not available right now.",
        "Straw Hat est épuisé pour le moment.",
        "Canvas Bag: ab 35,00 €, je nach Ausführung.",
        "Canvas Bag in Black costs 39 €.",
        "Canvas Bag: 35–39 €",
        "The Linen Shirt is made of 100% European linen.",
        "Hi! How can I help you today?",
        "Feel free to ask me anything about the Linen Shirt.",
        "Free Spirits welcome! I'm the digital assistant of Noor.",
        "Here it is: (https://noor.example/products/straw-hat).",
        "Linen Shirt isn't available in XXL.",
        "Das Linen Shirt haben wir in M leider nicht mehr.",
        "We don't have the Linen Shirt in M.",
        "Le Linen Shirt n'est plus disponible en M.",
        "Le Straw Hat n'est plus en stock.",
        "El Linen Shirt no está disponible en M, pero sí en S.",
        "Il Linen Shirt in M non è più disponibile.",
        "Do you have a size in mind for the Linen Shirt, M perhaps?",
    ] {
        passes(text);
    }
}

#[test]
fn invented_prices_are_refused() {
    for text in [
        "Linen Shirt – €39.00",
        "Linen Shirt – $49.00",
        "Linen Shirt – 49 CHF",
        "Linen Shirt: 49,00 £",
        "The Linen Shirt costs 39.",
        "The Linen Shirt is 39.",
        "Das Linen Shirt bekommst du für 39!",
        "Linen Shirt: 4O €",
        "Linen Shirt: € 4 9",
        "The shirt is €49.00.",
        "Linen Shirt kostet nur 39,-",
        "Linen Shirt 39.90",
        "The Linen Shirt costs thirty-nine euros.",
        "Linen Shirt: 39\u{202f}€",
        "Linen Shirt: ３９ €",
        "Linen Shirt: 4\u{200b}5 €",
        "Linen Shirt: 3️⃣9️⃣€",
        "Linen Shirt 490,00 €",
        "Linen Shirt 4.900 €",
        "It costs €49.00.",
        "Linen Shirt €49.00 and Straw Hat €49.00",
        "Straw Hat €89.00, Linen Dress €25.00",
        "Canvas Bag: ab 39,00 €",
        "Canvas Bag in Black costs 35 €.",
        "Canvas Bag: 29–39 €",
        "Linen Shirt: 49,00 € statt 99,00 €",
        "Linen Dress – €119.00",
        "Linen Dress – €119.00 instead of €89.00",
        "under 60 € you get the Linen Shirt",
        "EUR39 for the Linen Shirt",
        "Le Linen Shirt est à 39 euros",
        "Linen Shirt por 39 euros",
        "Linen Shirt a 39 EUR",
        "39 Dollar für das Linen Shirt",
    ] {
        refused(text, Kind::Price);
    }
}

#[test]
fn a_limit_may_be_repeated_as_a_limit_only() {
    let limit = [euros(6000)];
    assert_eq!(kinds(&["I found nothing under €60.00.", "Closest:\nLinen Dress – €89.00"], &limit), []);
    assert_eq!(kinds(&["Under 60 € I have this:\nLinen Shirt – €49.00"], &limit), []);
    assert_eq!(kinds(&["Under 60 € I have this:\nLinen Dress – €89.00"], &limit), [Kind::Price]);
    assert_eq!(kinds(&["The Linen Dress is under 60 €."], &limit), [Kind::Price]);
    assert_eq!(kinds(&["The Linen Dress is 60 €."], &limit), [Kind::Price]);
    assert_eq!(kinds(&["I found nothing under €50.00."], &limit), [Kind::Price]);
    assert_eq!(kinds(&["Nichts unter 60 $ gefunden."], &limit), [Kind::Price]);
}

#[test]
fn a_text_that_passed_may_keep_its_limit_but_not_its_old_price() {
    let evidence = evidence();
    let again = |text: &str| {
        let rules = Rules {
            evidence: &evidence,
            limits: Limits::PassedBefore,
            own_words: &[],
            asked: &[],
            citations: &[],
            author: Author::House,
        };
        check(&[text.to_owned()], &rules).len()
    };
    assert_eq!(again("I found nothing under €60.00."), 0);
    assert_eq!(again("Under €60.00:\nLinen Shirt – €45.00"), 1);
}

#[test]
fn foreign_and_altered_links_are_refused() {
    for text in [
        "https://noor.example/products/linen-shirt-2",
        "https://noor.example/products/linen-shirt?ref=1",
        "https://noor.example/products/linen-shirt/",
        "http://noor.example/products/linen-shirt",
        "https://noor.example.evil.example/products/linen-shirt",
        "https://noor.examp1e/products/linen-shirt",
        "https://nооr.example/products/linen-shirt",
        "noor.example/products/linen-shirt",
        "https://noor.example",
        "Linen Shirt https://noor.example/products/straw-hat",
        "bit.ly/noor",
        "Mail us: hello@noor.example",
        "Follow @noor_outlet",
        "noor dot com",
        "Call +49 170 1234567",
        "[Linen Shirt](https://evil.example)",
    ] {
        refused(text, Kind::Link);
    }
}

#[test]
fn false_stock_claims_are_refused_in_every_language() {
    for text in [
        "Yes, the Linen Shirt is available in M.",
        "Linen Shirt: available in S, M, L.",
        "Linen Shirt is in stock in size M.",
        "Ja, das Linen Shirt ist in M lieferbar.",
        "Das Linen Shirt haben wir auch in M.",
        "Oui, Linen Shirt est disponible en M.",
        "Nous avons Linen Shirt en M.",
        "Sí, Linen Shirt está disponible en la talla M.",
        "Linen Shirt: hay en M.",
        "Sì, Linen Shirt è disponibile in M.",
        "Abbiamo Linen Shirt in M.",
        "Linen Shirt is available in XXL.",
        "Linen Shirt is available in red.",
        "Linen Shirt is available in walnut.",
        "Linen Shirt ist ausverkauft.",
        "Linen Shirt is not available in S.",
        "Linen Shirt is sold out in L.",
        "Straw Hat is available.",
        "Straw Hat ist vorrätig.",
        "Straw Hat est en stock.",
        "Straw Hat is not sold out.",
        "The Linen Shirt and the Straw Hat are available.",
        "Linen Dress is available in White in S.",
        "Linen Dress in White: available in S, M.",
        "Linen Dress is available in Blue but White is sold out.",
        "Everything is in stock!",
        "Linen Shirt is available in M and sold out in S.",
        "Linen Shirt.\nAvailable in M.",
        "Linen Shirt – €49.00\nSizes: S, M, L",
        "You can get the Linen Shirt in medium.",
        "No doubt the Linen Shirt is available in M.",
        "The Linen Shirt is available in M, no worries.",
        "Not only is the Linen Shirt available in M.",
        "Linen Shirt in M ist verfügbar und nicht teuer.",
        "Kein Problem das Linen Shirt ist in M verfügbar.",
        "Linen Shirt en M est disponible sans problème.",
        "The Linen Shirt is never sold out in M.",
        "Linen Shirt in M, ready to ship!",
        "We have the Linen Shirt in M and L.",
        "Linen Shirt is аvailable in M.",
    ] {
        let found = kinds(&[text], &[]);
        assert!(found.contains(&Kind::Stock) || found.contains(&Kind::Disguise), "passed: {text} ({found:?})");
    }
}

#[test]
fn promises_without_a_source_are_refused() {
    for (text, kind) in [
        ("20% off today!", Kind::Discount),
        ("The Linen Shirt is on sale.", Kind::Discount),
        ("Mit dem Code SOMMER wird es günstiger.", Kind::Discount),
        ("Linen Shirt mit zwanzig Prozent Rabatt", Kind::Discount),
        ("Linen Dress is 50% off.", Kind::Discount),
        ("Linen Shirt is made of 50% European linen.", Kind::Discount),
        ("We add a free tote.", Kind::Free),
        ("Versandkostenfrei!", Kind::Free),
        ("La livraison est offerte.", Kind::Free),
        ("Envío gratis.", Kind::Free),
        ("In omaggio una borsa.", Kind::Free),
        ("It ships tomorrow.", Kind::Delivery),
        ("We send it today.", Kind::Delivery),
        ("Tomorrow at your door!", Kind::Delivery),
        ("Today 2 for 1!", Kind::Discount),
        ("Pay to DE89 3704 0044 0532 0130 00", Kind::Link),
        ("Lieferung in 2 Tagen.", Kind::Delivery),
        ("Livraison sous 48h.", Kind::Delivery),
        ("Llega el lunes.", Kind::Delivery),
        ("Consegna in 3 giorni.", Kind::Delivery),
        ("The Straw Hat will be back in stock.", Kind::Delivery),
        ("Straw Hat ist bald wieder lieferbar.", Kind::Delivery),
        ("You get a full refund.", Kind::Policy),
        ("Rückgabe ist möglich.", Kind::Policy),
        ("Garantie deux ans.", Kind::Warranty),
        ("Devoluciones en 30 días.", Kind::Policy),
        ("Il reso è semplice.", Kind::Policy),
        ("Only 2 left!", Kind::Scarcity),
        ("Nur noch wenige da.", Kind::Scarcity),
        ("s o l d out", Kind::Disguise),
    ] {
        refused(text, kind);
    }
}

#[test]
fn a_reduction_may_be_named_where_the_data_has_one() {
    passes("The Linen Dress is reduced: €89.00 instead of €119.00.");
    refused("The Straw Hat is reduced.", Kind::Discount);
}

#[test]
fn names_of_products_claim_nothing() {
    let mut hat = straw_hat();
    hat.title = "Free 50% Available €9 Hat".into();
    let evidence = Evidence { products: vec![hat], facts: Vec::new(), read_at: Timestamp(0) };
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked: &[],
        citations: &[],
        author: Author::House,
    };
    assert_eq!(check(&["Free 50% Available €9 Hat – €25.00".to_owned()], &rules), []);
    assert_eq!(check(&["Free 50% Available €9 Hat – €9.00".to_owned()], &rules).len(), 1);
}

#[test]
fn the_only_product_is_meant_when_none_is_named() {
    let evidence = Evidence { products: vec![linen_shirt()], facts: Vec::new(), read_at: Timestamp(0) };
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked: &[],
        citations: &[],
        author: Author::House,
    };
    assert_eq!(check(&["It costs €49.00 and is available in S.".to_owned()], &rules), []);
    assert_eq!(check(&["It is available in M.".to_owned()], &rules).len(), 1);
}

#[test]
fn fixed_wording_never_claims_anything() {
    let mut claims = Vec::new();
    for (phrase, language, tone, line) in wording::every_line() {
        let line = line.replace("{name}", "Noor").replace("{shop}", "Noor");
        if line.contains('{') {
            continue;
        }
        // What stands on a product's card is judged with its product, in the composer's tests.
        if matches!(phrase, wording::Phrase::Available | wording::Phrase::Unavailable) {
            continue;
        }
        let violations = kinds(&[&line], &[]);
        if !violations.is_empty() {
            claims.push(format!("{phrase:?} {language} {tone:?}: {line} {violations:?}"));
        }
    }
    assert_eq!(claims, Vec::<String>::new());
}

#[test]
fn values_that_sound_like_claims_are_not_plain() {
    for value in ["M", "38", "2XL", "M/L", "Light Blue", "One Size", "42-44", "Bleu foncé"] {
        assert!(is_plain_value(value), "{value}");
    }
    for value in [
        "€50",
        "50 EUR",
        "100%",
        "sold out",
        "in stock",
        "www.x.example",
        "",
        "🙂",
        "Yes",
        "in",
        "Free gift",
        "Default Title",
        "12345678",
    ] {
        assert!(!is_plain_value(value), "{value}");
    }
}

proptest::proptest! {
    /// Whatever a model writes, the guard answers; and adding an invented price to anything is never overlooked.
    #[test]
    fn any_text_can_be_judged(text in "\\PC{0,200}", lines in "[a-zA-Z€$%.,:/@' \n0-9äéñ🙂\u{202f}\u{200b}-]{0,120}") {
        for text in [text, lines] {
            let _ = kinds(&[&text], &[]);
            let _ = is_plain_value(&text);
            let lie = format!("{text}\nLinen Shirt – €39.17");
            proptest::prop_assert!(kinds(&[&lie], &[]).contains(&Kind::Price), "{}", lie);
        }
    }
}
