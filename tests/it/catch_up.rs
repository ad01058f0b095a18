//! Catch-up over many accounts: all of them in a round, few at a time, each within Meta's rate, nobody behind another's.

use std::collections::BTreeMap;

use aura::{
    api,
    app::catch_up::AT_ONCE,
    domain::Timestamp,
    sim::{CallKind, Fault, Read},
};
use tokio_util::sync::CancellationToken;

use crate::support::{ACCOUNT, DEADLINE, SHOP, Setup, TestAura};

/// Meta's limit on the Conversations API: calls a second per account.
const CALLS_MAX: usize = 2;
const QUIET: &str = "quiet";
const QUIET_ACCOUNT: &str = "17841499999999999";

fn setup() -> Setup {
    TestAura::setup().manual_clock().config(|config| config.conversation.debounce_ms = 1_000)
}

async fn connect(aura: &TestAura, slug: &str, account: &str) {
    let token = format!("token-of-{account}");
    aura.sim.account(account, &format!("at_{account}"), &token);
    let connect = api::Connect { channel: "instagram".into(), account_id: account.into(), token: Some(token) };
    aura.client().connect(slug, &connect).await.expect("the token is good");
}

/// So many more accounts of the shop, and then a shop that has one.
async fn many_and_one(aura: &TestAura, more: usize) -> Vec<String> {
    let accounts: Vec<String> = (0..more).map(|n| format!("178414000001{n:05}")).collect();
    for account in &accounts {
        connect(aura, SHOP, account).await;
    }
    aura.add_tenant(QUIET).await;
    connect(aura, QUIET, QUIET_ACCOUNT).await;
    accounts
}

/// Calls by account and second of the simulator's clock.
fn per_second(reads: &[Read]) -> BTreeMap<(&str, i64), usize> {
    let mut calls = BTreeMap::new();
    for Read { account, at: Timestamp(ms) } in reads {
        *calls.entry((account.as_str(), ms.div_euclid(1_000))).or_default() += 1;
    }
    calls
}

#[tokio::test]
async fn a_round_asks_every_account_once_and_finds_what_each_has_missed() {
    let aura = setup().start().await;
    let accounts = many_and_one(&aura, AT_ONCE + 8).await;
    let missed = [ACCOUNT, &accounts[0], &accounts[AT_ONCE + 7], QUIET_ACCOUNT];
    aura.sim.lose_webhooks(missed.len());
    for account in missed {
        aura.sim.shopper("ana").writes(account, "Do you have scarves?");
    }
    aura.advance(2 * 60_000);
    let before = aura.sim.world().reads.len();
    for found in [missed.len() as u32, 0] {
        assert_eq!(aura.catch_up().await.expect("compared"), found);
        aura.advance(1_000);
    }
    let reads = aura.sim.world().reads.split_off(before);
    let calls = per_second(&reads);
    assert_eq!(calls.len(), 2 * (accounts.len() + 2), "every account in each of two rounds");
    assert!(calls.values().all(|calls| *calls <= CALLS_MAX), "{calls:?}");
}

#[tokio::test]
async fn few_accounts_are_asked_at_once_one_of_each_shop_first_and_a_stop_waits_for_no_answer() {
    let aura = setup().start().await;
    many_and_one(&aura, 2 * AT_ONCE).await;
    aura.sim.fail_calls(|call| call.kind == CallKind::Conversations, 0, 10 * AT_ONCE, Fault::Hang { delivered: false });
    let before = aura.sim.world().reads.len();
    let (app, stop) = (aura.app().clone(), CancellationToken::new());
    let round = tokio::spawn({
        let stop = stop.clone();
        async move { app.catch_up(&stop).await }
    });
    aura.sim.until(|world| world.reads.len() >= before + AT_ONCE, DEADLINE).await.expect("they are asked");
    // Whoever writes meanwhile is answered as ever.
    aura.until_looked("ana").await;
    stop.cancel();
    assert_eq!(round.await.expect("no panic").expect("ended in order"), 0);
    let reads = aura.sim.world().reads.split_off(before);
    assert_eq!(reads.len(), AT_ONCE);
    assert!(reads.iter().any(|read| read.account == QUIET_ACCOUNT), "it is behind all of another shop's");
    assert!(per_second(&reads).values().all(|calls| *calls <= CALLS_MAX));
}
