//! One shop's rush and the others' patience: who is served before whom.
//!
//! Counts turns, in the order of their ids, which are made when a turn begins and sort by that moment. Milliseconds are for
//! `aura bench fairness`.

use std::{collections::BTreeMap, path::Path};

use aura::sim::{Deliveries, Order};
use rusqlite::{Connection, OpenFlags};

use crate::shop::{DEADLINE, House, until};

const BUSY: &str = "17841400000000100";
/// Shoppers who write to the busy shop at once.
const RUSH: usize = 2_000;
/// Shops with one shopper each.
const QUIET: usize = 10;
/// Turns of the busy shop that may begin between a quiet shop's message and its turn: its own in one round of all shops, and
/// those that begin while the quiet shop's file is looked into. In the order of arrival it would be all of the rush.
const ROUND: usize = 1 + QUIET;

fn quiet_account(number: usize) -> String {
    format!("178414000000002{number:02}")
}

/// A column of a shop's file, in order.
fn column(folder: &Path, sql: &str) -> Vec<String> {
    let file = Connection::open_with_flags(folder.join("tenant.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens");
    let mut select = file.prepare(sql).expect("such a table");
    let rows = select.query_map([], |row| row.get::<_, String>(0)).expect("readable");
    let mut ids: Vec<String> = rows.map(|id| id.expect("text").rsplit('_').next().expect("an id").to_owned()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn while_two_thousand_write_to_one_shop_each_of_ten_others_is_served_within_one_round() {
    let house = House::open().await;
    let busy = house.tenant("busy", BUSY).await;
    let mut quiet = BTreeMap::new();
    for number in 0..QUIET {
        quiet.insert(number, house.tenant(&format!("quiet-{number}"), &quiet_account(number)).await);
    }
    house.sim.deliveries(Deliveries { batch: 100, ..Deliveries::default() });
    house.sim.hold_webhooks();
    for number in 0..RUSH {
        house.sim.shopper(&format!("rusher-{number}")).writes(BUSY, "Do you have scarves?");
    }
    house.sim.release_webhooks(Order::AsHappened);
    let store = house.store("busy").await;
    let account = aura::domain::channel::AccountId(BUSY.into());
    until("the rush is recorded", async || {
        store.account_traffic(account.clone(), aura::domain::Timestamp(0)).await.expect("counted").received
            == RUSH as u64
    })
    .await;
    for number in 0..QUIET {
        house.sim.shopper(&format!("patient-{number}")).writes(&quiet_account(number), "Do you have scarves?");
    }
    for number in 0..QUIET {
        let name = format!("patient-{number}");
        house.sim.until_replies(&name, 1, DEADLINE).await.expect("the quiet shops' shoppers are answered");
    }

    let rush = column(&house.tenant_folder(&busy), "SELECT id FROM turn");
    assert!(rush.len() < RUSH, "the rush is over: nobody had to be patient");
    for (number, tenant) in quiet {
        let folder = house.tenant_folder(&tenant);
        let written = &column(&folder, "SELECT id FROM message WHERE side = 'shopper'")[0];
        let served = &column(&folder, "SELECT id FROM turn")[0];
        let before = rush.iter().filter(|turn| *turn > written && *turn < served).count();
        assert!(rush.iter().any(|turn| turn < written), "the rush had not begun");
        assert!(before <= ROUND, "quiet shop {number}: {before} turns of the busy one went before it");
    }
}
