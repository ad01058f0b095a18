//! The phrases of `wording.yaml`: which there are, what is filled into them, and which variant a turn says.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::text::words;
use crate::domain::{
    Language, TurnId,
    persona::{Persona, Tone},
};

macro_rules! phrases {
    ($($(#[$doc:meta])* $name:ident = $key:literal [$($hole:literal),*],)*) => {
        /// Something that the built-in composer can say.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        pub(super) enum Phrase { $($(#[$doc])* #[serde(rename = $key)] $name,)* }

        impl Phrase {
            /// Every phrase.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What must be filled into every variant of it.
            #[cfg(test)]
            pub(super) const fn holes(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($hole),*],)* }
            }
        }
    };
}

phrases! {
    /// Opens a conversation.
    Greeting = "greeting" [],
    /// Says that an assistant answers.
    Disclosure = "disclosure" ["shop"],
    /// The same, by name.
    DisclosureNamed = "disclosure_named" ["name", "shop"],
    /// Answers a mere greeting.
    Help = "help" [],
    /// Before one product.
    FoundOne = "found_one" [],
    /// Before several.
    FoundSome = "found_some" [],
    /// On a card: can be had.
    Available = "available" [],
    /// On a card: can be had in these forms.
    AvailableIn = "available_in" ["values"],
    /// On a card: cannot be had.
    Unavailable = "unavailable" [],
    /// What one costs.
    Price = "price" ["product", "price"],
    /// What its cheapest form costs.
    PriceFrom = "price_from" ["product", "price"],
    /// On a card: what its cheapest form costs.
    FromPrice = "from_price" ["price"],
    /// What one form costs.
    PriceIn = "price_in" ["product", "values", "price"],
    /// The shop's data has no price.
    PriceUnknown = "price_unknown" ["product"],
    /// After a reduced price.
    InsteadOf = "instead_of" ["price"],
    /// It can be had.
    StockYes = "stock_yes" ["product"],
    /// It can be had in this form.
    StockYesIn = "stock_yes_in" ["product", "values"],
    /// It cannot be had.
    StockNo = "stock_no" ["product"],
    /// It cannot be had in this form.
    StockNoIn = "stock_no_in" ["product", "values"],
    /// In which forms it can be had.
    Others = "others" ["values"],
    /// The shop's data does not know this form.
    NotListed = "not_listed" ["product", "values"],
    /// Nothing was found.
    Nothing = "nothing" [],
    /// Nothing was found below a price.
    NothingUnder = "nothing_under" ["limit"],
    /// Before what comes close.
    Near = "near" [],
    /// Asks back.
    Clarify = "clarify" [],
    /// Asks which product is meant.
    WhichProduct = "which_product" [],
    /// Answers thanks.
    Welcome = "welcome" [],
    /// Admits that pictures and voice notes cannot be opened.
    Media = "media" [],
    /// The data says no more; a link follows.
    AboutUnknown = "about_unknown" ["product"],
    /// Before plain product cards.
    Cards = "cards" [],
    /// The shopper asked for a person.
    HandOverAsked = "hand_over_asked" [],
    /// The shopper is angry.
    HandOverAnger = "hand_over_anger" [],
    /// About an order.
    HandOverOrder = "hand_over_order" [],
    /// About a policy.
    HandOverPolicy = "hand_over_policy" [],
    /// About a question beside the answered one.
    HandOverBeside = "hand_over_beside" [],
    /// Asked back once already.
    HandOverNotUnderstood = "hand_over_not_understood" [],
    /// Media for the second time.
    HandOverMedia = "hand_over_media" [],
    /// No answer could be made.
    HandOverFailed = "hand_over_failed" [],
}

/// The variants of a phrase in one language.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Variants {
    any: Vec<String>,
    warm: Vec<String>,
    crisp: Vec<String>,
    formal: Vec<String>,
}

impl Variants {
    fn of(&self, tone: Tone) -> &[String] {
        let own = match tone {
            Tone::Warm => &self.warm,
            Tone::Crisp => &self.crisp,
            Tone::Formal => &self.formal,
        };
        if own.is_empty() { &self.any } else { own }
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        [&self.any, &self.warm, &self.crisp, &self.formal].into_iter().flatten()
    }
}

/// Every phrase in every language and tone.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Wording(BTreeMap<Phrase, BTreeMap<String, Variants>>);

impl Wording {
    /// The embedded wording.
    pub(super) fn get() -> &'static Self {
        static WORDING: LazyLock<Wording> = LazyLock::new(|| {
            serde_saphyr::from_str(include_str!("wording.yaml")).expect("a test reads the embedded file")
        });
        &WORDING
    }

    fn variants(&self, phrase: Phrase, language: Language, tone: Tone) -> &[String] {
        self.0.get(&phrase).and_then(|languages| languages.get(language.code())).map_or(&[], |lines| lines.of(tone))
    }

    /// Whether a sent text holds a variant of a phrase, in whatever language and tone.
    pub(super) fn says(&self, phrase: Phrase, sent: &str) -> bool {
        let sent = words(sent);
        let mut lines = self.0.get(&phrase).into_iter().flat_map(BTreeMap::values).flat_map(Variants::all);
        lines.any(|line| {
            let line = words(line);
            !line.is_empty() && sent.windows(line.len()).any(|window| window == line)
        })
    }
}

/// A voice in one turn: language and tone are settled, and each phrase has its variant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice<'a> {
    pub(super) language: Language,
    pub(super) tone: Tone,
    turn: TurnId,
    /// What the assistant said last, not to be said again if there is another way.
    last_said: &'a str,
}

