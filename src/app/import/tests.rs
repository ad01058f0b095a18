//! Importing and finding, over a real file.

use std::io::Cursor;

use tempfile::TempDir;

use super::*;
use crate::{
    app::{ErrorKind, find::find},
    domain::{
        Currency, Language, TenantId, Timestamp,
        event::Wanted,
        product::ProductKey,
        tenant::{TenantSlug, TenantState},
    },
};

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }
}

fn tenant(language: Language) -> Tenant {
    Tenant {
        id: TenantId(uuid::Uuid::nil()),
        slug: TenantSlug::parse("shop").expect("a slug"),
        name: "Shop".into(),
        currency: Currency::EUR,
        language,
        website: Some("https://shop.example".into()),
        state: TenantState::Active,
        standing: Default::default(),
        created_at: Timestamp(0),
    }
}

struct Shop {
    store: TenantStore,
    tenant: Tenant,
    _folder: TempDir,
}

impl Shop {
    fn new(language: Language) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { store: TenantStore::open_in(folder.path()), tenant: tenant(language), _folder: folder }
    }

    async fn import_with(&self, text: &str, options: ImportOptions) -> Result<ImportReport, Error> {
        import(&self.store, &self.tenant, &Still, Cursor::new(text.as_bytes().to_vec()), options, |_| {}).await
    }

    async fn import(&self, text: &str) -> ImportReport {
        self.import_with(text, ImportOptions::default()).await.expect("imports")
    }

    async fn find(&self, text: &str) -> (Vec<String>, Vec<String>) {
        let found = find(&self.store, &self.tenant, text, crate::domain::search::Filters::default(), None, 5)
            .await
            .expect("searches");
        let keys = |hits: Vec<crate::domain::search::Hit>| hits.into_iter().map(|hit| hit.product.key.0).collect();
        (keys(found.hits), keys(found.near))
    }

    async fn first(&self, text: &str) -> String {
        self.find(text).await.0.first().cloned().unwrap_or_default()
    }
}

const CATALOG: &str = r##"{"id":"linen-shirt","title":"Linen Shirt","brand":"Nordhavn","category":"Shirts","description":"Breathable linen with mother-of-pearl buttons.","variants":[{"sku":"LS-WHT-S","options":{"Color":"White","Size":"S"},"price":59,"quantity":4},{"sku":"LS-WHT-M","options":{"Color":"White","Size":"M"},"price":59,"quantity":0},{"sku":"LS-BLU-M","options":{"Color":"Sky Blue","Size":"M"},"price":49,"quantity":2}]}
{"id":"cotton-dress","title":"Cotton Summer Dress","category":"Dresses","variants":[{"options":{"Color":"Red","Size":"M"},"price":89,"quantity":3}]}
{"id":"linen-napkins","title":"Linen Napkins","category":"Tableware","price":19}
{"id":"wool-scarf","title":"Wool Scarf without Fringe","category":"Scarves","price":35}
{"id":"silk-scarf","title":"Silk Scarf with Fringe","category":"Scarves","price":45,"quantity":0}
{"id":"secret-shirt","title":"Secret Linen Shirt","price":10,"published":false}
{"id":"draft-shirt","title":"Draft Linen Shirt","price":10,"status":"draft"}
"##;

#[tokio::test]
async fn a_second_import_changes_nothing() {
    let shop = Shop::new(Language::En);
    let first = shop.import(CATALOG).await;
    assert_eq!((first.format.as_str(), first.products, first.variants, first.added), ("aura_jsonl", 7, 9, 7));
    let second = shop.import(CATALOG).await;
    assert_eq!((second.added, second.updated, second.unchanged, second.removed), (0, 0, 7, 0));
    let dearer = CATALOG.replace("\"price\":19", "\"price\":21");
    assert_eq!(shop.import(&dearer).await.updated, 1);
    let last = shop.store.catalog_status().await.expect("reads").last_import.expect("there was one");
    assert!(last.complete);
    assert_eq!((last.updated, last.unchanged, last.format.as_str()), (1, 6, "aura_jsonl"));
    let events = shop.store.events_after(0, Wanted::default(), 10).await.expect("reads").events;
    assert_eq!(events.iter().filter(|event| event.kind == "catalog.imported").count(), 3);
}

#[tokio::test]
async fn the_sample_exports_are_unchanged_the_second_time() {
    for file in ["shopify_legacy_apparel.csv", "shopify_template_markets.csv", "shopify_new_headers.csv"] {
        let path = format!("{}/../shared/fixtures/catalogs/{file}", env!("CARGO_MANIFEST_DIR"));
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: {file} is not here");
            continue;
        };
        let shop = Shop::new(Language::En);
        let first = shop.import(&text).await;
        let second = shop.import(&text).await;
        assert_eq!((second.added, second.updated, second.unchanged), (0, 0, first.added), "{file}");
    }
}

#[tokio::test]
async fn bad_lines_are_reported_and_a_dry_run_writes_nothing() {
    let shop = Shop::new(Language::En);
    let text = format!("{{\"id\":\"x\",\"titel\":\"X\"}}\n{CATALOG}{{\"id\":\"wool-scarf\",\"title\":\"Again\"}}\n");
    let trial = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let planned = shop.import_with(&text, trial).await.expect("tries");
    assert_eq!(shop.store.catalog_status().await.expect("reads").products, 0);
    let report = shop.import(&text).await;
    assert_eq!(planned, report, "a trial tells what will happen");
    assert_eq!((report.products, report.added), (7, 7));
    let ats: Vec<_> = report.skipped.iter().map(|row| row.at.as_str()).collect();
    assert_eq!(ats, ["line 1", "line 9"]);
}

