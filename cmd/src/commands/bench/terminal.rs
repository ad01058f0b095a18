//! The monitor at a terminal of its own, and what that terminal shows after each whole frame.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::Stdio,
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags},
    process::Pid,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tokio::process::{Child, Command};

use super::{
    failed,
    place::{DATA_DIR, Place},
};
use crate::failure::Failure;

/// Columns of the terminal.
pub const COLUMNS: u16 = 160;
/// Rows of the terminal.
pub const ROWS: u16 = 45;
/// Nothing more comes after a frame when the terminal is quiet for so long.
const QUIET: Duration = Duration::from_millis(40);
/// How long anything may take before the measurement is given up.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// How long the monitor may take to leave.
const LEAVE_MAX: Duration = Duration::from_secs(10);

/// The monitor at a terminal.
pub struct Monitor {
    child: Child,
    /// Its process.
    pub pid: Pid,
    keyboard: File,
    painted: mpsc::Receiver<(Instant, Vec<u8>)>,
    began: Instant,
    /// When the last whole frame had come.
    painted_at: Instant,
    grid: Grid,
}

impl Monitor {
    /// Starts this very binary's monitor on the data directory of a place.
    pub fn start(place: &Place) -> Result<Self, Failure> {
        let wrong = |error: rustix::io::Errno| Failure::io("no terminal was made", &error.into());
        let outer: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map_err(wrong)?;
        grantpt(&outer).and_then(|()| unlockpt(&outer)).map_err(wrong)?;
        let size = Winsize { ws_col: COLUMNS, ws_row: ROWS, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&outer, size).map_err(wrong)?;
        let name = ptsname(&outer, Vec::new()).map_err(wrong)?;
        let open = || rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).map_err(wrong);
        let program = std::env::current_exe().map_err(|error| Failure::io("this binary is not to be found", &error))?;
        let outer = File::from(outer);
        let mut reader = outer.try_clone().map_err(|error| Failure::io("no second handle", &error))?;
        let (tell, painted) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if tell.send((Instant::now(), bytes[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        let began = Instant::now();
        // In a session of its own, whose terminal is this one: what asks for the size asks the right one.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(program)
            .arg("tui")
            .arg("--data-dir")
            .arg(place.path(DATA_DIR))
            .env_clear()
            .env("HOME", place.path("home"))
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(open()?))
            .stdout(Stdio::from(open()?))
            .stderr(Stdio::from(open()?))
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::io("the monitor did not start", &error))?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| failed("the monitor ended at once"))?;
        Ok(Self { child, pid, keyboard: outer, painted, began, painted_at: began, grid: Grid::new() })
    }

    /// What the terminal shows.
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Waits until `words` are shown; how long after the start that was.
    pub fn until(&mut self, words: &str) -> Result<Duration, Failure> {
        let holds = |grid: &Grid| grid.text().contains(words);
        let shown = if holds(&self.grid) { Some(self.painted_at) } else { self.shows(PATIENCE, holds) };
        let missing = || failed(format!("the monitor never showed `{words}`:\n{}", self.grid.text()));
        Ok(shown.ok_or_else(missing)? - self.began)
    }

    /// Presses a key; when that was.
    pub fn press(&mut self, key: &str) -> Result<Instant, Failure> {
        let pressed = Instant::now();
        let written = self.keyboard.write_all(key.as_bytes()).and_then(|()| self.keyboard.flush());
        written.map_err(|error| Failure::io("the key was not pressed", &error))?;
        Ok(pressed)
    }

    /// Waits until a whole frame shows what `holds`; when its last byte had come. `None`: `patience` is over.
    pub fn shows(&mut self, patience: Duration, holds: impl Fn(&Grid) -> bool) -> Option<Instant> {
        let began = Instant::now();
        while let Some(left) = patience.checked_sub(began.elapsed()) {
            if self.take(left).ok()? && holds(&self.grid) {
                return Some(self.painted_at);
            }
        }
        None
    }

    /// Waits until nothing is painted any more; when the last frame ended, if one came.
    pub fn settle(&mut self) -> Option<Instant> {
        let mut last = None;
        while let Ok(ended) = self.take(QUIET) {
            if ended {
                last = Some(self.painted_at);
            }
        }
        last
    }

    /// Takes in what is painted next; whether a frame has ended in it.
    fn take(&mut self, patience: Duration) -> Result<bool, RecvTimeoutError> {
        let (at, bytes) = self.painted.recv_timeout(patience)?;
        let ended = self.grid.take(&bytes);
        if ended {
            self.painted_at = at;
        }
        Ok(ended)
    }

    /// Leaves it as a person does.
    pub async fn leave(mut self) -> Result<(), Failure> {
        self.press("q")?;
        match tokio::time::timeout(LEAVE_MAX, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(format!("the monitor ended with {status}"))),
            Ok(Err(error)) => Err(Failure::io("the monitor's end cannot be seen", &error)),
            Err(_) => Err(failed("the monitor did not leave")),
        }
    }
}

