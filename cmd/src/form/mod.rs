//! The form in which scripts get a result: all of it as JSON, chosen fields (`--json=FIELD,…`), a jq expression over it, or a
//! template. What a person asked for is judged before the command does anything: a misspelled field changes nothing.

mod fields;
pub mod interrupt;
mod jq;
mod shapes;
mod template;

use aura::terminal::{json_safe, terminal_safe};

pub use fields::nearest;
use fields::{Fields, Picked, Tree};
use jq::Jq;
use template::Template;

use crate::failure::Failure;

/// What stands behind `--json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonArg {
    /// Nothing: the whole document.
    Whole,
    /// `=` or `=help`: which fields there are.
    Help,
    /// `=FIELD,…`.
    Fields(Vec<String>),
}

impl JsonArg {
    /// What clap takes for `--json` alone; no field is called so.
    pub const WHOLE: &str = "*";

    /// Reads what stands behind `--json=`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            Self::WHOLE => Ok(Self::Whole),
            "" | "help" | "?" => Ok(Self::Help),
            names => Ok(Self::Fields(names.split(',').map(|name| name.trim().to_owned()).collect())),
        }
    }
}

/// How scripts get what a command has to say.
#[derive(Debug)]
pub struct Form {
    pick: Option<Tree>,
    then: Then,
}

#[derive(Debug)]
enum Then {
    Json,
    Jq(Jq),
    Template(Box<Template>),
}

/// What was asked for.
pub enum Asked {
    /// People read.
    Words,
    /// Scripts do.
    Form(Form),
    /// Only which fields there are.
    Help(String),
}

impl Form {
    /// What the flags ask of `command` (`tenant list`).
    pub fn asked(
        command: &str,
        json: Option<&JsonArg>,
        jq: Option<&str>,
        template: Option<&str>,
    ) -> Result<Asked, Failure> {
        let then = match (jq, template) {
            (Some(expression), _) => Then::Jq(Jq::new(expression)?),
            (None, Some(source)) => Then::Template(Box::new(Template::new(source)?)),
            (None, None) if json.is_none() => return Ok(Asked::Words),
            (None, None) => Then::Json,
        };
        let fields = || Fields::of(command);
        let pick = match json {
            None | Some(JsonArg::Whole) => None,
            Some(JsonArg::Help) => return Ok(Asked::Help(fields()?.help(command))),
            Some(JsonArg::Fields(names)) => Some(fields()?.choose(command, names)?),
        };
        Ok(Asked::Form(Self { pick, then }))
    }

    /// The whole document as JSON.
    pub const fn json() -> Self {
        Self { pick: None, then: Then::Json }
    }

    /// What is printed for a document: lines without the last line's end; `None`: nothing at all.
    pub fn print(&self, json: &str, look: Look) -> Result<Option<String>, Failure> {
        let picked;
        let json = match &self.pick {
            None => json,
            Some(tree) => {
                let whole: serde_json::Value = serde_json::from_str(json).map_err(|error| no_json(&error))?;
                picked = serde_json::to_string(&Picked::of(&whole, tree)).map_err(|error| no_json(&error))?;
                &picked
            }
        };
        match &self.then {
            Then::Json => Ok(Some(json_safe(json).into_owned())),
            Then::Jq(jq) => {
                let lines = jq.run(json)?;
                Ok((!lines.is_empty()).then(|| terminal_safe(&lines.join("\n")).into_owned()))
            }
            Then::Template(template) => {
                let whole: serde_json::Value = serde_json::from_str(json).map_err(|error| no_json(&error))?;
                let text = template.render(whole, look)?;
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
        }
    }
}

/// Whether the fields of a command's document are known.
#[cfg(test)]
pub fn has_fields(command: &str) -> bool {
    Fields::of(command).is_ok_and(|fields| !fields.is_empty())
}

/// What templates need to know of where they are printed.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The reader's own clock.
    pub now: aura::api::Time,
    /// Whether colours are shown.
    pub colour: bool,
    /// Whether a person reads it on a terminal.
    pub terminal: bool,
}

fn no_json(error: &serde_json::Error) -> Failure {
    Failure::new(1, "failed", format!("the result is not JSON: {error}"))
}
