//! The voice of a shop.

use std::collections::BTreeMap;

use super::Language;

/// How the assistant speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Friendly and personal; one emoji now and then.
    #[default]
    Warm,
    /// Short and matter-of-fact; no emoji.
    Crisp,
    /// Polite and formal (Sie, vous, usted, Lei); no emoji.
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

/// The voice of a shop, as far as the built-in composer follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    /// What the assistant calls itself; empty: it gives no name.
    pub name: String,
    /// How it speaks.
    pub tone: Tone,
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
}

impl Persona {
    /// The longest that `hours` and `reply_time` may be, in characters: with them a notice is still one message.
    pub const TIME_CHARS_MAX: usize = 120;
}

impl Default for Persona {
    fn default() -> Self {
        Self {
            name: String::new(),
            tone: Tone::Warm,
            greeting: None,
            sign_off: None,
            disclose: true,
            disclosure: None,
            hours: BTreeMap::new(),
            reply_time: BTreeMap::new(),
        }
    }
}
