//! What the shopper's open messages mean, taken together: a burst of "hi" and "do you have linen shirts?" is one question.

use super::{
    cues::{Cues, Match, Sign},
    language,
    text::{Token, tokens},
    wording::{Phrase, Wording},
};
use crate::{
    domain::{
        conversation::{Message, Side},
        inbound::AttachmentKind,
        turn::TurnInput,
    },
    workflow::{Ask, Intent, Reference, Understanding, Wants},
};

/// Digits that make a `#12345` an order number: shops start at 1000.
const ORDER_DIGITS_MIN: usize = 4;

/// Sizes that shops give as bare numbers, from children's shoes to trousers; "in 42" is one, "in 2024" is not.
const SIZE_NUMBERS: std::ops::RangeInclusive<u32> = 16..=64;

/// Words for money, which never name a product.
const CURRENCY_WORDS: [&str; 14] = [
    "eur", "euro", "euros", "usd", "dollar", "dollars", "chf", "franken", "gbp", "pound", "pounds", "pfund", "dolares",
    "sterline",
];

/// Thanks that may just as well begin a question.
const WEAK_THANKS: [&str; 4] = ["ok", "okay", "vale", "va"];

/// Reads the open messages of a turn.
#[must_use]
pub fn understand(input: &TurnInput) -> Understanding {
    let texts: Vec<&str> = input.open.iter().filter(|message| !message.unsent).filter_map(text_of).collect();
    let (language, language_certain) = language::choose(&texts.join("\n"), input.language, input.tenant.language);
    let units: Vec<Unit> = texts.iter().flat_map(|text| sentences(text)).map(Unit::read).collect();
    let mut understanding = combine(&units);
    understanding.language = language;
    understanding.language_certain = language_certain;
    if units.is_empty() {
        understanding.intent = without_words(&input.open, &texts);
    } else if names_nothing(&understanding) && input.open.iter().any(has_media) {
        understanding.intent = Intent::Media;
    }
    understanding.repeated = repeated(understanding.intent, &input.history);
    understanding
}

fn text_of(message: &Message) -> Option<&str> {
    message.text.as_deref().filter(|text| !text.trim().is_empty())
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '?', '!', '\n', ';', '…']).filter(|part| part.chars().any(char::is_alphanumeric))
}

/// One sentence and what it shows.
struct Unit<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    matches: Vec<Match>,
    intent: Intent,
    content: Vec<String>,
    size: Option<String>,
    colours: Vec<Vec<String>>,
    generic: bool,
    limited: bool,
    asks: bool,
}

impl<'t> Unit<'t> {
    fn read(text: &'t str) -> Self {
        let tokens = tokens(text);
        let matches = Cues::get().find(&tokens);
        let mut unit = Self {
            text,
            tokens,
            matches,
            intent: Intent::Unclear,
            content: Vec::new(),
            size: None,
            colours: Vec::new(),
            generic: false,
            limited: false,
            asks: text.contains('?'),
        };
        unit.read_words();
        unit.intent = unit.classify();
        unit
    }

    fn has(&self, sign: Sign) -> bool {
        self.matches.iter().any(|found| found.sign.0 == sign)
    }

    fn covered(&self, at: usize) -> bool {
        self.matches.iter().any(|found| found.covers(at))
    }

    fn read_words(&mut self) {
        let cues = Cues::get();
        for at in 0..self.tokens.len() {
            let word = self.tokens[at].folded.as_str();
            if let Some(size) = self.size_at(at) {
                self.size.get_or_insert(size);
            } else if word.chars().all(|digit| digit.is_ascii_digit()) && self.after_limit(at) {
                self.limited = true;
            } else if let Some(group) = cues.colour(word) {
                self.colours.push(group.to_vec());
            } else if cues.is_generic(word) {
                self.generic = true;
            } else if !self.covered(at) && self.names(at) {
                self.content.push(word.to_owned());
            }
        }
    }

    /// Whether a word outside every cue names a thing.
    fn names(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let clipping = token.clipped && token.folded.chars().count() <= 2;
        !clipping && !Cues::get().is_function_word(token) && !CURRENCY_WORDS.contains(&token.folded.as_str())
    }

    fn after_limit(&self, at: usize) -> bool {
        let limit = |found: &&Match| found.sign.0 == Sign::LimitWord && (found.end()..found.end() + 2).contains(&at);
        self.matches.iter().any(|found| limit(&found))
            || self.tokens.get(at + 1).is_some_and(|next| CURRENCY_WORDS.contains(&next.folded.as_str()))
    }

