//! Chains are made at random, changed at one place, and the change is found.

use std::fs;

use proptest::prelude::*;
use rusqlite::{named_params, params};
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        Timestamp,
        audit::{Act, NewAudit},
        event::{EventKind, NewEvent},
    },
    store::{Control, blocking::Blocking, event, tenant::SCHEMA},
};

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const OTHER: TenantId = TenantId(Uuid::from_u128(2));

/// What one event of a chain is made from.
#[derive(Clone, Debug)]
struct Made {
    kind: usize,
    at: i64,
    correlation: Option<String>,
    number: i64,
}

fn made() -> impl Strategy<Value = Made> {
    let correlation = prop::option::of("[a-z]{1,12}");
    (0..EventKind::ALL.len(), 0..2_000_000_000_000_i64, correlation, any::<i64>())
        .prop_map(|(kind, at, correlation, number)| Made { kind, at, correlation, number })
}

fn file_of(tenant: TenantId, events: &[Made]) -> Connection {
    let mut file = Connection::open_in_memory().expect("memory");
    for script in SCHEMA.migrations {
        file.execute_batch(script).expect("the schema");
    }
    file.pragma_update(None, "user_version", SCHEMA.version()).expect("a version");
    event::claim(&file, tenant).expect("nobody's yet");
    append(&mut file, events);
    file
}

fn append(file: &mut Connection, events: &[Made]) {
    let tx = file.transaction().expect("a transaction");
    for made in events {
        let mut event = NewEvent::new(EventKind::ALL[made.kind], "bot").number("number", made.number);
        event.correlation.clone_from(&made.correlation);
        event::append(&tx, Timestamp(made.at), &event).expect("appended");
    }
    tx.commit().expect("committed");
}

fn walked(file: &Connection, marks: &[Mark]) -> Walked {
    walk(file, Kind::Events(TENANT), marks, None, &|_| {}).expect("readable")
}

fn marked(position: Position) -> Vec<Mark> {
    vec![Mark { position, source: "the checkpoint".into() }]
}

/// Changes one value of one entry by one bit.
fn flip(file: &Connection, seq: i64, column: &str, bit: u32) {
    match column {
        "version" | "at_ms" => {
            let sql = format!(
                "UPDATE event SET {column} = {column} + (1 << ?1) * iif({column} & (1 << ?1), -1, 1) WHERE seq = ?2"
            );
            file.execute(&sql, params![bit % 40, seq]).expect("changed");
        }
        "hash" => {
            let mut hash: [u8; 32] =
                file.query_row("SELECT hash FROM event WHERE seq = ?1", [seq], |row| row.get(0)).expect("a hash");
            hash[(bit / 8) as usize % 32] ^= 1 << (bit % 8);
            file.execute("UPDATE event SET hash = ?1 WHERE seq = ?2", params![hash, seq]).expect("changed");
        }
        text => {
            let sql = format!("SELECT {text} FROM event WHERE seq = ?1");
            let value: Option<String> = file.query_row(&sql, [seq], |row| row.get(0)).expect("a text");
            let mut bytes = value.unwrap_or_default().into_bytes();
            let changed = match bytes.len() {
                // A text that is missing becomes an empty one.
                0 => String::new(),
                length => {
                    bytes[bit as usize % length] ^= 1 << (bit % 7);
                    String::from_utf8(bytes).expect("seven bits")
                }
            };
            let sql = format!("UPDATE event SET {text} = ?1 WHERE seq = ?2");
            file.execute(&sql, params![changed, seq]).expect("changed");
        }
    }
}

