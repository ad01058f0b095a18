//! The terminal that the monitor has while it runs, and gives back: when it ends, when any part of it panics, and while it
//! is stopped.

use std::{
    io,
    panic::{self, PanicHookInfo},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use aura::terminal::terminal_safe;
use crossterm::{
    cursor,
    event::{self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event},
    execute,
    terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::CrosstermBackend};
use rustix::process::{Signal, getpgrp, getpid, getsid, kill_current_process_group, kill_process};
use tokio::sync::mpsc;

use crate::{app::App, output::Output};

/// Keys that wait to be taken in; behind that they stay with the terminal.
const TYPED_MAX: usize = 1_024;

/// Whether some part has panicked: the terminal is given back by then, and nothing may be drawn any more.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Whether the terminal is the monitor's now. Held while something is written to it, so that whoever panics in another
/// thread gives back what nobody draws on.
static TAKEN: Mutex<bool> = Mutex::new(false);

/// Whether some part has panicked.
pub fn has_panicked() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

/// The terminal, drawn on in whole frames. It is given back when this is dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Output>>,
    output: Output,
}

impl Screen {
    /// Takes the terminal.
    pub fn enter() -> io::Result<Self> {
        give_back_after_panics();
        enter()?;
        let output = Output::default();
        match Terminal::new(CrosstermBackend::new(output.clone())) {
            Ok(terminal) => Ok(Self { terminal, output }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }

    /// Draws a frame; what does not change is not written.
    pub fn draw(&mut self, app: &App) -> io::Result<()> {
        self.terminal.draw(|frame| app.view(frame))?;
        let taken = taken();
        if *taken { self.output.show(&mut io::stdout()) } else { Ok(()) }
    }

    /// Stops this process until somebody lets it go on; the terminal is the shell's meanwhile.
    pub fn stop(&mut self) -> io::Result<()> {
        leave();
        // Not `TSTP`, which comes here as an event.
        kill_process(getpid(), Signal::STOP)?;
        self.take_again()
    }

    /// Takes the terminal after somebody else had it: nothing of what was drawn is there any more.
    pub fn take_again(&mut self) -> io::Result<()> {
        enter()?;
        // Not `clear`, which asks the terminal for its cursor and waits for what only the reader of keys would see.
        self.terminal = Terminal::new(CrosstermBackend::new(self.output.clone()))?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back before the monitor ends, for what has to be said there.
pub fn give_back() {
    leave();
}

/// Whether a shell is there that a stopped monitor goes back to. A group that the leader of the session is in has none:
/// stopped, it would never go on.
pub fn has_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Asks the whole job to stop, as ctrl-z does where no program takes it: the shell waits for all of it. It comes back to
/// the monitor as the signal `TSTP`.
pub fn ask_to_stop() -> io::Result<()> {
    Ok(kill_current_process_group(Signal::TSTP)?)
}

/// Reads what is typed, in a thread of its own for as long as the process lives. `EventStream` of crossterm remembers the
/// first task that waits and wakes no other: whoever looks whether more is there already would not hear of the next key.
pub fn typed() -> io::Result<mpsc::Receiver<io::Result<Event>>> {
    let (tell, typed) = mpsc::channel(TYPED_MAX);
    std::thread::Builder::new().name("keys".into()).spawn(move || {
        loop {
            let event = event::read();
            let failed = event.is_err();
            if tell.blocking_send(event).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(typed)
}

fn taken() -> MutexGuard<'static, bool> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn enter() -> io::Result<()> {
    let mut taken = taken();
    if has_panicked() {
        return Ok(());
    }
    *taken = true;
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Clear(ClearType::All), EnableMouseCapture, EnableBracketedPaste)
}

/// Gives the terminal back, once: leaving a second time would move the cursor over what was said since. Nobody is left to
/// tell if it fails.
fn leave() {
    let mut taken = taken();
    if std::mem::take(&mut *taken) {
        let _ = execute!(io::stdout(), DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// A panic gives the terminal back and says where it was. What it says itself may quote a shopper, and goes nowhere.
fn give_back_after_panics() {
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        PANICKED.store(true, Ordering::Relaxed);
        leave();
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        #[expect(clippy::print_stderr, reason = "the terminal is given back; nobody else can say it")]
        {
            eprintln!("panicked at {}", terminal_safe(&place));
        }
    }));
}