    /// The size that a word names: `xl` anywhere, `m` as a capital or after "in" and "size", `42` after those only.
    fn size_at(&self, at: usize) -> Option<String> {
        let token = &self.tokens[at];
        let before = at.checked_sub(1).map(|before| self.tokens[before].folded.as_str());
        let introduced = before.is_some_and(|word| matches!(word, "in" | "en" | "und" | "and" | "or" | "oder" | "et"))
            || self.matches.iter().any(|found| found.sign.0 == Sign::SizeWord && found.end() == at);
        if let Ok(number) = token.folded.parse::<u32>() {
            return (introduced && SIZE_NUMBERS.contains(&number)).then(|| token.folded.clone());
        }
        let size = Cues::get().letter_size(&token.folded)?;
        let letters = token.folded.chars().count();
        let plain = match letters {
            1 => !token.clipped && (introduced || self.text[token.start..token.end].chars().all(char::is_uppercase)),
            2..=4 if token.folded.contains('x') => true,
            _ => introduced,
        };
        plain.then(|| size.to_owned())
    }

    fn classify(&self) -> Intent {
        let product_signs = [Sign::Search, Sign::Price, Sign::Stock, Sign::About, Sign::Link];
        let product = product_signs.into_iter().any(|sign| self.has(sign));
        let particulars = self.size.is_some() || !self.colours.is_empty() || self.limited || self.ordinal().is_some();
        if self.has(Sign::Person) {
            Intent::Person
        } else if self.has(Sign::Anger) {
            Intent::Anger
        } else if self.has(Sign::Order) || self.has_order_number() {
            Intent::Order
        } else if self.has(Sign::Policy) {
            Intent::Policy
        } else if product || particulars {
            Intent::Product
        } else if self.has(Sign::Thanks) && (self.content.is_empty() || !self.thanks_weakly()) {
            Intent::Thanks
        } else if !self.content.is_empty() {
            Intent::Product
        } else if self.has(Sign::Greeting) {
            Intent::Greeting
        } else {
            Intent::Unclear
        }
    }

    fn thanks_weakly(&self) -> bool {
        let thanks = self.matches.iter().filter(|found| found.sign.0 == Sign::Thanks);
        thanks.map(|found| self.tokens[found.first].folded.as_str()).all(|word| WEAK_THANKS.contains(&word))
    }

    fn has_order_number(&self) -> bool {
        self.tokens.iter().any(|token| {
            token.folded.len() >= ORDER_DIGITS_MIN
                && token.folded.bytes().all(|byte| byte.is_ascii_digit())
                && self.text[..token.start].ends_with('#')
        })
    }

    fn ordinal(&self) -> Option<Reference> {
        let nth = [(Sign::Nth1, 1), (Sign::Nth2, 2), (Sign::Nth3, 3)];
        let nth = nth.into_iter().find(|(sign, _)| self.has(*sign)).map(|(_, n)| Reference::Nth(n));
        nth.or_else(|| self.has(Sign::Final).then_some(Reference::Final))
    }

    fn ask(&self) -> Ask {
        let referring = self.content.is_empty() && (self.size.is_some() || !self.colours.is_empty());
        if self.limited {
            Ask::Search
        } else if self.has(Sign::Price) {
            Ask::Price
        } else if self.has(Sign::Stock) || (referring && !self.generic) {
            Ask::Stock
        } else if self.has(Sign::About) || self.has(Sign::Link) || self.ordinal().is_some() {
            Ask::About
        } else {
            Ask::Search
        }
    }

    /// The sentence without courtesies and question phrases.
    fn search(&self) -> String {
        let removed = |at: usize| {
            self.matches.iter().any(|found| {
                let courtesy = match found.sign.0 {
                    Sign::Greeting | Sign::Thanks => found.first == 0,
                    Sign::Search | Sign::Price | Sign::Stock | Sign::About | Sign::Link => true,
                    Sign::Nth1 | Sign::Nth2 | Sign::Nth3 | Sign::Final => self.content.is_empty(),
                    Sign::Person | Sign::Anger | Sign::Order | Sign::Policy | Sign::SizeWord | Sign::LimitWord => false,
                };
                courtesy && found.covers(at)
            })
        };
        let mut kept = String::new();
        let mut gap = true;
        for (at, token) in self.tokens.iter().enumerate() {
            if removed(at) {
                gap = true;
                continue;
            }
            let from = if gap || at == 0 { token.start } else { self.tokens[at - 1].end };
            if gap && !kept.is_empty() {
                kept.push(' ');
            }
            kept.push_str(&self.text[from..token.end]);
            // A currency sign belongs to the number before it.
            let tail = self.tokens.get(at + 1).map_or(self.text.len(), |next| next.start);
            kept.extend(self.text[token.end..tail].chars().find(|sign| "€$£¥%".contains(*sign)));
            gap = self.text[token.end..tail].chars().any(|sign| "€$£¥%".contains(sign));
        }
        kept
    }
}