const COLUMNS: [&str; 7] = ["version", "at_ms", "kind", "actor", "correlation", "payload", "hash"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_untouched_chain_holds_up_to_its_end(events in prop::collection::vec(made(), 0..12)) {
        let file = file_of(TENANT, &events);
        let end = walked(&file, &[]).end;
        let again = walked(&file, &marked(end));
        prop_assert_eq!(again.faults, vec![]);
        prop_assert_eq!(again.entries, events.len() as u64);
    }

    #[test]
    fn a_flipped_bit_of_any_column_is_found_at_its_entry(
        events in prop::collection::vec(made(), 1..12), at in any::<prop::sample::Index>(),
        column in prop::sample::select(&COLUMNS[..]), bit in 0..256_u32,
    ) {
        let file = file_of(TENANT, &events);
        let seq = at.index(events.len()) as i64 + 1;
        flip(&file, seq, column, bit);
        let faults = walked(&file, &[]).faults;
        prop_assert_eq!(faults.first().and_then(Fault::seq), Some(seq), "{} of {}: {:?}", column, seq, faults);
    }

    #[test]
    fn deleted_entries_are_found(events in prop::collection::vec(made(), 2..12), from in 0..12_usize, count in 1..4_usize) {
        let file = file_of(TENANT, &events);
        let from = (from % (events.len() - 1)) as i64 + 1;
        let to = (from + count as i64 - 1).min(events.len() as i64 - 1);
        file.execute("DELETE FROM event WHERE seq BETWEEN ?1 AND ?2", [from, to]).expect("deleted");
        prop_assert_eq!(walked(&file, &[]).faults, vec![Fault::Missing { from, to }]);
    }

    #[test]
    fn a_tail_that_was_cut_off_is_found_even_when_the_end_was_rewritten(
        events in prop::collection::vec(made(), 1..12), keep in 0..11_usize,
    ) {
        const REWRITE: &str = "
            UPDATE event_head SET seq = :keep, hash = coalesce((SELECT hash FROM event WHERE seq = :keep), zeroblob(32))";
        let file = file_of(TENANT, &events);
        let end = walked(&file, &[]).end;
        let keep = (keep % events.len()) as i64;
        file.execute("DELETE FROM event WHERE seq > ?1", [keep]).expect("deleted");
        // The file alone knows while its note of the end is as it was; only someone else does once it is rewritten.
        prop_assert_eq!(walked(&file, &[]).faults, vec![Fault::End { found: keep, noted: events.len() as i64 }]);
        file.execute(REWRITE, named_params! { ":keep": keep }).expect("rewritten");
        prop_assert_eq!(walked(&file, &[]).faults, vec![]);
        let cut = Fault::CutOff { source_of: "the checkpoint".into(), known: end.seq, found: keep };
        prop_assert_eq!(walked(&file, &marked(end)).faults, vec![cut]);
    }

    #[test]
    fn another_history_of_the_same_length_is_found(events in prop::collection::vec(made(), 1..8), add in 0..4_usize) {
        let end = walked(&file_of(TENANT, &events), &[]).end;
        let mut forged = events.clone();
        forged[0].number ^= 1;
        forged.extend(events.iter().take(add).cloned());
        let file = file_of(TENANT, &forged);
        prop_assert_eq!(walked(&file, &[]).faults, vec![]);
        let replaced = Fault::Replaced { source_of: "the checkpoint".into(), seq: end.seq };
        prop_assert_eq!(walked(&file, &marked(end)).faults, vec![replaced]);
    }

    #[test]
    fn an_entry_of_another_tenant_is_found(events in prop::collection::vec(made(), 1..8)) {
        let file = file_of(OTHER, &events);
        prop_assert_eq!(walked(&file, &[]).faults, vec![Fault::Foreign { owner: OTHER.to_string() }]);
        // Not even with the note of the owner rewritten: the hashes cover it.
        file.execute("UPDATE event_head SET owner = ?1", [TENANT.to_string()]).expect("rewritten");
        prop_assert_eq!(walked(&file, &[]).faults, vec![Fault::Changed { seq: 1 }]);
    }

    #[test]
    fn a_beginning_that_was_removed_holds_only_where_the_audit_log_says_so(
        events in prop::collection::vec(made(), 2..12), cut in 1..11_usize,
    ) {
        const BASE: &str = "
            UPDATE event_head SET base_seq = :cut, base_hash = (SELECT hash FROM event WHERE seq = :cut)";
        let file = file_of(TENANT, &events);
        let end = walked(&file, &[]).end;
        let cut = (cut % events.len()).max(1) as i64;
        file.execute(BASE, named_params! { ":cut": cut }).expect("noted");
        file.execute("DELETE FROM event WHERE seq <= ?1", [cut]).expect("removed");
        let hash = file.query_row("SELECT base_hash FROM event_head", [], |row| row.get(0)).expect("a hash");
        let known = Position { seq: cut, hash };
        let by = |cut| walk(&file, Kind::Events(TENANT), &marked(end), cut, &|_| {}).expect("readable").faults;
        prop_assert_eq!(by(Some(known)), vec![]);
        prop_assert_eq!(by(None), vec![Fault::Beginning { seq: cut }]);
        prop_assert_eq!(by(Some(Position { hash: [7; 32], ..known })), vec![Fault::Beginning { seq: cut }]);
    }
}

