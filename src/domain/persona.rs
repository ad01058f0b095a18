//! The voice of a shop: how its assistant speaks, what it may say of the shop, and what it leaves to people.

use std::collections::BTreeMap;

use super::{Language, Timestamp};

/// How the assistant speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Friendly and personal.
    #[default]
    Warm,
    /// Short and matter-of-fact.
    Crisp,
    /// Polite and formal (Sie, vous, usted, Lei).
    Formal,
}

impl Tone {
    /// Every tone.
    pub const ALL: [Self; 3] = [Self::Warm, Self::Crisp, Self::Formal];

    /// The word in files and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Crisp => "crisp",
            Self::Formal => "formal",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tone| tone.as_str() == word)
    }
}

/// How many emoji an answer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmojiRule {
    /// None at all.
    Never,
    /// One at most.
    Sparing,
    /// As many as whoever writes likes.
    Free,
}

impl EmojiRule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Never, Self::Sparing, Self::Free];

    /// The word in files and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "none",
            Self::Sparing => "some",
            Self::Free => "many",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == word)
    }

    /// How many one answer may have; `None`: any number.
    #[must_use]
    pub const fn most(self) -> Option<usize> {
        match self {
            Self::Never => Some(0),
            Self::Sparing => Some(1),
            Self::Free => None,
        }
    }
}

/// Which languages a shop answers in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LanguageRule {
    /// The shopper's, as far as there are words for it; else the shop's own.
    #[default]
    Shopper,
    /// One of these, never empty: the shopper's where it is among them, else the shop's own, else the first.
    Only(Vec<Language>),
}

impl LanguageRule {
    /// The word in files for [`LanguageRule::Shopper`].
    pub const SHOPPER: &'static str = "shopper";

    /// The language to answer in. `spoken`: the shopper's; `own`: the shop's.
    #[must_use]
    pub fn settle(&self, spoken: Language, own: Language) -> Language {
        match self {
            Self::Shopper => spoken,
            Self::Only(these) if these.contains(&spoken) => spoken,
            Self::Only(these) if these.contains(&own) => own,
            Self::Only(these) => these.first().copied().unwrap_or(own),
        }
    }
}

/// The voice of a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    /// What the assistant calls itself; empty: it gives no name.
    pub name: String,
    /// How it speaks.
    pub tone: Tone,
    /// Which languages it answers in.
    pub language: LanguageRule,
    /// How many emoji it uses; `None`: as its tone has it.
    pub emoji: Option<EmojiRule>,
    /// Replaces the built-in greeting, e.g. `Welcome to Noor!`.
    pub greeting: Option<String>,
    /// Ends the first answer of a conversation, e.g. `Your Noor team`.
    pub sign_off: Option<String>,
    /// Whether a conversation starts with saying that an assistant answers (Meta, Germany, California).
    pub disclose: bool,
    /// Replaces the built-in disclosure text.
    pub disclosure: Option<String>,
    /// When people answer, as it follows "Our team is here": `Mon–Fri, 9 am to 6 pm`. Told to whoever asks for a person.
    pub hours: BTreeMap<Language, String>,
    /// How soon people answer, as it follows "You usually hear from us": `within two hours`.
    pub reply_time: BTreeMap<Language, String>,
    /// What a model is asked to do.
    pub dos: Vec<String>,
    /// What a model is asked not to do.
    pub donts: Vec<String>,
    /// What the shop says of itself, in its own language, each a statement that holds by itself: opening hours, delivery,
    /// returns. Evidence, like the text of a product.
    pub facts: Vec<String>,
    /// Words on which a person answers, whatever else is said. The last may stand for every ending (`allerg*`).
    pub escalate: Vec<String>,
}

impl Persona {
    /// The longest that `hours` and `reply_time` may be, in characters: with them a notice is still one message.
    pub const TIME_CHARS_MAX: usize = 120;
    /// The longest name of an assistant, in characters.
    pub const NAME_CHARS_MAX: usize = 60;
    /// The longest greeting, sign-off and disclosure, in characters: each stands in one message beside an answer.
    pub const WORDS_CHARS_MAX: usize = 300;
    /// The longest entry of `do` and `dont`, in characters.
    pub const RULE_CHARS_MAX: usize = 200;
    /// The most entries of `do`, and of `dont`: models keep a dozen rules, not a handbook.
    pub const RULES_MAX: usize = 20;
    /// The longest fact, in characters: it is said in one message, whole.
    pub const FACT_CHARS_MAX: usize = 400;
    /// The fewest words of a fact: one that is shorter is no statement, and would be found in every other sentence.
    pub const FACT_WORDS_MIN: usize = 3;
    /// The most facts: all of them stand in every prompt.
    pub const FACTS_MAX: usize = 60;
    /// The longest entry of `escalate`, in characters.
    pub const TOPIC_CHARS_MAX: usize = 60;
    /// The most entries of `escalate`.
    pub const TOPICS_MAX: usize = 100;

    /// How many emoji it uses.
    #[must_use]
    pub fn emoji_rule(&self) -> EmojiRule {
        self.emoji.unwrap_or(match self.tone {
            Tone::Warm => EmojiRule::Sparing,
            Tone::Crisp | Tone::Formal => EmojiRule::Never,
        })
    }
}

impl Default for Persona {
    fn default() -> Self {
        Self {
            name: String::new(),
            tone: Tone::Warm,
            language: LanguageRule::Shopper,
            emoji: None,
            greeting: None,
            sign_off: None,
            disclose: true,
            disclosure: None,
            hours: BTreeMap::new(),
            reply_time: BTreeMap::new(),
            dos: Vec::new(),
            donts: Vec::new(),
            facts: Vec::new(),
            escalate: Vec::new(),
        }
    }
}

/// A voice as it was set at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonaVersion {
    /// Its number, from 1. 0 is the voice of a shop that has set none.
    pub number: u32,
    /// The voice.
    pub persona: Persona,
    /// When it was set; `None` for version 0.
    pub set_at: Option<Timestamp>,
    /// The version that was taken up again with it.
    pub restored: Option<u32>,
}
