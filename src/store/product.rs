//! The catalogue: products in one JSON column beside the columns that searches filter by.
//!
//! Only visible products are indexed; a product that is hidden or removed leaves the index and the vocabulary in the
//! same transaction.

mod body;
mod search;
mod shelf;

pub use search::CatalogueView;
pub(super) use shelf::{Shelf, Shelved};

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{Error, TenantStore, event, told};
use crate::domain::{
    Timestamp,
    catalog::{Apply, CatalogStatus, ImportId, ImportSummary, PreparedProduct, Pruned, UpsertCounts},
    event::{EventKind, NewEvent},
    product::{Product, ProductKey},
    search::PreparedText,
};

/// Products in one write transaction: about 25 ms here, so that realtime writes of the tenant get their turn.
const SLICE_PRODUCTS: usize = 400;
/// Bytes of indexed words in one write transaction, for products with very long texts (same reason).
const SLICE_BYTES: usize = 384 * 1024;
/// Pruning that would remove more than this share of the products is refused: a broken export, not a clearance.
const PRUNE_PERCENT_MAX: u64 = 30;
/// Products removed in one write transaction.
const SLICE_REMOVALS: i64 = 200;

/// Keys of an import forgotten in one write transaction (about 10 ms).
const SLICE_KEYS: i64 = 5_000;

/// An import that began longer ago than this and never ended has died.
const STALE_IMPORT_MS: i64 = 24 * 3_600_000;

/// Fewer changes than this leave the index as it is; FTS5 merges small segments by itself.
const TIDY_FROM: u64 = 2_000;
/// Pages of the index merged in one write transaction (about 20 ms).
const MERGE_PAGES: i64 = 500;

