//! `aura demo`, as its users run it: the fixed script comes out as promised, and nothing is left behind.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A demo whose temporary files are where the test can look.
fn demo(tmp: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aura"));
    command.arg("demo").args(args).env("TMPDIR", tmp.path()).env_remove("AURA_TENANT");
    // Nothing of an installation on this machine may count.
    command.env("AURA_DATA_DIR", tmp.path().join("installation")).env("AURA_METRICS_LISTEN", "127.0.0.1:1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("every line is an object")).collect()
}

fn left_behind(tmp: &tempfile::TempDir) -> usize {
    fs::read_dir(tmp.path()).expect("the folder is readable").count()
}

#[test]
fn the_fixed_script_comes_out_as_promised_and_leaves_nothing_behind() {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    let output = demo(&tmp, &["--once", "--json"]).output().expect("aura runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let events = lines(&String::from_utf8_lossy(&output.stdout));
    let summary = events.last().expect("a summary");
    let failed: Vec<_> = summary["checks"].as_array().into_iter().flatten().filter(|it| it["ok"] != true).collect();
    assert!(failed.is_empty() && output.status.success(), "{failed:#?}\n{stderr}");
    assert_eq!((&events[0]["event"], &summary["event"]), (&"started".into(), &"summary".into()));
    let by = |who: &str| events.iter().filter(|event| event["by"] == who).count();
    assert!(by("shopper") >= 12 && by("aura") >= 10 && by("person") == 2, "{events:#?}");
    assert_eq!(left_behind(&tmp), 0);
}

/// Starts a demo and waits until its first line says that it runs.
fn started(tmp: &tempfile::TempDir, args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = demo(tmp, args).spawn().expect("aura runs");
    let mut out = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    assert_eq!(lines(&line)[0]["event"], "started");
    (child, out)
}

#[test]
fn a_signal_ends_the_demo_in_order_and_removes_its_directory() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
        let tmp = tempfile::tempdir().expect("a temporary folder");
        let (mut child, mut out) = started(&tmp, &["--once", "--json"]);
        assert_eq!(left_behind(&tmp), 1);
        let id = Pid::from_raw(child.id().try_into().expect("an id")).expect("not zero");
        kill_process(id, signal).expect("signalled");
        out.read_to_end(&mut Vec::new()).expect("read to its end");
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
        assert_eq!(left_behind(&tmp), 0);
    }
}

#[test]
fn two_demos_run_beside_each_other() {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    let (mut first, mut out) = started(&tmp, &["--once", "--json"]);
    let (mut second, mut other) = started(&tmp, &["--once", "--json"]);
    assert_eq!(left_behind(&tmp), 2);
    for (child, out) in [(&mut first, &mut out), (&mut second, &mut other)] {
        let mut text = String::new();
        out.read_to_string(&mut text).expect("read to its end");
        child.wait().expect("it ends");
        let summary = lines(&text).pop().expect("a summary");
        assert_eq!(summary["event"], "summary");
    }
    assert_eq!(left_behind(&tmp), 0);
}
