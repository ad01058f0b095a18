//! `aura config`

use std::collections::BTreeMap;

use aura::config::{Entry, Loaded, Origin};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{context::Context, failure::Failure, render::Grid};

/// Show and check the configuration
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Show(Show),
    Validate(Validate),
    Sources(Sources),
}

/// Show every key and its value; secrets read `***`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura config show
  aura config show --config aura.toml --json")]
struct Show {}

/// Check the configuration without starting anything
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura config validate
  aura config validate --config /etc/aura/aura.toml")]
struct Validate {}

/// Show where each value comes from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura config sources
  aura config sources --json")]
struct Sources {}

/// A key, and where its value comes from.
#[derive(Serialize, JsonSchema)]
pub struct Source<'a> {
    /// The key
    key: &'a str,
    /// Its value
    value: &'a serde_json::Value,
    /// default, file, environment or flag
    source: &'static str,
    /// The file, variable or flag
    origin: Option<String>,
}

pub fn run(context: &Context, args: ConfigArgs) -> Result<(), Failure> {
    let loaded = context.load(Vec::new())?;
    match args.verb {
        Verb::Show(Show {}) => show(context, &loaded),
        Verb::Validate(Validate {}) => validate(context, &loaded),
        Verb::Sources(Sources {}) => sources(context, &loaded),
    }
}

fn show(context: &Context, loaded: &Loaded) -> Result<(), Failure> {
    let entries = loaded.entries();
    let values: BTreeMap<_, _> = entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect();
    context.ui.table(&values, || {
        let mut grid = Grid::new(context.ui.width(), &["KEY", "VALUE"]).whole(&[0]);
        for entry in &entries {
            grid.row([&entry.key, &shown(&entry.value)]);
        }
        grid.finish()
    })
}

/// That it could be loaded is the check.
fn validate(context: &Context, loaded: &Loaded) -> Result<(), Failure> {
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    if context.ui.json {
        return context.ui.json_line(&serde_json::json!({ "valid": true, "file": file }));
    }
    context.ui.done(format!("the configuration is valid ({})", file.as_deref().unwrap_or("no file")), "aura serve");
    Ok(())
}

fn sources(context: &Context, loaded: &Loaded) -> Result<(), Failure> {
    let entries = loaded.entries();
    let rows: Vec<_> = entries.iter().map(source).collect();
    context.ui.table(&rows, || {
        let mut grid = Grid::new(context.ui.width(), &["KEY", "VALUE", "FROM"]).whole(&[0]).folds(&[2]);
        for row in &rows {
            let from = row.origin.as_ref().map_or_else(|| row.source.to_owned(), |at| format!("{} ({at})", row.source));
            grid.row([row.key, &shown(row.value), &from]);
        }
        grid.finish()
    })
}

fn source(entry: &Entry) -> Source<'_> {
    let source = match &entry.origin {
        Origin::Default => "default",
        Origin::File { .. } => "file",
        Origin::Variable(_) | Origin::SecretFile { .. } => "environment",
        Origin::Flag(_) => "flag",
    };
    let origin = (entry.origin != Origin::Default).then(|| entry.origin.to_string());
    Source { key: &entry.key, value: &entry.value, source, origin }
}

/// A value as a person reads it.
fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".into(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
