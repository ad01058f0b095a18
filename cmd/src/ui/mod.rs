//! What leaves the command: data on stdout, words to a person on stderr. Everything passes `terminal_safe` here, so no
//! command can forget it; colour is added afterwards and never says anything alone.

mod pager;
mod wrap;

use std::io::{self, IsTerminal, Write};

use aura::terminal::{json_safe, terminal_safe};
use owo_colors::OwoColorize;
use serde::Serialize;
pub use wrap::wrapped;

use crate::{
    failure::Failure,
    form::{self, Form},
    render::Look,
    time::now,
};

/// Columns when the width of the terminal is not known.
const WIDTH_DEFAULT: usize = 100;
/// Narrower than this nothing can be laid out.
const WIDTH_MIN: usize = 40;

/// Where and how a command speaks.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    /// Scripts listen: JSON, or what is made of it.
    pub json: bool,
    /// Say nothing that is not asked for.
    pub quiet: bool,
    /// Say more.
    pub verbose: bool,
    /// What scripts get; it lives as long as the process.
    form: &'static Form,
    errors_json: bool,
    pager: bool,
    colour_out: bool,
    colour_err: bool,
}

/// What a person asked for about the way a command speaks.
#[derive(Debug, Default)]
pub struct Manner {
    /// What scripts get; `None`: people read.
    pub form: Option<Form>,
    /// Errors as JSON too.
    pub errors_json: bool,
    /// Say nothing that is not asked for.
    pub quiet: bool,
    /// Say more.
    pub verbose: bool,
    /// No colours.
    pub no_colour: bool,
    /// Everything at once.
    pub no_pager: bool,
}

/// How a part of a line looks where colours are shown. The words say everything without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As it is.
    Plain,
    /// Stands back.
    Faint,
    /// Stands out.
    Strong,
    /// A shopper's.
    Shopper,
    /// The assistant's.
    Assistant,
    /// A person's of the shop.
    Person,
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
}

