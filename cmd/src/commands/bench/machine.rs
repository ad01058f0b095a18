//! What a figure depends on: the machine, the build, and what a sync of the disk takes.

use std::{
    borrow::Cow,
    fs::{self, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::report::{Figure, Percentiles};
use crate::{failure::Failure, ui::Ui};

/// Writes that the disk is measured by.
const SYNCS: usize = 500;
/// Bytes of each: a page of SQLite's.
const SYNC_BYTES: usize = 4_096;

/// What a measurement was made on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory of the machine.
    pub memory_mb: u64,
    /// `release` or `debug`.
    pub profile: Cow<'static, str>,
    /// The file system under the data.
    pub file_system: String,
    /// What `fdatasync` takes after a write of 4 KiB, ms.
    pub fdatasync_p50_ms: f64,
    /// The slowest of a hundred.
    pub fdatasync_p99_ms: f64,
}

impl Machine {
    /// Looks, and syncs 500 times in `dir`.
    pub fn measure(dir: &Path) -> Result<Self, Failure> {
        let syncs =
            syncs(dir).map_err(|error| Failure::io(format!("{} could not be measured", dir.display()), &error))?;
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: figure_kb("/proc/meminfo", "MemTotal").unwrap_or_default() / 1_024,
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.into(),
            file_system: file_system(dir).unwrap_or_else(|| "unknown".into()),
            fdatasync_p50_ms: syncs.ms(0.50),
            fdatasync_p99_ms: syncs.ms(0.99),
        })
    }

    /// What a sync took before the measurement of this command line.
    pub fn figure(&self, line: &str) -> Figure {
        let measurement = line.split(' ').next().unwrap_or(line).to_owned();
        Figure::new("fdatasync, p50", self.fdatasync_p50_ms, "ms").of(measurement)
    }

    /// Tells it before anything is measured.
    pub fn tell(&self, ui: Ui) -> Result<(), Failure> {
        if self.profile == "debug" {
            ui.say("warning: this is a debug build; its figures say nothing about a release");
        }
        ui.data(self, || {
            ui.look().pairs(&[
                ("machine", format!("{} cores, {} MiB", self.cores, self.memory_mb)),
                ("build", format!("aura {} ({})", env!("CARGO_PKG_VERSION"), self.profile)),
                ("disk", self.file_system.clone()),
                ("fdatasync", format!("p50 {:.3} ms, p99 {:.3} ms", self.fdatasync_p50_ms, self.fdatasync_p99_ms)),
            ])
        })
    }
}

/// Rewrites pages of a file that has its full length already, as SQLite's log does once it has grown.
fn syncs(dir: &Path) -> io::Result<Percentiles> {
    let path = dir.join("fdatasync");
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    file.write_all(&vec![0; SYNCS * SYNC_BYTES])?;
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut took: Vec<Duration> = Vec::with_capacity(SYNCS);
    for round in 0..SYNCS {
        let page = [round as u8; SYNC_BYTES];
        let began = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    drop(file);
    fs::remove_file(path)?;
    Ok(Percentiles::of(took))
}

/// The type and device of the file system that `dir` is on: the longest mount point above it.
fn file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let of = |line: &str| {
        let mut words = line.split(' ');
        let (device, point, kind) = (words.next()?, words.next()?, words.next()?);
        dir.starts_with(point).then(|| (point.len(), format!("{kind} on {device}")))
    };
    // Of mounts on one point, the last is the one that is seen.
    mounts.lines().filter_map(of).max_by_key(|(length, _)| *length).map(|(_, shown)| shown)
}

/// The most memory that this process has had resident since [`forget_peak`], in MiB.
pub fn peak_mb() -> f64 {
    figure_kb("/proc/self/status", "VmHWM").map_or(f64::NAN, |kb| kb as f64 / 1_024.0)
}

/// Begins a new peak; where the kernel refuses, the peak is that of the whole process.
pub fn forget_peak() {
    // 5: see proc(5), clear_refs. A refusal only makes the figure larger.
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// A figure of a file such as `/proc/meminfo`, in KiB.
pub fn figure_kb(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_tells_its_cores_its_memory_and_its_disk() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let machine = Machine::measure(dir.path()).expect("it can be measured");
        assert!(machine.cores > 0 && machine.memory_mb > 0, "{machine:?}");
        assert!(machine.fdatasync_p50_ms <= machine.fdatasync_p99_ms, "{machine:?}");
        assert_ne!(machine.file_system, "unknown");
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
    }

    #[test]
    fn the_peak_of_memory_is_known() {
        forget_peak();
        assert!(peak_mb() > 1.0);
    }
}