#[test]
fn entries_of_the_first_format_still_verify_and_cannot_pass_for_the_second() {
    let mut file = file_of(TENANT, &[]);
    let first = chain::Entry {
        seq: 1,
        version: 1,
        at_ms: 5,
        what: "message.received",
        actor: "shopper",
        about: None,
        payload: "{}",
    };
    let hash = chain::link("", &Position::START.hash, &first).expect("known");
    assert_eq!(
        hex::encode(hash),
        "38a372501e8168c1279dea72a23aa7359a342037054d28ed312bc08f052b7a0b",
        "the first format has changed"
    );
    const INSERT: &str = "INSERT INTO event VALUES (1, 'message.received', 1, 5, 'shopper', NULL, '{}', ?1)";
    file.execute(INSERT, [hash]).expect("inserted");
    file.execute("UPDATE event_head SET seq = 1, hash = ?1", [hash]).expect("noted");
    append(&mut file, &[Made { kind: 0, at: 9, correlation: None, number: 1 }]);
    assert_eq!(walked(&file, &[]).faults, []);
    file.execute("UPDATE event SET version = 2 WHERE seq = 1", []).expect("changed");
    assert_eq!(walked(&file, &[]).faults, [Fault::Changed { seq: 1 }]);
    file.execute("UPDATE event SET version = 3 WHERE seq = 1", []).expect("changed");
    assert_eq!(walked(&file, &[]).faults, [Fault::UnknownFormat { seq: 1, version: 3 }]);
}

#[test]
fn a_bit_that_flips_on_the_disk_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tenant.db");
    let events: Vec<_> = (0..40).map(|n| Made { kind: 0, at: n, correlation: None, number: 7_000_000 + n }).collect();
    {
        let mut file = sqlite::open_writer(&path, &SCHEMA).expect("a file");
        event::claim(&file, TENANT).expect("nobody's yet");
        append(&mut file, &events);
    }
    let check = || walk_file(&path, Kind::Events(TENANT), &[], None, &|_| {}).expect("it opens").faults;
    assert_eq!(check(), []);
    let mut bytes = fs::read(&path).expect("a file");
    let digits = b"7000020";
    let at = bytes.windows(digits.len()).position(|window| window == digits).expect("the payload of entry 21");
    bytes[at + 3] ^= 1;
    fs::write(&path, bytes).expect("written");
    assert_eq!(check(), [Fault::Changed { seq: 21 }]);
}

#[tokio::test]
async fn changed_missing_and_cut_off_entries_of_the_audit_log_are_found() {
    for (sql, fault) in [
        ("SELECT 1", None),
        ("UPDATE audit SET payload = '{\"number\":9}' WHERE seq = 2", Some(Fault::Changed { seq: 2 })),
        ("UPDATE audit SET actor = 'operator' WHERE seq = 1", Some(Fault::Changed { seq: 1 })),
        ("UPDATE audit SET tenant_id = '' WHERE seq = 1", Some(Fault::Changed { seq: 1 })),
        ("DELETE FROM audit WHERE seq = 2", Some(Fault::Missing { from: 2, to: 2 })),
        ("DELETE FROM audit WHERE seq = 3", Some(Fault::End { found: 2, noted: 3 })),
        ("UPDATE audit_head SET hash = zeroblob(32)", Some(Fault::EndHash { seq: 3 })),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.db");
        let control = Control::open(path.clone()).await.expect("a new file opens");
        for number in 0..3 {
            let entry = NewAudit::new("test.done", None).number("number", number);
            control.append_audit(Act::system(Timestamp(number)), entry).await.expect("appended");
        }
        let tamper = Connection::open(&path).expect("it opens");
        tamper.execute_batch(sql).expect("tampered with");
        let check = move || walk_file(&path, Kind::Audit, &[], None, &|_| {});
        let faults = Blocking::new().run(check).await.expect("it opens").faults;
        assert_eq!(faults, Vec::from_iter(fault), "{sql}");
    }
}
