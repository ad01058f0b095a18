//! `aura bench`: measures this build on this machine, and holds it against the budgets that Aura is built to.
//!
//! Everything happens in a temporary directory that is removed at the end; no running Aura is touched.

mod accept;
mod all;
mod catalogue;
mod fairness;
mod gateway;
mod idle;
mod import;
mod load;
mod machine;
mod place;
mod process;
mod report;
mod search;
mod soak;
mod terminal;
mod tui;
mod turn;

use self::report::Report;
use crate::{context::Context, failure::Failure, ui::Ui};

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
    All(all::AllArgs),
    #[command(flatten)]
    One(Measurement),
}

/// What can be measured. `aura bench all` runs these by the words of their own command lines.
#[derive(Debug, clap::Subcommand)]
enum Measurement {
    Accept(accept::AcceptArgs),
    Fairness(fairness::FairnessArgs),
    Gateway(gateway::GatewayArgs),
    Idle(idle::IdleArgs),
    Import(import::ImportArgs),
    Search(search::SearchArgs),
    Soak(soak::SoakArgs),
    Tui(tui::TuiArgs),
    Turn(turn::TurnArgs),
}

pub async fn run(context: &Context, args: BenchArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::All(args) => all::run(context.ui, args).await,
        Verb::One(one) => one.run(context.ui).await,
    }
}

impl Measurement {
    async fn run(self, ui: Ui) -> Result<(), Failure> {
        let report = &Report::new(ui, self.name());
        match self {
            Self::Accept(args) => accept::run(report, args).await,
            Self::Fairness(args) => fairness::run(report, args).await,
            Self::Gateway(args) => gateway::run(report, args).await,
            Self::Idle(args) => idle::run(report, args).await,
            Self::Import(args) => import::run(report, args).await,
            Self::Search(args) => search::run(report, args).await,
            Self::Soak(args) => soak::run(report, args).await,
            Self::Tui(args) => tui::run(report, args).await,
            Self::Turn(args) => turn::run(report, args).await,
        }
    }

    /// The word on the command line.
    const fn name(&self) -> &'static str {
        match self {
            Self::Accept(_) => "accept",
            Self::Fairness(_) => "fairness",
            Self::Gateway(_) => "gateway",
            Self::Idle(_) => "idle",
            Self::Import(_) => "import",
            Self::Search(_) => "search",
            Self::Soak(_) => "soak",
            Self::Tui(_) => "tui",
            Self::Turn(_) => "turn",
        }
    }
}

/// A step of a measurement that did not go as it must.
fn failed(message: impl Into<String>) -> Failure {
    Failure::new(aura::api::exit::FAILED, "bench_failed", message)
}
