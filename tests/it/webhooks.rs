//! The door that strangers knock at: what is believed, what is kept, what is turned away, and that nothing breaks it.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use aura::{
    daemon::SystemClock,
    domain::{Clock, ConversationId, event::Wanted},
    sim::payload::{self, Of},
    store::Listing,
};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::shop::{APP_SECRET, DEADLINE, House, VERIFY_TOKEN, files, holds, sign};

const PLAIN: &str = "/webhooks/instagram";
const ACCOUNT: &str = "17841400000000001";
const SHOPPER: &str = "1000000000000001";
/// The most that is read of a body.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The head must be there within 5 s and the body within 10 s; a busy machine may add to that.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(20);
/// How often a slow client sends a byte.
const TRICKLE: Duration = Duration::from_millis(250);

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/instagram");

async fn open() -> House {
    let house = House::open().await;
    house.tenant("noor", ACCOUNT).await;
    house
}

fn dm(mid: &str, text: &str) -> Vec<u8> {
    let of = Of { account: ACCOUNT, shopper: SHOPPER, at: SystemClock.now() };
    payload::single(of, payload::text(of, mid, text))
}

/// Everything that the tenant's file knows of conversations and events.
async fn known(house: &House) -> String {
    let store = house.store("noor").await;
    let mut known = format!("{:?}\n", store.events_after(0, Wanted::default(), 10_000).await.expect("read").events);
    let all = Listing { limit: 1_000, ..Listing::default() };
    for row in store.conversations(all).await.expect("listed") {
        let id: ConversationId = row.conversation.id;
        known += &format!("{row:?}\n{:?}\n", store.messages(id, 1_000).await.expect("read"));
        known += &format!("{:?}\n", store.outbox_rows(id, 1_000).await.expect("read"));
    }
    known
}

