//! The daemon as a process: how it starts, what it says of itself, how it ends.

use std::time::{Duration, Instant};

use aura::{
    channel::instagram::signature,
    config::MetricsListen,
    daemon::SystemClock,
    domain::Clock,
    sim::{
        Echoes, Fault, Sim,
        payload::{self, Of},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    ACCOUNT, APP_SECRET, Binary, DEADLINE, Process, SHOP, TOKEN, TestAura, connect, get, until, until_idle,
};

/// Contract: everything comes to rest within this.
const END_MAX: Duration = Duration::from_secs(10);
/// A second signal waits for nothing; this is for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn it_starts_in_an_empty_directory_and_says_where_and_how() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let mut process = Binary::bare(home.path()).start().await;
    let url = process.url().await;
    assert_eq!(get(&format!("{url}/livez")).await.map(|(status, _)| status), Some(200));
    let said = process.until_line("data directory ").await;
    let data_dir = said.trim_start_matches("data directory ");
    assert!(data_dir.starts_with(&home.path().display().to_string()), "{said}");
    assert!(std::path::Path::new(data_dir).join("control.db").is_file());
    process.terminate();
    assert!(process.ended_within(END_MAX).await.success());
}

#[tokio::test]
async fn a_second_daemon_on_the_same_directory_is_refused_with_the_first_one_s_id() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let binary = Binary::bare(home.path());
    let first = binary.start().await;
    let mut second = binary.spawn();
    assert_eq!(second.ended_within(END_MAX).await.code(), Some(6));
    let named = format!("process {}", first.id());
    until("it has said why", async || second.stderr().iter().any(|line| line.contains(&named))).await;
    assert_eq!(get(&format!("{}/livez", first.url().await)).await.map(|(status, _)| status), Some(200));
}

/// A shop on the real binary whose next reply hangs on the wire.
async fn with_a_hanging_send(home: &std::path::Path) -> (Sim, Binary, Process) {
    let sim = Sim::start(std::sync::Arc::new(SystemClock), APP_SECRET).await.expect("loopback has a free port");
    sim.account(ACCOUNT, SHOP, TOKEN);
    let binary = Binary::for_simulator(home, sim.url());
    let process = binary.start().await;
    let new = aura::api::NewTenant { slug: SHOP.into(), name: "The Shop".into(), ..Default::default() };
    process.client().add_tenant(&new).await.expect("the tenant is new");
    connect(&process.client(), ACCOUNT, TOKEN).await;
    sim.deliver_to(&process.webhook_url().await);
    sim.fail_sends_when(|_| true, usize::MAX, Fault::Hang { delivered: false });
    sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    sim.until(|world| world.sends.len() == 1, DEADLINE).await.expect("the reply is on the wire");
    (sim, binary, process)
}

/// Sends the beginning of a request.
async fn begin(address: &str, part: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(part).await.expect("it reads");
    stream
}

/// Sends the rest, and reads the answer to its end.
async fn finish(mut stream: TcpStream, rest: &[u8]) -> String {
    stream.write_all(rest).await.expect("it still reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer
}

#[tokio::test]
async fn a_signal_lets_requests_end_and_leaves_a_hanging_send_to_the_next_start() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let (sim, binary, mut process) = with_a_hanging_send(home.path()).await;
    let url = process.url().await;
    let address = url.trim_start_matches("http://");

    // Two requests are half sent: a look at the readiness, and a webhook.
    sim.hold_webhooks();
    let ben = sim.shopper("ben");
    let mid = ben.writes(ACCOUNT, "And hats?");
    let of = Of { account: ACCOUNT, shopper: &ben.id(ACCOUNT), at: SystemClock.now() };
    let body = payload::body(&[payload::entry(ACCOUNT, of.at, vec![payload::text(of, &mid, "And hats?")])]);
    let signed = signature::sign(&body, APP_SECRET.as_bytes());
    let head = format!(
        "POST /webhooks/instagram HTTP/1.1\r\nhost: aura\r\n{}: {signed}\r\ncontent-length: {}\r\n\r\n",
        signature::SIGNATURE_HEADER,
        body.len()
    );
    let (first, rest) = body.split_at(body.len() / 2);
    let webhook = begin(address, &[head.as_bytes(), first].concat()).await;
    let readiness = begin(address, b"GET /readyz HTTP/1.1\r\nhost: aura\r\n").await;
    // These come behind them, so both are being read by now.
    for _ in 0..3 {
        assert_eq!(get(&format!("{url}/readyz")).await.map(|(status, _)| status), Some(200));
    }

    let asked_at = Instant::now();
    process.terminate();
    until("nobody new is let in", async || TcpStream::connect(address).await.is_err()).await;
    let answer = finish(readiness, b"\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("not_ready"), "{answer}");
    let answer = finish(webhook, rest).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let left = END_MAX.saturating_sub(asked_at.elapsed());
    assert_eq!(process.ended_within(left).await.code(), Some(0), "{:?}", process.stderr());

    sim.clear_faults();
    let process = binary.start().await;
    until_idle(&process.client()).await;
    assert_eq!((sim.replies_to("ana").len(), sim.replies_to("ben").len()), (1, 1), "{}", sim.sent());
}

#[tokio::test]
async fn a_stopping_daemon_says_so_and_still_accepts_before_it_closes() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let mut process = Binary::bare(home.path()).with("AURA_DRAIN__NOTICE_MS", "3000").start().await;
    let url = process.url().await;
    let status = async |path: &str| get(&format!("{url}{path}")).await.map(|(status, _)| status);
    assert_eq!(status("/readyz").await, Some(200));
    let asked_at = Instant::now();
    process.terminate();
    until("it is not ready any more", async || status("/readyz").await == Some(503)).await;
    assert_eq!(status("/livez").await, Some(200), "it takes new connections all the same");
    assert_eq!(process.ended_within(END_MAX.saturating_sub(asked_at.elapsed())).await.code(), Some(0));
}

