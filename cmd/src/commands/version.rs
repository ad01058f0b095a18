//! `aura version`

use crate::{context::Context, failure::Failure};

/// Print the version of this command
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura version
  aura version --json")]
pub struct VersionArgs {}

pub fn run(context: &Context, VersionArgs {}: VersionArgs) -> Result<(), Failure> {
    let version = aura::api::Version { version: env!("CARGO_PKG_VERSION").into() };
    context.ui.data(&version, || format!("aura {}", version.version))
}
