//! The monitor of Aura: watch conversations, see what answers rest on, take over. It speaks through `client` alone.
//!
//! What happens becomes an [`Event`](app::Event); [`App::update`](app::App::update) takes it and says what to do;
//! [`App::view`](app::App::view) draws. Slow work runs in tasks of [`work`] and comes back as events.

pub mod app;
mod canvas;
mod chrome;
mod desktop;
mod editor;
mod filter;
mod fuzzy;
pub mod keys;
mod outgoing;
mod output;
mod overlay;
mod rows;
mod screens;
mod scroll;
mod session;
mod strings;
mod table;
mod terminal;
mod text;
pub mod theme;
mod work;
mod world;

#[cfg(test)]
mod frames_tests;
#[cfg(test)]
mod frames_world;

use std::{io, path::PathBuf, time::Duration};

use aura::{api::Time, client::Client};
use ratatui::{Terminal, backend::TestBackend};
use tokio::sync::mpsc;

use crate::{
    app::{App, Effect, Event, KeySettings},
    filter::Filter,
    keys::{Keymap, KeysError},
    theme::Theme,
    work::{ANSWERS_MAX, Worker},
};
pub use crate::{screens::ScreenId, session::run, work::CONVERSATIONS_MAX};

/// How long a dump waits for what it shows.
const DUMP_PATIENCE: Duration = Duration::from_secs(30);

/// How the monitor is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The screen to begin with.
    pub screen: ScreenId,
    /// Filters the first screen, such as `tenant:noor`.
    pub filter: Option<String>,
    /// How things look.
    pub theme: Theme,
    /// Keys by the name of the action, in place of its own.
    pub keys: KeySettings,
    /// Where command lines are remembered; `None`: nowhere.
    pub history: Option<PathBuf>,
    /// The present moment, by the reader's clock.
    pub now: fn() -> Time,
}

/// Why the monitor cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Keys cannot be set so.
    #[error("the setting tui.keys: {0}")]
    Keys(#[from] KeysError),
    /// The filter means nothing.
    #[error("the filter: {0}")]
    Filter(String),
    /// The terminal does not do what it should.
    #[error("the terminal failed")]
    Terminal(#[source] io::Error),
    /// Part of the monitor has panicked; where is on the terminal.
    #[error("the monitor has a fault")]
    Panicked,
    /// Nothing came in time.
    #[error("Aura did not answer within {} s", DUMP_PATIENCE.as_secs())]
    Silent,
}

impl Options {
    /// The monitor as it begins.
    fn app(&self, history: Vec<String>) -> Result<App, Error> {
        let keymap = Keymap::new(&self.keys)?;
        let mut app = App::new((self.now)(), self.screen, keymap, self.theme, history);
        if let Some(filter) = &self.filter {
            app.filter_by(Filter::parse(filter).map_err(|error| Error::Filter(error.to_string()))?);
        }
        Ok(app)
    }
}

/// One frame of a screen as text, once everything that it shows has come.
pub async fn dump(client: Client, options: &Options, columns: u16, rows: u16) -> Result<String, Error> {
    let mut app = options.app(Vec::new())?;
    let (answers, mut inbox) = mpsc::channel(ANSWERS_MAX);
    let worker = Worker::new(client, answers);
    let mut effects = app.update([Event::Incoming(work::Incoming::Connected)]);
    let mut settled = false;
    let everything = async {
        loop {
            for effect in effects.drain(..) {
                if let Effect::Load(load) = effect {
                    worker.load(load);
                }
            }
            // A screen may want more once it has seen the first answers.
            if !app.world.is_busy() {
                if settled {
                    return;
                }
                settled = true;
                effects = app.update([]);
                continue;
            }
            settled = false;
            let Some(incoming) = inbox.recv().await else { return };
            effects = app.update([Event::Incoming(incoming)]);
        }
    };
    tokio::time::timeout(DUMP_PATIENCE, everything).await.map_err(|_| Error::Silent)?;
    Ok(frame(&app, columns, rows))
}

/// What a terminal of this size shows, without colours and without spaces at the ends of lines.
fn frame(app: &App, columns: u16, rows: u16) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let Ok(_) = terminal.draw(|frame| app.view(frame));
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..columns {
            // A wide character covers the cells after it.
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let Some(cell) = buffer.cell((x, y)) else { continue };
            skip = text::width(cell.symbol()).saturating_sub(1);
            line.push_str(cell.symbol());
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
