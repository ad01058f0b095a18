//! People whom the operator lets in: what each may do, for whom, what the logs say of it, and that the door closes.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use aura::{
    api,
    app::Least,
    client::{Client, Transport, Watched},
    domain::staff::Role,
    http::ROUTES,
};
use futures_util::StreamExt;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    shop::{DEADLINE, House, aura, command},
    tail::Following,
};

/// A group that whoever runs this test may give a file to.
fn group() -> u32 {
    rustix::process::getegid().as_raw()
}

pub async fn house() -> House {
    let house = House::open_with(|config| config.staff_group = Some(group().to_string())).await;
    house.tenant("alder", "17841400000000001").await;
    house.tenant("birch", "17841400000000002").await;
    house
}

/// Lets a person in with a key, and gives it back.
pub async fn let_in(house: &House, name: &str, role: &str, tenants: &[&str]) -> String {
    let new = api::NewStaff {
        name: name.into(),
        role: Some(role.into()),
        tenants: tenants.iter().map(|&slug| slug.to_owned()).collect(),
        uid: None,
        key: true,
    };
    let added = house.client().add_staff(&new).await.expect("added");
    added.key.expect("a key was made")
}

pub fn staff_client(house: &House, key: &str) -> Client {
    let socket = house.data_dir().join("staff.sock");
    Client::new(Transport::Staff { socket, key: Some(SecretString::from(key)) })
}

#[expect(clippy::disallowed_methods, reason = "the client of `net` speaks TCP; this one speaks to the staff's socket")]
fn http(house: &House) -> reqwest::Client {
    let builder = reqwest::Client::builder();
    aura::net::fixed_client().expect("installs the TLS provider");
    builder.unix_socket(house.data_dir().join("staff.sock")).no_proxy().build().expect("a client")
}