#[tokio::test]
async fn pruning_spares_bad_rows_and_refuses_broken_sources() {
    let shop = Shop::new(Language::En);
    shop.import(CATALOG).await;
    let prune = || ImportOptions { prune: true, ..ImportOptions::default() };
    let without = |keys: &[&str]| -> String {
        let kept = |line: &&str| !keys.iter().any(|key| line.contains(&format!("\"id\":\"{key}\"")));
        CATALOG.lines().filter(kept).map(|line| format!("{line}\n")).collect()
    };
    let half = without(&["linen-shirt", "cotton-dress", "wool-scarf"]);
    let refused = shop.import_with(&half, prune()).await.expect_err("3 of 7 would go");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let garbled = format!("{}{{oops\n", without(&["wool-scarf"]));
    assert!(shop.import_with(&garbled, prune()).await.is_err(), "the unreadable line may be the scarf");
    let misspelt = format!("{}{{\"id\":\"wool-scarf\",\"titel\":\"X\"}}\n", without(&["wool-scarf", "draft-shirt"]));
    assert_eq!(shop.import_with(&misspelt, prune()).await.expect("prunes").removed, 1);
    assert!(shop.store.product(ProductKey("wool-scarf".into())).await.expect("reads").is_some());
    assert!(shop.import_with("", prune()).await.is_err(), "an empty file is no shop without products");
}

#[tokio::test]
async fn shoppers_find_products_in_their_own_words() {
    let shop = Shop::new(Language::En);
    shop.import(CATALOG).await;
    for (text, key) in [
        ("Hi! Do you have any linen shirts?", "linen-shirt"),
        ("lnien shrit", "linen-shirt"),
        ("Bonjour, avez-vous des chemises en lin ?", "linen-shirt"),
        ("Habt ihr ein Leinenhemd?", "linen-shirt"),
        ("¿Tenéis vestidos de algodón?", "cotton-dress"),
        ("Avete sciarpe di lana?", "wool-scarf"),
        ("LS-BLU-M", "linen-shirt"),
        ("blue shirt in M", "linen-shirt"),
        ("scarf without fringe", "wool-scarf"),
        ("red dress", "cotton-dress"),
        ("anything under 20?", "linen-napkins"),
    ] {
        assert_eq!(shop.first(text).await, key, "{text}");
    }
    for text in ["hello", "surfboard", "xyzzy", ""] {
        assert_eq!(shop.find(text).await, (Vec::new(), Vec::new()), "{text}");
    }
}

#[tokio::test]
async fn hidden_products_are_never_found() {
    let shop = Shop::new(Language::En);
    shop.import(CATALOG).await;
    for text in ["secret linen shirt", "draft linen shirt", "linen shirt under 20", "secret", "anything under 15"] {
        let (hits, near) = shop.find(text).await;
        let hidden = |key: &String| key == "secret-shirt" || key == "draft-shirt";
        assert!(!hits.iter().chain(&near).any(hidden), "{text}");
    }
}

#[tokio::test]
async fn what_misses_a_condition_is_only_near() {
    let shop = Shop::new(Language::En);
    shop.import(CATALOG).await;
    for (text, hit, near) in [
        ("linen shirt under 50", Some("linen-shirt"), None),
        ("linen shirt under 40", None, Some("linen-shirt")),
        ("chemise en lin à moins de 40€", None, Some("linen-shirt")),
        ("Leinenhemd bis 40 €", None, Some("linen-shirt")),
        ("linen shirt in XL", None, Some("linen-shirt")),
        ("green linen shirt", None, Some("linen-shirt")),
        ("white linen shirt under 55", None, Some("linen-shirt")),
        ("silk scarf in stock", None, Some("silk-scarf")),
        ("linen shirt between 45 and 50", Some("linen-shirt"), None),
    ] {
        let found = shop.find(text).await;
        let first = |keys: &[String]| keys.first().cloned();
        assert_eq!((first(&found.0).as_deref(), first(&found.1).as_deref()), (hit, near), "{text}: {found:?}");
    }
}

#[tokio::test]
async fn german_compounds_are_found_by_their_parts() {
    let shop = Shop::new(Language::De);
    shop.import(
        "{\"id\":\"a\",\"title\":\"Leinenhemd Küste\",\"price\":59}\n{\"id\":\"b\",\"title\":\"Sommerkleider Set\",\"price\":80}\n\
         {\"id\":\"c\",\"title\":\"Grüner Gürtel\",\"price\":20}\n",
    )
    .await;
    for (text, key) in [
        ("Habt ihr Hemden?", "a"),
        ("Hemd aus Leinen", "a"),
        ("linen shirt", "a"),
        ("ein Kleid für den Sommer", "b"),
        ("gruener Guertel", "c"),
        ("robe", "b"),
    ] {
        assert_eq!(shop.first(text).await, key, "{text}");
    }
}

#[tokio::test]
async fn both_use_cases_may_run_on_any_worker() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let shop = Shop::new(Language::En);
    let options = ImportOptions::default();
    let reader = Cursor::new(CATALOG.as_bytes());
    let report = sendable(import(&shop.store, &shop.tenant, &Still, reader, options, |_| {})).await.expect("imports");
    assert_eq!(report.added, 7);
    let found =
        sendable(find(&shop.store, &shop.tenant, "1.5 linen", crate::domain::search::Filters::default(), None, 1))
            .await
            .expect("finds");
    assert_eq!(found.plan.words.len(), 3);
}
