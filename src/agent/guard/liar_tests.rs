//! The guard against thousands of drafts, over the sample catalogues and, where they are at hand, the public fixtures:
//! none with a planted claim passes, and of the honest ones hardly any is refused.
//!
//! The generator of `sim::drafts` knows what it planted and asks no guard.

use std::{collections::BTreeMap, path::Path};

use super::*;
use crate::{
    agent::{compose::Findings, rounds::Steps, writer::WriteRequest},
    domain::{Currency, Language, reply::Draft},
    sim::drafts::{Case, Claims, Frames, HonestKind, LieKind, Writer, read_catalogue},
};

/// Drafts with a lie in one run.
const LIES: usize = 10_000;
/// Honest drafts in one run.
const HONEST: usize = 5_000;
/// Drafts of each sort in fresh words.
const FRESH: usize = 4_800;
/// How often each sentence of a set is tried, each time over other products.
const ROUNDS: usize = 10;
/// Of the honest drafts in fresh words at most this share is refused.
const FRESH_ALARMS_PERCENT_MAX: usize = 2;
/// Of honest sentences that nobody has thought of this share was refused when it was measured: each costs a repair round. It
/// may only fall, and not by words taken from that set.
const UNSEEN_ALARMS_PERCENT_MAX: usize = 58;
/// Of these, in a hundred, that cost a second draft where something else is said and shown beside them; the others are left
/// out.
const UNSEEN_AGAIN_PERCENT_MAX: usize = 9;
/// Of the honest drafts at most this share may be refused.
const FALSE_ALARMS_PERCENT_MAX: usize = 2;

/// Words of a draft that is long enough to show its language plainly.
const LONG_WORDS: usize = 20;
/// Of the long ones in another language than expected so many in a hundred are noticed, at least.
const NOTICED_PERCENT_MIN: usize = 80;

/// Catalogues by file, each with the currency of a shop that would have it.
fn catalogues() -> Vec<(String, Vec<Product>)> {
    const ROOT: &str = env!("CARGO_MANIFEST_DIR");
    let own = ["testdata/catalogs/harbor_and_pine.jsonl", "testdata/catalogs/lindgruen_shopify.csv"];
    let fixtures = ["shopify_legacy_apparel.csv", "shopify_new_headers.csv", "shopify_template_markets.csv"];
    let fixtures = fixtures.map(|file| format!("../shared/fixtures/catalogs/{file}"));
    let files = own.iter().map(|file| (*file).to_owned()).chain(fixtures);
    let read = |file: String| {
        let path = Path::new(ROOT).join(&file);
        path.exists().then(|| (file, read_catalogue(&path, Currency::EUR).expect("a sample can be read")))
    };
    files.filter_map(read).collect()
}

/// One writer a catalogue; the others' products are strangers to it.
fn writers(seed: u64, frames: &Frames) -> Vec<Writer> {
    let all = catalogues();
    let of_others = |own: &str| -> Vec<Product> {
        all.iter().filter(|(file, _)| file != own).flat_map(|(_, products)| products.clone()).collect()
    };
    let speaks = |products: &[Product]| products.iter().any(|it| it.visible() && it.url.is_some());
    all.iter()
        .filter(|(_, products)| speaks(products))
        .map(|(file, products)| Writer::new(seed, frames.clone(), products.clone(), of_others(file)))
        .collect()
}

/// What the guard has against a draft of a case, after code has written its cards.
fn judged<K>(case: &Case<K>, draft: &Draft) -> Vec<Violation> {
    with_rules(case, draft, |draft, rules| check_draft(&draft.messages, &draft.products, rules))
}

/// Whether a draft goes out without a second one when it says something else besides and shows its products.
fn goes_at_once<K>(case: &Case<K>) -> bool {
    const BESIDES: &str = "Hello! Here is what I found. ";
    let mut draft = Draft { cards: case.draft.products.clone(), ..case.draft.clone() };
    draft.messages[0].insert_str(0, BESIDES);
    with_rules(case, &draft, |draft, rules| {
        check_draft(&draft.messages, &draft.products, rules).is_empty()
            || prune(&draft.messages, &draft.products, Leave::Talk, rules).is_some()
    })
}

