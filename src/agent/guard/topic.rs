//! The words of `topics.yaml`: what may be said only with a source, by kind and idea.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::Kind;
use crate::agent::{phrases::PhraseBook, text::words};

/// What a phrase speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TopicKind {
    Delivery,
    Restock,
    Returns,
    Payment,
    Warranty,
    Free,
    Discount,
    Ingredients,
    /// No claim by itself, but a source must have it, too.
    Detail,
    /// What a number counts.
    Unit,
}

/// One idea; words of one idea mean the same in all our languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Topic {
    pub(super) kind: TopicKind,
    idea: u16,
}

impl TopicKind {
    /// What is wrong with a draft that says it without a source; `None` where it claims nothing.
    pub(super) const fn violated(self) -> Option<Kind> {
        Some(match self {
            Self::Delivery | Self::Restock => Kind::Delivery,
            Self::Returns | Self::Payment => Kind::Policy,
            Self::Warranty => Kind::Warranty,
            Self::Free => Kind::Free,
            Self::Discount => Kind::Discount,
            Self::Ingredients => Kind::Ingredient,
            Self::Detail | Self::Unit => return None,
        })
    }

    /// Whether a plain question may speak of it: "When do you need it?" promises nothing, "Free shipping?" does.
    pub(super) const fn may_be_asked(self) -> bool {
        !matches!(self, Self::Free | Self::Discount)
    }
}

/// The ideas of a kind with their phrases.
type Ideas = BTreeMap<String, Vec<String>>;

/// Every phrase.
pub(super) struct Topics {
    phrases: PhraseBook<Topic>,
    code: Option<Topic>,
    spans: Vec<Topic>,
}

impl Topics {
    /// The embedded words.
    pub(super) fn get() -> &'static Self {
        static TOPICS: LazyLock<Topics> = LazyLock::new(|| {
            let kinds: BTreeMap<TopicKind, Ideas> =
                serde_saphyr::from_str(include_str!("topics.yaml")).expect("a test reads the embedded file");
            let mut topics = Topics { phrases: PhraseBook::new(), code: None, spans: Vec::new() };
            let all =
                kinds.iter().flat_map(|(kind, ideas)| ideas.iter().map(move |(name, phrases)| (*kind, name, phrases)));
            for ((kind, name, phrases), idea) in all.zip(0..) {
                let topic = Topic { kind, idea };
                phrases.iter().for_each(|phrase| topics.phrases.add(topic, phrase));
                match (kind, name.as_str()) {
                    (TopicKind::Discount, "code") => topics.code = Some(topic),
                    (TopicKind::Unit, "metre" | "percent" | "money") => {}
                    (TopicKind::Unit, _) => topics.spans.push(topic),
                    _ => {}
                }
            }
            topics
        });
        &TOPICS
    }

    pub(super) const fn phrases(&self) -> &PhraseBook<Topic> {
        &self.phrases
    }

    /// Codes and vouchers, which no reduced price carries.
    pub(super) fn is_code(&self, topic: Topic) -> bool {
        self.code == Some(topic)
    }

    /// Hours, days and years, but not metres.
    pub(super) fn is_span(&self, topic: Topic) -> bool {
        self.spans.contains(&topic)
    }
}

/// The ideas that a text speaks of, in whatever language; two texts about the same have one in common.
pub(in crate::agent) fn ideas(text: &str) -> Vec<u16> {
    let found = Topics::get().phrases().find(&words(text));
    let told = |kind: TopicKind| !matches!(kind, TopicKind::Detail | TopicKind::Unit);
    let mut ideas: Vec<u16> = found.iter().filter(|it| told(it.sign.kind)).map(|it| it.sign.idea).collect();
    ideas.sort_unstable();
    ideas.dedup();
    ideas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_words_for_every_kind() {
        let kinds: BTreeMap<TopicKind, Ideas> =
            serde_saphyr::from_str(include_str!("topics.yaml")).expect("the file is well formed");
        assert_eq!(kinds.len(), TopicKind::Unit as usize + 1);
        assert!(kinds.values().flat_map(Ideas::values).all(|phrases| !phrases.is_empty()));
        assert!(Topics::get().code.is_some() && Topics::get().spans.len() == 7);
    }
}
