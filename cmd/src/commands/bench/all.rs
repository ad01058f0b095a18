//! `aura bench all`: every measurement, one table.

use std::{
    ffi::OsString,
    process::{ExitStatus, Stdio},
};

use clap::Parser;
use serde::Deserialize;
use tokio::process::Command;

use super::{
    Measurement, failed,
    machine::Machine,
    place::{Place, PlaceArgs},
    report::{self, Figure},
};
use crate::{failure::Failure, ui::Ui};

/// The command lines of a whole report: what the budgets are stated for.
const FULL: &[&str] = &[
    "idle",
    "idle --tenants 10000",
    "accept --turns",
    "turn",
    "fairness",
    "gateway",
    "import",
    "search",
    "tui",
    "soak",
];
/// The same, small: shows that everything works, and says little of how fast.
const QUICK: &[&str] = &[
    "idle --tenants 50 --watch-seconds 2",
    "accept --turns --deliveries 5000 --rounds 1",
    "turn --products 500 --shoppers 100 --single 20",
    "fairness --rush 200 --shops 3 --messages 2",
    "gateway --calls 300 --tokens 20",
    "import --products 2000",
    "search --products 2000 --queries 50",
    "tui --tenants 5 --messages 500 --keys 36 --starts 2 --watch-seconds 2",
    "soak --messages 600 --tenants 4",
];

/// Make every measurement and show one table
///
/// Runs each measurement as a command of its own, one after the other, in a temporary directory, so that none finds the
/// memory of another. A whole report takes about fifteen minutes on two cores; nothing else should run meanwhile.
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
    fn parse(line: &str) -> Result<Self, Failure> {
        Self::try_parse_from(line.split(' '))
            .map_err(|error| failed(format!("`aura bench {line}` is no measurement: {error}")))
    }
}

/// What a measurement prints, line by line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Machine(Machine),
    Figure(Figure),
}

pub async fn run(ui: Ui, args: AllArgs) -> Result<(), Failure> {
    Place::make(ui, &args.place)?;
    let lines = if args.quick { QUICK } else { FULL };
    for line in lines {
        Line::parse(line)?;
    }
    let mut figures = Vec::new();
    let mut broken = 0;
    for line in lines {
        ui.say(format!("aura bench {line}"));
        // One that fails takes nothing from the others.
        match measure(line, &args.place).await {
            Ok(told) if ui.json => told.iter().try_for_each(|figure| ui.json_line(figure))?,
            Ok(told) => figures.extend(told),
            Err(failure) => {
                ui.fail(&failure);
                broken += 1;
            }
        }
    }
    if !ui.json {
        report::summarise(ui, &figures)?;
    }
    match broken {
        0 => Ok(()),
        broken => Err(failed(format!("{broken} of {} measurements could not be made", lines.len()))),
    }
}

/// Runs one line as a process of its own. The disk's figure comes first: it swings from one to the next.
async fn measure(line: &str, place: &PlaceArgs) -> Result<Vec<Figure>, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::io("this binary is not to be found", &error))?;
    let words = ["bench"].into_iter().chain(line.split(' ')).chain(["--json"]).map(OsString::from);
    let child = Command::new(program)
        .args(words.chain(place.words()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failure::io("the measurement did not start", &error))?;
    let output =
        child.wait_with_output().await.map_err(|error| Failure::io("the measurement's end cannot be seen", &error))?;
    if !ExitStatus::success(&output.status) {
        return Err(failed(format!("`aura bench {line}` ended with {}", output.status)));
    }
    let mut figures = Vec::new();
    for told in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Told>() {
        match told.map_err(|error| failed(format!("`aura bench {line}` said what cannot be read: {error}")))? {
            Told::Machine(machine) => figures.push(machine.figure(line)),
            Told::Figure(figure) => figures.push(figure),
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measurement_of_a_report_is_a_command() {
        for line in FULL.iter().chain(QUICK) {
            let word = line.split(' ').next().expect("a word");
            let parsed = Line::parse(line).expect("it can be run");
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
