//! Importing a catalogue: a source on a thread of its own, fed by an async stream, and the store behind it.
//!
//! Both channels are bounded, so memory does not grow with the file and a slow disk slows the reading down.

use std::{
    io::{self, Read},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
};

use super::{Error, bulk};
use crate::{
    catalog::{self, Context, Format, Item},
    domain::{
        Clock, Timestamp,
        catalog::{Apply, ImportId, ImportSummary, PreparedProduct, Pruned, Skipped},
        tenant::Tenant,
    },
    search::Analyzer,
    store::TenantStore,
};

/// Bytes read at once from the stream.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks and batches that may wait.
const CHUNKS_WAITING: usize = 8;
const BATCHES_WAITING: usize = 2;
/// A source that sends nothing for so long has died: others wait for its place.
const STALL_MAX: Duration = Duration::from_secs(300);
/// Products, or bytes of text, handed to the store at once.
const BATCH_PRODUCTS: usize = 400;
const BATCH_BYTES: usize = 1024 * 1024;
/// Skipped rows that the report names; more are counted.
pub const SKIPPED_MAX: usize = 1_000;

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The format; [`Format::Auto`] tells it from the content.
    pub format: Format,
    /// Only tell what would change.
    pub dry_run: bool,
    /// Remove products that the source does not have. Refused when more than 30 % of the catalogue would go, or when
    /// the source could not be read as a whole.
    pub prune: bool,
    /// What to call the source in reports: a file name, an address.
    pub source_name: String,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Products stored or compared.
    pub products: u64,
    /// Rows that could not be used.
    pub skipped: u64,
}

/// A row that could not be used, as the report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// Where it stands: `line 12`.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// What an import did; with `dry_run`, what it would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// What the source was called.
    pub source: String,
    /// The format's word.
    pub format: String,
    /// Products read.
    pub products: u64,
    /// Variants read.
    pub variants: u64,
    /// New products.
    pub added: u64,
    /// Changed products.
    pub updated: u64,
    /// Products that were the same.
    pub unchanged: u64,
    /// Products removed by pruning.
    pub removed: u64,
    /// Rows that could not be used, at most [`SKIPPED_MAX`].
    pub skipped: Vec<SkippedRow>,
    /// Further such rows.
    pub skipped_more: u64,
    /// How long it took.
    pub elapsed_ms: i64,
}

/// Imports a catalogue. What is read before the source breaks off stays; nothing is pruned then.
pub async fn import(
    store: &TenantStore,
    tenant: &Tenant,
    clock: &dyn Clock,
    reader: impl AsyncRead + Send + Unpin + 'static,
    options: ImportOptions,
    progress: impl Fn(ImportProgress),
) -> Result<ImportReport, Error> {
    let started_at = clock.now();
    let (feed, chunks) = mpsc::channel(CHUNKS_WAITING);
    let (batches, mut ready) = mpsc::channel(BATCHES_WAITING);
    let feeding = tokio::spawn(pump(reader, feed));
    let context = Context { currency: tenant.currency, website: tenant.website.clone() };
    let analyzer = Analyzer::new(tenant.language);
    let format = options.format;
    let parsing =
        bulk::on_polite_thread("import", move || parse(format, Chunks::new(chunks), context, analyzer, &batches));
    let parsing = parsing.map_err(|source| Error::Temporary {
        message: "the import found no thread to read the catalogue on".into(),
        source: Some(Box::new(source)),
    })?;

    let source = options.source_name.clone();
    let id = store.begin_import(source.clone(), format.to_string(), started_at).await?;
    let mut run = Run {
        store,
        id,
        clock,
        apply: if options.dry_run { Apply::Trial } else { Apply::Really },
        report: ImportReport { source, ..ImportReport::default() },
        unknown_losses: 0,
    };
    let mut stored = Ok(());
    while let Some(batch) = ready.recv().await {
        stored = run.store_batch(batch).await;
        if stored.is_err() {
            break;
        }
        progress(run.progress());
    }
    // Whoever still reads or parses stops when its channel is gone.
    drop(ready);
    let parsed = parsing.await;
    feeding.abort();
    run.report.elapsed_ms = clock.now().since_ms(started_at);
    let complete = stored.is_ok() && matches!(parsed, Ok(Ok(_)));
    let outcome = match stored {
        Err(error) => Err(error),
        Ok(()) => match parsed {
            Ok(Ok(format)) => {
                run.report.format = format.to_string();
                if options.prune { run.prune().await } else { Ok(()) }
            }
            Ok(Err(error)) => Err(unreadable(error)),
            Err(source) => Err(Error::Failed { message: "the import stopped".into(), source: Some(Box::new(source)) }),
        },
    };
    // Rows of one product are only judged at its end, so they come late.
    run.report.skipped.sort_by_key(|row| row.at.rsplit(' ').next().and_then(|line| line.parse::<u64>().ok()));
    let finished = run.finish(started_at, complete).await;
    // The first failure is the one to tell of.
    outcome.and(finished).map(|()| run.report)
}

/// A batch on its way from the source to the store.
#[derive(Debug, Default)]
struct Batch {
    products: Vec<PreparedProduct>,
    /// Where each product began.
    at: Vec<String>,
    skipped: Vec<Skipped>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.products.len() >= BATCH_PRODUCTS || self.bytes >= BATCH_BYTES || self.skipped.len() >= BATCH_PRODUCTS
    }
}

async fn pump(mut reader: impl AsyncRead + Send + Unpin, feed: mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = tokio::time::timeout(STALL_MAX, reader.read(&mut chunk)).await;
        let next = match read.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "nothing more came"))) {
            Ok(0) => return,
            Ok(read) => {
                chunk.truncate(read);
                Ok(Bytes::from(chunk))
            }
            Err(error) => Err(error),
        };
        let broken = next.is_err();
        if feed.send(next).await.is_err() || broken {
            return;
        }
    }
}

