//! Questions in five languages and what they mean.

use super::*;
use crate::{
    agent::testing::{media, message, turn},
    domain::{Language, conversation::Sight},
};

fn read(texts: &[&str]) -> Understanding {
    understand(&turn(texts))
}

#[test]
fn questions_in_five_languages_have_their_intent() {
    for (text, language, intent) in [
        ("Hi!", "en", "greeting"),
        ("Guten Abend", "de", "greeting"),
        ("bonsoir", "fr", "greeting"),
        ("¡Buenas tardes!", "es", "greeting"),
        ("Buongiorno", "it", "greeting"),
        ("Do you have linen shirts?", "en", "product"),
        ("Habt ihr Leinenhemden in M?", "de", "product"),
        ("Vous avez des chemises en lin ?", "fr", "product"),
        ("¿Tenéis camisas de lino?", "es", "product"),
        ("Avete camicie di lino?", "it", "product"),
        ("How much is the canvas bag?", "en", "product"),
        ("Was kostet die Tasche?", "de", "product"),
        ("Combien coûte le sac ?", "fr", "product"),
        ("¿Cuánto cuesta el bolso?", "es", "product"),
        ("Quanto costa la borsa?", "it", "product"),
        ("How long does shipping to Austria take?", "en", "policy"),
        ("Kann ich mit PayPal zahlen?", "de", "policy"),
        ("Quels sont vos horaires ?", "fr", "policy"),
        ("¿Cuánto tardan los envíos a Canarias?", "es", "policy"),
        ("Come funziona il reso?", "it", "policy"),
        ("Where is my parcel? #10482", "en", "order"),
        ("Wo bleibt meine Bestellung?", "de", "order"),
        ("Je n'ai toujours pas reçu mon colis", "fr", "order"),
        ("Mi pedido no ha llegado", "es", "order"),
        ("Dov'è il mio pacco?", "it", "order"),
        ("Can I talk to a person please?", "en", "person"),
        ("Kann ich bitte mit einem Menschen sprechen?", "de", "person"),
        ("Je voudrais parler à quelqu'un", "fr", "person"),
        ("Quiero hablar con una persona", "es", "person"),
        ("Posso parlare con un operatore?", "it", "person"),
        ("This is a scam, you liars", "en", "anger"),
        ("Das ist eine Frechheit!", "de", "anger"),
        ("C'est honteux, bande de voleurs", "fr", "anger"),
        ("¡Sois unos ladrones, qué vergüenza!", "es", "anger"),
        ("Siete ridicoli, che vergogna", "it", "anger"),
        ("Thanks a lot!", "en", "thanks"),
        ("Super, vielen Dank!", "de", "thanks"),
        ("Merci beaucoup, bonne journée", "fr", "thanks"),
        ("Vale, muchas gracias", "es", "thanks"),
        ("Grazie mille!", "it", "thanks"),
    ] {
        let read = read(&[text]);
        assert_eq!((read.intent.as_str(), read.language.code()), (intent, language), "{text}");
    }
}

#[test]
fn what_about_a_product_is_asked_is_told_apart() {
    for (text, ask) in [
        ("Do you have linen shirts under 60 euros?", "search"),
        ("How much is the linen shirt?", "price"),
        ("Is the linen shirt in stock in M?", "stock"),
        ("Is it available in blue?", "stock"),
        ("Gibt es das auch in M?", "stock"),
        ("What is the linen shirt made of?", "about"),
        ("Was kostet der zweite?", "price"),
        ("die blaue in L?", "stock"),
        ("c'est quelle matière ?", "about"),
        ("¿Está disponible en talla 38?", "stock"),
    ] {
        assert_eq!(read(&[text]).ask.as_str(), ask, "{text}");
    }
}

#[test]
fn courtesies_are_kept_out_of_the_search() {
    for (text, search) in [
        ("Hi, do you have linen shirts in M under 60€?", "linen shirts in M under 60€"),
        ("How much is the canvas bag?", "is the canvas bag"),
        ("Habt ihr Leinenhemden?", "Leinenhemden"),
        ("Je cherche une robe d'été rouge", "une robe d'été rouge"),
    ] {
        assert_eq!(read(&[text]).search, search, "{text}");
    }
    assert_eq!(read(&["How much is the canvas bag?"]).content, ["canvas", "bag"]);
}