fn with_rules<K, T>(case: &Case<K>, draft: &Draft, judge: impl FnOnce(&Draft, &Rules<'_>) -> T) -> T {
    let asked: Vec<&str> = case.asked.as_deref().into_iter().collect();
    let findings = Findings { hits: case.evidence.products.clone(), ..Findings::default() };
    let mut input = crate::agent::testing::turn(&["hm"]);
    input.now = case.evidence.read_at;
    let understanding = crate::agent::understand::understand(&input);
    let request = WriteRequest {
        input: &input,
        understanding: &understanding,
        findings: &findings,
        refused: &[],
        steps: Steps::default(),
        within: std::time::Duration::MAX,
    };
    let draft = crate::agent::compose::with_cards(request, draft.clone());
    let rules = Rules {
        evidence: &case.evidence,
        limits: Limits::Named(&[]),
        own_words: &[],
        asked: &asked,
        citations: &draft.citations,
        author: Author::Model,
    };
    judge(&draft, &rules)
}

/// Per kind: how many drafts, and how many of them were judged wrongly.
type Table<K> = BTreeMap<K, (usize, usize)>;

#[expect(clippy::print_stdout, reason = "the table is what whoever runs this with --nocapture wants to see")]
fn print<K: std::fmt::Debug>(title: &str, table: &Table<K>) {
    println!("{title}");
    for (kind, (drafts, wrong)) in table {
        println!("  {kind:<16?} {drafts:>6} drafts {wrong:>5} wrong", kind = format!("{kind:?}"));
    }
    let total = table.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    println!("  {:<16} {:>6} drafts {:>5} wrong", "all", total.0, total.1);
}

/// Lies that got out. A draft counts as caught only when the lie is refused by itself, too: what stands around it must not
/// be what gave it away.
fn lies(seed: u64, frames: &Frames, drafts: usize) -> (Table<LieKind>, Vec<String>) {
    let mut writers = writers(seed, frames);
    let count = writers.len();
    let mut table = Table::new();
    let mut out = Vec::new();
    for number in 0..drafts {
        let kind = LieKind::ALL[number % LieKind::ALL.len()];
        let case = writers[(number / LieKind::ALL.len()) % count].lie(kind);
        let row = table.entry(kind).or_insert((0, 0));
        row.0 += 1;
        if judged(&case, &case.draft).is_empty() || judged(&case, &case.planted).is_empty() {
            row.1 += 1;
            out.push(case.to_string());
        }
    }
    (table, out)
}

fn honest(seed: u64, frames: &Frames, drafts: usize) -> (Table<HonestKind>, Vec<String>) {
    let mut writers = writers(seed, frames);
    let count = writers.len();
    let mut table = Table::new();
    let mut refused = Vec::new();
    for number in 0..drafts {
        let kind = HonestKind::ALL[number % HonestKind::ALL.len()];
        let case = writers[(number / HonestKind::ALL.len()) % count].honest(kind);
        let row = table.entry(kind).or_insert((0, 0));
        row.0 += 1;
        let violations = judged(&case, &case.draft);
        if !violations.is_empty() {
            row.1 += 1;
            let reasons: Vec<String> = violations.iter().map(ToString::to_string).collect();
            refused.push(format!("{reasons:?} <- {case}"));
        }
    }
    (table, refused)
}

/// What was judged wrongly: counted by kind, and each case.
type Wrong = (Table<String>, Vec<String>);

/// Lies of a set that got out, and its honest sentences that were refused.
/// Begins a refused sentence that costs a second draft even beside the products that it speaks of.
const AGAIN: &str = "again: ";

fn claims(seed: u64, claims: &Claims, rounds: usize) -> (Wrong, Wrong) {
    let mut writers = writers(seed, &Frames::own());
    let count = writers.len();
    let (lies, honest) = claims.counts();
    let (mut out, mut refused) = ((Table::new(), Vec::new()), (Table::new(), Vec::new()));
    for number in 0..lies * rounds {
        let case = writers[(number / lies) % count].claim(claims, number);
        let row = out.0.entry(case.kind.clone()).or_insert((0, 0));
        row.0 += 1;
        if judged(&case, &case.draft).is_empty() || judged(&case, &case.planted).is_empty() {
            row.1 += 1;
            out.1.push(case.to_string());
        }
    }
    for number in 0..honest * rounds {
        let case = writers[(number / honest) % count].truth(claims, number);
        let row = refused.0.entry(case.kind.clone()).or_insert((0, 0));
        row.0 += 1;
        let violations = judged(&case, &case.draft);
        if !violations.is_empty() {
            row.1 += 1;
            let reasons: Vec<String> = violations.iter().map(ToString::to_string).collect();
            let again = if goes_at_once(&case) { "" } else { AGAIN };
            refused.1.push(format!("{again}{reasons:?} <- {case}"));
        }
    }
    (out, refused)
}

/// Up to so many wrong judgements are shown when a test fails.
const SHOWN_MAX: usize = 40;

fn shown(cases: &[String]) -> String {
    let step = cases.len().div_ceil(SHOWN_MAX).max(1);
    cases.iter().step_by(step).take(SHOWN_MAX).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn no_planted_claim_gets_out() {
    let (table, out) = lies(7, &Frames::own(), LIES);
    print("lies that got out", &table);
    assert!(out.is_empty(), "{} of {LIES} got out:\n{}", out.len(), shown(&out));
}

#[test]
fn honest_drafts_pass() {
    let (table, refused) = honest(7, &Frames::own(), HONEST);
    print("honest drafts refused", &table);
    let refused_max = HONEST * FALSE_ALARMS_PERCENT_MAX / 100;
    assert!(refused.len() <= refused_max, "{} of {HONEST} refused:\n{}", refused.len(), shown(&refused));
}

/// The same kinds of lies in other words.
#[test]
fn fresh_words_for_the_same_lies_do_not_get_out() {
    let (table, out) = lies(20_260_730, &Frames::fresh(), FRESH);
    print("fresh lies that got out", &table);
    assert!(out.is_empty(), "{} of {FRESH} got out:\n{}", out.len(), shown(&out));
    let (table, refused) = honest(20_260_730, &Frames::fresh(), FRESH);
    print("fresh honest drafts refused", &table);
    let refused_max = FRESH * FRESH_ALARMS_PERCENT_MAX / 100;
    assert!(refused.len() <= refused_max, "{} of {FRESH} refused:\n{}", refused.len(), shown(&refused));
}

/// Whatever the built-in composer says of any product of the catalogues, in every language and tone, passes.
#[test]
fn everything_that_the_composer_says_passes() {
    let asks = [
        "How much is it?",
        "Is it in stock in M?",
        "Tell me about it",
        "Was kostet das?",
        "Habt ihr das in blau?",
        "C'est disponible ?",
        "¿De qué está hecho?",
        "Quanto costa?",
    ];
    let (mut drafts, mut refused) = (0, Vec::new());
    for (number, product) in catalogues().into_iter().flat_map(|(_, products)| products).enumerate() {
        let ask = asks[number % asks.len()];
        let mut input = crate::agent::testing::turn(&[ask]);
        input.persona.tone = crate::domain::persona::Tone::ALL[number % 3];
        input.recalled = vec![product.key.clone()];
        let understanding = crate::agent::understand::understand(&input);
        let findings = Findings { meant: vec![product], ..Findings::default() };
        let evidence = findings.evidence(input.now);
        for draft in [
            crate::agent::compose::compose(&input, &understanding, &findings),
            crate::agent::compose::cards(&input, &understanding, &findings),
        ] {
            let rules = Rules {
                evidence: &evidence,
                limits: Limits::Named(&[]),
                own_words: &["Noor"],
                asked: &[ask],
                citations: &draft.citations,
                author: Author::House,
            };
            drafts += 1;
            let found = check_draft(&draft.messages, &draft.products, &rules);
            refused.extend(found.first().map(|violation| format!("{violation} in {:?} asked {ask}", draft.messages)));
        }
    }
    assert!(drafts > 300, "{drafts}");
    assert!(refused.is_empty(), "{} of {drafts} refused:\n{}", refused.len(), shown(&refused));
}

/// Claims of every kind in free words, of which the guard knows only that they are no small talk.
#[test]
fn a_claim_in_any_words_needs_a_source() {
    let ((table, out), (honest, refused)) = claims(20_261_122, &Claims::second(), ROUNDS);
    print("claims that got out", &table);
    print("honest sentences refused", &honest);
    let (lies, truths) = Claims::second().counts();
    assert!(out.is_empty(), "{} of {} got out:\n{}", out.len(), lies * ROUNDS, shown(&out));
    let refused_max = truths * ROUNDS * FRESH_ALARMS_PERCENT_MAX / 100;
    assert!(refused.len() <= refused_max, "{} of {} refused:\n{}", refused.len(), truths * ROUNDS, shown(&refused));
}

/// What to expect of words that nobody has thought of: a set that the guard was never mended with. Its lies must stay in
/// like all others; its honest sentences show what that costs.
#[test]
fn unseen_words_are_refused_rather_than_believed() {
    for (seed, set) in [(20_261_123, Claims::third()), (20_261_124, Claims::fourth())] {
        let ((table, out), (honest, refused)) = claims(seed, &set, ROUNDS);
        print("unseen claims that got out", &table);
        print("unseen honest sentences refused", &honest);
        let (lies, truths) = set.counts();
        assert!(out.is_empty(), "{} of {} got out:\n{}", out.len(), lies * ROUNDS, shown(&out));
        let refused_max = truths * ROUNDS * UNSEEN_ALARMS_PERCENT_MAX / 100;
        assert!(refused.len() <= refused_max, "{} refused:\n{}", refused.len(), shown(&refused));
        let again: Vec<String> = refused.into_iter().filter(|case| case.starts_with(AGAIN)).collect();
        print("second drafts for them beside products", &Table::from([("unseen", (truths * ROUNDS, again.len()))]));
        let again_max = truths * ROUNDS * UNSEEN_AGAIN_PERCENT_MAX / 100;
        assert!(again.len() <= again_max, "{} cost a second draft:\n{}", again.len(), shown(&again));
    }
}

/// Whether the draft of a case is taken for one in another language than this.
fn is_taken_for_another<K>(case: &Case<K>, expected: Language) -> bool {
    is_in_another_language(&case.draft, expected, &case.evidence, &[])
}

/// Honest drafts in languages that Aura speaks, with how long they are, and whether they were noticed where they are right
/// and where the next language was expected.
fn tongues() -> Vec<(String, usize, bool, bool)> {
    fn judged<K: std::fmt::Debug>(case: &Case<K>) -> (String, usize, bool, bool) {
        let next = Language::ALL[(case.language as usize + 1) % Language::ALL.len()];
        let words = case.draft.messages.iter().map(|text| text.split_whitespace().count()).sum();
        (case.to_string(), words, is_taken_for_another(case, case.language), is_taken_for_another(case, next))
    }
    let mut all = Vec::new();
    for (seed, frames) in [(20_261_125, Frames::own()), (20_261_126, Frames::fresh())] {
        let mut writers = writers(seed, &frames);
        let count = writers.len();
        for number in 0..FRESH {
            let kind = HonestKind::ALL[number % HonestKind::ALL.len()];
            all.push(judged(&writers[(number / HonestKind::ALL.len()) % count].honest(kind)));
        }
    }
    let mut writers = writers(20_261_127, &Frames::own());
    let count = writers.len();
    for set in [Claims::second(), Claims::third(), Claims::fourth()] {
        let (_, honest) = set.counts();
        for number in 0..honest * ROUNDS {
            let case = writers[(number / honest) % count].truth(&set, number);
            // A sentence may be in a language that Aura does not speak.
            if case.kind.ends_with(&format!(" {}", case.language.code())) {
                all.push(judged(&case));
            }
        }
    }
    all
}

/// What is said honestly in a language that Aura speaks is taken for no other one; in the wrong one it is noticed where there
/// is enough of it.
#[test]
fn no_honest_draft_is_taken_for_another_language() {
    let tongues = tongues();
    let wrong: Vec<String> = tongues.iter().filter(|it| it.2).map(|it| it.0.clone()).collect();
    let long: Vec<_> = tongues.iter().filter(|it| it.1 >= LONG_WORDS).collect();
    let noticed = long.iter().filter(|it| it.3).count();
    print("drafts taken for another language", &Table::from([("right", (tongues.len(), wrong.len()))]));
    print("long drafts in another language", &Table::from([("unnoticed", (long.len(), long.len() - noticed))]));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), tongues.len(), shown(&wrong));
    assert!(noticed * 100 >= long.len() * NOTICED_PERCENT_MIN, "{noticed} of {} noticed", long.len());
}
