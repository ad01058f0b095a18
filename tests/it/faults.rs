//! Every n-th thing fails once: commits, calls of the model, sends. The n-th, for n = 1, 2, … until a run meets no fault;
//! after each the daemon starts again, and what was promised holds.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use aura::{
    agent::writer::WriteError,
    api,
    fault::{self, What},
    sim::{Deliveries, Fault, Play, ScriptedModel},
};

use crate::support::{ACCOUNT, SHOP, TestAura, until};

/// More than a run of one DM can meet.
const NTH_MAX: usize = 60;

/// An Aura whose webhooks come again quickly when they are turned away, and whose model says what the catalogue bears out.
async fn start() -> (TestAura, ScriptedModel) {
    let model = ScriptedModel::new("scripted:clerk");
    model.always(|_| Play::says("Let me see."));
    let aura = TestAura::setup().model(&model).config(|config| config.models.timeout_ms = 200).start().await;
    aura.sim.deliveries(Deliveries { retry_delay: Duration::from_millis(20), ..Deliveries::default() });
    aura.until_idle().await;
    (aura, model)
}

/// Somebody asks something. Everybody is somebody new, so that each run is like the one before.
fn ask(aura: &TestAura, nth: usize) -> String {
    let name = format!("shopper-{nth}");
    aura.sim.shopper(&name).writes(ACCOUNT, &format!("Question {nth}: is the coat there?"));
    name
}

/// Has the n-th commit or begin fail `times` times, for every n; gives how many there were to fail.
async fn every(what: What, times: u64) -> usize {
    let (mut aura, _model) = start().await;
    for nth in 0..NTH_MAX {
        fault::arm(what, aura.data_dir(), nth as u64, times);
        let name = ask(&aura, nth);
        let struck = || fault::struck(what, aura.data_dir()) > 0;
        until("the fault strikes, or the run is through", async || {
            struck() || (aura.sim.replies_to(&name).len() == 1 && aura.is_idle().await)
        })
        .await;
        if !struck() {
            fault::arm(what, aura.data_dir(), u64::from(u32::MAX), 1);
            aura.until_idle().await;
            aura.end_and_judge(nth + 1).await;
            return nth;
        }
        aura = match what {
            What::Commit("sync_lost" | "sync_kept") => aura.revive().await,
            What::Commit(_) | What::Begin => aura.restart().await,
        };
        aura.until_replies(&name, 1).await;
        aura.until_idle().await;
    }
    panic!("a run of one DM met more than {NTH_MAX} faults");
}

/// The way of a DM has so many commits at least: journal, hint, messages, settled, draft, turn, claim, outcome.
const COMMITS_MIN: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_ends_the_daemon_and_loses_nothing() {
    for word in ["sync_lost", "sync_kept"] {
        let commits = every(What::Commit(word), 1).await;
        assert!(commits >= COMMITS_MIN, "{word}: {commits}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_finds_no_room_loses_nothing() {
    let commits = every(What::Commit("full"), 1).await;
    assert!(commits >= COMMITS_MIN, "{commits}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_stays_locked_loses_nothing() {
    // As often as a transaction is begun again.
    let begins = every(What::Begin, 3).await;
    assert!(begins >= COMMITS_MIN, "{begins}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_locked_for_a_moment_delays_nobody() {
    let (aura, _model) = start().await;
    fault::arm(What::Begin, aura.data_dir(), 0, 2);
    ask(&aura, 0);
    aura.until_idle().await;
    assert_eq!(fault::struck(What::Begin, aura.data_dir()), 2);
    let delivered = aura.sim.world().deliveries;
    assert!(delivered.iter().all(|delivery| delivery.status == Some(200)), "{delivered:?}");
    aura.end_and_judge(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_call_that_fails_still_gets_an_answer() {
    type Kind = (&'static str, fn() -> Play);
    let unavailable = || Play::Fail(WriteError::Unavailable { reason: "HTTP 503".into() });
    let refused = || Play::Fail(WriteError::Refused { reason: "safety".into() });
    let kinds: [Kind; 4] =
        [("unavailable", unavailable), ("refused", refused), ("silent", || Play::Hang), ("empty", || Play::says(" "))];
    let (mut aura, model) = start().await;
    let mut messages = 0;
    for (kind, play) in kinds {
        for nth in 0..NTH_MAX {
            // The first draft is one that the guard refuses, so that each run has a draft and a repair.
            let asked = model.asked().len();
            let calls = AtomicUsize::new(0);
            model.always(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
                call if call == nth => play(),
                0 => Play::says("It costs $1.00 only."),
                _ => Play::says("Let me see."),
            });
            let name = ask(&aura, messages);
            messages += 1;
            aura.until_replies(&name, 1).await;
            aura.until_idle().await;
            let calls = model.asked().len() - asked;
            if calls <= nth {
                assert_eq!(nth, 2, "{kind}: a draft and its repair can fail");
                break;
            }
        }
        aura = aura.restart().await;
        aura.until_idle().await;
    }
    aura.end_and_judge(messages).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_fails_is_made_good_and_never_doubled() {
    let kinds = [
        Fault::Cut { delivered: true },
        Fault::Cut { delivered: false },
        Fault::Http { status: 500, delivered: true },
        Fault::Http { status: 502, delivered: false },
        Fault::Garbage { delivered: true },
        Fault::SENT_BUT_REPORTED_FAILED,
        Fault::graph(2, None),
        Fault::TooMany { retry_after_s: Some(0) },
    ];
    let (mut aura, _model) = start().await;
    let mut messages = 0;
    for fault in kinds {
        for nth in 1..NTH_MAX {
            let sends = aura.sim.world().sends.len();
            aura.sim.fail_send(nth, fault);
            let name = ask(&aura, messages);
            messages += 1;
            aura.until_replies(&name, 1).await;
            aura = aura.restart().await;
            aura.until_idle().await;
            if aura.sim.world().sends.len() - sends < nth {
                assert!(nth >= 2, "{fault:?}: the first send can fail");
                aura.sim.clear_faults();
                break;
            }
        }
    }
    aura.end_and_judge(messages).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_stops_its_tenant_alone() {
    const OTHER: &str = "17841400000000002";
    let (aura, _model) = start().await;
    let file = aura.file().path().to_owned();
    aura.add_tenant("other").await;
    aura.sim.account(OTHER, "other", "IGAA-token-of-the-other");
    let account = api::Connect {
        channel: "instagram".into(),
        account_id: OTHER.into(),
        token: Some("IGAA-token-of-the-other".into()),
    };
    aura.client().connect("other", &account).await.expect("the token is good");
    fault::arm(What::Commit("damaged"), &file, 0, 1);
    ask(&aura, 0);
    until("the damage is found", async || fault::struck(What::Commit("damaged"), &file) == 1).await;
    aura.sim.shopper("ben").writes(OTHER, "Is the scarf there?");
    aura.until_replies("ben", 1).await;
    let status = aura.client().status().await.expect("the others are shown");
    assert_eq!(status.damaged_tenants, [SHOP]);
    assert_eq!(status.tenants.iter().map(|tenant| tenant.slug.as_str()).collect::<Vec<_>>(), ["other"]);
    assert!(status.journal.backlog > 0, "what came for it waits where it is durable");
    assert!(aura.sim.replies_to("shopper-0").is_empty(), "nothing of it is touched again");
    // A file put in order is taken up at the next start.
    let aura = aura.restart().await;
    aura.until_replies("shopper-0", 1).await;
    aura.until_idle().await;
}
