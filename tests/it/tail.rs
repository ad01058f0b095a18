//! `aura tail`: what happens, each event once, whatever becomes of the daemon meanwhile.

use std::{collections::BTreeMap, path::Path, process::Stdio, sync::Arc};

use aura::api;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    sync::watch,
};

use crate::{
    shop::{DEADLINE, House, aura, command, until},
    support::{Process, SHOP, Scene},
};

/// The real command while it runs.
pub struct Following {
    child: Child,
    out: Arc<watch::Sender<Vec<String>>>,
    err: Arc<watch::Sender<Vec<String>>>,
}

impl Following {
    /// Starts `aura` on a data directory, with nothing of the test's environment.
    pub fn start(data_dir: &Path, args: &[&str]) -> Self {
        let mut command = command(data_dir);
        command.args(args);
        Self::spawned(command)
    }

    /// The same of a command that is ready to run.
    pub fn spawned(mut command: tokio::process::Command) -> Self {
        let mut child = command.stdin(Stdio::null()).spawn().expect("the command starts");
        let out = collect(child.stdout.take().expect("it is piped"));
        let err = collect(child.stderr.take().expect("it is piped"));
        Self { child, out, err }
    }

    /// Waits until what it has printed is as it should be, and returns it.
    pub async fn until(&self, what: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        seen(&self.out, what, holds).await
    }

    /// The same of what it says to people.
    pub async fn until_said(&self, what: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        seen(&self.err, what, holds).await
    }

    /// Interrupts it; returns the exit code.
    pub async fn interrupt(self) -> Option<i32> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("it runs");
        kill_process(pid, Signal::INT).expect("it is ours");
        self.ended().await
    }

    /// Waits until it has ended by itself; returns the exit code.
    pub async fn ended(mut self) -> Option<i32> {
        let status = tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("it ends");
        status.expect("it is our child").code()
    }
}

fn collect(pipe: impl tokio::io::AsyncRead + Unpin + Send + 'static) -> Arc<watch::Sender<Vec<String>>> {
    let lines = Arc::new(watch::Sender::new(Vec::new()));
    tokio::spawn({
        let said = Arc::clone(&lines);
        async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                said.send_modify(|said| said.push(line));
            }
        }
    });
    lines
}

async fn seen(said: &watch::Sender<Vec<String>>, what: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut lines = said.subscribe();
    let wait = lines.wait_for(|lines| holds(lines));
    match tokio::time::timeout(DEADLINE, wait).await {
        Ok(lines) => lines.expect("the sender is held").clone(),
        Err(_) => panic!("{what}: {:#?}", said.borrow()),
    }
}

/// Whose, and its place in the log.
fn places(lines: &[String]) -> Vec<(String, i64)> {
    let place = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        (event["tenant"].as_str().expect("a tenant").to_owned(), event["seq"].as_i64().expect("a place"))
    };
    lines.iter().map(place).collect()
}

fn by_tenant(lines: &[String]) -> BTreeMap<String, Vec<i64>> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (tenant, seq) in places(lines) {
        found.entry(tenant).or_default().push(seq);
    }
    found
}

async fn add_tenant(process: &Process, slug: &str) {
    let new = api::NewTenant { slug: slug.into(), name: slug.into(), ..api::NewTenant::default() };
    process.client().add_tenant(&new).await.expect("the tenant is new");
}

