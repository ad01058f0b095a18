//! The phrases of `wording.yaml`: which there are, what is filled into them, and which variant a turn says.

use std::{cell::RefCell, collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{emoji, text::words};
use crate::domain::{
    Language, TurnId,
    conversation::{Message, Side},
    persona::{EmojiRule, Persona, Tone},
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
    /// Answers "ok" and "no thanks".
    Acknowledged = "acknowledged" [],
    /// Answers "bye".
    Farewell = "farewell" [],
    /// Answers praise.
    Thankful = "thankful" [],
    /// Tells who offers or asks for work that people have it.
    PassedOn = "passed_on" [],
    /// Answers a second greeting.
    StillHere = "still_here" [],
    /// Before an answer that was given before and still holds.
    AgainSame = "again_same" [],
    /// Before an answer that is another one now.
    AgainNew = "again_new" [],
    /// When an answer given twice did not help.
    WhatIsMissing = "what_is_missing" [],
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
    /// A person was called for the same reason before.
    HandOverAgain = "hand_over_again" [],
    /// When people are there.
    WhenHours = "when_hours" ["hours"],
    /// How soon people answer.
    WhenReply = "when_reply" ["reply_time"],
    /// The shop does not say when.
    WhenSoon = "when_soon" [],
    /// About a topic that the shop leaves to people.
    HandOverTopic = "hand_over_topic" [],
}

impl Phrase {
    /// The answers to closings.
    pub(super) const CLOSINGS: [Self; 4] = [Self::Welcome, Self::Acknowledged, Self::Farewell, Self::Thankful];

    /// The notices that a person takes over.
    pub(super) const HAND_OVERS: [Self; 10] = [
        Self::HandOverAsked,
        Self::HandOverAnger,
        Self::HandOverOrder,
        Self::HandOverPolicy,
        Self::HandOverBeside,
        Self::HandOverNotUnderstood,
        Self::HandOverTopic,
        Self::HandOverMedia,
        Self::HandOverFailed,
        Self::HandOverAgain,
    ];

    /// Whether it says something of the shop's data, which may be otherwise the next time.
    const fn is_fact(self) -> bool {
        matches!(
            self,
            Self::Available
                | Self::AvailableIn
                | Self::Unavailable
                | Self::Price
                | Self::PriceFrom
                | Self::FromPrice
                | Self::PriceIn
                | Self::PriceUnknown
                | Self::InsteadOf
                | Self::StockYes
                | Self::StockYesIn
                | Self::StockNo
                | Self::StockNoIn
                | Self::Others
                | Self::NotListed
                | Self::Nothing
                | Self::NothingUnder
        )
    }
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

    /// Whether a paragraph of a sent text is a variant of a phrase and nothing else: short ones stand in many sentences.
    pub(super) fn says_alone(&self, phrase: Phrase, sent: &str) -> bool {
        let mut paragraphs = sent.split("\n\n").map(words).filter(|words| !words.is_empty());
        let lines = || self.0.get(&phrase).into_iter().flat_map(BTreeMap::values).flat_map(Variants::all);
        paragraphs.any(|paragraph| lines().any(|line| words(line) == paragraph))
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
    /// Whether it uses emoji at all.
    emoji: bool,
    turn: TurnId,
    /// What was said before, not to be said again if there is another way.
    history: &'a [Message],
    /// Where what is said of the shop's data is noted.
    facts: &'a Facts,
}

/// What an answer says of the shop's data, each with all the ways to say it.
#[derive(Debug, Default)]
pub(super) struct Facts(RefCell<Vec<Vec<String>>>);

impl Facts {
    /// Whether anything was said.
    pub(super) fn any(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    /// Whether an earlier text does not say all of it, in whatever words.
    pub(super) fn beyond(&self, earlier: &[&str]) -> bool {
        let said = |ways: &Vec<String>| ways.iter().any(|way| earlier.iter().any(|text| text.contains(way.as_str())));
        !self.0.borrow().iter().all(said)
    }
}

impl<'a> Voice<'a> {
    pub(super) fn new(
        language: Language,
        persona: &Persona,
        turn: TurnId,
        history: &'a [Message],
        facts: &'a Facts,
    ) -> Self {
        let emoji = persona.emoji_rule() != EmojiRule::Never;
        Self { language, tone: persona.tone, emoji, turn, history, facts }
    }

    /// What has been said of the shop's data so far.
    pub(super) const fn facts(&self) -> &'a Facts {
        self.facts
    }

    /// Notes something said of the shop's data that is no phrase.
    pub(super) fn note_fact(&self, text: &str) {
        self.facts.0.borrow_mut().push(vec![text.to_owned()]);
    }

    /// The phrase with `(hole, value)` filled in.
    pub(super) fn say(&self, phrase: Phrase, values: &[(&str, &str)]) -> String {
        let variants = Wording::get().variants(phrase, self.language, self.tone);
        let lines: Vec<String> = variants.iter().map(|line| fill(line, values)).collect();
        // Rather another wording than one whose end was cut off.
        let plain: Vec<String> = lines.iter().filter(|line| self.emoji || !emoji::has(line)).cloned().collect();
        let said = self.pick(phrase, if plain.is_empty() { &lines } else { &plain }).cloned().unwrap_or_default();
        if phrase.is_fact() {
            self.facts.0.borrow_mut().push(lines);
        }
        said
    }

    /// The same turn always picks the same line; the next turn likely another, one not said before if there is one, and
    /// never the one just said.
    fn pick<'v>(&self, phrase: Phrase, lines: &'v [String]) -> Option<&'v String> {
        let start = usize::try_from(self.hash(phrase) % u64::try_from(lines.len().max(1)).ok()?).ok()?;
        let order = || lines.iter().cycle().skip(start).take(lines.len());
        let by_bot = || self.history.iter().rev().filter(|message| message.side == Side::Bot);
        let said = |message: &Message, line: &String| message.text.as_ref().is_some_and(|text| text.contains(line));
        let ever = |line: &&String| by_bot().any(|message| said(message, line));
        let last = |line: &&String| by_bot().next().is_some_and(|message| said(message, line));
        let fresh = order().find(|line| !ever(line)).or_else(|| order().find(|line| !last(line)));
        fresh.or_else(|| order().next())
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
    use crate::agent::testing::message;

    fn say(turn: u128, last_said: &str, phrase: Phrase) -> String {
        let (history, facts) = ([message(Side::Bot, last_said)], Facts::default());
        let turn = TurnId(Uuid::from_u128(turn));
        Voice::new(Language::En, &Persona::default(), turn, &history, &facts).say(phrase, &[])
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
        let said: Vec<String> = (0..30).map(|turn| say(turn, "", Phrase::Greeting)).collect();
        let again: Vec<String> = (0..30).map(|turn| say(turn, "", Phrase::Greeting)).collect();
        assert_eq!(said, again);
        let mut different = said;
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 3, "{different:?}");
    }

    #[test]
    fn what_was_just_said_is_not_said_again() {
        for turn in 0..30 {
            let first = say(turn, "", Phrase::Welcome);
            assert_ne!(say(turn, &first, Phrase::Welcome), first);
        }
    }

    #[test]
    fn braces_in_a_value_are_not_holes() {
        let line = fill("{product} costs {price}.", &[("product", "The {price} shirt"), ("price", "€9.00")]);
        assert_eq!(line, "The {price} shirt costs €9.00.");
    }

    /// Else a second answer would be the first, word for word.
    #[test]
    fn what_may_be_said_twice_can_be_said_in_two_ways() {
        let twice = [Phrase::Clarify, Phrase::WhichProduct, Phrase::StillHere, Phrase::AgainSame, Phrase::AgainNew];
        let twice = twice.into_iter().chain([Phrase::WhatIsMissing, Phrase::HandOverAsked, Phrase::HandOverAgain]);
        for phrase in twice.chain(Phrase::CLOSINGS) {
            for language in Language::ALL {
                for tone in Tone::ALL {
                    let mut lines = Wording::get().variants(phrase, language, tone).to_vec();
                    lines.dedup();
                    assert!(lines.len() > 1, "{phrase:?} {language} {tone:?}");
                }
            }
        }
    }

    #[test]
    fn a_short_phrase_within_a_sentence_is_not_the_phrase() {
        let wording = Wording::get();
        assert!(wording.says_alone(Phrase::Welcome, "Ich bin Mia.\n\nGern."));
        assert!(!wording.says_alone(Phrase::Welcome, "Schaue ich gern nach!"));
    }

    #[test]
    fn a_sent_phrase_is_recognised_in_any_language_and_tone() {
        let wording = Wording::get();
        assert!(wording.says(Phrase::Clarify, "Hallo.\n\nWas genau wird gesucht?"));
        assert!(!wording.says(Phrase::Clarify, "Das habe ich gefunden: Leinenhemd"));
    }
}
