//! What differs between servers that speak Chat Completions, as data: one value a server, with presets for those we know.

use serde::{Deserialize, Serialize};

/// How a server wants to be spoken to. The default suits a server of which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compat {
    /// Where the most tokens to write are said.
    pub max_tokens_field: MaxTokensField,
    /// What the house's own instructions are called.
    pub system_role: SystemRole,
    /// Whether it can be told to call a tool, or none. Where it cannot, tools are left out for "none", and only the one
    /// that is named is offered.
    pub supports_tool_choice: bool,
    /// Whether it can be told how many tools may be called at once.
    pub supports_parallel: bool,
    /// Whether it tells usage at the end of a stream when asked to.
    pub supports_stream_usage: bool,
    /// Whether it takes a hash of the end user in `user`.
    pub supports_user: bool,
    /// How the shape of an answer is asked for.
    pub schema_style: SchemaStyle,
    /// Which pictures it takes.
    pub image_style: ImageStyle,
    /// Where thoughts are.
    pub reasoning_field: ReasoningField,
    /// How it is told how hard to think.
    pub effort_style: EffortStyle,
    /// Fields of the request that it refuses, by their names at the top of the body.
    pub strip_fields: Vec<String>,
}

/// Where the most tokens to write are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// `max_tokens`, as most servers have it.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, as OpenAI has it now.
    MaxCompletionTokens,
}

/// What the house's own instructions are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemRole {
    /// `system`.
    #[default]
    System,
    /// `developer`, as OpenAI has it now.
    Developer,
}

impl SystemRole {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
        }
    }
}

/// How the shape of an answer is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaStyle {
    /// `{"type":"json_schema","json_schema":{"name","schema","strict"}}`.
    #[default]
    JsonSchema,
    /// `{"type":"json_schema","schema"}`, which llama.cpp of every age takes.
    Flat,
    /// `{"type":"json_object"}`: some JSON, of whatever shape.
    JsonObject,
    /// Not at all.
    None,
}

/// Which pictures a server takes. One that it does not take is replaced by a word, so that a model knows that there was one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageStyle {
    /// By address, and inside the request.
    Url,
    /// Inside the request only.
    #[default]
    DataOnly,
    /// None.
    None,
}

/// Where thoughts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningField {
    /// They are not read.
    None,
    /// `reasoning_content`; `reasoning` where that is missing.
    #[default]
    ReasoningContent,
    /// `reasoning`; `reasoning_content` where that is missing.
    Reasoning,
}

/// How a server is told how hard to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffortStyle {
    /// Not at all: servers refuse the field for models that do not think.
    #[default]
    None,
    /// `"reasoning_effort": "low"`.
    ReasoningEffort,
    /// `"reasoning": {"effort": "low"}` (OpenRouter, which leaves it out where a model does not think).
    ReasoningObject,
}

impl Default for Compat {
    fn default() -> Self {
        Self {
            max_tokens_field: MaxTokensField::MaxTokens,
            system_role: SystemRole::System,
            supports_tool_choice: true,
            supports_parallel: false,
            supports_stream_usage: true,
            supports_user: false,
            schema_style: SchemaStyle::JsonSchema,
            image_style: ImageStyle::DataOnly,
            reasoning_field: ReasoningField::ReasoningContent,
            effort_style: EffortStyle::None,
            strip_fields: Vec::new(),
        }
    }
}

/// What an operator says of a server otherwise than its preset does; what is absent is left to that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// [`Compat::max_tokens_field`].
    pub max_tokens_field: Option<MaxTokensField>,
    /// [`Compat::system_role`].
    pub system_role: Option<SystemRole>,
    /// [`Compat::supports_tool_choice`].
    pub supports_tool_choice: Option<bool>,
    /// [`Compat::supports_parallel`].
    pub supports_parallel: Option<bool>,
    /// [`Compat::supports_stream_usage`].
    pub supports_stream_usage: Option<bool>,
    /// [`Compat::supports_user`].
    pub supports_user: Option<bool>,
    /// [`Compat::schema_style`].
    pub schema_style: Option<SchemaStyle>,
    /// [`Compat::image_style`].
    pub image_style: Option<ImageStyle>,
    /// [`Compat::reasoning_field`].
    pub reasoning_field: Option<ReasoningField>,
    /// [`Compat::effort_style`].
    pub effort_style: Option<EffortStyle>,
    /// [`Compat::strip_fields`].
    pub strip_fields: Option<Vec<String>>,
}

