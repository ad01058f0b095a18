//! Every table on narrow and wide terminals, and plain where no terminal is.

use super::{samples::*, *};

/// A table, however wide.
type Table = (&'static str, fn(Look) -> String);

const TABLES: &[Table] = &[
    ("tenants", |look| tenants(&two_tenants(), look)),
    ("accounts", |look| accounts(&[("noor".into(), an_account())], look)),
    ("secrets", |look| secrets(&[a_secret()], look)),
    ("search results", |look| search_results(&two_results(), look)),
    ("a product", |look| product(&a_product(), look)),
    ("conversations", |look| conversations(&some_conversations(), false, look)),
    ("conversations of all", |look| conversations(&some_conversations(), true, look)),
    ("a conversation", |look| conversation(&a_detail(), look)),
    ("status", |look| status(&a_status(), look, Detail { all: false, verbose: true })),
    ("models", |look| models(&some_models(), look)),
    ("a model's test", |look| model_test(&a_model_test(), look)),
    ("prices", |look| prices(&some_prices(), look)),
    ("usage", |look| usage(&some_usage(), look)),
    ("targets", |look| notify_targets(&[a_target()], look)),
    ("tests of targets", |look| notify_tests(&two_notify_tests(), look)),
    ("versions of a voice", |look| persona_versions(&two_versions(), look)),
];

fn all_at(width: Option<usize>) -> String {
    let look = Look { now: NOW, width };
    TABLES.iter().map(|(name, table)| format!("== {name}\n{}", table(look))).collect::<Vec<_>>().join("\n\n")
}

/// A word that is wider than the terminal is broken by the terminal; everything else has to fit.
#[test]
fn every_table_fits_every_width_without_ladders() {
    for width in [40, 60, 80, 100, 120] {
        for (name, table) in TABLES {
            let text = table(Look { now: NOW, width: Some(width) });
            for line in text.lines() {
                let words = line.split("  ").map(str::trim).filter(|word| !word.is_empty());
                let longest = words.map(console::measure_text_width).max().unwrap_or_default();
                let fits = console::measure_text_width(line) <= width;
                assert!(fits || longest + 24 > width, "{name} at {width}: {line}\n{text}");
                assert_eq!(line, line.trim_end(), "{name} at {width}");
            }
        }
        insta::assert_snapshot!(format!("tables_at_{width}"), all_at(Some(width)));
    }
}

#[test]
fn elsewhere_tables_have_tabs_whole_words_and_whole_moments() {
    let text = all_at(None);
    assert!(!text.contains('…') && !text.contains(" ago"), "{text}");
    assert!(text.contains("2026-11-21T09:"), "{text}");
    insta::assert_snapshot!("tables_plain", text);
}