/// What the sentences mean together. The language is the caller's.
fn combine(units: &[Unit]) -> Understanding {
    let has = |intent| units.iter().any(|unit| unit.intent == intent);
    let products: Vec<&Unit> = units.iter().filter(|unit| unit.intent == Intent::Product).collect();
    // A bare mention beside another wish is part of that wish, not a product question: "My order! It was two shirts."
    let asked: Vec<&Unit> = products
        .iter()
        .copied()
        .filter(|unit| unit.asks || unit.ask() != Ask::Search || unit.has(Sign::Search))
        .collect();
    let order = [Intent::Person, Intent::Anger];
    let intent = order.into_iter().find(|intent| has(*intent)).unwrap_or_else(|| {
        let other = [Intent::Order, Intent::Policy].into_iter().find(|intent| has(*intent));
        match other {
            Some(other) if asked.is_empty() => other,
            _ if !products.is_empty() => Intent::Product,
            _ => [Intent::Thanks, Intent::Greeting].into_iter().find(|intent| has(*intent)).unwrap_or(Intent::Unclear),
        }
    });
    let beside = [Intent::Order, Intent::Policy].into_iter().find(|other| intent == Intent::Product && has(*other));
    let content: Vec<String> = products.iter().flat_map(|unit| unit.content.iter().cloned()).collect();
    let limited = products.iter().any(|unit| unit.limited);
    let generic = products.iter().any(|unit| unit.generic);
    let reference = (intent == Intent::Product && content.is_empty() && !limited && !generic)
        .then(|| units.iter().find_map(Unit::ordinal).unwrap_or(Reference::Last));
    Understanding {
        language: crate::domain::Language::default(),
        language_certain: false,
        intent,
        ask: strongest(&products),
        explicit: limited || (!asked.is_empty() && (!content.is_empty() || generic)),
        greets: units.iter().any(|unit| unit.has(Sign::Greeting)),
        search: products.iter().map(|unit| unit.search()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "),
        content,
        reference,
        wants: Wants {
            size: products.iter().find_map(|unit| unit.size.clone()),
            colours: products.iter().flat_map(|unit| unit.colours.iter().cloned()).collect(),
            price: products.iter().any(|unit| unit.has(Sign::Price)),
            stock: products.iter().any(|unit| unit.has(Sign::Stock)),
            link: products.iter().any(|unit| unit.has(Sign::Link)),
        },
        beside,
        repeated: false,
    }
}

/// The most particular of several asks: a price question among sentences makes the whole one.
fn strongest(products: &[&Unit]) -> Ask {
    let asks: Vec<Ask> = products.iter().map(|unit| unit.ask()).collect();
    [Ask::Price, Ask::Stock, Ask::About].into_iter().find(|ask| asks.contains(ask)).unwrap_or(Ask::Search)
}

fn names_nothing(understanding: &Understanding) -> bool {
    match understanding.intent {
        Intent::Product => understanding.content.is_empty(),
        Intent::Unclear | Intent::Greeting => true,
        Intent::Policy | Intent::Order | Intent::Person | Intent::Anger | Intent::Thanks | Intent::Media => false,
    }
}

/// Whether a message carries something to look at or listen to.
fn has_media(message: &Message) -> bool {
    !message.unsent
        && message.attachments.iter().any(|kind| !matches!(kind, AttachmentKind::Sticker | AttachmentKind::Link))
}

/// Messages without a single word: media, or emoji and punctuation.
fn without_words(open: &[Message], texts: &[&str]) -> Intent {
    let stickers = open.iter().any(|message| message.attachments.contains(&AttachmentKind::Sticker));
    let approving = texts.iter().any(|text| text.chars().any(|letter| Cues::get().is_thanks_emoji(letter)));
    if open.iter().any(has_media) {
        Intent::Media
    } else if (stickers || approving) && !texts.iter().any(|text| text.contains('?')) {
        Intent::Thanks
    } else {
        Intent::Unclear
    }
}

/// Whether the last thing the assistant said already was of this kind: then a second time helps nobody.
fn repeated(intent: Intent, history: &[Message]) -> bool {
    let kinds: &[Phrase] = match intent {
        Intent::Unclear | Intent::Product => &[Phrase::Clarify, Phrase::WhichProduct],
        Intent::Media => &[Phrase::Media],
        Intent::Thanks => &[Phrase::Welcome],
        Intent::Greeting | Intent::Policy | Intent::Order | Intent::Person | Intent::Anger => &[],
    };
    let last = history.iter().rev().find(|message| message.side != Side::Shopper);
    let said = last.filter(|message| message.side == Side::Bot).and_then(|message| message.text.as_deref());
    said.is_some_and(|said| kinds.iter().any(|kind| Wording::get().says(*kind, said)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agent::testing::{media, message, turn},
        domain::Language,
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
            ("we love your brand! collab?", "product", "search", "love brand collab"),
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
}