impl Compat {
    /// The same with what is said otherwise.
    #[must_use]
    pub fn with(self, said: &Switches) -> Self {
        Self {
            max_tokens_field: said.max_tokens_field.unwrap_or(self.max_tokens_field),
            system_role: said.system_role.unwrap_or(self.system_role),
            supports_tool_choice: said.supports_tool_choice.unwrap_or(self.supports_tool_choice),
            supports_parallel: said.supports_parallel.unwrap_or(self.supports_parallel),
            supports_stream_usage: said.supports_stream_usage.unwrap_or(self.supports_stream_usage),
            supports_user: said.supports_user.unwrap_or(self.supports_user),
            schema_style: said.schema_style.unwrap_or(self.schema_style),
            image_style: said.image_style.unwrap_or(self.image_style),
            reasoning_field: said.reasoning_field.unwrap_or(self.reasoning_field),
            effort_style: said.effort_style.unwrap_or(self.effort_style),
            strip_fields: said.strip_fields.clone().unwrap_or(self.strip_fields),
        }
    }
}

impl Switches {
    /// Every switch said, as a server of which nothing is known has it.
    #[must_use]
    pub fn all() -> Self {
        let Compat {
            max_tokens_field,
            system_role,
            supports_tool_choice,
            supports_parallel,
            supports_stream_usage,
            supports_user,
            schema_style,
            image_style,
            reasoning_field,
            effort_style,
            strip_fields,
        } = Compat::default();
        Self {
            max_tokens_field: Some(max_tokens_field),
            system_role: Some(system_role),
            supports_tool_choice: Some(supports_tool_choice),
            supports_parallel: Some(supports_parallel),
            supports_stream_usage: Some(supports_stream_usage),
            supports_user: Some(supports_user),
            schema_style: Some(schema_style),
            image_style: Some(image_style),
            reasoning_field: Some(reasoning_field),
            effort_style: Some(effort_style),
            strip_fields: Some(strip_fields),
        }
    }
}

/// A server that is known by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// Where it is unless the operator says otherwise.
    pub base_url: &'static str,
    /// Whether it answers nobody without a key.
    pub needs_key: bool,
    /// How it wants to be spoken to.
    pub compat: Compat,
}

/// The servers that are known by name.
#[must_use]
pub fn presets() -> [Preset; 5] {
    let local = Compat { supports_parallel: true, ..Compat::default() };
    let hosted = Compat {
        image_style: ImageStyle::Url,
        reasoning_field: ReasoningField::Reasoning,
        supports_user: true,
        ..local.clone()
    };
    [
        Preset {
            name: "vllm",
            base_url: "http://127.0.0.1:8000/v1",
            needs_key: false,
            compat: Compat { image_style: ImageStyle::Url, ..local.clone() },
        },
        Preset {
            name: "llamacpp",
            base_url: "http://127.0.0.1:8080/v1",
            needs_key: false,
            compat: Compat { schema_style: SchemaStyle::Flat, ..local },
        },
        Preset {
            name: "openrouter",
            base_url: "https://openrouter.ai/api/v1",
            needs_key: true,
            compat: Compat { effort_style: EffortStyle::ReasoningObject, ..hosted.clone() },
        },
        Preset {
            name: "groq",
            base_url: "https://api.groq.com/openai/v1",
            needs_key: true,
            compat: Compat { max_tokens_field: MaxTokensField::MaxCompletionTokens, ..hosted },
        },
        Preset { name: "lmstudio", base_url: "http://127.0.0.1:1234/v1", needs_key: false, compat: Compat::default() },
    ]
}

/// The preset of that name.
#[must_use]
pub fn preset(name: &str) -> Option<Preset> {
    presets().into_iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_an_address() {
        for preset in presets() {
            assert!(url::Url::parse(preset.base_url).is_ok_and(|url| url.has_host()), "{}", preset.name);
        }
        assert!(preset("vllm").is_some() && preset("openai").is_none());
    }

    #[test]
    fn what_is_said_goes_before_the_preset_and_nothing_else_changes() {
        for Preset { compat, .. } in presets() {
            assert_eq!(compat.clone().with(&Switches::default()), compat);
            assert_eq!(compat.clone().with(&Switches::all()), Compat::default());
            let said = r#"{"system_role":"developer","reasoning_field":"none","strip_fields":["seed"]}"#;
            let said: Switches = serde_json::from_str(said).expect("data");
            let expected = Compat {
                system_role: SystemRole::Developer,
                reasoning_field: ReasoningField::None,
                strip_fields: vec!["seed".into()],
                ..compat.clone()
            };
            assert_eq!(compat.with(&said), expected);
        }
    }
}
