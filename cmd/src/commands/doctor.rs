//! `aura doctor`

use aura::{
    api::{self, exit},
    daemon::doctor::{self, Check},
};
use clap::builder::PossibleValuesParser;

use crate::{context::Context, failure::Failure, render, ui::Ink};

/// Check the installation and say what to do about what is not right
///
/// Named checks over the data directory, the machine and everything that Aura is connected to. Works with or without a
/// daemon, and on a data directory that does not open. What it prints can be pasted into an issue: no secret, nothing that a
/// shopper wrote, ids cut short. Ends with 8 when a check has failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura doctor
  aura doctor --online channels clock
  aura doctor --fix
  aura doctor --json backup_age")]
pub struct DoctorArgs {
    /// Checks to make; all when none is named
    #[arg(value_name = "CHECK", value_parser = PossibleValuesParser::new(Check::ALL.iter().map(|check| check.as_str())))]
    checks: Vec<String>,
    /// Mend what is safe to mend: permissions, a dead socket, missing folders, the index of what is due
    #[arg(long)]
    fix: bool,
    /// Ask others too: Instagram about tokens and the time, Ollama about its models
    #[arg(long)]
    online: bool,
    /// Walk along every hash chain, as `aura audit verify` does
    #[arg(long)]
    chains: bool,
}

pub async fn run(context: &Context, args: DoctorArgs) -> Result<(), Failure> {
    let DoctorArgs { checks, fix, online, chains } = args;
    let report = match context.client().await {
        Ok(client) => {
            let asked_by = Some(env!("CARGO_PKG_VERSION").to_owned());
            let named = Some(checks.join(",")).filter(|names| !names.is_empty());
            client.doctor(&api::DoctorQuery { checks: named, online, chains, asked_by }, fix).await?
        }
        Err(failure) => {
            let only: Vec<Check> = checks.iter().filter_map(|word| Check::parse(word)).collect();
            let path = context.data_dir()?;
            let error = (failure.message, failure.hint.map(Into::into));
            doctor::without(&path, error, &only, fix)
        }
    };
    let ui = context.ui;
    if ui.json {
        ui.json_line(&report)?;
    } else {
        for finding in &report.findings {
            let ink = match finding.state.as_str() {
                "failed" => Ink::Bad,
                "ok" => Ink::Good,
                "warning" => Ink::Strong,
                _ => Ink::Faint,
            };
            let (state, rest) = render::finding(finding, ui.look());
            ui.inked(&[(ink, &state), (Ink::Plain, &rest)])?;
            for line in render::finding_notes(finding, ui.look()) {
                ui.inked(&[(Ink::Faint, &line)])?;
            }
        }
    }
    match report.findings.iter().filter(|finding| finding.state == "failed").count() {
        0 => Ok(()),
        1 => Err(problems("1 check has failed".into())),
        many => Err(problems(format!("{many} checks have failed"))),
    }
}

fn problems(message: String) -> Failure {
    Failure::new(exit::PROBLEMS_FOUND, "problems_found", message)
        .hint("What to do stands under each; `aura doctor --fix` mends what is safe to mend.")
}
