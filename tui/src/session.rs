//! One sitting at a real terminal: what comes is taken in, what is to be done is done, and each time a frame is drawn.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    panic::AssertUnwindSafe,
    path::Path,
    time::Duration,
};

use aura::client::Client;
use crossterm::event::{self, KeyEventKind};
use futures_util::FutureExt;
use rustix::process::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{
    Error, Options,
    app::{App, Effect, Event, HISTORY_MAX, read_history},
    desktop::Clipboard,
    strings,
    terminal::{self, Screen},
    work::{ANSWERS_MAX, Incoming, Worker},
};

/// Ages on the screen move, and messages go out, by this.
const TICK: Duration = Duration::from_millis(1_000);
/// What one frame takes in, counted in rows and events: a key that comes meanwhile waits for no more than this.
const WEIGHT_TOGETHER: usize = 512;
/// How long what is on its way may take when the monitor ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// Shows the monitor until somebody leaves it.
pub async fn run(client: Client, options: Options) -> Result<(), Error> {
    let history = options.history.as_deref().map(|path| fs::read_to_string(path).unwrap_or_default());
    let mut app = options.app(read_history(&history.unwrap_or_default()))?;
    let mut screen = Screen::enter().map_err(Error::Terminal)?;
    let (answers, inbox) = mpsc::channel(ANSWERS_MAX);
    let worker = Worker::new(client, answers);
    let sitting = Sitting { app: &mut app, worker, inbox, options: &options, clipboard: Clipboard::default() };
    // The hook has given the terminal back and said where it was.
    let ended = AssertUnwindSafe(sitting.last(&mut screen)).catch_unwind().await;
    match ended {
        Ok(ended) if !terminal::has_panicked() => ended.map_err(Error::Terminal),
        Ok(_) | Err(_) => Err(Error::Panicked),
    }
}

struct Sitting<'a> {
    app: &'a mut App,
    worker: Worker,
    inbox: mpsc::Receiver<Incoming>,
    options: &'a Options,
    clipboard: Clipboard,
}

/// Whether the sitting goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Leave,
}

impl Sitting<'_> {
    async fn last(mut self, screen: &mut Screen) -> io::Result<()> {
        let mut typed = terminal::typed()?;
        let mut ticks = ticks();
        let mut ends = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        let mut stops = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
        let mut goes_on = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        // The first frame shows the shape; what fills it comes when it comes.
        screen.draw(self.app)?;
        self.worker.watch();
        let effects = self.app.update([]);
        self.perform(effects)?;
        loop {
            let [terminated, hung_up] = &mut ends;
            let first = tokio::select! {
                biased;
                _ = terminated.recv() => return Ok(()),
                _ = hung_up.recv() => return Ok(()),
                _ = stops.recv() => {
                    self.stop(screen)?;
                    None
                }
                // Somebody else may have had the terminal meanwhile.
                _ = goes_on.recv() => {
                    screen.take_again()?;
                    None
                }
                typed = typed.recv() => match typed {
                    Some(typed) => from_terminal(typed?),
                    None => return Ok(()),
                },
                incoming = self.inbox.recv() => incoming.map(Event::Incoming),
                _ = ticks.tick() => Some(Event::Tick((self.options.now)())),
            };
            if terminal::has_panicked() {
                return Ok(());
            }
            let mut events: Vec<Event> = first.into_iter().collect();
            // Whatever is there already shares the frame.
            while let Ok(typed) = typed.try_recv() {
                events.extend(from_terminal(typed?));
            }
            let mut weight = events.iter().map(Event::weight).sum::<usize>();
            while weight < WEIGHT_TOGETHER {
                let Ok(incoming) = self.inbox.try_recv() else { break };
                weight += incoming.weight();
                events.push(Event::Incoming(incoming));
            }
            if events.iter().any(|event| matches!(event, Event::Key(_))) {
                aura::fault::point("monitor_key");
            }
            let effects = self.app.update(events);
            if self.perform(effects)? == Next::Leave {
                return self.farewell().await;
            }
            screen.draw(self.app)?;
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<Next> {
        let mut next = Next::GoOn;
        for effect in effects {
            match effect {
                Effect::Load(load) => self.worker.load(load),
                Effect::Do(deed) => self.worker.act(deed),
                Effect::Copy(text) => match self.clipboard.copy(&text) {
                    Ok(Some(sequence)) => {
                        io::stdout().write_all(sequence.as_bytes())?;
                        io::stdout().flush()?;
                    }
                    Ok(None) => {}
                    Err(why) => self.app.warn(format!("not copied: {why}")),
                },
                Effect::Remember(line) => {
                    if let Some(path) = &self.options.history
                        && let Err(error) = remember(path, &line)
                    {
                        self.app.warn(format!("the history could not be written: {error}"));
                    }
                }
                Effect::Suspend if terminal::has_shell() => terminal::ask_to_stop()?,
                Effect::Suspend => self.app.warn(strings::NO_SHELL.into()),
                Effect::Quit => next = Next::Leave,
            }
        }
        Ok(next)
    }

    /// Stops for as long as the shell wants, where there is one.
    fn stop(&mut self, screen: &mut Screen) -> io::Result<()> {
        if terminal::has_shell() {
            return screen.stop();
        }
        self.app.warn(strings::NO_SHELL.into());
        Ok(())
    }

    /// What was asked for last is given the time to reach the daemon.
    async fn farewell(self) -> io::Result<()> {
        let Self { worker, mut inbox, .. } = self;
        let under_way = async {
            while worker.is_acting() {
                if inbox.recv().await.is_none() {
                    return;
                }
            }
        };
        if tokio::time::timeout(FAREWELL, under_way).await.is_err() {
            terminal::give_back();
            #[expect(clippy::print_stderr, reason = "the terminal is given back; nobody else can say it")]
            {
                eprintln!("warning: the daemon did not answer; what was sent last may not have gone out");
            }
        }
        Ok(())
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn from_terminal(event: event::Event) -> Option<Event> {
    match event {
        event::Event::Key(key) if key.kind != KeyEventKind::Release => Some(Event::Key(key)),
        event::Event::Mouse(mouse) => Some(Event::Mouse(mouse)),
        event::Event::Paste(text) => Some(Event::Paste(text)),
        // Drawing asks for the size itself.
        _ => None,
    }
}

/// Appends a command line; the file is cut to its newest lines when it has grown to twice what is kept.
fn remember(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    writeln!(file, "{line}")?;
    let all = fs::read_to_string(path)?;
    if all.lines().count() > 2 * HISTORY_MAX {
        fs::write(path, read_history(&all).join("\n") + "\n")?;
    }
    Ok(())
}
