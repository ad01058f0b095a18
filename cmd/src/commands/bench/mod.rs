//! `aura bench`: measures this build on this machine, and holds it against the budgets that Aura is built to.
//!
//! Everything happens in a temporary directory that is removed at the end; no running Aura is touched.

mod accept;
mod catalogue;
mod import;
mod load;
mod machine;
mod place;
mod report;
mod search;
mod turn;

use crate::{context::Context, failure::Failure};

/// Measure this build on this machine
///
/// Every measurement first tells the machine, the build, and what a sync of the disk takes: no rate means anything
/// without them. It works in a temporary directory and touches no running Aura. Measure release builds.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Accept(accept::AcceptArgs),
    Import(import::ImportArgs),
    Search(search::SearchArgs),
    Turn(turn::TurnArgs),
}

pub async fn run(context: &Context, args: BenchArgs) -> Result<(), Failure> {
    let ui = context.ui;
    match args.verb {
        Verb::Accept(args) => accept::run(ui, args).await,
        Verb::Import(args) => import::run(ui, args).await,
        Verb::Search(args) => search::run(ui, args).await,
        Verb::Turn(args) => turn::run(ui, args).await,
    }
}

/// A step of a measurement that did not go as it must.
fn failed(message: impl Into<String>) -> Failure {
    Failure::new(aura::api::exit::FAILED, "bench_failed", message)
}
