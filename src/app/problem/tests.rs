//! One of each, and nothing where all is well.

use uuid::Uuid;

use super::*;
use crate::{
    app::{backup::Backup, models::ModelStanding, status::AccountStatus},
    domain::{
        TargetId,
        account::Account,
        channel::{AccountId, ChannelKind},
        notify::{NoticeKind, Target, TargetState, Via},
        secret::SecretName,
        tenant::{Tenant, TenantSlug},
    },
    store::{AccountTraffic, TenantCounts},
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn shop(slug: &str) -> TenantStatus {
    let tenant = tenant(slug);
    let account = Account {
        channel: ChannelKind::Instagram,
        id: AccountId("17841400000000001".into()),
        tenant: tenant.id,
        username: None,
        state: AccountState::Active,
        token_secret: SecretName::parse("instagram.token:17841400000000001").expect("a name"),
        connected_at: Timestamp(0),
    };
    TenantStatus {
        tenant,
        counts: TenantCounts::default(),
        trouble: Trouble::default(),
        lost: 0,
        unreadable: None,
        products: 92,
        targets: Vec::new(),
        models: ModelStanding::default(),
        accounts: vec![AccountStatus { account, traffic: AccountTraffic::default(), has_token: true }],
    }
}

fn a_target_nobody_reaches() -> TargetState {
    let target = Target {
        id: TargetId(Uuid::nil()),
        name: "team".parse().expect("a name"),
        via: Via::Webhook,
        shown: "hooks.example".into(),
        kinds: NoticeKind::ALL.to_vec(),
        include_text: false,
        zone: "UTC".parse().expect("a zone"),
        quiet: None,
        created_at: Timestamp(0),
    };
    let last = LastNotification {
        state: NotificationState::GivenUp,
        attempts: 9,
        created_at: Timestamp(0),
        finished_at: Some(NOW),
        error: None,
    };
    TargetState { target, waiting: 0, given_up: 1, due_at: None, last: Some(last) }
}

fn tenant(slug: &str) -> Tenant {
    let slug = TenantSlug::parse(slug).expect("a slug");
    Tenant { slug, ..crate::agent::testing::turn(&[]).tenant }
}

fn house(tenants: Vec<TenantStatus>) -> Status {
    Status {
        data_dir: "/var/lib/aura".into(),
        daemon: true,
        started_at: NOW,
        master_key: "file".into(),
        recovery_copy: None,
        last_backup: None,
        backup_age_max_ms: None,
        journal_backlog: 0,
        disk_failed: false,
        disk_full: false,
        oldest_delivery: None,
        room: Some(Room { free_bytes: 10 << 30, low_bytes: 1 << 30 }),
        logs_broken: None,
        scheduled: (0, 0),
        tenants,
        problems: Vec::new(),
    }
}

#[test]
fn a_healthy_house_has_no_problems() {
    assert_eq!(all(&house(vec![shop("noor")]), NOW), []);
}

#[test]
fn every_row_of_the_table_with_its_sentence_and_its_command() {
    let mut broken = shop("noor");
    broken.accounts[0].account.state = AccountState::Refused;
    broken.counts = TenantCounts {
        waiting: 2,
        held: 2,
        drafts: 1,
        draft_rows: 1,
        parked: 4,
        open_messages: 3,
        ..TenantCounts::default()
    };
    broken.trouble = Trouble {
        waiting_since: Some(NOW.plus_ms(-40 * 60_000)),
        open_since: Some(NOW.plus_ms(-6 * 60_000)),
        recovered: 1,
        refused: 2,
    };
    broken.lost = 1;
    broken.targets = vec![a_target_nobody_reaches()];
    let mut fresh = shop("fresh");
    (fresh.products, fresh.accounts) = (0, Vec::new());
    fresh.tenant.state = TenantState::Paused;
    let mut patient = shop("patient");
    patient.counts.waiting = 1;
    patient.trouble.waiting_since = Some(NOW.plus_ms(-60_000));
    let mut tokenless = shop("tokenless");
    tokenless.accounts[0].has_token = false;
    let mut damaged = shop("damaged");
    damaged.unreadable = Some(Unreadable::Damaged);
    let mut unreadable = shop("unreadable");
    unreadable.unreadable = Some(Unreadable::Failed("permission denied".into()));
    let mut status = house(vec![broken, fresh, patient, tokenless, damaged, unreadable]);
    status.disk_failed = true;
    status.journal_backlog = 7;
    status.oldest_delivery = Some(NOW.plus_ms(-3 * 60_000));
    status.room = Some(Room { free_bytes: 100 << 20, low_bytes: 256 << 20 });
    status.logs_broken = Some(1);
    let mut found = all(&status, NOW);
    status.backup_age_max_ms = Some(26 * 3_600_000);
    // A disk has one of three troubles at a time.
    let (mut full, mut low) = (house(Vec::new()), house(Vec::new()));
    full.disk_full = true;
    low.room = status.room;
    let mut stale = house(Vec::new());
    let backup = |age_ms: i64| Backup { made_at: NOW.plus_ms(-age_ms), bytes: 1, sha256: "ab".into() };
    (stale.backup_age_max_ms, stale.last_backup) = (Some(3_600_000), Some(backup(2 * 3_600_000)));
    let mut recent = stale.clone();
    recent.last_backup = Some(backup(3_600_000));
    assert!(all(&recent, NOW).is_empty(), "as old as it may be");
    found.extend(all(&stale, NOW));
    found.extend([full, low].iter().flat_map(|status| all(status, NOW)));
    let lines: Vec<_> = found
        .into_iter()
        .map(|it| {
            format!(
                "{:6} {:10} {}\n    {} -> {}",
                it.weight.as_str(),
                it.tenant.unwrap_or_default(),
                it.code,
                it.what,
                it.hint
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
