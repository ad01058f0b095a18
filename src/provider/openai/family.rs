//! What differs between OpenAI's models, read from a model's name.

use crate::domain::chat::Effort;

/// What matters of a model here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Family {
    /// How hard it can be told to think; empty for a model that does not think, and refuses to be told.
    pub(super) efforts: &'static [Effort],
}

const NONE: &[Effort] = &[];
const LOW_TO_HIGH: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High];
const MINIMAL_TO_HIGH: &[Effort] = &[Effort::Minimal, Effort::Low, Effort::Medium, Effort::High];
const OFF_TO_HIGH: &[Effort] = &[Effort::Off, Effort::Low, Effort::Medium, Effort::High];

/// By the beginning of the name, the first that fits. A level that a model does not have is an error there, so this holds
/// the levels that are sure; models not listed have [`OFF_TO_HIGH`].
const EFFORTS: &[(&str, &[Effort])] = &[
    ("gpt-3", NONE),
    ("gpt-4", NONE),
    ("chatgpt", NONE),
    ("o1", LOW_TO_HIGH),
    ("o3", LOW_TO_HIGH),
    ("o4", LOW_TO_HIGH),
    // The three that refuse `none`.
    ("gpt-6-astra", LOW_TO_HIGH),
    ("gpt-6.1-sol", LOW_TO_HIGH),
    ("gpt-6.2", LOW_TO_HIGH),
    // The first of generation 5 have `minimal` in its place.
    ("gpt-5-", MINIMAL_TO_HIGH),
];

impl Family {
    pub(super) fn of(model: &str) -> Self {
        if model == "gpt-5" {
            return Self { efforts: MINIMAL_TO_HIGH };
        }
        let listed = EFFORTS.iter().find(|(name, _)| model.starts_with(name));
        Self { efforts: listed.map_or(OFF_TO_HIGH, |(_, efforts)| efforts) }
    }

    pub(super) const fn thinks(self) -> bool {
        !self.efforts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_refuse_a_level_are_not_sent_it() {
        for (model, lowest) in [
            ("gpt-6-luna", Some(Effort::Off)),
            ("gpt-5.6-sol", Some(Effort::Off)),
            ("gpt-6-astra", Some(Effort::Low)),
            ("gpt-6.1-sol", Some(Effort::Low)),
            ("gpt-6.1-terra", Some(Effort::Off)),
            ("gpt-6.2-sol", Some(Effort::Low)),
            ("gpt-5", Some(Effort::Minimal)),
            ("gpt-5-mini", Some(Effort::Minimal)),
            ("gpt-4.1-mini", None),
        ] {
            assert_eq!(Effort::Off.nearest(Family::of(model).efforts), lowest, "{model}");
        }
    }
}
