//! The words that workflows, the agent and recorded effects share: what a shopper wants, and what a switch may ask.

use serde::{Deserialize, Serialize};

use crate::domain::{Language, conversation::Label};

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every word, as workflows and records write them.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    )*};
}

vocabulary! {
    /// What the shopper's open messages are about, taken together.
    Intent {
        /// Nothing but a greeting.
        Greeting = "greeting",
        /// Something the shop sells.
        Product = "product",
        /// Shipping, returns, payment, opening hours and the like.
        Policy = "policy",
        /// An order already made.
        Order = "order",
        /// The shopper wants a person.
        Person = "person",
        /// The shopper is angry or insulting.
        Anger = "anger",
        /// Thanks or a closing.
        Thanks = "thanks",
        /// Words without a recognisable wish.
        Unclear = "unclear",
        /// A picture, voice note or share without words that say what is wanted.
        Media = "media",
        /// No customer matter: spam, offers, applications, insults. The label says which.
        NoCustomer = "no_customer",
    }

    /// How a conversation, or a part of it, is closed.
    Closing {
        /// "thanks!", a heart.
        Thanks = "thanks",
        /// "bye", "have a nice day".
        Farewell = "farewell",
        /// "love it!", "so beautiful".
        Praise = "praise",
        /// "ok", "perfect", a thumb, "no thanks".
        Approval = "approval",
    }

    /// Whether the shopper has asked the same before in this conversation, give or take a typo.
    Asked {
        /// No.
        First = "first",
        /// Once: the answer comes in other words and refers back.
        Again = "again",
        /// More often: what is missing is asked.
        Often = "often",
        /// Even after that.
        TooOften = "too_often",
    }

    /// What about a product the shopper asks.
    Ask {
        /// Which products there are.
        Search = "search",
        /// What one costs.
        Price = "price",
        /// Whether one can be had.
        Stock = "stock",
        /// What one is like, or where to buy it.
        About = "about",
    }

    /// What retrieval brought.
    FoundWhat {
        /// Products that fit.
        Some = "some",
        /// None that fits, but some that come close.
        Near = "near",
        /// Nothing.
        None = "none",
    }

    /// What a `switch` may ask.
    Variable {
        /// What the messages are about.
        Intent = "intent",
        /// What about a product is asked.
        Ask = "ask",
        /// The language of the answer.
        Language = "language",
        /// Whether a product question was put in so many words: `yes`, or `no` for a bare mention.
        Explicit = "explicit",
        /// Whether another answer of this kind is one too many: the assistant's last message already was one (asked back,
        /// could not see, you're welcome), or a person is the one who is thanked.
        Repeated = "repeated",
        /// Whether the same was asked before.
        Asked = "asked",
        /// What no customer matter is parked as, else `none`.
        Label = "label",
        /// The question beside a product question: `policy`, `order`, else `none`.
        Beside = "beside",
        /// What the last retrieval brought.
        Found = "found",
        /// Whether it is about a topic that the shop leaves to people: `yes` or `no`.
        Escalates = "escalates",
        /// Whether the shop has stated something that answers it: `yes` or `no`.
        Told = "told",
        /// Whether whoever wrote the last draft wants a person to go on after it.
        HandsOver = "hands_over",
    }
}

impl Variable {
    /// Every value it can take; a `case` with another label is a mistake.
    #[must_use]
    pub fn labels(self) -> Vec<&'static str> {
        match self {
            Self::Intent => Intent::WORDS.to_vec(),
            Self::Ask => Ask::WORDS.to_vec(),
            Self::Language => Language::ALL.iter().map(|language| language.code()).collect(),
            Self::Explicit | Self::Repeated | Self::Escalates | Self::Told | Self::HandsOver => vec!["yes", "no"],
            Self::Beside => vec![Intent::Policy.as_str(), Intent::Order.as_str(), "none"],
            Self::Found => FoundWhat::WORDS.to_vec(),
            Self::Asked => Asked::WORDS.to_vec(),
            Self::Label => Label::ALL.into_iter().map(Label::as_str).chain(["none"]).collect(),
        }
    }

    /// Whether only a retrieval gives it a value.
    #[must_use]
    pub const fn needs_retrieval(self) -> bool {
        matches!(self, Self::Found)
    }
}

/// Which of the recalled products the shopper means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// "it", "this", "them": all of the last reply.
    Last,
    /// "the second one": counted from 1.
    Nth(u32),
    /// "the last one" of a list.
    Final,
}

/// Particulars that the shopper named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wants {
    /// A size, folded: `m`, `xl`, `42`.
    pub size: Option<String>,
    /// Colours, each a group of folded words that mean it in our languages.
    pub colours: Vec<Vec<String>>,
    /// Whether the price is asked.
    pub price: bool,
    /// Whether the stock is asked.
    pub stock: bool,
    /// Whether the place to buy is asked.
    pub link: bool,
}

