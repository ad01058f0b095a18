//! A terminal for the real command, and somebody who types at it.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    process::Stdio,
    sync::mpsc,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use tokio::process::{Child, Command};

use crate::shop::{DEADLINE, until};

/// A session of its own at the terminal `$1`, what is said going to `$2`.
const SAYING_ELSEWHERE: &str = r#"tty="$1" log="$2"; shift 2; exec "$@" <"$tty" 2>"$log""#;

/// A command that a terminal belongs to.
pub struct Terminal {
    screen: File,
    shown: String,
    more: mpsc::Receiver<String>,
    child: Child,
}

impl Terminal {
    /// Runs a command whose stdin and stderr are the terminal.
    pub fn run(mut command: Command, args: &[&str]) -> Self {
        let (screen, inner, _) = open();
        let twin = inner.try_clone().expect("a second handle");
        let child = command.args(args).stdin(Stdio::from(inner)).stderr(Stdio::from(twin)).spawn();
        Self::at(screen, child.expect("the command starts"))
    }

    /// Runs a command whose stdin is the terminal; stderr is a file.
    pub fn run_logging(command: &Command, args: &[&str], log: &Path) -> Self {
        let (screen, inner, name) = open();
        let command = command.as_std();
        let mut session = Command::new("setsid");
        session.env_clear().env("PATH", "/usr/bin:/bin").kill_on_drop(true);
        session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.args(["/bin/sh", "-c", SAYING_ELSEWHERE, "sh", &name]).arg(log);
        session.arg(command.get_program()).args(command.get_args()).args(args);
        let child = session.stdin(Stdio::from(inner)).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        Self::at(screen, child.expect("the command starts"))
    }

    fn at(screen: File, child: Child) -> Self {
        let (mut reader, (told, more)) = (screen.try_clone().expect("a second handle"), mpsc::channel());
        std::thread::spawn(move || {
            let mut bytes = [0; 1_024];
            // Ends with the command, whose end of the terminal is then gone.
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if told.send(String::from_utf8_lossy(&bytes[..read]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { screen, shown: String::new(), more, child }
    }

    /// Types a line as soon as `prompt` is shown and what is typed is not: what comes before is thrown away.
    pub async fn answer(&mut self, prompt: &str, line: &str) {
        while !self.shown.contains(prompt) {
            let more = self.more.recv_timeout(DEADLINE);
            self.shown += &more.unwrap_or_else(|_| panic!("no `{prompt}`: {}", self.shown));
        }
        let is_unseen =
            async || !tcgetattr(&self.screen).expect("it is a terminal").local_modes.contains(LocalModes::ECHO);
        until("what is typed is not shown", is_unseen).await;
        self.screen.write_all(format!("{line}\n").as_bytes()).expect("typed");
    }

    /// Types a line as soon as `prompt` is shown.
    pub fn types(&mut self, prompt: &str, line: &str) {
        while !self.shown.contains(prompt) {
            let more = self.more.recv_timeout(DEADLINE);
            self.shown += &more.unwrap_or_else(|_| panic!("no `{prompt}`: {}", self.shown));
        }
        self.screen.write_all(format!("{line}\n").as_bytes()).expect("typed");
    }

    /// Its exit code and all that was shown.
    pub async fn ended(mut self) -> (i32, String) {
        let status = tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("it ends").expect("it is ours");
        // Until the reader ends, and with it what it tells.
        while let Ok(more) = self.more.recv_timeout(DEADLINE) {
            self.shown += &more;
        }
        (status.code().unwrap_or(-1), self.shown)
    }
}

/// The screen's side, the command's, and the name of that one.
fn open() -> (File, File, String) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&screen).and_then(|()| unlockpt(&screen)).expect("it is ours");
    let name = ptsname(&screen, Vec::new()).expect("it has a name");
    let inner = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens");
    (File::from(screen), File::from(inner), name.into_string().expect("a name in UTF-8"))
}
