//! `aura bench all`: every measurement, one table.

use clap::Parser;

use super::{
    Measurement, failed,
    place::{Place, PlaceArgs},
    report::Report,
};
use crate::{failure::Failure, ui::Ui};

/// The command lines of a whole report: what the budgets are stated for.
const FULL: &[&str] =
    &["idle", "idle --tenants 10000", "accept --turns", "turn", "fairness", "import", "search", "soak"];
/// The same, small: shows that everything works, and says little of how fast.
const QUICK: &[&str] = &[
    "idle --tenants 50 --watch-seconds 2",
    "accept --turns --deliveries 5000 --rounds 1",
    "turn --products 500 --shoppers 100 --single 20",
    "fairness --rush 200 --shops 3 --messages 2",
    "import --products 2000",
    "search --products 2000 --queries 50",
    "soak --messages 600 --tenants 4",
];

/// Make every measurement and show one table
///
/// Runs each measurement as its own command would, one after the other, in a temporary directory. A whole report takes
/// about fifteen minutes on two cores; nothing else should run meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench all
  aura bench all --quick
  aura bench all --json > figures.jsonl")]
pub struct AllArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Small sizes, a minute in all: whether everything works, not how fast it is
    #[arg(long)]
    quick: bool,
}

/// One command line of the report.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(subcommand)]
    measurement: Measurement,
}

impl Line {
    fn parse(line: &str, place: &PlaceArgs) -> Result<Self, Failure> {
        let words = line.split(' ').map(Into::into).chain(place.words());
        Self::try_parse_from::<_, std::ffi::OsString>(words)
            .map_err(|error| failed(format!("`aura bench {line}` is no measurement: {error}")))
    }
}

pub async fn run(ui: Ui, args: AllArgs) -> Result<(), Failure> {
    Place::make(&Report::live(ui), &args.place)?;
    let lines = if args.quick { QUICK } else { FULL };
    let mut report = Report::gathering(ui);
    let mut broken = 0;
    for line in lines {
        ui.say(format!("aura bench {line}"));
        // One that fails takes nothing from the others.
        if let Err(failure) = Line::parse(line, &args.place)?.measurement.run(&mut report).await {
            ui.fail(&failure);
            broken += 1;
        }
    }
    report.finish()?;
    match broken {
        0 => Ok(()),
        broken => Err(failed(format!("{broken} of {} measurements could not be made", lines.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measurement_of_a_report_is_a_command() {
        for line in FULL.iter().chain(QUICK) {
            let word = line.split(' ').next().expect("a word");
            let parsed = Line::parse(line, &PlaceArgs::default()).expect("it can be run");
            assert_eq!(parsed.measurement.name(), word);
        }
    }

    #[test]
    fn every_measurement_is_in_a_report() {
        for lines in [FULL, QUICK] {
            let mut command = <Measurement as clap::Subcommand>::augment_subcommands(clap::Command::new("bench"));
            command.build();
            for known in command.get_subcommands().map(clap::Command::get_name).filter(|name| *name != "help") {
                assert!(lines.iter().any(|line| line.split(' ').next() == Some(known)), "{known} is in no report");
            }
        }
    }
}
