//! What is known of models beside their prices (`models.yaml`): whether they see, and how much one call may hold. What nobody
//! has said is not known, and nothing is guessed for it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::domain::chat::ModelRef;

/// What is known of one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether it looks at pictures.
    pub sees: Option<bool>,
    /// Tokens that one call may hold, the answer included.
    pub context_tokens: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    model: String,
    sees: Option<bool>,
    context_tokens: Option<u32>,
}

/// What is known of all models.
#[derive(Clone, Debug, Default)]
pub struct KnownModels {
    providers: BTreeMap<String, Vec<Row>>,
}

static BUILT_IN: LazyLock<KnownModels> =
    LazyLock::new(|| KnownModels::read(include_str!("models.yaml")).expect("a test reads the embedded file"));

impl KnownModels {
    /// What Aura knows of the vendors' models.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    fn read(yaml: &str) -> Result<Self, serde_saphyr::Error> {
        Ok(Self { providers: serde_saphyr::from_str(yaml)? })
    }

    /// Takes in what the operator says of a provider's models. `sees`: names of those that do, `*` at the end as in the
    /// list; `context_tokens`: of each of them.
    pub fn say(&mut self, provider: &str, sees: &[String], context_tokens: Option<u32>) {
        let rows = self.providers.entry(provider.to_owned()).or_default();
        rows.extend(sees.iter().map(|model| Row { model: model.clone(), sees: Some(true), context_tokens: None }));
        rows.extend(context_tokens.map(|tokens| Row { model: "*".into(), sees: None, context_tokens: Some(tokens) }));
    }

    /// What is known of a model: of each particular what the row says that fits its name best.
    #[must_use]
    pub fn of(&self, model: &ModelRef) -> Known {
        let rows = self.providers.get(&*model.provider).map_or(&[][..], Vec::as_slice);
        let fitting = || rows.iter().filter_map(|row| Some((exactness(&row.model, &model.model)?, row)));
        let sees = fitting().filter(|(_, row)| row.sees.is_some()).max_by_key(|(exactness, _)| *exactness);
        let context = fitting().filter(|(_, row)| row.context_tokens.is_some()).max_by_key(|(exactness, _)| *exactness);
        Known {
            sees: sees.and_then(|(_, row)| row.sees),
            context_tokens: context.and_then(|(_, row)| row.context_tokens),
        }
    }
}

/// How exactly a listed name means a model; `None` when it does not. The name itself goes before one with a date or a
/// revision behind it (`gpt-6-luna-2026-10-01`, `gemini-3.5-flash-002`, `models/…`), that before one with `*`, and a longer
/// beginning before a shorter one.
pub(super) fn exactness(listed: &str, name: &str) -> Option<usize> {
    let name = name.strip_prefix("models/").unwrap_or(name);
    match listed.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning).then_some(beginning.len()),
        None if listed == name => Some(usize::MAX),
        None => is_dated(name, listed).then_some(usize::MAX - 1),
    }
}

/// Whether `name` is `model` with a date or a revision behind it.
fn is_dated(name: &str, model: &str) -> bool {
    name.strip_prefix(model)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|rest| rest.len() >= 3 && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(known: &KnownModels, model: &str) -> (Option<bool>, Option<u32>) {
        let Known { sees, context_tokens } = known.of(&model.parse().expect(model));
        (sees, context_tokens)
    }

    #[test]
    fn the_row_that_fits_best_tells_what_is_known_of_a_model() {
        let known = KnownModels::built_in();
        assert_eq!(of(known, "gemini:gemini-3.5-flash-lite"), (Some(true), Some(1_048_576)));
        assert_eq!(of(known, "gemini:models/gemma-4-31b-it"), (Some(true), Some(131_072)));
        assert_eq!(of(known, "openai:gpt-4o-mini-2024-07-18"), (Some(true), Some(128_000)));
        assert_eq!(of(known, "openai:text-embedding-3-small"), (Some(false), Some(8_192)));
        assert_eq!(of(known, "mine:qwen3.8-27b"), (None, None), "nothing is guessed");
    }

    #[test]
    fn what_the_operator_says_holds_for_the_models_that_are_named() {
        let mut known = KnownModels::built_in().clone();
        known.say("mine", &["qwen3-vl*".into(), "llava".into()], Some(32_768));
        assert_eq!(of(&known, "mine:qwen3-vl-8b"), (Some(true), Some(32_768)));
        assert_eq!(of(&known, "mine:llava"), (Some(true), Some(32_768)));
        assert_eq!(of(&known, "mine:llava-next"), (None, Some(32_768)));
        assert_eq!(of(&known, "yours:llava"), (None, None));
    }
}
