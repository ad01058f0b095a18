//! A daemon of the real binary whose every word is kept.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Child,
    task::JoinHandle,
};

use crate::shop::{DEADLINE, command};

/// A daemon of the real binary.
pub struct Daemon {
    child: Child,
    pub webhooks: String,
    pub metrics: String,
    stderr: JoinHandle<String>,
}

impl Daemon {
    /// Starts it on a free port; `level` is that of its log.
    pub async fn start(data_dir: &std::path::Path, graph_url: &str, level: &str) -> Self {
        Self::start_with(data_dir, graph_url, level, &[]).await
    }

    /// The same with these variables as well.
    pub async fn start_with(
        data_dir: &std::path::Path,
        graph_url: &str,
        level: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = command(data_dir)
            .envs(variables.iter().copied())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("AURA_LOG__LEVEL", level)
            .env("AURA_META__GRAPH_URL", graph_url)
            .env("AURA_METRICS_LISTEN", "127.0.0.1:0")
            .env("AURA_CONVERSATION__DEBOUNCE_MS", "0")
            .env("AURA_DELIVERY__SETTLE_MS", "[50, 100]")
            .stdin(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let mut said = String::new();
        let after = |said: &str, what: &str| said.lines().find_map(|line| line.strip_prefix(what).map(str::to_owned));
        while after(&said, "listening on ").is_none() {
            let read = tokio::time::timeout(DEADLINE, lines.read_line(&mut said)).await;
            assert!(read.expect("it listens in time").expect("readable") > 0, "it ended: {said}");
        }
        let webhooks =
            after(&said, "listening on ").map(|url| format!("{url}/webhooks/instagram")).expect("just found");
        let metrics = after(&said, "metrics on ").expect("it says where its metrics are");
        let stderr = tokio::spawn(async move {
            lines.read_to_string(&mut said).await.expect("stderr is UTF-8");
            said
        });
        Self { child, webhooks, metrics, stderr }
    }

    /// Ends it as systemd does; gives everything it has logged.
    pub async fn stop(mut self) -> String {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).expect("it runs");
        kill_process(pid, Signal::TERM).expect("it can be told to end");
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("it ends in time").expect("it ends");
        let said = self.stderr.await.expect("its stderr was read");
        assert!(ended.success(), "{ended}: {said}");
        said
    }
}