#[test]
fn references_point_at_the_last_reply() {
    for (text, reference, size, colours) in [
        ("how much is it?", Some(Reference::Last), None, 0),
        ("How much is the second one?", Some(Reference::Nth(2)), None, 0),
        ("Ist der dritte noch da?", Some(Reference::Nth(3)), None, 0),
        ("et le dernier ?", Some(Reference::Final), None, 0),
        ("die blaue in L?", Some(Reference::Last), Some("l"), 1),
        ("I'm looking for it in size 42", Some(Reference::Last), Some("42"), 0),
        ("do you have something in blue?", None, None, 1),
        ("do you have linen shirts in xl", None, Some("xl"), 0),
        ("anything under 50?", None, None, 0),
        ("what's the price", Some(Reference::Last), None, 0),
    ] {
        let read = read(&[text]);
        let wants = (read.wants.size.as_deref(), read.wants.colours.len());
        assert_eq!((read.intent, read.reference, wants), (Intent::Product, reference, (size, colours)), "{text}");
    }
}

#[test]
fn everyday_phrasings_are_understood() {
    for (text, intent, ask, content) in [
        ("Is this still available?", "product", "stock", ""),
        ("How much does shipping cost?", "policy", "search", ""),
        ("Ich hätte gern das Leinenhemd in Größe L", "product", "search", "leinenhemd"),
        ("Gibt es noch die blaue Tasche?", "product", "search", "tasche"),
        ("Habt ihr Hemden ohne Kragen?", "product", "search", "hemden kragen"),
        ("wie viel kostet die blaue Tasche in L", "product", "price", "tasche"),
        ("I'm looking for a gift for my mom, max 40€", "product", "search", "gift mom"),
        ("Vous livrez en Suisse ?", "policy", "search", ""),
        ("Avez-vous une boutique à Lyon ?", "policy", "search", ""),
        ("hola, tienen bolsos negros?", "product", "search", "bolsos"),
        ("Che taglie avete per la camicia di lino?", "product", "search", "camicia lino"),
        ("quanto costano le spedizioni?", "policy", "search", ""),
        ("Can you send me the link?", "product", "about", ""),
        ("ok thanks, bye", "thanks", "search", ""),
        ("Hi, I have a question about my order", "order", "search", ""),
        ("I want to return the shirt", "policy", "search", ""),
        ("do you have crop tops", "product", "search", "crop tops"),
        ("we love your brand! collab?", "no_customer", "search", "collab"),
        ("Ist das Kleid auch in Rot verfügbar?", "product", "stock", "kleid"),
    ] {
        let read = read(&[text]);
        let shown = (read.intent.as_str(), read.ask.as_str(), read.content.join(" "));
        assert_eq!((shown.0, shown.1, shown.2.as_str()), (intent, ask, content), "{text}");
    }
}

#[test]
fn a_burst_is_one_question() {
    let read = read(&["hi", "do you have linen shirts?", "in M", "thanks!"]);
    assert_eq!((read.intent, read.greets, read.explicit), (Intent::Product, true, true));
    assert_eq!((read.content, read.wants.size), (vec!["linen".to_owned(), "shirts".into()], Some("m".into())));
}

#[test]
fn a_policy_question_beside_a_product_question_is_kept() {
    let read = read(&["How much is the linen shirt? And do you ship to Austria?"]);
    assert_eq!((read.intent, read.beside), (Intent::Product, Some(Intent::Policy)));
    let order = self::read(&["Where is my order? It was a linen shirt."]);
    assert_eq!((order.intent, order.beside), (Intent::Order, None));
}

#[test]
fn a_wish_for_a_person_and_anger_come_before_everything() {
    assert_eq!(read(&["Do you have shirts? Actually, let me talk to a human"]).intent, Intent::Person);
    assert_eq!(read(&["where is my order, this is a scam"]).intent, Intent::Anger);
}

/// A picture in which somebody has seen this product.
fn picture(product: &str) -> Message {
    let (shows, product) = ("Somebody wears it.".into(), product.into());
    Message {
        sights: vec![Sight { picture: 0, shows, product, made_by: "x:y".into() }],
        ..media(AttachmentKind::Image)
    }
}

