//! A disk without room: deliveries are turned away and come again, nothing that was accepted is lost, and all goes on by
//! itself once there is room.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use aura::{channel::instagram::signature, domain::Timestamp, sim::payload};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::support::{ACCOUNT, APP_SECRET, Process, Scene, get, until};

/// Limits the size of every file that the process writes from now on. What `ulimit -f` and a quota do.
fn limit_files(process: &Process, bytes: Option<u64>) -> bool {
    let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).is_ok()
}

/// The size of the file that grows with every delivery.
fn log_bytes(data_dir: &Path) -> u64 {
    fs::metadata(data_dir.join("journal.db-wal")).expect("the journal has a log").size()
}

/// A delivery of a DM that nobody will send again: status and `Retry-After`.
async fn deliver_once(url: &str, mid: &str) -> (u16, Option<String>) {
    let of = payload::Of { account: ACCOUNT, shopper: "1000000000000009", at: Timestamp(1_790_000_000_000) };
    let body = payload::single(of, payload::text(of, mid, "Is anybody there?"));
    let client = aura::net::fixed_client().expect("a client can be made");
    let signed_by = signature::sign(&body, APP_SECRET.as_bytes());
    let request = client.post(url).header(signature::SIGNATURE_HEADER, signed_by).body(body);
    let response = request.send().await.expect("the daemon answers");
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    (response.status().as_u16(), retry_after)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_without_room_turns_deliveries_away_until_there_is_some() {
    let scene = Scene::new().await;
    let process = scene.start().await;
    let url = process.url().await;
    let ready = async || get(&format!("{url}/readyz?verbose")).await.expect("the daemon answers");
    scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
    scene.rest(&process).await;
    assert_eq!(ready().await.0, 200);

    if !limit_files(&process, Some(log_bytes(&scene.data_dir()))) {
        eprintln!("skipped: this system does not let a process limit another one of its own");
        return;
    }
    // Meta goes on trying; a stranger gets one answer.
    scene.sim.shopper("ben").writes(ACCOUNT, "Is the scarf there?");
    scene.sim.shopper("ana").writes(ACCOUNT, "And the hat?");
    let turned_away = deliver_once(&process.webhook_url().await, "turned-away").await;
    assert_eq!(turned_away, (503, Some("5".to_owned())));
    let (status, checks) = ready().await;
    assert!(status == 503 && checks.contains(r#""disk":"failed""#), "{checks}");
    scene
        .sim
        .until(|world| world.deliveries.iter().any(|delivery| delivery.status == Some(503)), crate::support::DEADLINE)
        .await
        .expect("they are turned away too");

    let id = process.id();
    assert!(limit_files(&process, None));
    until("it is ready again", async || ready().await.0 == 200).await;
    scene.rest(&process).await;
    assert_eq!(scene.sim.replies_to("ben").len(), 1);
    assert_eq!(scene.sim.replies_to("ana").len(), 2);
    assert_eq!(process.id(), id, "the same process");
    scene.end(process).await;
    // What was turned away was not stored; what was accepted was answered.
    scene.judge(3);
}
