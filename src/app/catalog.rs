//! The catalogue, for whoever may see it: importing, looking, searching as the assistant does.

use tokio::{io::AsyncRead, time::Instant};

use super::{App, Error, ImportOptions, ImportReport, TenantCtx, caller::nearest, find, import};
use crate::domain::{
    TenantId,
    catalog::CatalogStatus,
    product::{Product, ProductKey},
    search::{Filters, Hit},
};

/// Letters that a wrong id is taken to have in common with the right one.
const NEAR_LETTERS: usize = 2;
/// Ids among which the right one is looked for.
const NEAR_MAX: u32 = 500;

impl App {
    /// Imports a catalogue from a stream, in the bulk lane, one at a time for each tenant; what is read is never held whole.
    pub async fn catalog_import(
        &self,
        tenant: &TenantCtx,
        reader: impl AsyncRead + Send + Unpin + 'static,
        options: ImportOptions,
    ) -> Result<ImportReport, Error> {
        let mut told = ToldImport::new(tenant.id());
        let outcome = self.run_import(tenant, reader, options).await;
        told.ended(&outcome);
        outcome
    }

    async fn run_import(
        &self,
        tenant: &TenantCtx,
        reader: impl AsyncRead + Send + Unpin + 'static,
        options: ImportOptions,
    ) -> Result<ImportReport, Error> {
        let _place = self.bulk.enter(tenant.id()).await?;
        tracing::info!(
            tenant.id = %tenant.id(), format = %options.format, dry_run = options.dry_run, prune = options.prune,
            "import started"
        );
        let store = self.tenant_store(tenant).await?.in_bulk();
        let report = import::import(&store, tenant.tenant(), &*self.clock, reader, options, |_| {}).await?;
        self.changed(tenant.id()).await?;
        Ok(report)
    }

    /// What the catalogue holds and where it came from.
    pub async fn catalog_status(&self, tenant: &TenantCtx) -> Result<CatalogStatus, Error> {
        Ok(self.tenant_store(tenant).await?.catalog_status().await?)
    }

    /// Searches as the assistant does: only what shoppers may see.
    pub async fn catalog_search(&self, tenant: &TenantCtx, text: &str, limit: usize) -> Result<Vec<Hit>, Error> {
        let store = self.tenant_store(tenant).await?;
        Ok(find::find(&store, tenant.tenant(), text, Filters::default(), None, limit).await?.hits)
    }

    /// One product, whether shoppers may see it or not.
    pub async fn catalog_show(&self, tenant: &TenantCtx, key: &ProductKey) -> Result<Product, Error> {
        let store = self.tenant_store(tenant).await?;
        if let Some(product) = store.product(key.clone()).await? {
            return Ok(product);
        }
        // Most typing errors leave the first letters as they are.
        let begins: String = key.0.chars().take(NEAR_LETTERS).collect();
        let around = store.products_begin(begins, NEAR_MAX).await?;
        let near = nearest(&key.0, around.iter().map(|(key, _)| key.0.as_str()));
        let hint = near.map(|near| format!("Did you mean `{near}`?"));
        Err(Error::NotFound {
            what: "product",
            name: key.to_string(),
            hint: Some(hint.unwrap_or_else(|| "`aura catalog search` finds products and shows their ids.".into())),
        })
    }

    /// Products whose ids begin so, with their titles.
    pub async fn catalog_begin(
        &self,
        tenant: &TenantCtx,
        begins: String,
        limit: u32,
    ) -> Result<Vec<(ProductKey, String)>, Error> {
        Ok(self.tenant_store(tenant).await?.products_begin(begins, limit).await?)
    }
}

/// An import whose end the log tells of, whatever it is: whoever has asked may be gone before. What went wrong is told by
/// its code alone, because its words may be the catalogue's.
struct ToldImport {
    tenant: TenantId,
    began: Instant,
    ended: bool,
}

impl ToldImport {
    fn new(tenant: TenantId) -> Self {
        Self { tenant, began: Instant::now(), ended: false }
    }

    fn ended(&mut self, outcome: &Result<ImportReport, Error>) {
        self.ended = true;
        let elapsed_ms = self.began.elapsed().as_millis() as u64;
        match outcome {
            Ok(report) => tracing::info!(
                tenant.id = %self.tenant, format = report.format, products = report.products,
                variants = report.variants, added = report.added, updated = report.updated,
                unchanged = report.unchanged, removed = report.removed,
                skipped = report.skipped.len() as u64 + report.skipped_more, elapsed_ms, "import finished"
            ),
            Err(error) => {
                tracing::warn!(tenant.id = %self.tenant, reason = error.code(), elapsed_ms, "import failed");
            }
        }
    }
}

impl Drop for ToldImport {
    fn drop(&mut self) {
        if !self.ended {
            let elapsed_ms = self.began.elapsed().as_millis() as u64;
            tracing::warn!(tenant.id = %self.tenant, reason = "abandoned", elapsed_ms, "import failed");
        }
    }
}
