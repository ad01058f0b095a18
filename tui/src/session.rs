//! One sitting at a real terminal: raw mode, the loop, and the way back, also after a panic and on suspend.

use std::{
    fs::{self, OpenOptions},
    io::{self, Stdout, Write},
    os::unix::fs::OpenOptionsExt,
    panic,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aura::client::Client;
use crossterm::{
    cursor, event,
    event::{
        DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, EventStream, KeyEventKind,
    },
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use futures_util::{FutureExt, StreamExt};
use ratatui::{Terminal, backend::CrosstermBackend};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{
    Error, Options,
    app::{App, Effect, Event, HISTORY_MAX, read_history},
    desktop::Clipboard,
    work::{ANSWERS_MAX, Incoming, Worker},
};

/// Ages on the screen move, and messages go out, by this.
const TICK: Duration = Duration::from_millis(1_000);
/// Answers that one frame takes in.
const ANSWERS_TOGETHER: usize = 256;
/// How long what is on its way may take when the monitor ends.
const FAREWELL: Duration = Duration::from_secs(5);

type Screen = Terminal<CrosstermBackend<Stdout>>;

/// Shows the monitor until somebody leaves it.
pub async fn run(client: Client, options: Options) -> Result<(), Error> {
    let history = options.history.as_deref().map(|path| fs::read_to_string(path).unwrap_or_default());
    let mut app = options.app(read_history(&history.unwrap_or_default()))?;
    restore_after_panics();
    let mut screen = enter().map_err(Error::Terminal)?;
    // From here on the way out restores the terminal, whatever happens.
    let _restore = Restore;
    let (answers, inbox) = mpsc::channel(ANSWERS_MAX);
    let worker = Worker::new(client, answers);
    // The first frame shows the shape; what fills it comes when it comes.
    screen.draw(|frame| app.view(frame)).map_err(Error::Terminal)?;
    worker.watch();
    let ended = Sitting { app: &mut app, worker, inbox, options: &options, clipboard: Clipboard::default() };
    ended.last(&mut screen).await.map_err(Error::Terminal)?;
    if PANICKED.load(Ordering::Relaxed) { Err(Error::Panicked) } else { Ok(()) }
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
        let mut keys = EventStream::new();
        let mut ticks = ticks();
        let mut ends = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        let effects = self.app.update([]);
        self.perform(effects, screen)?;
        loop {
            let [terminated, hung_up] = &mut ends;
            let first = tokio::select! {
                biased;
                _ = terminated.recv() => return Ok(()),
                _ = hung_up.recv() => return Ok(()),
                key = keys.next() => match key {
                    Some(Ok(key)) => from_terminal(key),
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
                incoming = self.inbox.recv() => incoming.map(Event::Incoming),
                _ = ticks.tick() => Some(Event::Tick((self.options.now)())),
            };
            if PANICKED.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut events: Vec<Event> = first.into_iter().collect();
            // Whatever is there already shares the frame.
            while let Some(Some(Ok(key))) = keys.next().now_or_never() {
                events.extend(from_terminal(key));
            }
            while events.len() < ANSWERS_TOGETHER {
                let Ok(incoming) = self.inbox.try_recv() else { break };
                events.push(Event::Incoming(incoming));
            }
            let effects = self.app.update(events);
            if self.perform(effects, screen)? == Next::Leave {
                return self.farewell().await;
            }
            screen.draw(|frame| self.app.view(frame))?;
        }
    }

    fn perform(&mut self, effects: Vec<Effect>, screen: &mut Screen) -> io::Result<Next> {
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
                Effect::Suspend => {
                    suspend()?;
                    screen.clear()?;
                }
                Effect::Quit => next = Next::Leave,
            }
        }
        Ok(next)
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
            leave();
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

fn enter() -> io::Result<Screen> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)?;
    Terminal::new(CrosstermBackend::new(io::stdout()))
}

/// Gives the terminal back. Nobody is left to tell if that fails.
fn leave() {
    let _ = execute!(io::stdout(), DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        leave();
    }
}

/// Whether some task has panicked: the terminal is given back by then, and nothing may be drawn any more.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn restore_after_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICKED.store(true, Ordering::Relaxed);
        leave();
        before(info);
    }));
}

/// Stops this process as ctrl-z does elsewhere; goes on when the shell says so.
fn suspend() -> io::Result<()> {
    leave();
    let group = rustix::process::getpid();
    rustix::process::kill_process(group, rustix::process::Signal::TSTP)?;
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)
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
