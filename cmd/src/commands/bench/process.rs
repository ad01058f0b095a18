//! The daemon under measurement as a process of its own, so that its memory, time and files are nobody else's.

use std::{
    fs,
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use aura::client::{Client, Transport};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use super::{
    failed, machine,
    place::{self, DATA_DIR, Place},
};
use crate::failure::Failure;

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(120);
/// How long an end may take (contract: 10 s).
const END_MAX: Duration = Duration::from_secs(15);
/// Ticks of a process's time in a second, as Linux tells them (`man 5 proc`).
const TICKS_PER_SECOND: f64 = 100.0;
const BYTES_PER_MB: f64 = 1_000_000.0;
const BYTES_PER_KIB: f64 = 1_024.0;

/// `aura serve` on the data directory of a place.
pub struct Process {
    child: Child,
    pid: Pid,
    /// From its start to the line that it accepts requests.
    pub ready_in: Duration,
    /// Where webhooks are taken.
    pub public: SocketAddr,
    /// Speaks to it.
    pub client: Client,
}

impl Process {
    /// Starts this very binary; `graph_url`: the Instagram it speaks to.
    pub async fn start(place: &Place, graph_url: &str) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::io("this binary is not to be found", &error))?;
        let data_dir = place.path(DATA_DIR);
        let mut environment = Vec::new();
        variables("AURA", place::settings(Some(graph_url)), &mut environment);
        let began = Instant::now();
        let mut child = Command::new(program)
            .arg("serve")
            .arg("--data-dir")
            .arg(&data_dir)
            .env_clear()
            .env("HOME", place.path("home"))
            .env("AURA_LOG__LEVEL", "error")
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::io("the daemon did not start", &error))?;
        let stderr = child.stderr.take().ok_or_else(|| failed("the daemon's words cannot be read"))?;
        let mut lines = BufReader::new(stderr).lines();
        let public = match tokio::time::timeout(START_MAX, listening(&mut lines)).await {
            Ok(public) => public?,
            Err(_) => return Err(failed(format!("the daemon was not ready after {START_MAX:?}"))),
        };
        let ready_in = began.elapsed();
        // Read on, or a full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| failed("the daemon ended at once"))?;
        let client = Client::new(Transport::Socket(data_dir.join("aura.sock")));
        Ok(Self { child, pid, ready_in, public, client })
    }

    /// Memory that it has resident, in MB of 10^6 bytes.
    pub fn resident_mb(&self) -> Result<f64, Failure> {
        resident_mb_of(self.pid)
    }

    /// Time that its threads have run so far.
    pub fn processor_time(&self) -> Result<Duration, Failure> {
        processor_time_of(self.pid)
    }

    /// Files and sockets that it has open.
    pub fn open_files(&self) -> Result<usize, Failure> {
        let folder = format!("/proc/{}/fd", self.pid.as_raw_nonzero());
        let files =
            fs::read_dir(folder).map_err(|error| Failure::io("the daemon's files cannot be counted", &error))?;
        Ok(files.count())
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(mut self) -> Result<(), Failure> {
        kill_process(self.pid, Signal::TERM).map_err(|error| failed(format!("the daemon cannot be ended: {error}")))?;
        match tokio::time::timeout(END_MAX, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(format!("the daemon ended with {status}"))),
            Ok(Err(error)) => Err(Failure::io("the daemon's end cannot be seen", &error)),
            Err(_) => Err(failed(format!("the daemon had not ended after {END_MAX:?}"))),
        }
    }
}

/// Memory that a process has resident, in MB of 10^6 bytes.
pub fn resident_mb_of(pid: Pid) -> Result<f64, Failure> {
    let kib = machine::figure_kb(&format!("/proc/{}/status", pid.as_raw_nonzero()), "VmRSS");
    let kib = kib.ok_or_else(|| failed("the memory of the process cannot be read"))?;
    Ok(kib as f64 * BYTES_PER_KIB / BYTES_PER_MB)
}

/// Time that the threads of a process have run so far.
pub fn processor_time_of(pid: Pid) -> Result<Duration, Failure> {
    let gone = || failed("the time of the process cannot be read");
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).map_err(|_| gone())?;
    // The name in brackets may hold spaces; user and system time are the 12th and 13th words behind it.
    let (_, behind) = stat.rsplit_once(") ").ok_or_else(gone)?;
    let ticks: Vec<f64> = behind.split(' ').skip(11).take(2).filter_map(|word| word.parse().ok()).collect();
    Ok(Duration::from_secs_f64(ticks.iter().sum::<f64>() / TICKS_PER_SECOND))
}

/// Waits for the line that tells the address.
async fn listening(lines: &mut Lines<BufReader<ChildStderr>>) -> Result<SocketAddr, Failure> {
    let mut last = String::new();
    loop {
        let line = lines.next_line().await.map_err(|error| Failure::io("the daemon's words cannot be read", &error))?;
        let Some(line) = line else { return Err(failed(format!("the daemon ended: {last}"))) };
        if let Some(address) = line.strip_prefix("listening on http://") {
            return address.parse().map_err(|_| failed(format!("no address: {line}")));
        }
        last = line;
    }
}

/// Settings as environment variables: `a.b_c` is `AURA_A__B_C`.
fn variables(prefix: &str, value: serde_json::Value, found: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(section) => {
            for (name, value) in section {
                let separator = if prefix == "AURA" { "_" } else { "__" };
                variables(&format!("{prefix}{separator}{}", name.to_uppercase()), value, found);
            }
        }
        serde_json::Value::String(text) => found.push((prefix.to_owned(), text)),
        other => found.push((prefix.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_variables_by_the_one_rule() {
        let mut found = Vec::new();
        variables("AURA", serde_json::json!({ "listen": "x", "meta": { "graph_url": "y" }, "workers": 3 }), &mut found);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found, [pair("AURA_LISTEN", "x"), pair("AURA_META__GRAPH_URL", "y"), pair("AURA_WORKERS", "3")]);
    }
}
