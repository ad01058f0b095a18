//! The catalogue in a real file.

use std::{path::Path, sync::Arc};

use super::*;
use crate::domain::{
    Currency, Ids, Money, TenantId,
    product::{ProductStatus, Stock, Variant},
    search::SearchPlan,
};

#[derive(Debug)]
struct NoIds;

impl Ids for NoIds {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::nil()
    }
}

impl TenantStore {
    /// A tenant's store in a folder, for tests of rooms above.
    pub(crate) fn open_in(folder: &Path) -> Self {
        let path = folder.join("tenant.db");
        let shared = super::super::tenant::Shared::alone(Arc::new(NoIds));
        let file = super::super::tenant::TenantFile::create(TenantId(uuid::Uuid::nil()), &path, shared);
        Self::new(Arc::new(file.expect("a fresh file opens")))
    }
}

fn prepared(key: &str, title: &str, price: i64) -> PreparedProduct {
    let variant = Variant {
        key: "default".into(),
        sku: None,
        barcode: None,
        options: Vec::new(),
        price: Some(Money { minor: price, currency: Currency::EUR }),
        compare_at: None,
        stock: Stock::Untracked,
    };
    let product = Product {
        key: ProductKey(key.into()),
        title: title.into(),
        brand: None,
        category: None,
        tags: Vec::new(),
        description: String::new(),
        url: None,
        images: Vec::new(),
        variants: vec![variant],
        status: ProductStatus::Active,
        published: true,
        gift_card: false,
    };
    PreparedProduct { product, text: PreparedText { title: title.into(), ..PreparedText::default() } }
}

async fn import(store: &TenantStore, batch: Vec<PreparedProduct>) -> UpsertCounts {
    let id = store.begin_import("test".into(), "test".into(), Timestamp(0)).await.expect("begins");
    let counts = store.upsert_products(id, batch, Timestamp(1), Apply::Really).await.expect("stores");
    store.finish_import(id, ImportSummary::default(), Apply::Really).await.expect("ends");
    counts
}

async fn search(store: &TenantStore, words: &[&str]) -> Vec<String> {
    let words = words.iter().map(|&word| vec![word.to_owned()]).collect();
    let plan = SearchPlan { words, ..SearchPlan::default() };
    let look = move |catalogue: &CatalogueView<'_>| {
        let ids: Vec<_> = catalogue.candidates(&plan, 10)?.into_iter().map(|candidate| candidate.id).collect();
        catalogue.products(&ids)
    };
    let products = store.look_into_catalogue(look).await.expect("searches");
    products.into_iter().flatten().map(|product| product.key.0.clone()).collect()
}

async fn knows(store: &TenantStore, word: &str) -> u64 {
    let words = vec![word.to_owned()];
    let look = move |catalogue: &CatalogueView<'_>| catalogue.vocabulary(words, &[]);
    store.look_into_catalogue(look).await.expect("looks up").products_with(word)
}

#[tokio::test]
async fn a_changed_hidden_or_removed_product_leaves_index_and_vocabulary() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = TenantStore::open_in(folder.path());
    let mug = || prepared("mug", "red mug", 500);
    assert_eq!(import(&store, vec![mug(), prepared("cup", "red cup", 500)]).await.added, 2);
    assert_eq!((search(&store, &["mug"]).await, knows(&store, "red").await), (vec!["mug".to_owned()], 2));

    assert_eq!(import(&store, vec![mug()]).await.unchanged, 1);
    assert_eq!(import(&store, vec![prepared("mug", "blue mug", 500)]).await.updated, 1);
    assert_eq!((knows(&store, "red").await, knows(&store, "blue").await), (1, 1));

    let mut hidden = prepared("mug", "blue mug", 500);
    hidden.product.published = false;
    assert_eq!(import(&store, vec![hidden]).await.updated, 1);
    assert_eq!((search(&store, &["mug"]).await, knows(&store, "mug").await), (Vec::new(), 0));
    let keys = vec![ProductKey("mug".into()), ProductKey("cup".into())];
    let shown = store.products_by_key(keys).await.expect("reads");
    assert_eq!(shown.iter().map(|product| product.key.0.as_str()).collect::<Vec<_>>(), ["cup"]);
    assert!(store.product(ProductKey("mug".into())).await.expect("reads").is_some(), "still there for the shop");
    let status = store.catalog_status().await.expect("reads");
    assert_eq!((status.products, status.visible, status.active), (2, 1, 2));
}

