//! The catalogue from the command line: the same with and without a daemon, the same twice, honest about what is wrong.

use std::{fs, path::Path};

use aura::store::DataDir;
use serde_json::Value;
use tempfile::TempDir;

use crate::shop::{House, Ran, aura};

/// A sample shop, with what its README promises.
struct Sample {
    slug: &'static str,
    file: &'static str,
    currency: &'static str,
    language: &'static str,
    products: u64,
    variants: u64,
    /// A product that shoppers may see, and a question for it.
    seen: (&'static str, &'static str),
    /// Never named: id and title.
    hidden: &'static [(&'static str, &'static str)],
}

const SAMPLES: [Sample; 2] = [
    Sample {
        slug: "lindgruen",
        file: concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/catalogs/lindgruen_shopify.csv"),
        currency: "EUR",
        language: "de",
        products: 95,
        variants: 711,
        seen: ("leinenhemd-fjord", "blaues Leinenhemd"),
        hidden: &[
            ("festkleid-johanna", "Festkleid Johanna"),
            ("pullunder-karo", "Pullunder Karo"),
            ("waeschebeutel-netz-2-stueck", "Wäschebeutel Netz, 2 Stück"),
        ],
    },
    Sample {
        slug: "harbor-and-pine",
        file: concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/catalogs/harbor_and_pine.jsonl"),
        currency: "USD",
        language: "en",
        products: 96,
        variants: 374,
        seen: ("cove-linen-shirt", "blue linen shirt"),
        hidden: &[
            ("oyster-knife-set", "Oyster Knife Set"),
            ("holiday-wreath-kit", "Holiday Wreath Kit"),
            ("garden-kneeler", "Garden Kneeler"),
            ("studio-seconds-mug", "Studio Seconds Mug"),
        ],
    },
];

/// A data directory that the command itself has made, with nobody running on it.
struct Lone(TempDir);

impl Lone {
    async fn with(samples: &[Sample]) -> Self {
        let lone = Self(tempfile::tempdir().expect("a temporary folder"));
        add(&lone.dir(), samples).await;
        lone
    }

