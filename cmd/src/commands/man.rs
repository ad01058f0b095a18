//! `aura man`

use std::{io, path::PathBuf};

use crate::{cli, context::Context, failure::Failure};

/// Print the manual page, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura man | man -l -
  aura man --to ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Folder to write a page of each command to; it has to be there
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub fn run(context: &Context, ManArgs { to }: ManArgs) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("the manual could not be written", &error);
    // The terminal's width is none of the manual's business.
    let command = cli::grammar();
    let Some(folder) = to else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(failed)?;
        return context.ui.script(&String::from_utf8_lossy(&page));
    };
    clap_mangen::generate_to(command, &folder).map_err(failed)?;
    let shown = folder.display();
    context.ui.done(format!("wrote the manual to {shown}"), format!("man -M {shown}/.. aura"));
    Ok(())
}