/// What stands in each cell. It knows as much of terminals as the monitor uses: the cursor's place and letters that are
/// one cell wide; colours pass unseen.
#[derive(Clone)]
pub struct Grid {
    cells: Vec<Vec<char>>,
    at: (usize, usize),
    /// What has come of a sequence or a letter that is not complete.
    begun: Vec<u8>,
}

impl Grid {
    fn new() -> Self {
        Self { cells: vec![vec![' '; COLUMNS.into()]; ROWS.into()], at: (0, 0), begun: Vec::new() }
    }

    /// A row as text.
    pub fn row(&self, row: u16) -> String {
        self.cells.get(usize::from(row)).map(|cells| cells.iter().collect()).unwrap_or_default()
    }

    /// All rows as text.
    pub fn text(&self) -> String {
        (0..ROWS).map(|row| self.row(row) + "\n").collect()
    }

    /// Takes what was painted; whether a frame has ended in it.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let mut ended = false;
        for &byte in bytes {
            self.begun.push(byte);
            match self.begun.as_slice() {
                [b'\x1b'] | [b'\x1b', b'['] => {}
                [b'\x1b', b'[', parameters @ .., last] if (0x40..=0x7e).contains(last) => {
                    let (parameters, last) = (String::from_utf8_lossy(parameters).into_owned(), *last);
                    ended |= self.control(&parameters, last);
                    self.begun.clear();
                }
                [b'\x1b', b'[', ..] => {}
                [b'\x1b', ..] => self.begun.clear(),
                begun => match std::str::from_utf8(begun) {
                    Ok(letter) => {
                        letter.to_owned().chars().for_each(|letter| self.put(letter));
                        self.begun.clear();
                    }
                    Err(wrong) if wrong.error_len().is_some() => self.begun.clear(),
                    Err(_) => {}
                },
            }
        }
        ended
    }

    /// Carries a sequence out; whether it ends a frame.
    fn control(&mut self, parameters: &str, last: u8) -> bool {
        match (parameters, last) {
            ("?2026", b'l') => return true,
            ("2", b'J') => self.cells.iter_mut().for_each(|row| row.fill(' ')),
            (place, b'H') => {
                let mut numbers = place.split(';').map(|number| number.parse().unwrap_or(1_usize));
                let mut next = || numbers.next().unwrap_or(1).saturating_sub(1);
                self.at = (next(), next());
            }
            _ => {}
        }
        false
    }

    fn put(&mut self, letter: char) {
        let (row, column) = self.at;
        if let Some(cell) = self.cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = letter;
        }
        self.at.1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_whole_however_it_is_cut() {
        let frame = "\x1b[?2026h\x1b[2;3H\x1b[38;5;4m┏ Größe\x1b[0m\x1b[1;1H> \x1b[?25l\x1b[?2026l".as_bytes();
        for cut in 0..frame.len() {
            let mut grid = Grid::new();
            assert!(!grid.take(&frame[..cut]), "no frame ends before its mark");
            assert!(grid.take(&frame[cut..]));
            assert_eq!(grid.row(1).trim_end(), "  ┏ Größe", "cut at {cut}");
            assert_eq!(grid.row(0).trim_end(), ">");
        }
    }

    #[test]
    fn what_lies_outside_the_terminal_is_dropped() {
        let mut grid = Grid::new();
        grid.take(b"\x1b[45;160Hab\x1b[99;1Hc");
        assert_eq!(grid.text().trim(), "a");
        grid.take(b"\x1b[2J");
        assert_eq!(grid.text().trim(), "");
    }
}
