//! What is told, in which order, and of what does not open.

use super::*;

fn finding(check: Check, verdict: Verdict) -> Finding {
    Finding::new(check, verdict, "account 17841460012345678")
}

#[test]
fn findings_come_in_the_order_of_the_checks_the_worst_first_and_fit_to_be_pasted() {
    let found = told(
        vec![
            finding(Check::BackupAge, Verdict::Ok),
            finding(Check::Channels, Verdict::Ok),
            finding(Check::Channels, Verdict::Failed),
            finding(Check::DataDirectory, Verdict::Skipped),
        ],
        None,
    );
    let order: Vec<_> = found.iter().map(|finding| (finding.check, finding.verdict)).collect();
    let (channels, failed) = (Check::Channels, Verdict::Failed);
    assert_eq!(order[1..3], [(channels, failed), (channels, Verdict::Ok)]);
    assert_eq!((order[0].0, order[3].0), (Check::DataDirectory, Check::BackupAge));
    assert!(found.iter().all(|finding| finding.what == "account 1784…"));
}

#[test]
fn every_check_has_one_name() {
    for check in Check::ALL {
        assert_eq!(Check::parse(check.as_str()), Some(*check));
    }
    assert_eq!(Check::parse("everything"), None);
}

#[test]
fn a_directory_that_is_not_there_is_a_finding_and_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("aura");
    let why = ("there is no data directory".to_owned(), Some("Start `aura serve`.".to_owned()));
    let found = without(&path, why, &[], true, None);
    assert_eq!((found[0].check, found[0].verdict), (Check::DataDirectory, Verdict::Failed));
    assert_eq!(found[0].hint.as_deref(), Some("Start `aura serve`."));
    let missing: Vec<_> =
        Check::ALL.iter().filter(|check| !found.iter().any(|finding| finding.check == **check)).collect();
    assert!(missing.is_empty(), "every check says something: {missing:?}");
    assert!(!path.exists());
}