    fn dir(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    async fn aura(&self, args: &[&str]) -> Ran {
        aura(&self.dir(), args, "").await
    }

    /// Gives the command a file of this text.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    }
}

async fn add(data_dir: &Path, samples: &[Sample]) {
    for Sample { slug, currency, language, .. } in samples {
        let args = ["tenant", "add", slug, "--name", slug, "--currency", currency, "--language", language, "--json"];
        aura(data_dir, &args, "").await.json();
    }
}

/// A document without what differs from run to run.
fn steady(ran: &Ran) -> Value {
    let mut document = ran.json();
    for key in ["elapsed_ms", "imported_at"] {
        if let Some(fields) = document.as_object_mut() {
            fields.remove(key);
        }
    }
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_the_same_with_and_without_a_daemon() {
    let lone = Lone::with(&SAMPLES).await;
    let house = House::open().await;
    add(house.data_dir(), &SAMPLES).await;
    for Sample { slug, file, products, variants, seen: (key, question), .. } in &SAMPLES {
        for args in [
            &["catalog", "import", "-t", slug, file, "--dry-run", "--json"][..],
            &["catalog", "import", "-t", slug, file, "--json"],
            &["catalog", "import", "-t", slug, file, "--json"],
            &["catalog", "status", "-t", slug, "--json"],
            &["catalog", "search", "-t", slug, question, "--json"],
            &["catalog", "show", "-t", slug, key, "--json"],
        ] {
            let (alone, through) = (steady(&lone.aura(args).await), steady(&house.aura(args, "").await));
            assert_eq!(alone, through, "{args:?}");
        }
        let status = steady(&lone.aura(&["catalog", "status", "-t", slug, "--json"]).await);
        assert_eq!((status["products"].as_u64(), status["variants"].as_u64()), (Some(*products), Some(*variants)));
        let found = steady(&lone.aura(&["catalog", "search", "-t", slug, question, "--json"]).await);
        let ids: Vec<_> = found["results"].as_array().expect("a list").iter().map(|hit| &hit["product_id"]).collect();
        assert!(ids.contains(&&Value::from(*key)), "{ids:?}");
        // Whatever was found by words says by which of them.
        for hit in found["results"].as_array().expect("a list") {
            let words = hit["words"].as_array().expect("a list");
            assert!(words.is_empty() || words.iter().any(|met| !met["at"].is_null()), "{hit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_import_changes_nothing_and_says_so() {
    let lone = Lone::with(&SAMPLES).await;
    for Sample { slug, file, products, variants, .. } in &SAMPLES {
        let import = ["catalog", "import", "-t", slug, file, "--json"];
        let first = lone.aura(&import).await.json();
        let second = lone.aura(&import).await.json();
        let figures = |report: &Value| {
            ["products", "variants", "added", "updated", "unchanged", "removed"]
                .map(|key| report[key].as_u64().expect(key))
        };
        assert_eq!(figures(&first), [*products, *variants, *products, 0, 0, 0], "{first}");
        assert_eq!(figures(&second), [*products, *variants, 0, 0, *products, 0], "{second}");
        assert_eq!((&first["skipped"], &first["source"]), (&Value::Array(Vec::new()), &second["source"]));
        assert!(first["source"].as_str().is_some_and(|source| file.ends_with(source)), "{first}");
        let told = lone.aura(&import[..5]).await;
        let row =
            told.stdout.lines().find_map(|line| line.strip_prefix("unchanged")).unwrap_or_else(|| panic!("{told:?}"));
        assert_eq!(row.trim(), products.to_string(), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_pruning_removes_what_is_no_longer_named() {
    let lone = Lone::with(&SAMPLES[1..]).await;
    let Sample { slug, file, products, .. } = &SAMPLES[1];
    let count = async || lone.aura(&["catalog", "status", "-t", slug, "--json"]).await.json()["products"].as_u64();
    let dry = lone.aura(&["catalog", "import", "-t", slug, file, "--dry-run", "--json"]).await.json();
    assert_eq!(
        (dry["added"].as_u64(), dry["dry_run"].as_bool(), count().await),
        (Some(*products), Some(true), Some(0))
    );
    lone.aura(&["catalog", "import", "-t", slug, file, "--json"]).await.json();

    let text = fs::read_to_string(file).expect("the sample is here");
    let shorter = text.lines().skip(2).map(|line| format!("{line}\n")).collect::<String>();
    let shorter = lone.file("shorter.jsonl", &shorter);
    let kept = lone.aura(&["catalog", "import", "-t", slug, &shorter, "--json"]).await.json();
    assert_eq!((kept["removed"].as_u64(), count().await), (Some(0), Some(*products)));
    let pruned = lone.aura(&["catalog", "import", "-t", slug, &shorter, "--prune", "--json"]).await.json();
    assert_eq!((pruned["removed"].as_u64(), count().await), (Some(2), Some(*products - 2)));

    // A file that has lost most of the shop is a broken export, not a clearance.
    let stump = text.lines().skip(90).map(|line| format!("{line}\n")).collect::<String>();
    let stump = lone.file("stump.jsonl", &stump);
    let refused = lone.aura(&["catalog", "import", "-t", slug, &stump, "--prune", "--json"]).await;
    assert_eq!(refused.error(6)["code"], "conflict", "{refused:?}");
    assert_eq!(count().await, Some(*products - 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_read_are_named_and_the_others_come_in() {
    let lone = Lone::with(&SAMPLES[1..]).await;
    let good = |id: &str| {
        format!(r#"{{"id":"{id}","title":"A {id}","currency":"USD","variants":[{{"id":"1","price":"9.00"}}]}}"#)
    };
    let lines =
        [good("mug"), "{\"id\":\"torn".into(), good("bowl"), r#"{"id":"nameless"}"#.into(), good("mug"), good("jar")];
    let file = lone.file("some_bad.jsonl", &lines.join("\n"));
    let report = lone.aura(&["catalog", "import", "-t", "harbor-and-pine", &file, "--json"]).await.json();
    assert_eq!(report["added"].as_u64(), Some(3), "{report}");
    let skipped = report["skipped"].as_array().expect("a list");
    for line in ["2", "4", "5"] {
        let named =
            |row: &&Value| row["at"].as_str().is_some_and(|at| at.contains(line) || line == "5" && at.contains("mug"));
        let row = skipped.iter().find(named).unwrap_or_else(|| panic!("line {line} is not named: {report}"));
        assert!(row["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{report}");
    }
    assert_eq!(skipped.len(), 3, "{report}");
    let told = lone.aura(&["catalog", "import", "-t", "harbor-and-pine", &file]).await;
    assert!(skipped.iter().all(|row| told.stdout.contains(row["at"].as_str().expect("text"))), "{told:?}");
    lone.aura(&["catalog", "show", "-t", "harbor-and-pine", "jar", "--json"]).await.json();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_shoppers_is_never_found_but_can_be_shown() {
    let lone = Lone::with(&SAMPLES).await;
    for Sample { slug, file, hidden, .. } in &SAMPLES {
        lone.aura(&["catalog", "import", "-t", slug, file, "--json"]).await.json();
        for (key, title) in *hidden {
            let shown = lone.aura(&["catalog", "show", "-t", slug, key, "--json"]).await.json();
            assert_eq!((shown["title"].as_str(), shown["visible"].as_bool()), (Some(*title), Some(false)), "{shown}");
            for question in [title, key] {
                let found = lone.aura(&["catalog", "search", "-t", slug, question, "--limit", "100", "--json"]).await;
                let found = found.json();
                let ids: Vec<_> =
                    found["results"].as_array().expect("a list").iter().map(|hit| &hit["product_id"]).collect();
                assert!(!ids.contains(&&Value::from(*key)), "`{question}` finds {key}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_exit_codes_and_one_shape() {
    let lone = Lone::with(&SAMPLES[1..]).await;
    let Sample { slug, file, .. } = &SAMPLES[1];
    let (picture, folder) = (lone.file("picture.jsonl", "\u{0}\u{1}PNG"), lone.0.path().display().to_string());
    let prose = lone.file("prose.txt", "Dear shop,\nhere is our catalogue.\n");
    let cases: &[(&[&str], i32)] = &[
        (&["catalog", "import", "-t", "harbour-and-pine", file], 3),
        (&["catalog", "search", "-t", "nobody", "shirt"], 3),
        (&["catalog", "status", "-t", "nobody"], 3),
        (&["catalog", "show", "-t", slug, "no-such-product"], 3),
        (&["catalog", "import", "-t", slug, "/no/such/file.csv"], 3),
        (&["catalog", "import", "-t", slug, &folder], 2),
        (&["catalog", "import", "-t", slug, &prose], 2),
        (&["catalog", "import", "-t", slug, &picture], 2),
        (&["catalog", "import", "-t", slug, file, "--format", "papyrus"], 2),
        (&["catalog", "import", "-t", slug, "https://shop.example/products.csv"], 2),
        (&["catalog", "import", "-t", "Not A Slug", file], 2),
        (&["catalog", "search", "-t", slug, ""], 2),
        (&["catalog", "search", "-t", slug, "shirt", "--limit", "0"], 2),
        (&["catalog", "search", "shirt"], 2),
    ];
    for (args, code) in cases {
        let error = lone.aura(&[args, &["--json"][..]].concat()).await.error(*code);
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{args:?}: {error}");
        let told = lone.aura(args).await;
        assert_eq!(told.code, *code, "{told:?}");
        assert!(told.stdout.is_empty() && told.stderr.contains("error: "), "{told:?}");
    }
    let near = lone.aura(&["catalog", "status", "-t", "harbour-and-pine", "--json"]).await.error(3);
    assert!(near["hint"].as_str().is_some_and(|hint| hint.contains(slug)), "{near}");
    assert_eq!(lone.aura(&["catalog", "status", "-t", slug, "--json"]).await.json()["products"].as_u64(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_held_or_missing_is_told_apart() {
    let lone = Lone::with(&SAMPLES[1..]).await;
    let status = ["catalog", "status", "-t", SAMPLES[1].slug, "--json"];
    // Somebody works on it in their own process: no socket answers, and the lock is theirs.
    let held = DataDir::open(&lone.dir()).expect("nobody has it");
    let refused = lone.aura(&status).await;
    assert_eq!(refused.error(6)["code"], "data_dir_locked", "{refused:?}");
    drop(held);
    lone.aura(&status).await.json();
    let missing = lone.0.path().join("missing");
    let error = aura(&missing, &status, "").await.error(7);
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("aura serve")), "{error}");
    assert!(!missing.exists(), "asking has made a directory");
}