/// Two events in the tenant's log.
async fn stirs(data_dir: &Path, slug: &str) {
    for verb in ["pause", "resume"] {
        let ran = aura(data_dir, &["tenant", verb, slug], "").await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_shows_every_event_once_and_in_order_though_the_daemon_is_killed_and_restarted() {
    let scene = Scene::bare().await;
    let mut process = scene.start().await;
    scene.add_shop(&process).await;
    add_tenant(&process, "birch").await;
    let data_dir = scene.data_dir();
    stirs(&data_dir, "birch").await;

    let tail = Following::start(&data_dir, &["tail", "--since", "1970-01-01T00:00:00Z", "--json"]);
    let person = Following::start(&data_dir, &["tail", "--since", "1970-01-01T00:00:00Z"]);
    // The last one follows from now on: its first connection decides for all.
    let live = Following::start(&data_dir, &["tail", "-t", "birch", "--json"]);
    // It says nothing before something happens; nobody can know otherwise that it listens.
    until("the live one listens", async || {
        process.client().pause_tenant("birch").await.expect("paused");
        process.client().resume_tenant("birch").await.expect("resumed");
        !live.out.borrow().is_empty()
    })
    .await;
    person.until("what happened before", |lines| !lines.is_empty()).await;
    tail.until("what happened before", |lines| by_tenant(lines).get("birch").is_some_and(|seqs| seqs.len() > 2)).await;
    person.until("what happened before", |lines| !lines.is_empty()).await;

    let back = |lines: &[String]| lines.iter().filter(|line| *line == "connected again").count();
    for (round, gently) in [false, true, false].into_iter().enumerate() {
        // Shoppers write while it dies, so that some event is on its way.
        for name in ["ana", "ben", "cleo"] {
            scene.sim.shopper(name).writes(crate::support::ACCOUNT, &format!("Is the coat there, {round}?"));
        }
        if gently {
            scene.end(process).await;
        } else {
            scene.sim.until_replies("ana", round + 1, DEADLINE).await.expect("answered");
            process.kill().await;
        }
        // Nobody listens, and yet things happen: commands work on the data directory themselves.
        stirs(&data_dir, SHOP).await;
        stirs(&data_dir, "birch").await;
        process = scene.start().await;
        stirs(&data_dir, "birch").await;
        scene.rest(&process).await;
        // Each of its lives is seen, however long the rests have become.
        person.until_said("it is back", |lines| back(lines) == round + 1).await;
    }
    // A tenant that comes while it follows.
    add_tenant(&process, "cedar").await;
    stirs(&data_dir, "cedar").await;

    let all = aura(&data_dir, &["tail", "--no-follow", "--json"], "").await;
    let expected = by_tenant(&all.stdout.lines().map(str::to_owned).collect::<Vec<_>>());
    assert!(expected[SHOP].len() > 30, "{expected:?}");
    for (tenant, seqs) in &expected {
        assert!(seqs.iter().copied().eq(1..=seqs.len() as i64), "{tenant}: {seqs:?}");
    }
    let many: usize = expected.values().map(Vec::len).sum();
    let lines = tail.until("every event", |lines| lines.len() >= many).await;
    assert_eq!(by_tenant(&lines), expected);
    assert_eq!(person.until("every event, for people", |lines| lines.len() >= many).await.len(), many);
    let said = person.err.borrow().clone();
    assert_eq!(said.iter().filter(|line| line.starts_with("connection lost: ")).count(), 3, "{said:#?}");
    assert_eq!(said.len(), 6, "{said:#?}");

    let last = expected["birch"].len() as i64;
    let lines = live.until("the end of birch's log", |lines| places(lines).last().is_some_and(|(_, seq)| *seq == last));
    let seqs = by_tenant(&lines.await).remove("birch").expect("nobody else's");
    assert!(seqs[0] > 2 && seqs.iter().copied().eq(seqs[0]..=last), "{seqs:?} of {last}");
    assert_eq!(live.interrupt().await, Some(130));
    assert_eq!(tail.interrupt().await, Some(130));
    assert_eq!(person.interrupt().await, Some(130));
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_of_one_tenant_ends_when_the_tenant_is_removed_and_one_of_all_goes_on() {
    let house = House::open().await;
    for slug in ["alder", "birch"] {
        let new = api::NewTenant { slug: slug.into(), name: slug.into(), ..api::NewTenant::default() };
        house.client().add_tenant(&new).await.expect("added");
        house.client().pause_tenant(slug).await.expect("paused");
    }
    let since = ["--since", "1h", "--json"];
    let one = Following::start(house.data_dir(), &[&["tail", "-t", "alder"], &since[..]].concat());
    let all = Following::start(house.data_dir(), &[&["tail"], &since[..]].concat());
    one.until("alder's", |lines| !lines.is_empty()).await;
    all.until("both", |lines| by_tenant(lines).len() == 2).await;
    house.client().remove_tenant("alder", "alder").await.expect("removed");
    let said = one.until_said("that it is gone", |lines| lines.iter().any(|line| line.contains("not_found"))).await;
    assert_eq!(one.ended().await, Some(3), "{said:?}");
    // Another tenant of the same name has a log of its own.
    let new = api::NewTenant { slug: "alder".into(), name: "Again".into(), ..api::NewTenant::default() };
    house.client().add_tenant(&new).await.expect("added");
    house.client().pause_tenant("alder").await.expect("paused");
    house.client().resume_tenant("alder").await.expect("resumed");
    let lines = all.until("the new one's", |lines| by_tenant(lines)["alder"].len() >= 3).await;
    assert_eq!(by_tenant(&lines)["alder"], [1, 1, 2], "{lines:#?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_out_everything_else_before_and_after_following() {
    let house = House::open().await;
    house.tenant("alder", "17841400000000001").await;
    let say =
        |text: &str, session: &str| api::ChatQuestion { session: session.into(), text: text.into(), persona: None };
    for session in ["one", "two"] {
        house.client().chat("alder", &say("Do you have linen?", session)).await.expect("answered");
    }
    let all = house.client().conversations("alder", &api::ConversationQuery::default()).await.expect("listed");
    assert_eq!(all.len(), 2);
    let of = |filter: &[&str]| {
        let args: Vec<String> = ["tail", "-t", "alder", "--no-follow", "--json"].map(str::to_owned).into();
        let args: Vec<String> = args.into_iter().chain(filter.iter().map(|&word| word.to_owned())).collect();
        let data_dir = house.data_dir().to_owned();
        async move {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let ran = aura(&data_dir, &args, "").await;
            assert_eq!(ran.code, 0, "{ran:?}");
            ran.stdout
                .lines()
                .map(|line| serde_json::from_str::<api::Event>(line).expect("an event"))
                .collect::<Vec<_>>()
        }
    };
    let everything = of(&[]).await;
    let in_one = of(&["--conversation", &all[0].id]).await;
    assert!(!in_one.is_empty() && in_one.len() < everything.len());
    assert!(in_one.iter().all(|event| event.fields["conversation"] == all[0].id.as_str()), "{in_one:?}");
    let received = of(&["--kind", "message.*"]).await;
    assert!(received.len() == 2 && received.iter().all(|event| event.kind == "message.received"), "{received:?}");
    let shoppers = of(&["--actor", "shopper"]).await;
    assert_eq!(shoppers, everything.iter().filter(|event| event.actor == "shopper").cloned().collect::<Vec<_>>());
    assert!(!shoppers.is_empty() && shoppers.len() < everything.len());
    assert_eq!(of(&["--min-cost", "0.0001"]).await, [], "the built-in answers cost nothing");

    let tail =
        ["tail", "-t", "alder", "--since", "1h", "--kind", "message.*,turn.finished", "--conversation", &all[1].id];
    let following = Following::start(house.data_dir(), &tail);
    following.until("what was before", |lines| lines.len() == 2).await;
    house.client().chat("alder", &say("And in blue?", "one")).await.expect("answered");
    house.client().chat("alder", &say("And in blue?", "two")).await.expect("answered");
    let lines = following.until("what came", |lines| lines.len() >= 4).await;
    assert!(lines.len() == 4 && lines.iter().all(|line| line.contains(&all[1].id)), "{lines:#?}");
    for wrong in [["--kind", "message"], ["--conversation", "one"], ["--min-cost", "-1"]] {
        let ran = aura(house.data_dir(), &[&["tail"], &wrong[..]].concat(), "").await;
        assert_eq!(ran.code, 2, "{ran:?}");
    }
    house.close().await;
}

/// A developer's server: what it was sent, with the signature; it answers each request with the next of these statuses.
async fn receiver(statuses: Vec<u16>) -> (String, Arc<watch::Sender<Vec<(String, Vec<u8>)>>>) {
    let got = Arc::new(watch::Sender::new(Vec::new()));
    let (noted, statuses) = (Arc::clone(&got), Arc::new(std::sync::Mutex::new(statuses.into_iter())));
    let take = async move |headers: axum::http::HeaderMap, body: bytes::Bytes| {
        let signature = headers["aura-signature"].to_str().expect("text").to_owned();
        noted.send_modify(|got: &mut Vec<_>| got.push((signature, body.to_vec())));
        let status = statuses.lock().expect("no test panics while it holds this").next().unwrap_or(200);
        axum::http::StatusCode::from_u16(status).expect("a status")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    let router = axum::Router::new().route("/hook", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, got)
}

#[tokio::test(flavor = "multi_thread")]
async fn listen_hands_each_event_on_signed_in_order_and_says_what_came_of_it() {
    let house = House::open().await;
    let new = api::NewTenant { slug: "alder".into(), name: "Alder".into(), ..api::NewTenant::default() };
    house.client().add_tenant(&new).await.expect("added");
    for _ in 0..2 {
        house.client().pause_tenant("alder").await.expect("paused");
        house.client().resume_tenant("alder").await.expect("resumed");
    }
    // The first is taken at once, the second at the second try, the third never.
    let (url, got) = receiver(vec![204, 500, 200, 503, 503, 400]).await;
    let args = ["listen", "-t", "alder", "--since", "1h", "--kind", "tenant.*", "--forward-to", &url];
    let listen = Following::start(house.data_dir(), &args);
    let said = listen.until_said("the secret", |lines| lines.iter().any(|line| line.starts_with("signing secret: ")));
    let said = said.await;
    let secret = said.iter().find_map(|line| line.strip_prefix("signing secret: ")).expect("it was said").to_owned();
    let mut received = got.subscribe();
    let all = tokio::time::timeout(DEADLINE, received.wait_for(|got| got.len() >= 7)).await.expect("in time");
    let all = all.expect("the sender is held").clone();
    let mut seqs = Vec::new();
    for (signature, body) in &all {
        let (seconds, signed) =
            signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("its form");
        let made = crate::shop::sign(&[seconds.as_bytes(), b".", body.as_slice()].concat(), &secret);
        assert_eq!(made, format!("sha256={signed}"));
        seqs.push(serde_json::from_slice::<api::Event>(body).expect("an event").seq);
    }
    let first = seqs[0];
    assert_eq!(seqs.iter().map(|seq| seq - first).collect::<Vec<_>>(), [0, 1, 1, 2, 2, 2, 3]);
    let lines = listen.until("what came of each", |lines| lines.len() >= 11).await;
    let outcomes: Vec<_> = lines.iter().filter(|line| line.starts_with("  -> ")).collect();
    let begins = ["204 in", "500 in", "200 in", "503 in", "503 in", "400 in", "200 in"];
    assert!(outcomes.iter().zip(begins).all(|(line, begin)| line.starts_with(&format!("  -> {begin} "))), "{lines:#?}");
    assert!(outcomes[1].ends_with("again in 500 ms") && outcomes[5].ends_with("given up after 3 tries"), "{lines:#?}");
    assert_eq!(listen.interrupt().await, Some(130));

    let wrong = aura(house.data_dir(), &["listen", "--forward-to", "127.0.0.1:3000"], "").await;
    assert!(wrong.code == 2 && wrong.stderr.contains("hint: "), "{wrong:?}");
    house.close().await;
}
