//! What differs between Gemini's generations, read from a model's name.

use crate::domain::chat::Effort;

/// What matters of a model here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Family {
    /// Whether it is of generation 3 or later: ids on tool calls, signatures that must come back, levels of thinking, no
    /// sampling. Generation 2 refuses ids.
    pub(super) is_third: bool,
    /// How it is told how hard to think.
    pub(super) thinking: Thinking,
}

/// How a model is told how hard to think. Sending both ways at once is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// By `thinkingLevel`, one of these.
    Levels(&'static [Effort]),
    /// By `thinkingBudget` in tokens, not below this; 0 is off.
    Budget { min: i64, max: i64 },
    /// Not at all.
    Untold,
}

const LOW_TO_HIGH: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High];
const MINIMAL_TO_HIGH: &[Effort] = &[Effort::Minimal, Effort::Low, Effort::Medium, Effort::High];
const LOW_TO_XHIGH: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High, Effort::XHigh];

/// Levels by name, as Google's documentation lists them; the first that a name begins with counts. A level that a model
/// does not have is an error there, so models that are not listed get the three that all have.
const LEVELS: &[(&str, &[Effort])] = &[
    ("gemini-4-hydrogen", LOW_TO_XHIGH),
    ("gemini-3.5-flash-lite", MINIMAL_TO_HIGH),
    ("gemini-3.1-flash-lite", MINIMAL_TO_HIGH),
    ("gemini-flash-lite-latest", MINIMAL_TO_HIGH),
];

/// The most that generation 2.5 may think, in tokens; Pro and Flash have different ends.
const BUDGET_MAX: i64 = 24_576;
const BUDGET_MAX_PRO: i64 = 32_768;
/// Pro cannot be stopped from thinking.
const BUDGET_MIN_PRO: i64 = 128;

impl Family {
    /// Reads the name; one that is not known is taken for a new model.
    pub(super) fn of(model: &str) -> Self {
        let is_second = ["gemini-2", "gemini-1"].iter().any(|prefix| model.starts_with(prefix));
        let thinking = if model.starts_with("gemma") {
            Thinking::Untold
        } else if model.starts_with("gemini-2.5-pro") {
            Thinking::Budget { min: BUDGET_MIN_PRO, max: BUDGET_MAX_PRO }
        } else if model.starts_with("gemini-2.5") {
            Thinking::Budget { min: 0, max: BUDGET_MAX }
        } else if is_second {
            Thinking::Untold
        } else {
            let listed = LEVELS.iter().find(|(name, _)| model.starts_with(name));
            Thinking::Levels(listed.map_or(LOW_TO_HIGH, |(_, levels)| levels))
        };
        Self { is_third: !is_second, thinking }
    }
}

/// A level in Gemini's word.
pub(super) const fn level(effort: Effort) -> &'static str {
    match effort {
        Effort::Off | Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High => "HIGH",
        Effort::XHigh | Effort::Max => "XHIGH",
    }
}

/// Tokens of thought for an effort, between what the model can.
pub(super) fn budget(effort: Effort, min: i64, max: i64) -> i64 {
    let tokens = match effort {
        Effort::Off => 0,
        Effort::Minimal => 512,
        Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => BUDGET_MAX,
        Effort::XHigh | Effort::Max => max,
    };
    tokens.clamp(min, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_and_levels_follow_the_name() {
        for (model, is_third, levels) in [
            ("gemini-4-hydrogen", true, Some(LOW_TO_XHIGH)),
            ("gemini-4-carbon", true, Some(LOW_TO_HIGH)),
            ("gemini-3.8-flash", true, Some(LOW_TO_HIGH)),
            ("gemini-3.5-flash-lite", true, Some(MINIMAL_TO_HIGH)),
            ("gemini-flash-latest", true, Some(LOW_TO_HIGH)),
            ("gemini-5-future", true, Some(LOW_TO_HIGH)),
            ("gemini-2.5-flash", false, None),
            ("gemma-4-31b-it", true, None),
        ] {
            let family = Family::of(model);
            assert_eq!(family.is_third, is_third, "{model}");
            let found = match family.thinking {
                Thinking::Levels(levels) => Some(levels),
                Thinking::Budget { .. } | Thinking::Untold => None,
            };
            assert_eq!(found, levels, "{model}");
        }
    }

    #[test]
    fn budgets_stay_between_what_the_model_can() {
        assert_eq!(Family::of("gemini-2.5-pro").thinking, Thinking::Budget { min: 128, max: 32_768 });
        assert_eq!(budget(Effort::Off, 128, 32_768), 128);
        assert_eq!(budget(Effort::Off, 0, 24_576), 0);
        assert_eq!(budget(Effort::Max, 0, 24_576), 24_576);
    }
}
