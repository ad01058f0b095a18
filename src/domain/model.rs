//! Which model does what: roles, and what a tenant has chosen.

use std::{collections::BTreeSet, fmt, str::FromStr};

use super::{
    chat::{InvalidModelRef, ModelRef},
    cost::Budget,
};

/// A model as people name it: `builtin`, or `PROVIDER:MODEL`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// Aura's own: no key, no network.
    Builtin,
    /// A provider's.
    Remote(ModelRef),
}

/// Text that names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no model: `builtin`, or PROVIDER:MODEL such as gemini:gemini-3.5-flash-lite")]
pub struct InvalidModel(String);

impl Model {
    /// The word for Aura's own.
    pub const BUILTIN: &'static str = "builtin";

    /// Reads a model's name.
    pub fn parse(text: &str) -> Result<Self, InvalidModel> {
        match text.trim() {
            Self::BUILTIN => Ok(Self::Builtin),
            text => text.parse().map(Self::Remote).map_err(|_| InvalidModel(text.to_owned())),
        }
    }

    /// The provider's model, unless it is Aura's own.
    #[must_use]
    pub const fn remote(&self) -> Option<&ModelRef> {
        match self {
            Self::Builtin => None,
            Self::Remote(model) => Some(model),
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => f.write_str(Self::BUILTIN),
            Self::Remote(model) => model.fmt(f),
        }
    }
}

impl FromStr for Model {
    type Err = InvalidModel;

    fn from_str(text: &str) -> Result<Self, InvalidModel> {
        Self::parse(text)
    }
}

/// What a model is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelRole {
    /// Writes answers.
    Chat,
    /// Turns text into vectors.
    Embed,
    /// Looks at pictures.
    Vision,
}

impl ModelRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Embed, Self::Vision];

    /// The word in the store, in settings and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embed => "embed",
            Self::Vision => "vision",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// The models of one role, in the order in which they are tried. Behind them all stands `builtin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChoice {
    /// The one that is meant.
    pub model: Model,
    /// Those that stand in for it.
    pub fallbacks: Vec<Model>,
}

impl ModelChoice {
    /// Fallbacks of one choice at most: a shopper waits for each.
    pub const FALLBACKS_MAX: usize = 4;

    /// Aura's own and nothing else.
    #[must_use]
    pub const fn builtin() -> Self {
        Self { model: Model::Builtin, fallbacks: Vec::new() }
    }

    /// The providers' models in order, up to the first `builtin`, each once, as far as `allowed` goes.
    #[must_use]
    pub fn route(&self, allowed: &Allowed) -> Vec<ModelRef> {
        let mut route: Vec<ModelRef> = Vec::new();
        for model in std::iter::once(&self.model).chain(&self.fallbacks).map_while(Model::remote) {
            if allowed.has(model) && !route.contains(model) {
                route.push(model.clone());
            }
        }
        route
    }
}

/// One thing that a tenant's data may go to: a whole provider, or one model of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AllowedEntry {
    /// Every model of it.
    Provider(Box<str>),
    /// This one.
    Model(ModelRef),
}

impl AllowedEntry {
    /// Reads `PROVIDER` or `PROVIDER:MODEL`.
    pub fn parse(text: &str) -> Result<Self, InvalidModelRef> {
        match text.trim() {
            text if text.contains(':') => text.parse().map(Self::Model),
            // What may stand before a colon is said in one place.
            text => format!("{text}:any").parse().map(|ModelRef { provider, .. }| Self::Provider(provider)),
        }
    }
}

impl fmt::Display for AllowedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(name) => name.fmt(f),
            Self::Model(model) => model.fmt(f),
        }
    }
}

/// Where a tenant's data may go. `builtin` is always allowed: nothing leaves the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Allowed {
    /// To every provider that is configured.
    #[default]
    All,
    /// To these alone; to nobody when there are none.
    Only(BTreeSet<AllowedEntry>),
}

impl Allowed {
    /// Whether a tenant's data may go to this model.
    #[must_use]
    pub fn has(&self, model: &ModelRef) -> bool {
        match self {
            Self::All => true,
            Self::Only(entries) => entries.iter().any(|entry| match entry {
                AllowedEntry::Provider(provider) => *provider == model.provider,
                AllowedEntry::Model(allowed) => allowed == model,
            }),
        }
    }
}