/// The stream's chunks as a blocking reader.
struct Chunks {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Chunks {
    fn new(chunks: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { chunks, rest: Bytes::new() }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = match self.chunks.blocking_recv() {
                Some(chunk) => chunk?,
                None => return Ok(0),
            };
        }
        let length = buffer.len().min(self.rest.len());
        buffer[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

/// Reads the source to its end, on a thread of its own; gives up quietly when nobody takes the batches any more.
fn parse(
    format: Format,
    input: Chunks,
    context: Context,
    mut analyzer: Analyzer,
    batches: &mpsc::Sender<Batch>,
) -> Result<Format, catalog::Error> {
    let mut source = catalog::open(format, input, context)?;
    let mut batch = Batch::default();
    while let Some(item) = source.next_item()? {
        match item {
            Item::Product { at, product } => {
                let text = analyzer.prepare(&product);
                batch.bytes += product.description.len() + text.columns().iter().map(|c| c.len()).sum::<usize>();
                batch.products.push(PreparedProduct { product: *product, text });
                batch.at.push(at);
            }
            Item::Skipped(skipped) => batch.skipped.push(skipped),
        }
        if batch.is_full() && batches.blocking_send(std::mem::take(&mut batch)).is_err() {
            return Ok(source.format());
        }
    }
    // A closed channel means that the import has failed already and says so itself.
    let _closed = batches.blocking_send(batch);
    Ok(source.format())
}

/// One import under way.
struct Run<'a> {
    store: &'a TenantStore,
    id: ImportId,
    clock: &'a dyn Clock,
    apply: Apply,
    report: ImportReport,
    /// Rows lost of which not even the product is known.
    unknown_losses: u64,
}

impl Run<'_> {
    fn progress(&self) -> ImportProgress {
        let skipped = self.report.skipped.len() as u64 + self.report.skipped_more;
        ImportProgress { products: self.report.products, skipped }
    }

    async fn store_batch(&mut self, batch: Batch) -> Result<(), Error> {
        self.report.products += batch.products.len() as u64;
        let variants: Vec<u64> = batch.products.iter().map(|product| product.product.variants.len() as u64).collect();
        self.report.variants += variants.iter().sum::<u64>();
        let keys: Vec<_> = batch.products.iter().map(|product| product.product.key.clone()).collect();
        let counts = self.store.upsert_products(self.id, batch.products, self.clock.now(), self.apply).await?;
        self.report.added += counts.added;
        self.report.updated += counts.updated;
        self.report.unchanged += counts.unchanged;
        let mut spared = Vec::new();
        for skipped in batch.skipped {
            match &skipped.product {
                Some(key) if skipped.loses => spared.push(key.clone()),
                None if skipped.loses => self.unknown_losses += 1,
                _ => {}
            }
            self.skip(skipped.at, skipped.reason);
        }
        for place in counts.repeated {
            self.report.products -= 1;
            self.report.variants -= variants[place];
            let reason = format!("product `{}` stands further up already; this one was left out", keys[place]);
            self.skip(batch.at[place].clone(), reason);
        }
        if !spared.is_empty() {
            // A product with a bad row is not gone from the shop.
            self.store.spare_products(self.id, spared).await?;
        }
        Ok(())
    }

    fn skip(&mut self, at: String, reason: String) {
        if self.report.skipped.len() < SKIPPED_MAX {
            self.report.skipped.push(SkippedRow { at, reason });
        } else {
            self.report.skipped_more += 1;
        }
    }

    async fn prune(&mut self) -> Result<(), Error> {
        if self.unknown_losses > 0 {
            return Err(Error::Conflict {
                message: format!(
                    "nothing was removed: of {} unreadable rows it is not known which product they belong to",
                    self.unknown_losses
                ),
                hint: Some("Everything readable was imported. Correct the rows and import again with --prune.".into()),
            });
        }
        match self.store.remove_products_not_seen(self.id, self.apply).await? {
            Pruned::Removed(removed) => {
                self.report.removed = removed;
                Ok(())
            }
            Pruned::Refused { missing, stored } => Err(Error::Conflict {
                message: format!("nothing was removed: {missing} of {stored} products are not in the source"),
                hint: Some(
                    "More than 30 % would go, which looks like a broken export. What the source has was imported; \
                     check it, or set products to archived in the source instead."
                        .into(),
                ),
            }),
        }
    }

    async fn finish(&self, started_at: Timestamp, complete: bool) -> Result<(), Error> {
        let report = &self.report;
        let summary = ImportSummary {
            source: report.source.clone(),
            format: report.format.clone(),
            started_at,
            finished_at: Some(self.clock.now()),
            complete,
            products: report.products,
            variants: report.variants,
            added: report.added,
            updated: report.updated,
            unchanged: report.unchanged,
            removed: report.removed,
            skipped: self.progress().skipped,
        };
        Ok(self.store.finish_import(self.id, summary, self.apply).await?)
    }
}

fn unreadable(error: catalog::Error) -> Error {
    let hint = error.hint();
    match error {
        catalog::Error::Read(source) => Error::Temporary {
            message: "the catalogue could not be read to its end".into(),
            source: Some(Box::new(source)),
        },
        catalog::Error::Spool(_) => Error::Failed {
            message: "the import could not keep its temporary copy".into(),
            source: Some(Box::new(error)),
        },
        catalog::Error::Empty | catalog::Error::Unrecognised { .. } | catalog::Error::NoColumn { .. } => {
            Error::Invalid { message: error.to_string(), hint }
        }
    }
}

#[cfg(test)]
mod tests;
