//! The real binary, with nothing of the test's environment: started, killed, started again on the same folder.

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use aura::client::{Client, Transport};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
};

use super::{APP_SECRET, DEADLINE};

/// How to start `aura serve`.
#[derive(Clone, Debug)]
pub struct Binary {
    home: PathBuf,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Binary {
    /// `aura serve` in the empty folder `home`, on a free port, with no configuration but that it gives no notice of its end.
    pub fn bare(home: &Path) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned).into();
        Self { home: home.to_owned(), environment: Vec::new(), arguments }.with("AURA_DRAIN__NOTICE_MS", "0")
    }

    /// The same for a test with a simulator: its API, its secret, short waits.
    pub fn for_simulator(home: &Path, graph_url: &str) -> Self {
        Self::bare(home)
            .with("AURA_DATA_DIR", &Self::data_dir(home).display().to_string())
            .with("AURA_SECRETS__MASTER_KEY", "file")
            .with("AURA_METRICS_LISTEN", "off")
            .with("AURA_META__GRAPH_URL", graph_url)
            .with("AURA_META__APP_SECRET", APP_SECRET)
            .with("AURA_CONVERSATION__DEBOUNCE_MS", "50")
            .with("AURA_DELIVERY__SETTLE_MS", "[300, 900]")
            .with("AURA_NET__ALLOW", r#"["127.0.0.1"]"#)
    }

    /// Where [`Self::for_simulator`] keeps its data.
    pub fn data_dir(home: &Path) -> PathBuf {
        home.join("data")
    }

    /// One more setting, by the environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and does not wait for anything.
    pub fn spawn(&self) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_aura"))
            .args(&self.arguments)
            .current_dir(&self.home)
            .env_clear()
            .env("HOME", &self.home)
            .envs(self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary is built with the tests");
        let stderr = child.stderr.take().expect("it is piped");
        let said = Arc::new(watch::Sender::new(Said::default()));
        tokio::spawn({
            let said = Arc::clone(&said);
            async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    said.send_modify(|said| said.lines.push(line));
                }
                said.send_modify(|said| said.ended = true);
            }
        });
        Process { child, said, data_dir: Self::data_dir(&self.home) }
    }

    /// Starts it and waits until it accepts requests.
    pub async fn start(&self) -> Process {
        let process = self.spawn();
        process.until_line("listening on ").await;
        process
    }
}

#[derive(Debug, Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

/// A running binary; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: Arc<watch::Sender<Said>>,
    data_dir: PathBuf,
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    /// Everything it has said on stderr.
    pub fn stderr(&self) -> Vec<String> {
        self.said.borrow().lines.clone()
    }

    /// The first line on stderr that begins so, as soon as it is there.
    pub async fn until_line(&self, beginning: &str) -> String {
        let find = |said: &Said| said.lines.iter().find(|line| line.starts_with(beginning)).cloned();
        let mut said = self.said.subscribe();
        let wait = said.wait_for(|said| said.ended || find(said).is_some());
        let said = tokio::time::timeout(DEADLINE, wait).await;
        let said = said.unwrap_or_else(|_| panic!("no line `{beginning}…`: {:?}", self.stderr()));
        let said = said.expect("the sender lives as long as `self`");
        find(&said).unwrap_or_else(|| panic!("it has ended without a line `{beginning}…`: {:?}", said.lines))
    }

    /// Waits until it accepts requests (true) or has ended before.
    pub async fn accepts(&self) -> bool {
        let listens = |said: &Said| said.lines.iter().any(|line| line.starts_with("listening on "));
        let mut said = self.said.subscribe();
        let wait = said.wait_for(|said| said.ended || listens(said));
        let said = tokio::time::timeout(DEADLINE, wait).await;
        let said = said.unwrap_or_else(|_| panic!("neither accepts nor ends: {:?}", self.stderr()));
        listens(&said.expect("the sender lives as long as `self`"))
    }

    /// `http://…`, once it accepts requests.
    pub async fn url(&self) -> String {
        self.until_line("listening on ").await.trim_start_matches("listening on ").to_owned()
    }

    /// Where Meta posts to.
    pub async fn webhook_url(&self) -> String {
        format!("{}/webhooks/instagram", self.url().await)
    }

    /// The control API, over its socket.
    pub fn client(&self) -> Client {
        Client::new(Transport::Socket(self.data_dir.join("aura.sock")))
    }

    /// Waits until it has died at a point that was armed.
    pub async fn died_at(mut self, point: &str) {
        let status = self.ended_within(DEADLINE).await;
        assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{point} was not reached: {:?}", self.stderr());
        self.until_line(&format!("failpoint {point}")).await;
    }

    /// SIGKILL: it has no chance to finish anything.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// SIGTERM: it is asked to end.
    pub fn terminate(&self) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, Signal::TERM).expect("it is ours");
    }

    /// Waits until it has ended by itself.
    pub async fn ended_within(&mut self, deadline: Duration) -> ExitStatus {
        match tokio::time::timeout(deadline, self.child.wait()).await {
            Ok(status) => status.expect("it is our child"),
            Err(_) => panic!("still running after {deadline:?}: {:?}", self.stderr()),
        }
    }
}