/// What somebody has said about models: a tenant, or the operator for all that say nothing themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelSettings {
    /// By role; what is absent is decided by who stands behind.
    pub choices: Vec<(ModelRole, ModelChoice)>,
    /// Where data may go; unsaid is decided by who stands behind.
    pub allowed: Option<Allowed>,
    /// What it may cost; each limit that is unsaid is decided by who stands behind.
    pub budget: Budget,
}

impl ModelSettings {
    /// What was said about a role.
    #[must_use]
    pub fn choice(&self, role: ModelRole) -> Option<&ModelChoice> {
        self.choices.iter().find(|(known, _)| *known == role).map(|(_, choice)| choice)
    }

    /// The providers' models of a role in the order in which they are tried, as far as they are allowed.
    #[must_use]
    pub fn route(&self, role: ModelRole) -> Vec<ModelRef> {
        let allowed = self.allowed.clone().unwrap_or_default();
        self.choice(role).map_or_else(Vec::new, |choice| choice.route(&allowed))
    }

    /// These with what they leave unsaid taken from `behind`.
    #[must_use]
    pub fn or(self, behind: &Self) -> Self {
        let choice = |role| Some((role, self.choice(role).or_else(|| behind.choice(role))?.clone()));
        Self {
            choices: ModelRole::ALL.into_iter().filter_map(choice).collect(),
            allowed: self.allowed.clone().or_else(|| behind.allowed.clone()),
            budget: Budget {
                day: self.budget.day.or(behind.budget.day),
                month: self.budget.month.or(behind.budget.month),
                conversation: self.budget.conversation.or(behind.budget.conversation),
                turn: self.budget.turn.or(behind.budget.turn),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> Model {
        Model::parse(text).expect(text)
    }

    fn shown(route: &[ModelRef]) -> Vec<String> {
        route.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_read_as_they_are_shown() {
        for text in ["builtin", "gemini:gemini-3.5-flash-lite", "ollama:qwen3.5:9b", "router:meta/llama-4@latest"] {
            assert_eq!(model(text).to_string(), text);
        }
        for text in ["", "gemini", "Gemini:x"] {
            assert!(Model::parse(text).is_err(), "{text}");
        }
        assert!(AllowedEntry::parse("a b").is_err() && AllowedEntry::parse("").is_err());
    }

    #[test]
    fn a_route_holds_what_is_allowed_once_and_ends_at_builtin() {
        let choice = ModelChoice {
            model: model("gemini:a"),
            fallbacks: ["openai:b", "gemini:a", "builtin", "ollama:c"].map(model).into(),
        };
        assert_eq!(shown(&choice.route(&Allowed::All)), ["gemini:a", "openai:b"]);
        let only = |entries: &[&str]| {
            Allowed::Only(entries.iter().map(|text| AllowedEntry::parse(text).expect("an entry")).collect())
        };
        assert_eq!(shown(&choice.route(&only(&["openai"]))), ["openai:b"]);
        assert_eq!(shown(&choice.route(&only(&["gemini:a", "openai:other"]))), ["gemini:a"]);
        assert!(choice.route(&only(&[])).is_empty());
        assert!(ModelChoice::builtin().route(&Allowed::All).is_empty());
    }

    #[test]
    fn what_a_tenant_leaves_unsaid_is_decided_behind_it() {
        let cost = |text| Some(super::super::cost::PicoDollars::parse(text).expect("an amount"));
        let mine = ModelSettings {
            choices: vec![(ModelRole::Chat, ModelChoice { model: model("ollama:c"), fallbacks: Vec::new() })],
            allowed: None,
            budget: Budget { day: cost("1"), ..Budget::default() },
        };
        let behind = ModelSettings {
            choices: vec![(ModelRole::Chat, ModelChoice::builtin()), (ModelRole::Embed, ModelChoice::builtin())],
            allowed: Some(Allowed::Only(BTreeSet::new())),
            budget: Budget { day: cost("5"), month: cost("9"), turn: cost("1"), ..Budget::default() },
        };
        let both = mine.or(&behind);
        assert_eq!(both.choice(ModelRole::Chat).map(|choice| choice.model.to_string()).as_deref(), Some("ollama:c"));
        assert_eq!(both.choice(ModelRole::Embed), Some(&ModelChoice::builtin()));
        assert_eq!(both.choice(ModelRole::Vision), None);
        assert_eq!(both.allowed, behind.allowed);
        assert_eq!(both.budget, Budget { day: cost("1"), month: cost("9"), turn: cost("1"), ..Budget::default() });
    }
}
