//! Nothing of one tenant is ever visible to another.
//!
//! Two shops share every id and every word that two shops can share, and each holds canaries. What is asked is found in
//! registries (the route table, the store's sources, the help of the command), so that nothing new can be left out.

mod commands;
mod routes;
pub mod stage;
mod store;

use aura::{
    daemon::SystemClock,
    domain::Clock,
    sim::payload::{self, Of},
};

use crate::shop::{files, holds};
use stage::{Stage, canary};

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_shows_another_tenant_anything() {
    let stage = Stage::set().await;
    let before = stage.birch_as_it_is().await;
    assert_none(&routes::complaints(&stage).await);
    assert_eq!(stage.birch_as_it_is().await, before, "asking as alder has changed birch");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_of_a_store_shows_another_tenant_anything() {
    let stage = Stage::set().await;
    assert_none(&store::complaints(&stage).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_shows_another_tenant_anything() {
    let stage = Stage::set().await;
    let before = stage.birch_as_it_is().await;
    assert_none(&commands::complaints(&stage).await);
    assert_eq!(stage.birch_as_it_is().await, before, "commands for alder have changed birch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_s_own_secret_speaks_for_its_own_accounts_only() {
    let stage = Stage::set().await;
    let before = stage.birch_as_it_is().await;
    let sends = stage.house.sim.world().sends.len();
    let body = |account: &str, mid: &str| {
        let of = Of { account, shopper: stage::SHARED_SHOPPER, at: SystemClock.now() };
        let words = payload::text(of, mid, "Do you have the blue linen shirt?");
        let person = payload::echo(of, &format!("{mid}-echo"), "A person answers", None);
        payload::entry(account, of.at, vec![words, person])
    };
    let mixed = payload::body(&[body(stage.birch.account, "smuggled"), body(stage.alder.account, "honest")]);
    let secret = canary("alder", "secret");
    assert_eq!(stage.house.deliver("/webhooks/instagram/alder", &mixed, &secret).await, 200);
    stage.house.settle(&["alder", "birch"]).await;
    assert_eq!(stage.birch_as_it_is().await, before, "alder's secret has changed birch");
    let metrics = stage.house.metrics().await;
    for kind in ["message", "echo"] {
        let line = format!("aura_events_dropped_total{{kind=\"{kind}\"}} 1");
        assert!(metrics.contains(&line), "no `{line}` in\n{metrics}");
    }
    let shared = stage.house.client().conversation("alder", &stage.alder.shared.to_string()).await.expect("shown");
    assert!(shared.messages.iter().any(|message| message.text.as_deref() == Some("A person answers")), "{shared:?}");
    let answered = &stage.house.sim.world().sends[sends..];
    assert!(answered.iter().all(|send| send.account == stage.alder.account), "{answered:?}");
    // Birch's path takes neither alder's secret nor the installation's; alder's not birch's.
    for (path, secret) in [
        ("/webhooks/instagram/birch", canary("alder", "secret")),
        ("/webhooks/instagram/birch", crate::shop::APP_SECRET.to_owned()),
        ("/webhooks/instagram/alder", canary("birch", "secret")),
        ("/webhooks/instagram", canary("alder", "secret")),
        ("/webhooks/instagram/nobody", canary("alder", "secret")),
    ] {
        assert_eq!(stage.house.deliver(path, &mixed, &secret).await, 401, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_tenant_is_gone_and_the_other_goes_on() {
    let stage = Stage::set().await;
    let Stage { house, alder, birch } = &stage;
    let folder = house.tenant_folder(&alder.tenant);
    assert!(folder.is_dir(), "{}", folder.display());
    let before = stage.birch_as_it_is().await;
    let refused = house.client().remove_tenant("alder", "birch").await.expect_err("not confirmed");
    assert_eq!(refused.exit_code(), 2, "{refused}");

    let removed = house.client().remove_tenant("alder", "alder").await.expect("removed");
    assert_eq!(removed.accounts, [alder.account]);
    assert!(removed.secrets >= 2 && removed.files >= 1, "{removed:?}");
    assert!(!folder.exists(), "{} is still there", folder.display());
    assert_eq!(house.client().tenant("alder").await.expect_err("gone").exit_code(), 3);
    let own = payload::body(&[payload::entry(alder.account, SystemClock.now(), Vec::new())]);
    let by_its_secret = house.deliver("/webhooks/instagram/alder", &own, &canary("alder", "secret")).await;
    assert_eq!(by_its_secret, 401, "its secret is still readable");

    assert_eq!(stage.birch_as_it_is().await, before, "removing alder has changed birch");
    assert_eq!(house.deliver("/webhooks/instagram/birch", &own, &canary("birch", "secret")).await, 200);
    house.sim.shopper("cleo").writes(birch.account, "Hello!");
    house.sim.until_replies("cleo", 1, crate::shop::DEADLINE).await.expect("birch answers");

    // The slug is free again, and whoever takes it finds nothing.
    house.tenant("alder", alder.account).await;
    let found = house.client().conversations("alder", &aura::api::ConversationQuery::default()).await.expect("listed");
    assert!(found.is_empty(), "{found:?}");
    assert!(
        house
            .client()
            .secrets(Some("alder"))
            .await
            .expect("listed")
            .iter()
            .all(|secret| secret.name != "meta.app_secret")
    );

    let Stage { house, alder, .. } = stage;
    let (_folder, data_dir) = house.close().await;
    for (path, bytes) in files(&data_dir) {
        assert_eq!(alder.canaries_in(&bytes), [""; 0], "{} still holds alder's", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_holds_the_words_of_two_tenants() {
    let Stage { house, alder, birch } = Stage::set().await;
    let folders = [house.tenant_folder(&alder.tenant), house.tenant_folder(&birch.tenant)];
    let (_folder, data_dir) = house.close().await;
    for (folder, own, other) in [(&folders[0], &alder, &birch), (&folders[1], &birch, &alder)] {
        let files = files(folder);
        for (path, bytes) in &files {
            assert_eq!(other.canaries_in(bytes), [""; 0], "{} holds {}'s", path.display(), other.slug);
            assert!(!holds(bytes, other.account), "{} names {}'s account", path.display(), other.slug);
        }
        // Else the search would find nothing anywhere.
        for place in ["title", "message", "person", "greeting"] {
            assert!(
                files.iter().any(|(_, bytes)| holds(bytes, &canary(own.slug, place))),
                "{} lacks its {place}",
                own.slug
            );
        }
    }
    for (path, bytes) in files(&data_dir).iter().filter(|(path, _)| !path.starts_with(data_dir.join("tenants"))) {
        for shop in [&alder, &birch] {
            assert_eq!(shop.canaries_in(bytes), [""; 0], "{} holds {}'s", path.display(), shop.slug);
        }
    }
}