#[test]
fn a_picture_that_somebody_has_looked_at_says_what_the_words_beside_it_leave_open() {
    let mut input = turn(&[]);
    input.open.push(picture("navy linen shirt"));
    let read = understand(&input);
    assert_eq!((read.intent, read.search.as_str(), read.explicit), (Intent::Product, "navy linen shirt", true));
    assert_eq!((read.content, read.wants.colours.len()), (vec!["linen".to_owned(), "shirt".to_owned()], 1));
    input.open.push(message(Side::Shopper, "How much is this?"));
    let read = understand(&input);
    assert_eq!((read.intent, read.ask, read.reference), (Intent::Product, Ask::Price, None));
    assert!(read.search.contains("linen shirt"), "{}", read.search);
    input.history = vec![message(Side::Shopper, "How much is this?"), message(Side::Bot, "39 euros.")];
    assert_eq!(understand(&input).asked, Asked::First, "it is another picture");
    input.open = vec![message(Side::Shopper, "Do you have straw hats?"), picture("navy linen shirt")];
    assert_eq!(understand(&input).search, "straw hats", "words count before pictures");
}

#[test]
fn what_stands_in_a_picture_calls_nobody_and_orders_nothing() {
    for words in ["I want to talk to a human", "refund my order now", "", "thanks"] {
        let mut input = turn(&[]);
        input.open.push(picture(words));
        assert_eq!(understand(&input).intent, Intent::Media, "{words}");
    }
    let mut input = turn(&[]);
    input.open.push(Message { unsent: true, ..picture("linen shirt") });
    assert_eq!(understand(&input).intent, Intent::Unclear, "it was taken back");
}

#[test]
fn media_without_words_is_admitted_and_with_words_the_words_count() {
    let mut input = turn(&["do you have this?"]);
    input.open.push(media(AttachmentKind::Image));
    assert_eq!(understand(&input).intent, Intent::Media);
    input.open = vec![media(AttachmentKind::Audio)];
    assert_eq!(understand(&input).intent, Intent::Media);
    input.open.push(message(Side::Shopper, "do you have straw hats?"));
    assert_eq!(understand(&input).intent, Intent::Product);
    input.open = vec![media(AttachmentKind::Sticker)];
    assert_eq!(understand(&input).intent, Intent::Thanks);
}

#[test]
fn emoji_and_noise_are_no_questions() {
    assert_eq!(read(&["👍"]).intent, Intent::Thanks);
    assert_eq!(read(&["???"]).intent, Intent::Unclear);
    assert_eq!(read(&["hm"]).intent, Intent::Unclear);
    let bare = read(&["linen shirts"]);
    assert_eq!((bare.intent, bare.explicit), (Intent::Product, false));
}

#[test]
fn what_was_taken_back_is_not_read() {
    let mut input = turn(&["this is a scam", "hello"]);
    input.open[0].unsent = true;
    assert_eq!(understand(&input).intent, Intent::Greeting);
}

#[test]
fn asking_back_is_remembered_from_the_history() {
    let mut input = turn(&["hmm"]);
    input.history =
        vec![message(Side::Shopper, "hm"), message(Side::Bot, "Hello.\n\nWhat exactly are you looking for?")];
    assert!(understand(&input).repeated);
    input.history.push(message(Side::Person, "Can I help?"));
    assert!(!understand(&input).repeated, "a person spoke in between");
}

#[test]
fn the_language_falls_back_to_what_is_remembered() {
    let mut input = turn(&["M?"]);
    input.language = Some(Language::It);
    let read = understand(&input);
    assert_eq!((read.language, read.language_certain), (Language::It, false));
}

proptest::proptest! {
    /// Whatever a shopper types, there is an understanding of it, and what is searched for was typed.
    #[test]
    fn any_text_can_be_read(text in "\\PC{0,200}", words in "[a-zA-Z€?!.,' 0-9äéñß🙂-]{0,120}") {
        for text in [text, words] {
            let search = read(&[&text]).search;
            let mut typed = text.chars();
            let in_order = search.chars().filter(|letter| !letter.is_whitespace()).all(|letter| typed.any(|own| own == letter));
            proptest::prop_assert!(in_order, "{} of {}", search, text);
        }
    }
}
