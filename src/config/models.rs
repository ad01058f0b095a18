//! What can be set about models: which ones answer, where they are, what they may cost.

use serde::{Deserialize, Serialize};

use super::Wrong;
use crate::domain::{
    cost::{Budget, PicoDollars},
    model::{Allowed, AllowedEntry, Model, ModelChoice, ModelRole, ModelSettings},
};

/// What answers, for every tenant that has chosen nothing else (`aura model use`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    /// What writes answers: `builtin`, or `PROVIDER:MODEL`.
    pub chat: String,
    /// What turns text into vectors; `builtin` only: products are found by words in this version.
    pub embed: String,
    /// What describes shoppers' pictures where `chat` does not see: a model that does, or `builtin`, which does not.
    pub vision: String,
    /// What stands in for `chat`, in order. Behind all of them stands `builtin`.
    pub fallbacks: Vec<String>,
    /// Providers (`gemini`) and models (`gemini:gemini-3.5-flash-lite`) that tenants' data may go to; `*`: every one that
    /// is configured. Nothing goes anywhere else, fallbacks included.
    pub allowed: Vec<String>,
    /// Milliseconds that one draft may take to write (100 to 600000) before the built-in composer writes instead: a
    /// shopper waits.
    pub timeout_ms: u32,
    /// Tokens of a conversation's earlier messages that a model is told in full (300 to 100000), about, and never more than a
    /// quarter of what it can hold; what came before is summarised. More of them remember more and cost more, in every turn.
    pub history_tokens: u32,
    /// What the models of one tenant may cost in a day (UTC), in US dollars such as `2.50`.
    pub budget_day_usd: Option<String>,
    /// In a calendar month (UTC).
    pub budget_month_usd: Option<String>,
    /// In one conversation.
    pub budget_conversation_usd: Option<String>,
    /// In one turn, over everything that a model looks up and writes for it, repairs included. What a call may cost at
    /// most counts before it is made; where that would pass this, the built-in composer writes.
    pub budget_turn_usd: Option<String>,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            chat: Model::BUILTIN.into(),
            embed: Model::BUILTIN.into(),
            vision: Model::BUILTIN.into(),
            fallbacks: Vec::new(),
            allowed: vec![ANY.into()],
            timeout_ms: 45_000,
            history_tokens: 3_000,
            budget_day_usd: None,
            budget_month_usd: None,
            budget_conversation_usd: None,
            budget_turn_usd: Some("1.00".into()),
        }
    }
}

/// Everything that is configured.
const ANY: &str = "*";

impl Models {
    /// What these settings say, in the words that tenants say it in.
    ///
    /// # Errors
    /// The key and the reason.
    pub fn settings(&self) -> Result<ModelSettings, Wrong> {
        let fallbacks =
            self.fallbacks.iter().map(|text| model("models.fallbacks", text)).collect::<Result<Vec<_>, _>>()?;
        if fallbacks.len() > ModelChoice::FALLBACKS_MAX {
            let most = ModelChoice::FALLBACKS_MAX;
            return Err(("models.fallbacks".into(), format!("more than {most}: a shopper waits for each")));
        }
        Ok(ModelSettings {
            choices: vec![
                (ModelRole::Chat, ModelChoice { model: model("models.chat", &self.chat)?, fallbacks }),
                (ModelRole::Embed, builtin("models.embed", &self.embed)?),
                (
                    ModelRole::Vision,
                    ModelChoice { model: model("models.vision", &self.vision)?, fallbacks: Vec::new() },
                ),
            ],
            allowed: Some(allowed(&self.allowed)?),
            budget: Budget {
                day: limit("models.budget_day_usd", self.budget_day_usd.as_deref())?,
                month: limit("models.budget_month_usd", self.budget_month_usd.as_deref())?,
                conversation: limit("models.budget_conversation_usd", self.budget_conversation_usd.as_deref())?,
                turn: limit("models.budget_turn_usd", self.budget_turn_usd.as_deref())?,
            },
        })
    }
}

fn model(key: &'static str, text: &str) -> Result<Model, Wrong> {
    Model::parse(text).map_err(|error| (key.into(), error.to_string()))
}

fn builtin(key: &'static str, text: &str) -> Result<ModelChoice, Wrong> {
    match text {
        Model::BUILTIN => Ok(ModelChoice::builtin()),
        other => Err((
            key.into(),
            format!("`{other}` is not available: products are found by words in this version, so say `builtin`"),
        )),
    }
}

fn limit(key: &'static str, text: Option<&str>) -> Result<Option<PicoDollars>, Wrong> {
    text.map(PicoDollars::parse).transpose().map_err(|error| (key.into(), error.to_string()))
}

fn allowed(listed: &[String]) -> Result<Allowed, Wrong> {
    if listed.iter().any(|entry| entry == ANY) {
        return Ok(Allowed::All);
    }
    let entry = |text: &String| AllowedEntry::parse(text).map_err(|error| ("models.allowed".into(), error.to_string()));
    Ok(Allowed::Only(listed.iter().map(entry).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(models: &Models) -> String {
        models.settings().map_or_else(|(key, reason)| format!("{key}: {reason}"), |_| "fine".into())
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        let set = |change: fn(&mut Models)| {
            let mut models = Models::default();
            change(&mut models);
            wrong(&models)
        };
        assert_eq!(wrong(&Models::default()), "fine");
        for (told, key) in [
            (set(|models| models.chat = "gemini".into()), "models.chat: `gemini` names no model"),
            (set(|models| models.embed = "gemini:x".into()), "models.embed: "),
            (set(|models| models.vision = "gemini".into()), "models.vision: `gemini` names no model"),
            (set(|models| models.fallbacks = vec!["x".into()]), "models.fallbacks: "),
            (set(|models| models.fallbacks = vec!["a:b".into(); 5]), "models.fallbacks: more than 4"),
            (set(|models| models.allowed = vec!["a b".into()]), "models.allowed: "),
            (set(|models| models.budget_day_usd = Some("-1".into())), "models.budget_day_usd: "),
            (set(|models| models.budget_turn_usd = Some("much".into())), "models.budget_turn_usd: "),
        ] {
            assert!(told.starts_with(key), "{told}");
        }
    }
}