impl Ui {
    /// Colours only on a terminal, and not when `NO_COLOR` is set or the terminal is `dumb`.
    pub fn new(manner: Manner) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = !manner.no_colour && !set("NO_COLOR") && !dumb;
        Self {
            json: manner.form.is_some(),
            quiet: manner.quiet,
            verbose: manner.verbose,
            form: Box::leak(Box::new(manner.form.unwrap_or(Form::json()))),
            errors_json: manner.errors_json,
            pager: !manner.no_pager && io::stdout().is_terminal(),
            colour_out: colour && io::stdout().is_terminal(),
            colour_err: colour && io::stderr().is_terminal(),
        }
    }

    /// Whether colours are shown where results go.
    pub const fn colours(self) -> bool {
        self.colour_out
    }

    /// Columns to lay out for; `None` when stdout is not a terminal and every row may be as long as it is.
    pub fn width(self) -> Option<usize> {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
        let of_terminal = || match console::Term::stdout().size_checked() {
            Some((_, columns)) => usize::from(columns),
            None => WIDTH_DEFAULT,
        };
        let columns = match number("AURA_FORCE_TTY") {
            Some(columns) => columns,
            None if io::stdout().is_terminal() => number("COLUMNS").unwrap_or_else(of_terminal),
            None => return None,
        };
        Some(usize::max(columns, WIDTH_MIN))
    }

    /// For whom results are laid out, and when.
    pub fn look(self) -> Look {
        Look { now: now(), width: self.width() }
    }

    /// Whether a progress bar has a place to be.
    pub fn shows_progress(self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// Whether there is somebody to ask.
    pub fn asks(self) -> bool {
        !self.json && !self.quiet && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// The result: `value` for scripts, `text` for people.
    pub fn data<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json { self.json_line(value) } else { self.page(&self.safe(&text())) }
    }

    /// A table for people, whose first line is its head, or `value` for scripts.
    pub fn table<T: Serialize>(self, value: &T, table: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            return self.json_line(value);
        }
        let table = self.safe(&table());
        match table.split_once('\n') {
            Some((head, rows)) if self.colour_out => self.page(&format!("{}\n{rows}", head.bold())),
            _ => self.page(&table),
        }
    }

    /// Words of our own, however long.
    pub fn prose(self, text: &str) -> Result<(), Failure> {
        self.page(text.trim_end())
    }

    /// Safe for terminals; the tabs between cells stay where no terminal lays them out.
    fn safe(self, text: &str) -> String {
        match self.width() {
            Some(_) => terminal_safe(text).into_owned(),
            None => text.split('\t').map(terminal_safe).collect::<Vec<_>>().join("\t"),
        }
    }

    /// Prints a result, through a pager if it is longer than the screen.
    fn page(self, text: &str) -> Result<(), Failure> {
        let rows = console::Term::stdout().size_checked().map(|(rows, _)| usize::from(rows));
        let long = self.pager && rows.is_some_and(|rows| text.lines().count() >= rows);
        if long && pager::show(text)? { Ok(()) } else { write_out(text) }
    }

    /// One JSON value on a line of its own, or what was asked to be made of it.
    pub fn json_line<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let json = serde_json::to_string(value)
            .map_err(|error| Failure::new(1, "failed", format!("the result is not JSON: {error}")))?;
        let look = form::Look { now: now(), colour: self.colour_out, terminal: self.width().is_some() };
        self.form.print(&json, look)?.map_or(Ok(()), |text| write_out(&text))
    }

    /// Text on stdout.
    pub fn text(self, text: &str) -> Result<(), Failure> {
        write_out(&terminal_safe(text))
    }

    /// One line of text on stdout, each part in its ink.
    pub fn inked(self, parts: &[(Ink, &str)]) -> Result<(), Failure> {
        let line: String = parts.iter().map(|&(ink, text)| self.ink(ink, &terminal_safe(text))).collect();
        write_out(line.trim_end())
    }

    fn ink(self, ink: Ink, text: &str) -> String {
        match ink {
            _ if !self.colour_out || text.trim().is_empty() => text.to_owned(),
            Ink::Plain => text.to_owned(),
            Ink::Faint => text.dimmed().to_string(),
            Ink::Strong => text.bold().to_string(),
            Ink::Shopper => text.cyan().to_string(),
            Ink::Assistant | Ink::Good => text.green().to_string(),
            Ink::Person => text.yellow().to_string(),
            Ink::Bad => text.red().bold().to_string(),
        }
    }

    /// A word to the person, unless they want none.
    pub fn say(self, text: impl AsRef<str>) {
        if !self.quiet && !self.json {
            write_err(&terminal_safe(text.as_ref()));
        }
    }

    /// A word that even `--quiet` does not silence.
    pub fn always(self, text: impl AsRef<str>) {
        write_err(&terminal_safe(text.as_ref()));
    }

    /// Text of our own making, byte for byte.
    pub fn script(self, script: &str) -> Result<(), Failure> {
        write_out(script.trim_end_matches('\n'))
    }

    /// What changed and what to do next.
    pub fn done(self, what: impl AsRef<str>, next: impl AsRef<str>) {
        self.say(what);
        if !next.as_ref().is_empty() {
            self.say(format!("next: {}", next.as_ref()));
        }
    }

    /// Tells why the command failed.
    pub fn fail(self, failure: &Failure) {
        if self.errors_json {
            write_err(&json_safe(&failure.json().to_string()));
            return;
        }
        let text = failure.text(self.verbose);
        for line in terminal_safe(&text).lines() {
            match line.split_once(": ") {
                Some(("error", rest)) if self.colour_err => write_err(&format!("{}: {rest}", "error".red().bold())),
                Some(("hint", rest)) if self.colour_err => write_err(&format!("{}: {rest}", "hint".cyan())),
                _ => write_err(line),
            }
        }
    }
}

/// Whether a failure only says that nobody reads our output any more (`aura tail | head`).
pub fn is_closed_pipe(failure: &Failure) -> bool {
    failure.code == CLOSED_PIPE
}

const CLOSED_PIPE: &str = "pipe_closed";

fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(0, CLOSED_PIPE, "nobody reads the output any more"),
        _ => Failure::io("the output could not be written", &error),
    })
}

/// Where stderr is closed there is nobody left to tell.
fn write_err(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
