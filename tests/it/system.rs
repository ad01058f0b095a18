//! The machinery as an open monitor sees it every few seconds: what waits, what the files take, whose tokens work.

use std::{fs, path::Path, time::Duration};

use aura::{
    api::{self, System, Time},
    channel::instagram::signature,
    client::{Client, Transport},
    config::{Config, MetricsListen},
    daemon::{self, Accepting, SystemClock},
    domain::{
        Clock,
        account::AccountState,
        audit::Act,
        channel::{AccountId, ChannelKind},
        reply::Draft,
    },
    secret::{MasterKeyPolicy, Secret},
    sim::{
        Play, ScriptedModel,
        payload::{self, Of},
    },
};

use crate::{
    shop::{APP_SECRET, House},
    support::{ACCOUNT, SHOP, TestAura, until},
};

const QUESTION: &str = "Do you have scarves?";
const MIB: u64 = 1024 * 1024;

async fn system(client: &Client) -> System {
    client.system().await.expect("it answers")
}

/// Bytes of a database file and its log.
fn bytes(file: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    size(file) + size(&file.with_extension("db-wal"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_only_worker_is_shown_while_it_does() {
    let model = ScriptedModel::new("scripted:slow");
    let slow = || Play::Wait(Draft { messages: vec!["Yes, we do.".into()], ..Draft::default() });
    model.always(move |_| slow());
    let setup = TestAura::setup().model(&model).manual_clock();
    let aura = setup.config(|config| (config.workers, config.models.timeout_ms) = (1, 60_000)).start().await;
    let lane = async || system(&aura.client()).await.queues.turns.expect("workers run");
    let idle = lane().await;
    assert_eq!((idle.waiting, idle.busy, idle.workers, idle.oldest_at), (0, 0, 1, None));
    assert_eq!((idle.oldest_message_at, idle.more_on_disk), (None, false));
    let came: Time = aura.now().into();
    for name in ["ana", "ben"] {
        aura.sim.shopper(name).writes(ACCOUNT, QUESTION);
    }
    aura.until_recorded().await;
    aura.advance(1_000);
    until("one waits behind the other", async || {
        let lane = lane().await;
        (lane.busy, lane.waiting) == (1, 1) && lane.oldest_message_at.is_some()
    })
    .await;
    let busy = lane().await;
    assert_eq!(busy.oldest_at, Some(aura.now().into()), "in line since it was due");
    assert_eq!(busy.oldest_message_at, Some(came));
    until("both are answered", async || {
        model.go_on();
        let lane = lane().await;
        (lane.busy, lane.waiting) == (0, 0) && lane.oldest_message_at.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_addresses_and_tokens_are_real() {
    let house = House::open().await;
    for (slug, account) in [("alder", "17841400000000001"), ("birch", "17841400000000002")] {
        house.tenant(slug, account).await;
    }
    let birch = house.client().tenants().await.expect("listed").remove(1);
    house.sim.shopper("ana").writes("17841400000000002", QUESTION);
    house.settle(&["alder", "birch"]).await;
    let seen = system(&house.client()).await;
    let listening = seen.listening.expect("a daemon listens");
    assert_eq!(listening.webhooks, house.address().to_string());
    assert_eq!(listening.socket, house.socket().display().to_string());
    let metrics = aura::net::fixed_client().expect("a client");
    let scraped = metrics.get(format!("http://{}/metrics", listening.metrics.expect("metrics are on"))).send().await;
    assert_eq!(scraped.expect("answers").status(), 200);

    let storage = seen.storage;
    assert_eq!((storage.tenants, storage.largest.len()), (2, 2));
    let of_birch = storage.largest.iter().find(|tenant| tenant.tenant == "birch").expect("is named").bytes;
    assert_eq!(of_birch, bytes(&house.tenant_folder(&birch).join("tenant.db")));
    assert_eq!(storage.tenants_bytes, storage.largest.iter().map(|tenant| tenant.bytes).sum::<u64>());
    assert!(storage.largest[0].bytes >= storage.largest[1].bytes && storage.largest[1].bytes > 0);
    assert_eq!(storage.control_bytes, bytes(&house.data_dir().join("control.db")));
    assert_eq!(storage.journal_bytes, bytes(&house.data_dir().join("journal.db")));
    assert!(storage.disk_free_bytes.is_some() && storage.disk_low_bytes.is_some());
    if cfg!(target_os = "linux") {
        assert!(seen.resident_bytes.expect("Linux says it") > MIB);
    }
    let version = house.client().version().await.expect("it answers").version;
    assert_eq!((seen.daemon, seen.versions.aura, seen.log_level.as_str()), (true, version, "info"));
    assert!(seen.versions.sqlite.starts_with("3."), "{}", seen.versions.sqlite);

    let tokens = |seen: &System| -> Vec<_> {
        seen.accounts.iter().map(|account| (account.tenant.clone(), account.state.clone())).collect()
    };
    let both = |first: (&str, &str), second: (&str, &str)| {
        [first, second].map(|(tenant, state)| (tenant.to_owned(), state.to_owned())).to_vec()
    };
    let now = system(&house.client()).await;
    assert_eq!(tokens(&now), both(("alder", "active"), ("birch", "active")));
    let (control, account) = (house.app().store.control(), AccountId("17841400000000002".into()));
    let act = Act::operator(SystemClock.now());
    control.set_account_state(ChannelKind::Instagram, account, AccountState::Refused, act).await.expect("noted");
    let now = system(&house.client()).await;
    assert_eq!(tokens(&now), both(("birch", "refused"), ("alder", "active")), "what needs a person comes first");

    let ran = house.aura(&["status", "--system", "--json"], "").await;
    let printed: System = serde_json::from_str(&ran.stdout).expect("what the client reads");
    assert_eq!((printed.accounts, ran.code), (now.accounts, 0));
    let shown = house.aura(&["status", "--system"], "").await.stdout;
    assert!(shown.contains(&format!("webhooks {}", house.address())) && shown.contains("refused"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_command_shows_what_waits_for_a_daemon_and_opens_no_tenants_file_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("aura");
    let mut config = Config { metrics_listen: MetricsListen::Off, ..Config::default() };
    config.secrets.master_key = MasterKeyPolicy::File;
    config.meta.app_secret = Some(Secret::from(APP_SECRET.to_owned()));
    let embedded = daemon::embed(config, &data_dir, true).await.expect("opened");
    let client = Client::new(Transport::InProcess(embedded.router.clone()));
    let new = api::NewTenant { slug: SHOP.into(), name: "Shop".into(), ..api::NewTenant::default() };
    client.add_tenant(&new).await.expect("added");
    let empty = system(&client).await;
    assert_eq!((empty.queues.webhooks, empty.queues.oldest_webhook_at), (0, None));
    // Accepted, and nobody there to dispatch it.
    let edge = embedded.serve_edge(Accepting::Durably).await.expect("a free port");
    let of = Of { account: ACCOUNT, shopper: "3000000000000001", at: SystemClock.now() };
    let body = payload::single(of, payload::text(of, "mid-1", QUESTION));
    let signed = signature::sign(&body, APP_SECRET.as_bytes());
    let post = aura::net::fixed_client().expect("a client").post(format!("http://{}/webhooks/instagram", edge.address));
    let answer = post.header(signature::SIGNATURE_HEADER, signed).body(body).send().await.expect("answers");
    assert_eq!(answer.status(), 200);
    let before = of.at.into();
    // Nothing else runs in this process that could open one.
    let app = embedded.app();
    let opened = || app.metrics.tenant_db_open_duration.get_sample_count();
    app.store.close_idle(Duration::ZERO).await.expect("closed");
    let before_it = opened();
    let seen = system(&client).await;
    assert_eq!((opened(), app.store.open_tenants()), (before_it, 0), "a file was opened to look at it");
    assert!(before_it > 0 && seen.storage.tenants_bytes > 0);
    assert_eq!(seen.queues.webhooks, 1);
    assert!(seen.queues.oldest_webhook_at.is_some_and(|at| (before..=seen.at).contains(&at)), "{seen:?}");
    assert_eq!((seen.daemon, seen.queues.turns, seen.listening), (false, None, None));
    assert_eq!((seen.storage.tenants, seen.storage.largest[0].tenant.as_str()), (1, SHOP));
    edge.close().await;
    embedded.close().await;
}