/// Asks a route; the status, the error's code and the whole answer.
async fn ask(
    http: &reqwest::Client,
    key: Option<&str>,
    method: &axum::http::Method,
    target: &str,
) -> (u16, String, String) {
    let mut request =
        http.request(method.clone(), format!("http://aura{target}")).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("aura-key", key);
    }
    let answer = request.send().await.expect("the daemon answers");
    let (status, text) = (answer.status().as_u16(), answer.text().await.expect("text"));
    let code =
        serde_json::from_str::<Value>(&text).ok().and_then(|body| body["error"]["code"].as_str().map(str::to_owned));
    (status, code.unwrap_or_default(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_its_role_and_shows_nobody_another_s_tenant() {
    let house = house().await;
    let http = http(&house);
    let mut people = Vec::new();
    for role in Role::ALL {
        people.push((
            role,
            false,
            let_in(&house, &format!("{}-of-alder", role.as_str()), role.as_str(), &["alder"]).await,
        ));
        people.push((role, true, let_in(&house, &format!("{}-of-all", role.as_str()), role.as_str(), &[]).await));
    }
    let (mut refused, mut let_through) = (0, 0);
    for route in ROUTES {
        let target = |slug: &str| {
            let path = route.path.replace("{slug}", slug).replace("{id}", "conv_0192f5c8-0000-7000-8000-00000000dead");
            path.replace("{name}", "nobody").replace("{key}", "nothing")
        };
        let own = target("alder");
        let name = format!("{} {}", route.method, route.path);
        for nobody in [None, Some("aura_0000"), Some("")] {
            let (status, code, _) = ask(&http, nobody, &route.method, &own).await;
            assert_eq!((status, code.as_str()), (401, "not_staff"), "{name} for {nobody:?}");
        }
        for (role, of_all, key) in &people {
            let may = match route.least {
                Least::Role(least) => *role >= least,
                Least::AdminOfAll => *role == Role::Admin && *of_all,
                Least::Operator => false,
            };
            // What would stay: it is shown elsewhere that they may.
            if may && !(route.tenant_scoped || route.method == "GET") {
                continue;
            }
            let (status, code, text) = ask(&http, Some(key), &route.method, &own).await;
            assert_eq!(code == "role_too_low", !may, "{name} for {role:?} ({of_all}): {status} {text}");
            if may {
                let_through += 1
            } else {
                refused += 1
            }
            assert!(*of_all || !text.contains("birch"), "{name} shows {role:?} of alder: {text}");
            if route.tenant_scoped && !of_all {
                let (foreign, made_up) = (target("birch"), target("no-such-shop"));
                let foreign = ask(&http, Some(key), &route.method, &foreign).await;
                let made_up = ask(&http, Some(key), &route.method, &made_up).await;
                assert_eq!((foreign.0, &foreign.1), (made_up.0, &made_up.1), "{name} for {role:?}");
                let expected = if may { (404, "not_found") } else { (403, "role_too_low") };
                assert_eq!((foreign.0, foreign.1.as_str()), expected, "{name} for {role:?}: {}", foreign.2);
            }
        }
    }
    assert!(refused > 100 && let_through > 100, "{refused} refused, {let_through} let through");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_one_tenant_sees_and_hears_nothing_of_another() {
    let house = house().await;
    let key = let_in(&house, "ana", "agent", &["alder"]).await;
    let ana = staff_client(&house, &key);
    for slug in ["alder", "birch"] {
        house.client().pause_tenant(slug).await.expect("paused");
    }
    assert_eq!(
        ana.tenants().await.expect("listed").into_iter().map(|tenant| tenant.slug).collect::<Vec<_>>(),
        ["alder"]
    );
    let status = ana.status().await.expect("read");
    assert_eq!(status.tenants.iter().map(|tenant| tenant.slug.as_str()).collect::<Vec<_>>(), ["alder"]);
    assert!(!serde_json::to_string(&status).expect("JSON").contains("birch"), "{status:?}");
    let query = api::EventQuery { since: Some(api::Time(0)), ..api::EventQuery::default() };
    let mut watched = std::pin::pin!(ana.watch(None, query));
    house.client().resume_tenant("birch").await.expect("resumed");
    house.client().resume_tenant("alder").await.expect("resumed");
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "tenant.resumed") {
        let seen = tokio::time::timeout(DEADLINE, watched.next()).await.expect("in time").expect("it goes on");
        if let Watched::Event(event) = seen.expect("let in") {
            assert_eq!(event.tenant, "alder");
            kinds.push(event.kind);
        }
    }
    assert!(kinds.contains(&"tenant.paused".to_owned()), "{kinds:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_closes_at_once_for_whoever_is_removed_and_open_streams_end() {
    let house = house().await;
    let key = let_in(&house, "ana", "viewer", &[]).await;
    let following = {
        let mut tail = command(house.data_dir());
        tail.env("AURA_KEY", &key).args(["tail", "--since", "1h", "--json"]);
        Following::spawned(tail)
    };
    following.until("what was before", |lines| !lines.is_empty()).await;
    // A new role ends the stream too; the watcher comes back by itself, because the door is still open.
    let ran = aura(house.data_dir(), &["staff", "edit", "ana", "--role", "agent"], "").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    house.client().pause_tenant("birch").await.expect("paused");
    following.until("what follows", |lines| lines.last().is_some_and(|line| line.contains("tenant.paused"))).await;
    let removed = aura(house.data_dir(), &["staff", "remove", "ana"], "").await;
    assert!(removed.code == 0 && removed.stdout.contains("ana is out"), "{removed:?}");
    assert_eq!(following.ended().await, Some(4), "credentials");
    let error = staff_client(&house, &key).tenants().await.expect_err("out");
    assert_eq!(error.code(), "not_staff");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_say_who_did_it_by_an_id_whose_name_can_be_erased() {
    let house = house().await;
    let key = let_in(&house, "ana", "admin", &["alder"]).await;
    let ana = staff_client(&house, &key);
    ana.pause_tenant("alder").await.expect("paused");
    house.client().resume_tenant("alder").await.expect("resumed");
    let say = api::ChatQuestion { session: "one".into(), text: "Do you have linen?".into(), persona: None };
    ana.chat("alder", &say).await.expect("answered");
    let listed = ana.conversations("alder", &api::ConversationQuery::default()).await.expect("listed");
    ana.take_over("alder", &listed[0].id).await.expect("taken over");
    ana.release("alder", &listed[0].id).await.expect("released");

    let events = async || {
        let ran = aura(house.data_dir(), &["tail", "-t", "alder", "--no-follow", "--json"], "").await;
        ran.stdout.lines().map(|line| serde_json::from_str::<api::Event>(line).expect("an event")).collect::<Vec<_>>()
    };
    let actors = |events: &[api::Event]| {
        let of = |event: &api::Event| format!("{} {}", event.kind, event.actor);
        let by_people = ["tenant.paused", "tenant.resumed", "takeover.started", "takeover.ended"];
        events.iter().filter(|event| by_people.contains(&event.kind.as_str())).map(of).collect::<Vec<_>>()
    };
    let all = events().await;
    let expected = [
        "tenant.paused staff:ana",
        "tenant.resumed operator",
        "takeover.started staff:ana",
        "takeover.ended staff:ana",
    ];
    assert_eq!(actors(&all), expected);
    let hers = aura(house.data_dir(), &["tail", "--no-follow", "--json", "--actor", "staff:ana"], "").await;
    assert_eq!(hers.stdout.lines().count(), 3, "{hers:?}");

    let audit = house.app().store.control().audit_after(0, 1_000).await.expect("read");
    let paused = audit.iter().find(|entry| entry.action == "tenant.paused").expect("noted");
    let id = all.iter().find(|event| event.kind == "tenant.paused").expect("there").fields["staff"].clone();
    let payload: Value = serde_json::from_str(&paused.payload).expect("JSON");
    assert_eq!((paused.actor.as_str(), &payload["staff"]), ("staff", &id));
    assert!(audit.iter().all(|entry| !entry.payload.contains("ana")), "a name stands in a chain");

    let removed = aura(house.data_dir(), &["staff", "remove", "ana"], "").await;
    assert_eq!(removed.code, 0, "{removed:?}");
    assert_eq!(actors(&events().await)[0], "tenant.paused staff", "the name is gone, the chain holds");
    let verified = aura(house.data_dir(), &["audit", "verify"], "").await;
    assert_eq!(verified.code, 0, "{verified:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_a_user_is_known_by_the_system() {
    let house = house().await;
    let socket = house.data_dir().join("staff.sock");
    let (door, folder) =
        (std::fs::metadata(&socket).expect("it is there"), std::fs::metadata(house.data_dir()).expect("too"));
    assert_eq!((door.permissions().mode() & 0o777, door.gid()), (0o660, group()));
    assert_eq!((folder.permissions().mode() & 0o777, folder.gid()), (0o710, group()));
    assert_eq!(std::fs::metadata(house.socket()).expect("there").permissions().mode() & 0o777, 0o600);

    let added =
        aura(house.data_dir(), &["staff", "add", "till", "--key", "--role", "viewer", "--json"], "").await.json();
    let key = added["key"].as_str().expect("shown").to_owned();
    let listed = aura(house.data_dir(), &["staff", "list", "--json"], "").await;
    assert!(!listed.stdout.contains(&key) && listed.stdout.contains("\"has_key\":true"), "{listed:?}");
    for (path, bytes) in crate::shop::files(house.data_dir()) {
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{} holds the key", path.display());
    }
    // A new key takes the old one's place.
    let edited = aura(house.data_dir(), &["staff", "edit", "till", "--key", "--json"], "").await.json();
    assert!(staff_client(&house, &key).tenants().await.is_err());
    staff_client(&house, edited["key"].as_str().expect("shown")).tenants().await.expect("let in");

    // Whoever runs this test is known by their number alone, once they are let in.
    let nobody = Client::new(Transport::Staff { socket: socket.clone(), key: None });
    assert_eq!(nobody.tenants().await.expect_err("unknown").code(), "not_staff");
    let uid = rustix::process::getuid().as_raw().to_string();
    let added =
        aura(house.data_dir(), &["staff", "add", "runner", "--uid", &uid, "--role", "viewer", "-t", "birch"], "").await;
    assert_eq!(added.code, 0, "{added:?}");
    let seen = nobody.tenants().await.expect("known");
    assert_eq!(seen.into_iter().map(|tenant| tenant.slug).collect::<Vec<_>>(), ["birch"]);
    for wrong in [
        vec!["staff", "add", "ghost"],
        vec!["staff", "add", "ghost", "--user", "no-such-login"],
        vec!["staff", "edit", "runner"],
    ] {
        let ran = aura(house.data_dir(), &wrong, "").await;
        assert!(ran.code == 2 && ran.stderr.contains("hint: "), "{ran:?}");
    }
    assert_eq!(json!(aura(house.data_dir(), &["staff", "remove", "ghost"], "").await.code), 3);
    house.close().await;
}