#[tokio::test]
async fn what_is_kept_in_memory_is_what_the_file_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = TenantStore::open_in(folder.path());
    let plan = SearchPlan { words: vec![vec!["mug".to_owned()]], ..SearchPlan::default() };
    let look = async || {
        let plan = plan.clone();
        let look = move |catalogue: &CatalogueView<'_>| {
            let found = catalogue.candidates(&plan, 10)?;
            let ids: Vec<_> = found.iter().map(|candidate| candidate.id).collect();
            let words = found.iter().map(|candidate| (candidate.text.title.clone(), candidate.available));
            Ok((words.collect::<Vec<_>>(), catalogue.products(&ids)?))
        };
        let (words, products) = store.look_into_catalogue(look).await.expect("looks");
        let prices: Vec<_> = products.into_iter().flatten().map(|product| product.price_range()).collect();
        (words, prices)
    };
    let euros = |minor| Some((Money { minor, currency: Currency::EUR }, Money { minor, currency: Currency::EUR }));
    import(&store, vec![prepared("mug", "red mug", 500)]).await;
    for _ in 0..2 {
        assert_eq!(look().await, (vec![("red mug".to_owned(), true)], vec![euros(500)]), "read, then kept");
    }
    import(&store, vec![prepared("mug", "red mug", 700)]).await;
    assert_eq!(look().await.1, [euros(700)], "a new price");
    let mut sold_out = prepared("mug", "blue mug", 700);
    sold_out.product.variants[0].stock = Stock::Counted { quantity: 0, oversell: false };
    import(&store, vec![sold_out]).await;
    assert_eq!(look().await.0, [("blue mug".to_owned(), false)], "new words, and sold out");
    let id = store.begin_import("test".into(), "test".into(), Timestamp(0)).await.expect("begins");
    let others = (0..10).map(|n| prepared(&n.to_string(), "thing", 100)).collect();
    store.upsert_products(id, others, Timestamp(1), Apply::Really).await.expect("stores");
    store.remove_products_not_seen(id, Apply::Really).await.expect("prunes");
    assert_eq!(look().await, (Vec::new(), Vec::new()), "removed");
}

#[tokio::test]
async fn pruning_removes_what_was_not_seen_and_refuses_to_remove_much() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = TenantStore::open_in(folder.path());
    let all: Vec<_> = (0..10).map(|n| prepared(&n.to_string(), "thing", 100 + n)).collect();
    import(&store, all.clone()).await;
    let prune = async |kept: usize, spared: &[&str]| {
        let id = store.begin_import("test".into(), "test".into(), Timestamp(0)).await.expect("begins");
        store.upsert_products(id, all[..kept].to_vec(), Timestamp(1), Apply::Really).await.expect("stores");
        let spared = spared.iter().map(|&key| ProductKey(key.into())).collect();
        store.spare_products(id, spared).await.expect("spares");
        let trial = store.remove_products_not_seen(id, Apply::Trial).await.expect("counts");
        let real = store.remove_products_not_seen(id, Apply::Really).await.expect("prunes");
        assert_eq!(trial, real);
        store.finish_import(id, ImportSummary::default(), Apply::Really).await.expect("ends");
        real
    };
    assert_eq!(prune(6, &[]).await, Pruned::Refused { missing: 4, stored: 10 });
    assert_eq!(prune(6, &["7"]).await, Pruned::Removed(3));
    assert_eq!(knows(&store, "thing").await, 7);
    assert_eq!(search(&store, &["thing"]).await.len(), 7);
    assert_eq!(prune(0, &[]).await, Pruned::Refused { missing: 7, stored: 7 });
}

#[tokio::test]
async fn a_key_brought_twice_is_left_alone_and_a_trial_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = TenantStore::open_in(folder.path());
    let twice = vec![prepared("a", "first", 1), prepared("b", "other", 1), prepared("a", "second", 2)];
    let id = store.begin_import("test".into(), "test".into(), Timestamp(0)).await.expect("begins");
    let trial = store.upsert_products(id, twice.clone(), Timestamp(1), Apply::Trial).await.expect("compares");
    store.finish_import(id, ImportSummary::default(), Apply::Trial).await.expect("ends");
    assert_eq!((trial.added, trial.repeated.as_slice()), (2, &[2][..]));
    assert_eq!(store.catalog_status().await.expect("reads"), CatalogStatus::default());
    assert_eq!(import(&store, twice).await, trial);
    let kept = store.product(ProductKey("a".into())).await.expect("reads").expect("is there");
    assert_eq!(kept.title, "first");
}

#[tokio::test]
async fn words_that_look_like_query_syntax_are_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = TenantStore::open_in(folder.path());
    import(&store, vec![prepared("a", "shirt", 1)]).await;
    for word in ["\"", "shirt\" OR \"x", "NEAR(", "title:shirt", "*", ""] {
        assert_eq!(search(&store, &[word]).await, Vec::<String>::new(), "{word}");
    }
}