impl TenantStore {
    /// Begins an import; the id ties its batches together.
    pub async fn begin_import(&self, source: String, format: String, now: Timestamp) -> Result<ImportId, Error> {
        const SQL: &str = "
            INSERT INTO catalog_import (source, format, started_at_ms) VALUES (:source, :format, :now)
            RETURNING id";
        // What an import that died left behind.
        const STALE: &str = "
            DELETE FROM catalog_seen WHERE (import_id, key) IN
                (SELECT import_id, key FROM catalog_seen WHERE import_id NOT IN
                    (SELECT id FROM catalog_import WHERE finished_at_ms IS NULL AND started_at_ms > :old)
                 LIMIT :limit)";
        let old = now.plus_ms(-STALE_IMPORT_MS).0;
        let forget = move |tx: &Transaction<'_>| {
            tx.execute(STALE, named_params! { ":old": old, ":limit": SLICE_KEYS })
                .map_err(Error::sql("begin an import"))
        };
        while self.write_unsynced("forget an import", forget).await? > 0 {}
        self.write("begin an import", move |tx| {
            let row = named_params! { ":source": source, ":format": format, ":now": now.0 };
            tx.query_row(SQL, row, |row| row.get(0)).map(ImportId).map_err(Error::sql("begin an import"))
        })
        .await
    }

    /// Stores products, in slices: between two of them other writers of the tenant get their turn. Each slice is one
    /// transaction, durable when the import is finished (or with any other write). A key that this import has already brought is left alone and reported as repeated.
    pub async fn upsert_products(
        &self,
        import: ImportId,
        batch: Vec<PreparedProduct>,
        now: Timestamp,
        apply: Apply,
    ) -> Result<UpsertCounts, Error> {
        let mut counts = UpsertCounts::default();
        let mut rest = batch;
        let mut done = 0;
        while !rest.is_empty() {
            let later = rest.split_off(slice_end(&rest));
            let slice = std::mem::replace(&mut rest, later);
            let (first, length) = (done, slice.len());
            done += length;
            let shelved = self.shelved();
            let changed = self
                .write_unsynced("store products", move |tx| {
                    upsert_slice(tx, &shelved, import, &slice, first, now, apply)
                })
                .await?;
            counts.added += changed.added;
            counts.updated += changed.updated;
            counts.unchanged += changed.unchanged;
            counts.repeated.extend(changed.repeated);
        }
        Ok(counts)
    }

    /// Marks keys as brought by the import although their rows were unusable, so that pruning leaves them alone.
    pub async fn spare_products(&self, import: ImportId, keys: Vec<ProductKey>) -> Result<(), Error> {
        const SQL: &str = "
            INSERT INTO catalog_seen (import_id, key, brought) VALUES (:import, :key, 0)
            ON CONFLICT (import_id, key) DO NOTHING";
        self.write("spare products", move |tx| {
            let mut insert = tx.prepare_cached(SQL).map_err(Error::sql("spare products"))?;
            keys.iter().try_for_each(|key| {
                let inserted = insert.execute(named_params! { ":import": import.0, ":key": key.0 });
                inserted.map(drop).map_err(Error::sql("spare products"))
            })
        })
        .await
    }

    /// Removes what the import did not bring, unless more than 30 % of the catalogue would go.
    pub async fn remove_products_not_seen(&self, import: ImportId, apply: Apply) -> Result<Pruned, Error> {
        const COUNT: &str = "
            SELECT count(*), count(*) FILTER (WHERE NOT EXISTS
                (SELECT 1 FROM catalog_seen s WHERE s.import_id = :import AND s.key = product.key))
            FROM product";
        let (stored, missing): (u64, u64) = self
            .read("count products to prune", move |tx| {
                tx.query_row(COUNT, named_params! { ":import": import.0 }, |row| Ok((count(row, 0)?, count(row, 1)?)))
                    .map_err(Error::sql("count products to prune"))
            })
            .await?;
        if missing * 100 > stored * PRUNE_PERCENT_MAX {
            return Ok(Pruned::Refused { missing, stored });
        }
        if apply == Apply::Trial {
            return Ok(Pruned::Removed(missing));
        }
        let mut removed = 0;
        loop {
            let shelved = self.shelved();
            let slice = self.write("prune products", move |tx| prune_slice(tx, &shelved, import)).await?;
            removed += slice;
            if slice == 0 {
                return Ok(Pruned::Removed(removed));
            }
        }
    }

    /// Records how the import ended, and appends the event when it really ran. Tidies the index before, in slices.
    pub async fn finish_import(&self, import: ImportId, summary: ImportSummary, apply: Apply) -> Result<(), Error> {
        if apply == Apply::Really && summary.added + summary.updated + summary.removed >= TIDY_FROM {
            let mut pages = -MERGE_PAGES;
            while self.write_unsynced("merge the index", move |tx| merge(tx, pages)).await? {
                pages = MERGE_PAGES;
            }
        }
        const SEEN: &str = "
            DELETE FROM catalog_seen WHERE import_id = :import AND key IN
                (SELECT key FROM catalog_seen WHERE import_id = :import LIMIT :limit)";
        let forget = move |tx: &Transaction<'_>| {
            tx.execute(SEEN, named_params! { ":import": import.0, ":limit": SLICE_KEYS })
                .map_err(Error::sql("finish an import"))
        };
        while self.write_unsynced("forget an import", forget).await? > 0 {}
        self.write("finish an import", move |tx| match apply {
            Apply::Really => record_result(tx, import, &summary),
            Apply::Trial => tx
                .execute("DELETE FROM catalog_import WHERE id = :import", named_params! { ":import": import.0 })
                .map(drop)
                .map_err(Error::sql("finish an import")),
        })
        .await
    }

    /// The visible ones among `keys`, in their order.
    pub async fn products_by_key(&self, keys: Vec<ProductKey>) -> Result<Vec<Product>, Error> {
        self.read("read products", move |tx| {
            let products = keys.iter().map(|key| one(tx, key, true));
            products.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// The product with this key, whatever its status.
    pub async fn product(&self, key: ProductKey) -> Result<Option<Product>, Error> {
        self.read("read a product", move |tx| one(tx, &key, false)).await
    }

    /// Keys that begin so, with the titles, whatever their status; in the order of the keys.
    pub async fn products_begin(&self, begins: String, limit: u32) -> Result<Vec<(ProductKey, String)>, Error> {
        const SQL: &str = "
            SELECT key, coalesce(body ->> '$.title', '') FROM product
            WHERE key >= :begins AND substr(key, 1, length(:begins)) = :begins ORDER BY key LIMIT :limit";
        self.read("list products", move |tx| {
            let row = named_params! { ":begins": begins, ":limit": limit };
            let list = || -> rusqlite::Result<Vec<(ProductKey, String)>> {
                let read = |row: &rusqlite::Row<'_>| Ok((ProductKey(row.get(0)?), row.get(1)?));
                tx.prepare_cached(SQL)?.query_map(row, read)?.collect()
            };
            list().map_err(Error::sql("list products"))
        })
        .await
    }

    /// What the catalogue holds and how the newest import went.
    pub async fn catalog_status(&self) -> Result<CatalogStatus, Error> {
        self.read("read the catalogue's state", status).await
    }
}

/// Merges some pages of the index into larger segments; `false` when nothing is left to merge. A negative number of
/// pages begins the merging of everything.
fn merge(tx: &Transaction<'_>, pages: i64) -> Result<bool, Error> {
    let before = tx.total_changes();
    tx.prepare_cached("INSERT INTO product_text (product_text, rank) VALUES ('merge', :pages)")
        .and_then(|mut merge| merge.execute(named_params! { ":pages": pages }))
        .map_err(Error::sql("merge the index"))?;
    // FTS5: fewer than two changed rows mean that there was nothing to do.
    Ok(tx.total_changes() - before >= 2)
}

fn slice_end(batch: &[PreparedProduct]) -> usize {
    let mut bytes = 0;
    let fits = |prepared: &&PreparedProduct| {
        bytes += prepared.text.columns().iter().map(|column| column.len()).sum::<usize>();
        bytes <= SLICE_BYTES
    };
    batch.iter().take(SLICE_PRODUCTS).take_while(fits).count().max(1)
}

fn upsert_slice(
    tx: &Transaction<'_>,
    shelved: &Shelved,
    import: ImportId,
    slice: &[PreparedProduct],
    first: usize,
    now: Timestamp,
    apply: Apply,
) -> Result<UpsertCounts, Error> {
    const KNOWN: &str = "SELECT id, hash, visible FROM product WHERE key = :key";
    let mut counts = UpsertCounts::default();
    let mut index = IndexChanges::default();
    let mut changes = false;
    for (place, prepared) in (first..).zip(slice) {
        let key = &prepared.product.key.0;
        if !see(tx, import, key)? {
            counts.repeated.push(place);
            continue;
        }
        let body = body::write(&prepared.product)?;
        let hash = body::hash(prepared, &body);
        let known: Option<(i64, Vec<u8>, bool)> = tx
            .prepare_cached(KNOWN)
            .and_then(|mut select| {
                let row = named_params! { ":key": key };
                select.query_row(row, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
            })
            .map_err(Error::sql("look a product up"))?;
        match &known {
            Some((_, stored, _)) if *stored == hash => counts.unchanged += 1,
            Some(_) => counts.updated += 1,
            None => counts.added += 1,
        }
        if apply == Apply::Trial || known.as_ref().is_some_and(|(_, stored, _)| *stored == hash) {
            continue;
        }
        if !changes {
            told::hold(shelved.change());
            changes = true;
        }
        let id = put(tx, known.as_ref().map(|(id, ..)| *id), prepared, &body, &hash, now)?;
        let was_visible = known.is_some_and(|(_, _, visible)| visible);
        index.change(tx, id, was_visible, prepared.product.visible().then_some(&prepared.text))?;
    }
    index.apply(tx)?;
    Ok(counts)
}

/// Notes that the import brought `key`; `false` if it had before.
fn see(tx: &Transaction<'_>, import: ImportId, key: &str) -> Result<bool, Error> {
    const SQL: &str = "
        INSERT INTO catalog_seen (import_id, key, brought) VALUES (:import, :key, 1)
        ON CONFLICT (import_id, key) DO UPDATE SET brought = 1 WHERE brought = 0";
    tx.prepare_cached(SQL)
        .and_then(|mut insert| insert.execute(named_params! { ":import": import.0, ":key": key }))
        .map(|inserted| inserted == 1)
        .map_err(Error::sql("note an imported product"))
}

/// Writes the product's row. Not `ON CONFLICT … RETURNING`: that opens a temporary table per row and costs five times
/// as much.
fn put(
    tx: &Transaction<'_>,
    known: Option<i64>,
    prepared: &PreparedProduct,
    body: &str,
    hash: &[u8],
    now: Timestamp,
) -> Result<i64, Error> {
    const INSERT: &str = "
        INSERT INTO product (id, key, hash, visible, available, currency, price_low, price_high, status, variants,
            changed_at_ms, body)
        VALUES (:id, :key, :hash, :visible, :available, :currency, :price_low, :price_high, :status, :variants, :now,
            :body)";
    const UPDATE: &str = "
        UPDATE product SET key = :key, hash = :hash, visible = :visible, available = :available, currency = :currency,
            price_low = :price_low, price_high = :price_high, status = :status, variants = :variants,
            changed_at_ms = :now, body = :body
        WHERE id = :id";
    let product = &prepared.product;
    let range = product.price_range();
    let row = named_params! {
        ":id": known, ":key": product.key.0, ":hash": hash, ":visible": product.visible(),
        ":available": product.available(), ":currency": product.currency().map(|currency| currency.code()),
        ":price_low": range.map(|(low, _)| low.minor), ":price_high": range.map(|(_, high)| high.minor),
        ":status": body::status_word(product.status), ":variants": product.variants.len() as i64,
        ":now": now.0, ":body": body,
    };
    let sql = if known.is_some() { UPDATE } else { INSERT };
    tx.prepare_cached(sql).and_then(|mut put| put.execute(row)).map_err(Error::sql("store a product"))?;
    Ok(known.unwrap_or_else(|| tx.last_insert_rowid()))
}

/// Changes to the index, gathered over a slice and written together, after everything else.
///
/// FTS5 keeps new text in memory until the commit, unless a statement that can fail half-way (an upsert is one) comes
/// in between: SQLite then sets a savepoint, and FTS5 writes a segment of its own for the few words it has.
#[derive(Default)]
struct IndexChanges<'a> {
    gone: Vec<i64>,
    new: Vec<(i64, &'a PreparedText)>,
    words: WordChanges,
}

impl<'a> IndexChanges<'a> {
    /// Brings the index from what it holds of the product to `text`; `None` takes the product out.
    fn change(
        &mut self,
        tx: &Transaction<'_>,
        id: i64,
        indexed: bool,
        text: Option<&'a PreparedText>,
    ) -> Result<(), Error> {
        if indexed {
            let old = search::text_of(tx, id)?;
            if text == Some(&old) {
                return Ok(());
            }
            self.words.count(&old, -1);
            self.gone.push(id);
        }
        if let Some(text) = text {
            self.words.count(text, 1);
            self.new.push((id, text));
        }
        Ok(())
    }

    fn apply(self, tx: &Transaction<'_>) -> Result<(), Error> {
        const DELETE: &str = "DELETE FROM product_text WHERE rowid = :id";
        const INSERT: &str = "
            INSERT INTO product_text (rowid, title, brand, category, options, description)
            VALUES (:id, :title, :brand, :category, :options, :description)";
        self.words.apply(tx)?;
        for id in self.gone {
            tx.prepare_cached(DELETE)
                .and_then(|mut delete| delete.execute(named_params! { ":id": id }))
                .map_err(Error::sql("take a product out of the index"))?;
        }
        for (id, text) in self.new {
            let row = named_params! {
                ":id": id, ":title": text.title, ":brand": text.brand, ":category": text.category,
                ":options": text.options, ":description": text.description,
            };
            tx.prepare_cached(INSERT)
                .and_then(|mut insert| insert.execute(row))
                .map_err(Error::sql("index a product"))?;
        }
        Ok(())
    }
}

/// Changes to the vocabulary, gathered over a slice: most words stand in many products.
#[derive(Default)]
struct WordChanges {
    /// The change of each word's count, and the last text that had it.
    words: HashMap<String, (i64, u64)>,
    texts: u64,
}

impl WordChanges {
    fn count(&mut self, text: &PreparedText, change: i64) {
        self.texts += 1;
        for word in text.words() {
            match self.words.get_mut(word) {
                // However often a text has a word, it counts once.
                Some((_, last)) if *last == self.texts => {}
                Some((count, last)) => (*count, *last) = (*count + change, self.texts),
                None => drop(self.words.insert(word.to_owned(), (change, self.texts))),
            }
        }
    }

    fn apply(self, tx: &Transaction<'_>) -> Result<(), Error> {
        const COUNT: &str = "
            INSERT INTO product_word (word, products) VALUES (:word, :change)
            ON CONFLICT (word) DO UPDATE SET products = products + excluded.products";
        const FORGET: &str = "DELETE FROM product_word WHERE word = :word AND products <= 0";
        let mut changes: Vec<_> = self
            .words
            .into_iter()
            .map(|(word, (change, _))| (word, change))
            .filter(|(_, change)| *change != 0)
            .collect();
        changes.sort_unstable(); // neighbours in the table: fewer pages to find
        let apply = || -> Result<(), rusqlite::Error> {
            let mut count = tx.prepare_cached(COUNT)?;
            let mut forget = tx.prepare_cached(FORGET)?;
            for (word, change) in &changes {
                count.execute(named_params! { ":word": word, ":change": change })?;
                if *change < 0 {
                    forget.execute(named_params! { ":word": word })?;
                }
            }
            Ok(())
        };
        apply().map_err(Error::sql("count words"))
    }
}

fn prune_slice(tx: &Transaction<'_>, shelved: &Shelved, import: ImportId) -> Result<u64, Error> {
    const GONE: &str = "
        SELECT id, visible FROM product
        WHERE NOT EXISTS (SELECT 1 FROM catalog_seen s WHERE s.import_id = :import AND s.key = product.key)
        LIMIT :limit";
    const DELETE: &str = "DELETE FROM product WHERE id = :id";
    let gone: Vec<(i64, bool)> = tx
        .prepare_cached(GONE)
        .and_then(|mut select| {
            let row = named_params! { ":import": import.0, ":limit": SLICE_REMOVALS };
            select.query_map(row, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(Error::sql("find products to prune"))?;
    if !gone.is_empty() {
        told::hold(shelved.change());
    }
    let mut index = IndexChanges::default();
    for &(id, visible) in &gone {
        index.change(tx, id, visible, None)?;
        tx.prepare_cached(DELETE)
            .and_then(|mut delete| delete.execute(named_params! { ":id": id }))
            .map_err(Error::sql("remove a product"))?;
    }
    index.apply(tx)?;
    Ok(gone.len() as u64)
}

fn record_result(tx: &Transaction<'_>, import: ImportId, summary: &ImportSummary) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE catalog_import SET format = :format, finished_at_ms = :finished, complete = :complete,
            products = :products, variants = :variants, added = :added, updated = :updated, unchanged = :unchanged,
            removed = :removed, skipped = :skipped
        WHERE id = :import";
    let finished = summary.finished_at.unwrap_or(summary.started_at);
    let row = named_params! {
        ":import": import.0, ":format": summary.format, ":finished": finished.0, ":complete": summary.complete,
        ":products": signed(summary.products), ":variants": signed(summary.variants), ":added": signed(summary.added),
        ":updated": signed(summary.updated), ":unchanged": signed(summary.unchanged), ":removed": signed(summary.removed),
        ":skipped": signed(summary.skipped),
    };
    tx.execute(SQL, row).map_err(Error::sql("record an import"))?;
    let event = NewEvent::new(EventKind::CatalogImported, "operator")
        .number("import", import.0)
        .number("products", signed(summary.products))
        .number("added", signed(summary.added))
        .number("updated", signed(summary.updated))
        .number("unchanged", signed(summary.unchanged))
        .number("removed", signed(summary.removed))
        .number("skipped", signed(summary.skipped))
        .flag("complete", summary.complete);
    event::append(tx, finished, &event).map(drop)
}

/// A count as SQLite keeps it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as SQLite gave it.
fn count(row: &Row<'_>, place: usize) -> Result<u64, rusqlite::Error> {
    row.get(place).map(|count: i64| u64::try_from(count).unwrap_or(0))
}

fn one(tx: &Transaction<'_>, key: &ProductKey, visible_only: bool) -> Result<Option<Product>, Error> {
    const SQL: &str = "SELECT status, body FROM product WHERE key = :key AND (visible = 1 OR :visible_only = 0)";
    let found: Option<(String, String)> = tx
        .prepare_cached(SQL)
        .and_then(|mut select| {
            let row = named_params! { ":key": key.0, ":visible_only": visible_only };
            select.query_row(row, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(Error::sql("read a product"))?;
    found.map(|(status, json)| body::read(key.0.clone(), &status, &json)).transpose()
}

fn status(tx: &Transaction<'_>) -> Result<CatalogStatus, Error> {
    const COUNTS: &str = "
        SELECT count(*), coalesce(sum(visible), 0), coalesce(sum(variants), 0), count(*) FILTER (WHERE status = 'active'),
            count(*) FILTER (WHERE status = 'unlisted'), count(*) FILTER (WHERE status = 'draft'),
            count(*) FILTER (WHERE status = 'archived')
        FROM product";
    const LAST: &str = "
        SELECT source, format, started_at_ms, finished_at_ms, complete, products, variants, added, updated, unchanged,
            removed, skipped
        FROM catalog_import ORDER BY id DESC LIMIT 1";
    let read = || -> Result<CatalogStatus, rusqlite::Error> {
        let last_import = tx
            .query_row(LAST, [], |row| {
                Ok(ImportSummary {
                    source: row.get(0)?,
                    format: row.get(1)?,
                    started_at: Timestamp(row.get(2)?),
                    finished_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                    complete: row.get(4)?,
                    products: count(row, 5)?,
                    variants: count(row, 6)?,
                    added: count(row, 7)?,
                    updated: count(row, 8)?,
                    unchanged: count(row, 9)?,
                    removed: count(row, 10)?,
                    skipped: count(row, 11)?,
                })
            })
            .optional()?;
        tx.query_row(COUNTS, [], |row| {
            Ok(CatalogStatus {
                products: count(row, 0)?,
                visible: count(row, 1)?,
                variants: count(row, 2)?,
                active: count(row, 3)?,
                unlisted: count(row, 4)?,
                draft: count(row, 5)?,
                archived: count(row, 6)?,
                last_import,
            })
        })
    };
    read().map_err(Error::sql("read the catalogue's state"))
}

#[cfg(test)]
mod tests;