#[tokio::test]
async fn a_connection_that_rests_longer_than_a_head_may_take_is_kept() {
    let aura = TestAura::setup().start().await;
    let url = aura.webhook_url();
    let address = url.trim_start_matches("http://").split('/').next().expect("an address");
    const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nhost: aura\r\n\r\n";
    let mut stream = begin(address, REQUEST).await;
    let ok = async |stream: &mut TcpStream| {
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut answer).await.expect("it is open"), 0, "it was closed");
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    };
    ok(&mut stream).await;
    let rested = Instant::now();
    until("a head would have been cut off", async || rested.elapsed() > Duration::from_secs(8)).await;
    stream.write_all(REQUEST).await.expect("it is open");
    ok(&mut stream).await;
    // Once the next request has begun it has to come.
    stream.write_all(b"GET /li").await.expect("it is open");
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut rest)).await.expect("cut off").ok();
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let (_sim, _binary, mut process) = with_a_hanging_send(home.path()).await;
    process.terminate();
    process.until_line("stopping").await;
    process.terminate();
    assert_eq!(process.ended_within(AT_ONCE).await.code(), Some(143));
}

#[tokio::test]
async fn a_signal_right_after_the_start_ends_it_in_order() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let binary = Binary::bare(home.path());
    for _ in 0..5 {
        let mut process = binary.start().await;
        process.terminate();
        assert_eq!(process.ended_within(END_MAX).await.code(), Some(0), "{:?}", process.stderr());
    }
}

#[tokio::test]
async fn health_version_and_metrics_answer() {
    let aura = TestAura::setup().config(|config| config.metrics_listen = MetricsListen::At(([127, 0, 0, 1], 0).into()));
    let aura = aura.start().await;
    let base = aura.webhook_url().replace("/webhooks/instagram", "");
    let answer = async |path: &str| get(&format!("{base}{path}")).await.expect("it answers");
    assert_eq!(answer("/livez").await, (200, r#"{"status":"ok"}"#.into()));
    assert_eq!(answer("/readyz").await, (200, r#"{"status":"ready"}"#.into()));
    let (status, verbose) = answer("/readyz?verbose").await;
    assert_eq!(status, 200);
    assert!(verbose.contains(r#""journal":"ok""#) && verbose.contains(r#""draining":"ok""#), "{verbose}");
    let (status, version) = answer("/version").await;
    assert_eq!(status, 200);
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    assert_eq!(answer("/metrics").await.0, 404, "figures are not for strangers");

    // One of everything that is counted: a stranger, a message twice, a reply of unknown outcome.
    assert_eq!(get(&aura.webhook_url()).await.map(|(status, _)| status), Some(403));
    let unsigned = aura::net::fixed_client().expect("a client can be made").post(aura.webhook_url()).body("{}");
    assert_eq!(unsigned.send().await.expect("it answers").status(), 401);
    aura.sim.echoes(Echoes::Never);
    aura.sim.deliveries(aura::sim::Deliveries { copies: 2, ..Default::default() });
    aura.sim.fail_send(1, Fault::Cut { delivered: true });
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.until_idle().await;
    let metrics = aura.metrics_url().expect("it was asked for");
    let (status, text) = get(&metrics).await.expect("it answers");
    assert_eq!(status, 200);
    for line in [
        "aura_build_info{version=",
        "aura_webhook_requests_total{result=\"accepted\"} 2",
        "aura_webhook_requests_total{result=\"unauthorized\"} 1",
        "aura_webhook_duration_seconds_count 3",
        "aura_inbox_duplicates_total 1",
        "aura_turns_total{outcome=\"answered\"} 1",
        "aura_send_attempts_total{outcome=\"unknown\"} 1",
        "aura_outbox_unknown_total{resolution=\"sent\"} 1",
        "aura_journal_backlog 0",
        "aura_tenant_db_open 1",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "no `{line}` in\n{text}");
    }
    for private in [SHOP, ACCOUNT, "ana", "scarves"] {
        assert!(!text.contains(private), "`{private}` is nobody's business");
    }
}

#[tokio::test]
async fn a_start_opens_only_the_files_of_tenants_with_something_to_do() {
    let aura = TestAura::setup().manual_clock().config(|config| config.conversation.debounce_ms = 3_000);
    let aura = aura.start().await;
    for n in 1..50 {
        aura.add_tenant(&format!("quiet-{n}")).await;
    }
    assert_eq!(aura.app().store.open_tenants(), 50);
    aura.sim.shopper("ana").writes(ACCOUNT, "Do you have scarves?");
    aura.until_recorded().await;
    let aura = aura.restart().await;
    aura.advance(3_000);
    aura.until_replies("ana", 1).await;
    assert_eq!(aura.app().store.open_tenants(), 1);
}

#[tokio::test]
async fn a_question_without_its_flag_is_answered_with_the_command_that_asks_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let ran = crate::shop::aura(&data_dir, &["chat", "-t", "noor", "Do you have \"it\"", "in M?", "--json"], "").await;
    let hint = "Ask it with `aura chat -t noor --once \"Do you have it in M?\"`.";
    assert_eq!(ran.error(2)["hint"], hint);
    assert!(!data_dir.exists());
}
