//! The catalogue, for whoever may see it: importing, looking, searching as the assistant does.

use tokio::io::AsyncRead;

use super::{App, Error, ImportOptions, ImportReport, TenantCtx, find, import};
use crate::domain::{
    catalog::CatalogStatus,
    product::{Product, ProductKey},
    search::Hit,
};

impl App {
    /// Imports a catalogue from a stream, in the bulk lane, one at a time for each tenant; what is read is never held whole.
    pub async fn catalog_import(
        &self,
        tenant: &TenantCtx,
        reader: impl AsyncRead + Send + Unpin + 'static,
        options: ImportOptions,
    ) -> Result<ImportReport, Error> {
        let _place = self.bulk.enter(tenant.id()).await?;
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
        Ok(find::find(&store, tenant.tenant(), text, None, limit).await?.hits)
    }

    /// One product, whether shoppers may see it or not.
    pub async fn catalog_show(&self, tenant: &TenantCtx, key: &ProductKey) -> Result<Product, Error> {
        let store = self.tenant_store(tenant).await?;
        store.product(key.clone()).await?.ok_or_else(|| Error::NotFound {
            what: "product",
            name: key.to_string(),
            hint: Some("`aura catalog search` finds products and shows their ids.".into()),
        })
    }
}
