//! More at once than can be done: what is turned away, what waits, and whom that concerns.

use std::time::Duration;

use aura::{
    channel::instagram::signature,
    domain::Clock,
    sim::payload::{self, Of},
};
use rusqlite::Connection;

use crate::{
    shop::{APP_SECRET, House},
    support::until,
};

const ACCOUNT: &str = "17841400000000001";
/// A delivery that has waited longer for the journal's writer is turned away.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// A signed delivery with one message of one of many shoppers.
fn dm(number: usize) -> Vec<u8> {
    let shopper = format!("{}", 3_000_000_000_000_000 + number);
    let of = Of { account: ACCOUNT, shopper: &shopper, at: aura::daemon::SystemClock.now() };
    payload::single(of, payload::text(of, &format!("mid-{number}"), "Do you have scarves?"))
}

/// Posts it as Meta would; the status and `Retry-After`.
async fn post(url: String, body: Vec<u8>) -> (u16, Option<String>) {
    let client = aura::net::fixed_client().expect("a client");
    let signed = signature::sign(&body, APP_SECRET.as_bytes());
    let answer = client.post(url).header(signature::SIGNATURE_HEADER, signed).body(body).send().await.expect("answers");
    let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
    (answer.status().as_u16(), retry_after)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_too_long_for_the_journal_is_turned_away_unstored_and_taken_when_it_comes_again() {
    const LATE: usize = 50;
    let house = House::open().await;
    house.tenant("noor", ACCOUNT).await;
    let url = format!("http://{}/webhooks/instagram", house.address());
    let journal = house.app().store.journal().clone();

    // Another process has the file: the writer waits with one delivery, and the others behind it.
    let other = Connection::open(house.data_dir().join("journal.db")).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody else is writing");
    let first = tokio::spawn(post(url.clone(), dm(0)));
    until("the writer has taken the first one", async || journal.figures().committing == 1).await;
    let late: Vec<_> = (1..=LATE).map(|number| tokio::spawn(post(url.clone(), dm(number)))).collect();
    until("the others wait behind it", async || journal.figures().queued == LATE).await;
    let waiting_since = tokio::time::Instant::now();
    until("they have waited too long", async || waiting_since.elapsed() > WAIT_MAX).await;
    other.execute_batch("COMMIT").expect("it had the lock");

    assert_eq!(first.await.expect("ends"), (200, None));
    for late in late {
        assert_eq!(late.await.expect("ends"), (503, Some("5".into())));
    }
    assert_eq!(journal.figures().rows, 1, "what was turned away is nowhere");
    assert_eq!(house.get("/readyz").await.0, 200);
    let metrics = house.metrics().await;
    assert!(metrics.contains(&format!("aura_shed_total{{reason=\"waited_too_long\"}} {LATE}")), "{metrics}");
    assert!(metrics.contains("aura_journal_queue_wait_seconds_count 1"), "{metrics}");

    for number in 1..=LATE {
        assert_eq!(post(url.clone(), dm(number)).await, (200, None));
    }
    house.settle(&["noor"]).await;
    let store = house.store("noor").await;
    let traffic = store.account_traffic(aura::domain::channel::AccountId(ACCOUNT.into())).await.expect("counted");
    assert_eq!(traffic.received, 1 + LATE as u64);
}