/// What the open messages mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Understanding {
    /// The language to answer in.
    #[serde(with = "language_code")]
    pub language: Language,
    /// Whether the messages themselves show the language; otherwise it is remembered or the shop's.
    pub language_certain: bool,
    /// What they are about.
    pub intent: Intent,
    /// What about a product.
    pub ask: Ask,
    /// Whether a product question was put in so many words.
    pub explicit: bool,
    /// Whether the shopper greets.
    pub greets: bool,
    /// The words to search products by, without courtesies; empty when nothing is named.
    pub search: String,
    /// The folded words of `search` that name a thing.
    pub content: Vec<String>,
    /// Which recalled products are meant, when none is named.
    pub reference: Option<Reference>,
    /// Particulars.
    pub wants: Wants,
    /// A policy or order question beside the product question.
    pub beside: Option<Intent>,
    /// Whether another answer of this kind is one too many.
    pub repeated: bool,
    /// How it closes the conversation, where it does nothing else.
    #[serde(default)]
    pub closing: Option<Closing>,
    /// Whether the same was asked before. A record of an older version does not say.
    #[serde(default = "not_before")]
    pub asked: Asked,
    /// What it is to be parked as.
    #[serde(default, with = "label_word")]
    pub label: Option<Label>,
    /// The language that it is written in, where the shop does not answer in it. Products are looked for in this one.
    #[serde(default, with = "language_code_opt")]
    pub written_in: Option<Language>,
    /// Whether it is about a topic that the shop leaves to people.
    #[serde(default)]
    pub escalates: bool,
    /// The facts of the shop that answer it, by their numbers from 1.
    #[serde(default)]
    pub told: Vec<usize>,
}

const fn not_before() -> Asked {
    Asked::First
}

/// What a run knows, as far as a switch may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variables {
    understood: Option<Understanding>,
    found: Option<FoundWhat>,
    #[serde(default)]
    hands_over: bool,
}

impl Variables {
    pub(super) fn understand(&mut self, understanding: &Understanding) {
        self.understood = Some(understanding.clone());
    }

    pub(super) const fn find(&mut self, found: FoundWhat) {
        self.found = Some(found);
    }

    pub(super) const fn write(&mut self, hands_over: bool) {
        self.hands_over = hands_over;
    }

    /// The value of a variable; `None` while nothing gave it one.
    #[must_use]
    pub fn value(&self, variable: Variable) -> Option<&'static str> {
        let yes_no = |yes: bool| if yes { "yes" } else { "no" };
        let of = |read: fn(&Understanding) -> &'static str| self.understood.as_ref().map(read);
        match variable {
            Variable::Intent => of(|it| it.intent.as_str()),
            Variable::Ask => of(|it| it.ask.as_str()),
            Variable::Language => of(|it| it.language.code()),
            Variable::Explicit => self.understood.as_ref().map(|it| yes_no(it.explicit)),
            Variable::Repeated => self.understood.as_ref().map(|it| yes_no(it.repeated)),
            Variable::Beside => of(|it| it.beside.map_or("none", Intent::as_str)),
            Variable::Found => self.found.map(FoundWhat::as_str),
            Variable::Asked => of(|it| it.asked.as_str()),
            Variable::Escalates => self.understood.as_ref().map(|it| yes_no(it.escalates)),
            Variable::Told => self.understood.as_ref().map(|it| yes_no(!it.told.is_empty())),
            Variable::HandsOver => Some(yes_no(self.hands_over)),
            Variable::Label => of(|it| it.label.map_or("none", Label::as_str)),
        }
    }

    /// What the messages are to be parked as.
    pub(super) fn label(&self) -> Option<Label> {
        self.understood.as_ref().and_then(|it| it.label)
    }
}

mod label_word {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::domain::conversation::Label;

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(super) fn serialize<S: Serializer>(label: &Option<Label>, serializer: S) -> Result<S::Ok, S::Error> {
        label.map(Label::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Label>, D::Error> {
        let word = Option::<String>::deserialize(deserializer)?;
        let known = |word: String| {
            Label::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("unknown label `{word}`")))
        };
        word.map(known).transpose()
    }
}

mod language_code_opt {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::domain::Language;

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(super) fn serialize<S: Serializer>(language: &Option<Language>, serializer: S) -> Result<S::Ok, S::Error> {
        language.map(Language::code).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
        let code = Option::<String>::deserialize(deserializer)?;
        code.map(|code| code.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

mod language_code {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::Language;

    pub(super) fn serialize<S: Serializer>(language: &Language, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(language.code())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Language, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