impl<'a> Voice<'a> {
    pub(super) const fn new(language: Language, persona: &Persona, turn: TurnId, last_said: &'a str) -> Self {
        Self { language, tone: persona.tone, turn, last_said }
    }

    /// The phrase with `(hole, value)` filled in.
    pub(super) fn say(&self, phrase: Phrase, values: &[(&str, &str)]) -> String {
        let variants = Wording::get().variants(phrase, self.language, self.tone);
        let Some(first) = self.pick(phrase, variants) else { return String::new() };
        fill(first, values)
    }

    /// The same turn always picks the same variant; the next turn likely another, and never the one just said.
    fn pick<'v>(&self, phrase: Phrase, variants: &'v [String]) -> Option<&'v String> {
        let start = usize::try_from(self.hash(phrase) % u64::try_from(variants.len().max(1)).ok()?).ok()?;
        let order = || variants.iter().cycle().skip(start).take(variants.len());
        let said_before = |line: &&String| !line.contains('{') && self.last_said.contains(line.as_str());
        order().find(|line| !said_before(line)).or_else(|| order().next())
    }

    /// FNV-1a over the turn's id and the phrase: stable across builds, unlike the standard hasher.
    fn hash(&self, phrase: Phrase) -> u64 {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let bytes = self.turn.0.as_bytes().iter().copied().chain([phrase as u8]);
        let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        // The low bits of FNV mix poorly.
        hash ^ (hash >> 32)
    }
}

/// Fills the holes in one pass, so that braces in a value stay what they are.
fn fill(line: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((hole, tail)) = after.split_once('}') else { break };
        filled.push_str(values.iter().find(|(name, _)| *name == hole).map_or("", |(_, value)| value));
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
pub(super) fn every_line() -> impl Iterator<Item = (Phrase, Language, Tone, &'static str)> {
    Phrase::ALL.iter().flat_map(|phrase| {
        Language::ALL.into_iter().flat_map(move |language| {
            Tone::ALL.into_iter().flat_map(move |tone| {
                let variants = Wording::get().variants(*phrase, language, tone).iter();
                variants.map(move |line| (*phrase, language, tone, line.as_str()))
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn voice(turn: u128, last_said: &str) -> Voice<'_> {
        Voice { language: Language::En, tone: Tone::Warm, turn: TurnId(Uuid::from_u128(turn)), last_said }
    }

    #[test]
    fn every_phrase_has_words_in_every_language_and_tone() {
        for phrase in Phrase::ALL {
            for language in Language::ALL {
                for tone in Tone::ALL {
                    let found = !Wording::get().variants(*phrase, language, tone).is_empty();
                    assert!(found, "{phrase:?} {language} {tone:?}");
                }
            }
        }
    }

    #[test]
    fn every_variant_has_exactly_the_holes_of_its_phrase() {
        for (phrase, language, tone, line) in every_line() {
            let mut holes: Vec<_> =
                line.split('{').skip(1).map(|part| part.split('}').next().expect("a hole is closed")).collect();
            let mut wanted = phrase.holes().to_vec();
            holes.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(holes, wanted, "{phrase:?} {language} {tone:?}: {line}");
        }
    }

    #[test]
    fn only_the_warm_tone_uses_emoji() {
        for (phrase, language, tone, line) in every_line().filter(|(_, _, tone, _)| *tone != Tone::Warm) {
            assert!(!line.chars().any(|letter| letter >= '\u{2600}'), "{phrase:?} {language} {tone:?}: {line}");
        }
    }

    #[test]
    fn the_formal_tone_never_uses_the_familiar_form() {
        let familiar = [
            "du", "dir", "dich", "dein", "deine", "deiner", "tu", "toi", "te", "ton", "ta", "tes", "ti", "tuo", "tua",
            "contigo", "tus", "parles",
        ];
        for (phrase, language, _, line) in every_line().filter(|(_, _, tone, _)| *tone == Tone::Formal) {
            for word in words(line) {
                assert!(!familiar.contains(&word.as_str()), "{phrase:?} {language}: {line}");
            }
        }
    }

    #[test]
    fn a_turn_always_says_the_same_and_turns_differ() {
        let said: Vec<String> = (0..30).map(|turn| voice(turn, "").say(Phrase::Greeting, &[])).collect();
        let again: Vec<String> = (0..30).map(|turn| voice(turn, "").say(Phrase::Greeting, &[])).collect();
        assert_eq!(said, again);
        let mut different = said;
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 3, "{different:?}");
    }

    #[test]
    fn what_was_just_said_is_not_said_again() {
        for turn in 0..30 {
            let first = voice(turn, "").say(Phrase::Welcome, &[]);
            assert_ne!(voice(turn, &first).say(Phrase::Welcome, &[]), first);
        }
    }

    #[test]
    fn braces_in_a_value_are_not_holes() {
        let line = fill("{product} costs {price}.", &[("product", "The {price} shirt"), ("price", "€9.00")]);
        assert_eq!(line, "The {price} shirt costs €9.00.");
    }

    #[test]
    fn a_sent_phrase_is_recognised_in_any_language_and_tone() {
        let wording = Wording::get();
        assert!(wording.says(Phrase::Clarify, "Hallo.\n\nWas genau wird gesucht?"));
        assert!(!wording.says(Phrase::Clarify, "Das habe ich gefunden: Leinenhemd"));
    }
}