/// What is kept because it could not be read: reason and bytes.
fn unreadable(data_dir: &Path) -> Vec<(String, Vec<u8>)> {
    let journal =
        Connection::open_with_flags(data_dir.join("journal.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens");
    let mut select = journal.prepare("SELECT reason, body FROM unreadable ORDER BY id").expect("a table");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("readable");
    rows.collect::<Result<_, _>>().expect("rows")
}

async fn assert_ready(house: &House) {
    assert_eq!(house.get("/livez").await.0, 200);
    let (status, _, text) = house.get("/readyz?verbose").await;
    assert_eq!(status, 200, "{text}");
}

/// The value of a counter, 0 while it has never counted.
async fn counted(house: &House, series: &str) -> u64 {
    let metrics = house.metrics().await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    line.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_returns_the_challenge_to_whoever_knows_the_token() {
    let house = open().await;
    let ask = async |path: &str, dot: &str, mode: &str, token: &str| {
        let query = format!("hub{dot}mode={mode}&hub{dot}challenge=00%3C12%3E%26x&hub{dot}verify_token={token}");
        house.get(&format!("{path}?{query}")).await
    };
    for dot in [".", "_"] {
        let (status, kind, text) = ask(PLAIN, dot, "subscribe", VERIFY_TOKEN).await;
        assert_eq!((status, text.as_str()), (200, "00<12>&x"), "{dot}");
        assert!(kind.starts_with("text/plain"), "{kind}");
        assert_eq!(ask(PLAIN, dot, "subscribe", "wrong").await.0, 403);
        assert_eq!(ask(PLAIN, dot, "unsubscribe", VERIFY_TOKEN).await.0, 403);
    }
    let without_challenge = format!("{PLAIN}?hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}");
    assert_eq!(house.get(&without_challenge).await.0, 403);
    assert_eq!(house.get(PLAIN).await.0, 403);
    // A tenant's path knows that tenant's own token only, and a stranger learns nothing of which tenants there are.
    let (of_tenant, of_nobody) = ("/webhooks/instagram/noor", "/webhooks/instagram/nobody");
    assert_eq!(
        ask(of_tenant, ".", "subscribe", VERIFY_TOKEN).await,
        ask(of_nobody, ".", "subscribe", VERIFY_TOKEN).await
    );
    let own = aura::api::NewSecret { value: "noors-own".into() };
    house.client().set_secret(Some("noor"), "meta.verify_token", &own).await.expect("set");
    assert_eq!(ask(of_tenant, ".", "subscribe", "noors-own").await.0, 200);
    assert_eq!(ask(of_tenant, ".", "subscribe", VERIFY_TOKEN).await.0, 403);
    assert_eq!(ask(PLAIN, ".", "subscribe", "noors-own").await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_as_meta_signs_leaves_no_trace() {
    const MARK: &str = "5f1c4be7unsigned";
    const HEADER: &str = "x-hub-signature-256";
    let house = open().await;
    let body = dm("forged", MARK);
    let right = sign(&body, APP_SECRET);
    let digits = right.strip_prefix("sha256=").expect("as Meta writes it");
    let before = (known(&house).await, house.app().store.journal().figures().rows, files(house.data_dir()).len());
    let metrics_before = without_the_counter(&house.metrics().await);
    let wrong = sign(&body, "another-secret");
    let (short, upper) = (&right[..right.len() - 2], format!("SHA256={digits}"));
    let (bare, sha1) = (digits.to_owned(), format!("sha1={}", &digits[..40]));
    let other_body = sign(b"another body", APP_SECRET);
    let cases: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![(HEADER, "")],
        vec![(HEADER, &wrong)],
        vec![(HEADER, &other_body)],
        vec![(HEADER, short)],
        vec![(HEADER, &upper)],
        vec![(HEADER, &bare)],
        vec![(HEADER, "sha256=")],
        vec![(HEADER, "sha256=zz")],
        vec![(HEADER, &right), (HEADER, &wrong)],
        vec![(HEADER, &wrong), (HEADER, &right)],
        vec![("x-hub-signature", &sha1)],
        vec![("x-hub-signature", &right)],
    ];
    for headers in &cases {
        assert_eq!(house.post(PLAIN, &body, headers).await, 401, "{headers:?}");
    }
    house.settle(&["noor"]).await;
    let after = (known(&house).await, house.app().store.journal().figures().rows, files(house.data_dir()).len());
    assert_eq!(after, before);
    assert_eq!(without_the_counter(&house.metrics().await), metrics_before);
    assert_eq!(counted(&house, "aura_webhook_requests_total{result=\"unauthorized\"}").await, cases.len() as u64);
    for (path, bytes) in files(house.data_dir()) {
        assert!(!holds(&bytes, MARK), "{} holds what was never signed", path.display());
    }
    // The same body is taken once it is signed, so the cases above were refused for their signatures.
    assert_eq!(house.deliver(PLAIN, &body, APP_SECRET).await, 200);
}

/// Metrics other than how many webhooks came and how long they took.
/// Room on the disk is whatever others leave of it.
fn without_the_counter(metrics: &str) -> String {
    let compared = |line: &&str| !["aura_webhook_", "aura_disk_free_bytes"].iter().any(|name| line.contains(name));
    metrics.lines().filter(compared).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_four_mebibytes_is_refused_however_it_is_announced() {
    let house = open().await;
    for chunked in [false, true] {
        for (bytes, expected) in [(BODY_BYTES_MAX + 1, 413), (3 * BODY_BYTES_MAX, 413)] {
            let body = vec![b' '; bytes];
            assert_eq!(
                status_of_raw(house.address(), &body, chunked).await,
                expected,
                "{bytes} bytes, chunked: {chunked}"
            );
        }
    }
    assert_eq!(counted(&house, "aura_webhook_requests_total{result=\"too_large\"}").await, 4);
    assert_eq!(house.app().store.journal().figures().rows, 0, "something was kept");
    // The largest that fits is taken: an unreadable one, but signed.
    assert_eq!(status_of_raw(house.address(), &vec![b' '; BODY_BYTES_MAX], true).await, 200);
    assert_ready(&house).await;
}

/// Writes a signed request by hand and reads the status line; the server may answer and close before all is written.
async fn status_of_raw(address: SocketAddr, body: &[u8], chunked: bool) -> u16 {
    let announced =
        if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {}", body.len()) };
    let head = format!(
        "POST {PLAIN} HTTP/1.1\r\nHost: aura\r\nX-Hub-Signature-256: {}\r\n{announced}\r\n\r\n",
        sign(body, APP_SECRET)
    );
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(head.as_bytes()).await.expect("the head is taken");
    let (mut read, mut write) = stream.split();
    let send = async {
        if !chunked {
            return write.write_all(body).await;
        }
        for part in body.chunks(64 * 1024) {
            write.write_all(format!("{:x}\r\n", part.len()).as_bytes()).await?;
            write.write_all(part).await?;
            write.write_all(b"\r\n").await?;
        }
        write.write_all(b"0\r\n\r\n").await
    };
    let mut line = [0; 12];
    let receive = async { read.read_exact(&mut line).await.map(drop) };
    // Whether all could be written does not matter: the answer does.
    let (_, received) = tokio::time::timeout(DEADLINE, async { tokio::join!(send, receive) }).await.expect("in time");
    received.expect("a status line");
    let line = String::from_utf8_lossy(&line).into_owned();
    line.strip_prefix("HTTP/1.1 ")
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("not a status line: {line}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_but_cannot_be_read_is_kept_and_breaks_nothing() {
    let house = open().await;
    let at = SystemClock.now().0;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let inside = format!(r#"{{"object":"instagram","entry":[{{"id":"{ACCOUNT}","messaging":[{deep}]}}]}}"#);
    let kept: Vec<Vec<u8>> = vec![
        dm("truncated", "cut off here")[..60].to_vec(),
        Vec::new(),
        b"not JSON at all".to_vec(),
        deep.into_bytes(),
        inside.into_bytes(),
        b"{\"object\":\"instagram\"}".to_vec(),
        b"null".to_vec(),
    ];
    for body in &kept {
        assert_eq!(house.deliver(PLAIN, body, APP_SECRET).await, 200, "{} bytes", body.len());
    }
    let odd: Vec<Vec<u8>> = vec![
        format!(r#"{{"object":"instagram","entry":[{{"id":{ACCOUNT},"time":{at},"messaging":[{{"sender":{{"id":{SHOPPER}}},"recipient":{{"id":{ACCOUNT}}},"timestamp":{at},"message":{{"mid":"numbers","text":"ids as numbers"}}}}]}}]}}"#).into_bytes(),
        format!(r#"{{"object":"instagram","entry":[{{"id":"{ACCOUNT}","time":{at},"messaging":[{{"sender":{{"id":"{SHOPPER}"}},"recipient":{{"id":"{ACCOUNT}"}},"timestamp":{at},"message":{{"mid":"surrogate","text":"cut \ud83d here"}}}}]}}]}}"#).into_bytes(),
        format!("[{}]", String::from_utf8(dm("in-array", "array at the top")).expect("ASCII")).into_bytes(),
        b"[]".to_vec(),
        b"{\"object\":\"instagram\",\"entry\":[null,7,\"x\",[],{}]}".to_vec(),
        format!(r#"{{"object":"instagram","entry":[{{"id":"{ACCOUNT}","messaging":"no list","changes":7}}]}}"#).into_bytes(),
    ];
    for body in &odd {
        assert_eq!(house.deliver(PLAIN, body, APP_SECRET).await, 200, "{}", String::from_utf8_lossy(body));
    }
    let mut bytes = dm("invalid", "MARK");
    let mark = bytes.windows(4).position(|window| window == b"MARK").expect("the text");
    bytes[mark..mark + 4].copy_from_slice(&[0xff, 0xfe, 0xc3, 0x28]);
    assert_eq!(house.deliver(PLAIN, &bytes, APP_SECRET).await, 200);
    house.settle(&["noor"]).await;
    assert_ready(&house).await;

    let known = known(&house).await;
    for text in ["ids as numbers", "array at the top"] {
        assert!(known.contains(text), "`{text}` was lost: {known}");
    }
    assert!(known.contains("cut ") && known.contains(" here"), "the cut emoji took its message along: {known}");
    let set_aside = unreadable(house.data_dir());
    for body in &kept {
        assert!(
            set_aside.iter().any(|(_, kept)| kept == body),
            "not kept: {}",
            String::from_utf8_lossy(&body[..body.len().min(80)])
        );
    }
    assert!(set_aside.iter().all(|(reason, _)| !reason.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_thousand_is_taken_whole() {
    let house = open().await;
    let at = SystemClock.now();
    let items = (0..1_000).map(|number| {
        let shopper = format!("{}", 2_000_000_000_000_000_u64 + number % 10);
        let of = Of { account: ACCOUNT, shopper: &shopper, at };
        payload::text(of, &format!("batch-{number}"), &format!("message number {number}"))
    });
    let body = payload::body(&[payload::entry(ACCOUNT, at, items.collect())]);
    assert_eq!(house.deliver(PLAIN, &body, APP_SECRET).await, 200);
    house.settle(&["noor"]).await;
    let store = house.store("noor").await;
    let received = store
        .account_traffic(aura::domain::channel::AccountId(ACCOUNT.into()), aura::domain::Timestamp(0))
        .await
        .expect("counted")
        .received;
    assert_eq!(received, 1_000);
    assert_ready(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trickles_is_cut_off() {
    let house = open().await;
    let body = dm("slow", "a byte at a time");
    let complete = format!(
        "POST {PLAIN} HTTP/1.1\r\nHost: aura\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
        sign(&body, APP_SECRET),
        body.len()
    );
    let unending = format!("POST {PLAIN} HTTP/1.1\r\nX-Slow: ");
    let (of_head, of_body) = tokio::join!(
        trickle(house.address(), unending.as_bytes(), b"x"),
        trickle(house.address(), complete.as_bytes(), &body[..1]),
    );
    assert!(!of_head.starts_with("HTTP/1.1 200"), "{of_head}");
    assert!(of_body.starts_with("HTTP/1.1 408"), "{of_body}");
    assert_eq!(house.app().store.journal().figures().rows, 0, "something was kept");
    assert_eq!(house.deliver(PLAIN, &body, APP_SECRET).await, 200, "others are served as before");
}

/// Writes `first` at once and then `byte` again and again, until the server closes; gives what it said.
async fn trickle(address: SocketAddr, first: &[u8], byte: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(first).await.expect("written");
    let began = Instant::now();
    let (mut read, mut write) = stream.split();
    let mut pace = tokio::time::interval(TRICKLE);
    let mut said = Vec::new();
    loop {
        assert!(began.elapsed() < CUT_OFF_WITHIN, "still open after {CUT_OFF_WITHIN:?}");
        let mut part = [0; 1024];
        tokio::select! {
            got = read.read(&mut part) => match got {
                // A reset is as closed as an end.
                Ok(0) | Err(_) => return String::from_utf8_lossy(&said).into_owned(),
                Ok(count) => said.extend_from_slice(&part[..count]),
            },
            _ = pace.tick() => {
                // Once the server has closed, writing fails; reading tells.
                let _ = write.write(byte).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_nobody_s_account_and_of_pages_are_taken_and_dropped() {
    let house = open().await;
    let before = known(&house).await;
    let of = Of { account: "17841499999999999", shopper: SHOPPER, at: SystemClock.now() };
    let unknown = payload::single(of, payload::text(of, "nobody-s", "Is anybody there?"));
    assert_eq!(house.deliver(PLAIN, &unknown, APP_SECRET).await, 200);
    let mut page: Value = serde_json::from_slice(&dm("page-s", "a page's message")).expect("JSON");
    page["object"] = json!("page");
    assert_eq!(house.deliver(PLAIN, page.to_string().as_bytes(), APP_SECRET).await, 200);
    house.settle(&["noor"]).await;
    assert_eq!(known(&house).await, before);
    assert!(unreadable(house.data_dir()).is_empty());
    assert_eq!(counted(&house, "aura_events_dropped_total{kind=\"message\"}").await, 1);
    assert!(house.sim.world().sends.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_delivery_changes_nothing() {
    let house = open().await;
    house.sim.shopper("ana").writes(ACCOUNT, "Hello!");
    house.sim.until_replies("ana", 1, DEADLINE).await.expect("answered");
    let of = Of { account: ACCOUNT, shopper: &house.sim.shopper("ana").id(ACCOUNT), at: SystemClock.now() };
    let twice = payload::duplicate(&payload::text(of, "again-and-again", "And in red?"));
    let body = payload::body(&[payload::entry(ACCOUNT, of.at, twice)]);
    assert_eq!(house.deliver(PLAIN, &body, APP_SECRET).await, 200);
    house.settle(&["noor"]).await;
    let (before, sends) = (known(&house).await, house.sim.world().sends.len());
    for _ in 0..3 {
        assert_eq!(house.deliver(PLAIN, &body, APP_SECRET).await, 200);
    }
    house.settle(&["noor"]).await;
    assert_eq!(known(&house).await, before);
    assert_eq!(house.sim.world().sends.len(), sends);
    assert!(counted(&house, "aura_inbox_duplicates_total").await >= 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_payload_is_taken() {
    let Ok(folder) = fs::read_dir(FIXTURES) else {
        eprintln!("skipped: {FIXTURES} is not here");
        return;
    };
    let house = open().await;
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert!(paths.len() >= 30, "only {} payloads", paths.len());
    let bodies: Vec<_> = paths.iter().map(|path| fs::read(path).expect("readable")).collect();
    // Their accounts are connected, so that they are not only taken but acted on.
    let mut accounts: Vec<String> = bodies
        .iter()
        .filter_map(|body| serde_json::from_slice::<Value>(body).ok())
        .flat_map(|body| accounts_in(&body))
        .collect();
    accounts.sort();
    accounts.dedup();
    for account in accounts {
        house.connect("noor", &account).await;
    }
    for (path, body) in paths.iter().zip(&bodies) {
        assert_eq!(house.deliver(PLAIN, body, APP_SECRET).await, 200, "{}", path.display());
    }
    house.settle(&["noor"]).await;
    assert_ready(&house).await;
    let settled = known(&house).await;
    for (path, body) in paths.iter().zip(&bodies) {
        assert_eq!(house.deliver(PLAIN, body, APP_SECRET).await, 200, "{} again", path.display());
    }
    house.settle(&["noor"]).await;
    assert_ready(&house).await;
    assert_eq!(known(&house).await, settled, "delivering all of it again has changed something");
}

/// The ids of real accounts in a payload; a dashboard's test has others.
fn accounts_in(body: &Value) -> Vec<String> {
    let envelopes = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
    let entries = envelopes.iter().flat_map(|envelope| envelope["entry"].as_array().cloned().unwrap_or_default());
    let id = |entry: Value| {
        entry["id"].as_str().map(str::to_owned).or_else(|| entry["id"].as_u64().map(|id| id.to_string()))
    };
    entries.filter_map(id).filter(|id| id.len() >= 15 && id.bytes().all(|byte| byte.is_ascii_digit())).collect()
}
