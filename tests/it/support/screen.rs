//! A terminal with a screen, for the monitor: what it shows is read as a person reads it.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    process::Stdio,
    sync::mpsc,
    time::Instant,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcgetpgrp, tcsetwinsize},
};
use tokio::process::{Child, Command};

use crate::shop::{DEADLINE, command};

/// The real command at a terminal of its own.
pub struct Screen {
    parser: vt100::Parser,
    told: mpsc::Receiver<Vec<u8>>,
    keyboard: File,
    child: Child,
    /// All that was written to the terminal.
    pub written: Vec<u8>,
}

impl Screen {
    /// Runs `aura ARGS` at a terminal of this size.
    pub fn run(data_dir: &Path, args: &[&str], columns: u16, rows: u16) -> Self {
        Self::start(data_dir, &[], args, &[], columns, rows)
    }

    /// The same with variables set.
    pub fn run_with(data_dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start(data_dir, &[], args, variables, 120, 36)
    }

    /// Runs a script as a shell with job control does; `"$@"` in it is `aura ARGS`.
    pub fn run_in_shell(data_dir: &Path, script: &str, args: &[&str]) -> Self {
        Self::start(data_dir, &["sh", "-mc", script, "sh"], args, &[], 120, 36)
    }

    fn start(
        data_dir: &Path,
        shell: &[&str],
        args: &[&str],
        variables: &[(&str, &str)],
        columns: u16,
        rows: u16,
    ) -> Self {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&outer).and_then(|()| unlockpt(&outer)).expect("it is ours");
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&outer, size).expect("a size");
        let name = ptsname(&outer, Vec::new()).expect("it has a name");
        let open =
            || Stdio::from(rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens"));
        let plain = command(data_dir);
        let plain = plain.as_std();
        // The terminal is the command's own: it asks that one for its size, and gets its signals.
        let mut session = Command::new("setsid");
        session.arg("--ctty").args(shell).arg(plain.get_program()).args(plain.get_args()).args(args);
        session.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.envs(variables.iter().copied());
        session.env("PATH", "/usr/bin:/bin").env("TERM", "xterm-256color").kill_on_drop(true);
        let child = session.stdin(open()).stdout(open()).stderr(open()).spawn().expect("the command starts");
        let keyboard = File::from(outer);
        let mut reader = keyboard.try_clone().expect("a second handle");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // Ends with the command, whose end of the terminal is then gone.
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if tell.send(bytes[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let cells = |count: u16| std::num::NonZero::new(count).expect("a size");
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        Self { parser, told, keyboard, child, written: Vec::new() }
    }

    /// Presses keys, one after the other.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("typed");
    }

    /// What is on the screen.
    pub fn contents(&self) -> String {
        self.parser.screen().contents()
    }

    /// Waits until `holds` of what is on the screen.
    pub fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        let began = Instant::now();
        while !holds(&self.contents()) {
            let left = DEADLINE.saturating_sub(began.elapsed());
            match self.told.recv_timeout(left) {
                Ok(bytes) => {
                    self.parser.process(&bytes);
                    self.written.extend(bytes);
                }
                Err(_) => panic!("never on the screen: {what}\n{}", self.contents()),
            }
        }
    }

    /// Waits until `words` are on the screen.
    pub fn shows(&mut self, words: &str) {
        self.until(words, |contents| contents.contains(words));
    }

    /// Whether what is typed is shown by the terminal itself, as in a shell.
    pub fn is_given_back(&self) -> bool {
        tcgetattr(&self.keyboard).expect("a terminal").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// The processes that have the terminal now.
    pub fn foreground(&self) -> rustix::process::Pid {
        tcgetpgrp(&self.keyboard).expect("a terminal")
    }

    /// Whether the program's modes (its own screen, no cursor, the mouse, marked pastes) are all on.
    pub fn is_taken(&self) -> bool {
        let screen = self.parser.screen();
        !self.is_given_back()
            && screen.alternate_screen()
            && screen.bracketed_paste()
            && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    /// Whether all of them are off, as a shell expects it.
    pub fn is_as_a_shell_wants_it(&self) -> bool {
        let screen = self.parser.screen();
        self.is_given_back()
            && !screen.alternate_screen()
            && !screen.bracketed_paste()
            && !screen.hide_cursor()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }

    /// The process.
    pub fn pid(&self) -> rustix::process::Pid {
        let id = self.child.id().expect("it runs").cast_signed();
        rustix::process::Pid::from_raw(id).expect("no process has the number 0")
    }

    /// Its exit code.
    pub async fn ended(&mut self) -> i32 {
        let status = tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("it ends").expect("it is ours");
        while let Ok(bytes) = self.told.recv_timeout(DEADLINE) {
            self.parser.process(&bytes);
            self.written.extend(bytes);
        }
        status.code().unwrap_or(-1)
    }
}
