//! More at once than can be done: what is turned away, what waits, and whom that concerns.

use std::time::Duration;

use aura::{
    api::ImportQuery,
    channel::instagram::signature,
    domain::Clock,
    sim::payload::{self, Of},
};
use bytes::Bytes;
use futures_util::stream;
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::{
    shop::{APP_SECRET, House},
    support::{SHOP, TestAura, until},
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
    let traffic = store
        .account_traffic(aura::domain::channel::AccountId(ACCOUNT.into()), aura::domain::Timestamp(0))
        .await
        .expect("counted");
    assert_eq!(traffic.received, 1 + LATE as u64);
}

/// A catalogue whose sender takes its time.
fn slow_source() -> (mpsc::UnboundedSender<Bytes>, impl stream::Stream<Item = std::io::Result<Bytes>> + Send + 'static)
{
    let (send, receive) = mpsc::unbounded_channel();
    let parts = stream::unfold(receive, |mut receive: mpsc::UnboundedReceiver<Bytes>| async move {
        receive.recv().await.map(|part| (Ok(part), receive))
    });
    (send, parts)
}

fn products(numbers: std::ops::Range<u32>) -> Bytes {
    let lines = numbers.map(|n| {
        format!("{{\"id\":\"scarf-{n}\",\"title\":\"Scarf {n}\",\"variants\":[{{\"price\":20,\"quantity\":3}}]}}\n")
    });
    lines.collect::<String>().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_bulk_lane_full_of_imports_dms_are_answered_and_one_import_more_is_told_to_come_again() {
    let aura = TestAura::setup().config(|config| config.queue.bulk_limit = 3).start().await;
    aura.add_tenant("other").await;
    let import = |slug: &'static str| {
        let (send, parts) = slow_source();
        let client = aura.client();
        let query = ImportQuery { source: "products.jsonl".into(), ..ImportQuery::default() };
        (send, tokio::spawn(async move { client.import(slug, &query, parts).await }))
    };
    // The shop's own import is under way and a second one waits for it; another shop's goes on beside them.
    let (shop, shop_import) = import(SHOP);
    let stored = async |slug: &str| aura.client().catalog(slug).await.expect("it answers").products;
    shop.send(products(0..1_000)).expect("it is read");
    until("a part of it is stored", async || stored(SHOP).await > 0).await;
    let (again, again_import) = import(SHOP);
    again.send(products(0..10)).expect("it is read");
    let (other, other_import) = import("other");
    other.send(products(0..1_000)).expect("it is read");
    until("the other shop's too", async || stored("other").await > 0).await;

    aura.sim.shopper("ana").writes(crate::support::ACCOUNT, "Do you have scarves?");
    aura.until_replies("ana", 1).await;

    let (_fourth, fourth_import) = import("other");
    let refused = fourth_import.await.expect("ends").expect_err("three are in the lane");
    assert_eq!((refused.code(), refused.exit_code()), ("temporary", 75));

    shop.send(products(1_000..1_500)).expect("it is read");
    drop((shop, again, other));
    assert_eq!(shop_import.await.expect("ends").expect("imported").products, 1_500);
    assert_eq!(other_import.await.expect("ends").expect("imported").products, 1_000);
    let again = again_import.await.expect("ends").expect("imported");
    assert_eq!((again.products, again.unchanged), (10, 10), "it came after the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_limited_per_address_and_webhooks_and_health_never() {
    let aura = TestAura::setup().config(|config| config.rate_limit.per_ip_per_minute = 5).start().await;
    let base = aura.webhook_url().replace("/webhooks/instagram", "");
    let client = aura::net::fixed_client().expect("a client");
    let ask = async |path: &str, forwarded_for: &str| {
        let request = client.get(format!("{base}{path}")).header("x-forwarded-for", forwarded_for);
        request.send().await.expect("it answers")
    };
    let header = |answer: &reqwest::Response, name: &str| {
        answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    };
    for remaining in ["4", "3", "2", "1", "0"] {
        let answer = ask("/nowhere", "192.0.2.1").await;
        assert_eq!(answer.status(), 404);
        assert_eq!(header(&answer, "x-ratelimit-limit").as_deref(), Some("5"));
        assert_eq!(header(&answer, "x-ratelimit-remaining").as_deref(), Some(remaining));
    }
    // Whatever the client itself has written stands before what the proxy has seen.
    let answer = ask("/nowhere", "203.0.113.77, 192.0.2.1").await;
    assert_eq!(answer.status(), 429);
    let wait: u64 = header(&answer, "retry-after").expect("it says when").parse().expect("seconds");
    assert!((1..=12).contains(&wait), "{wait}");
    assert!(header(&answer, "x-request-id").is_some());
    assert!(answer.text().await.expect("text").contains("\"rate_limited\""));
    assert_eq!(ask("/nowhere", "192.0.2.2").await.status(), 404, "another address has its own");

    for route in aura::http::PUBLIC_ROUTES {
        for _ in 0..10 {
            let answer = ask(&route.path.replace("{tenant}", SHOP), "192.0.2.1").await;
            let limited = answer.status() == 429;
            assert_eq!(limited, route.exempt.is_none(), "{} {:?}", route.path, route.exempt);
            assert_eq!(header(&answer, "x-ratelimit-limit").is_some(), route.exempt.is_none(), "{}", route.path);
        }
    }
    assert!(aura.post_signed(dm(1)).await != 429);
    let exempt: Vec<_> = aura::http::PUBLIC_ROUTES.iter().filter(|route| route.exempt.is_some()).collect();
    let exempt: Vec<_> = exempt.iter().map(|route| route.path).collect();
    let expected = ["/webhooks/instagram", "/webhooks/instagram/{tenant}", "/livez", "/readyz", "/version"];
    assert_eq!(exempt, expected, "whoever adds one here has thought about it");
}
