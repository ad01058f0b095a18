//! Products: importing, searching, showing.

use axum::{Json, body::Body, extract::State};
use futures_util::TryStreamExt;
use tokio::time::Instant;
use tokio_util::io::StreamReader;

use crate::{
    api, app,
    catalog::Format,
    http::{
        Edge, Error,
        caller::Scope,
        extract::{OfProduct, Params},
        map,
    },
};

/// Results of a search that names no limit.
const RESULTS_DEFAULT: u32 = 10;
/// The most results of a search.
const RESULTS_MAX: u32 = 100;
/// The most bytes of a search text; a shopper's message has at most 1,000.
const QUERY_BYTES_MAX: usize = 1_000;

pub async fn status(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::CatalogStatus>, Error> {
    Ok(Json(map::catalog_status(edge.app.catalog_status(&tenant).await?)))
}

/// The body is the file, and is never held whole.
pub async fn import(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::ImportQuery>,
    body: Body,
) -> Result<Json<api::ImportReport>, Error> {
    let format = match query.format.as_deref() {
        None => Format::Auto,
        Some(word) => word.parse().map_err(Error::invalid)?,
    };
    let dry_run = query.dry_run;
    let options = app::ImportOptions { format, dry_run, prune: query.prune, source_name: query.source };
    let reader = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    Ok(Json(map::import_report(edge.app.catalog_import(&tenant, reader, options).await?, dry_run)))
}

pub async fn search(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::SearchQuery>,
) -> Result<Json<api::SearchResult>, Error> {
    let began = Instant::now();
    if query.q.trim().is_empty() || query.q.len() > QUERY_BYTES_MAX {
        return Err(Error::invalid(format!("a search text has 1 to {QUERY_BYTES_MAX} bytes")));
    }
    let limit = query.limit.unwrap_or(RESULTS_DEFAULT);
    if !(1..=RESULTS_MAX).contains(&limit) {
        return Err(Error::invalid(format!("the limit is 1 to {RESULTS_MAX}, not {limit}")));
    }
    let hits = edge.app.catalog_search(&tenant, &query.q, limit as usize).await?;
    let results = hits.into_iter().map(map::hit).collect();
    Ok(Json(api::SearchResult { query: query.q, results, elapsed_ms: elapsed_ms(began) }))
}

/// Products by the beginning of their ids.
pub async fn list(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(query): Params<api::ProductQuery>,
) -> Result<Json<api::List<api::ProductName>>, Error> {
    let limit = query.limit.unwrap_or(RESULTS_MAX);
    if !(1..=RESULTS_MAX).contains(&limit) {
        return Err(Error::invalid(format!("the limit is 1 to {RESULTS_MAX}, not {limit}")));
    }
    let found = edge.app.catalog_begin(&tenant, query.begins.unwrap_or_default(), limit).await?;
    Ok(Json(map::list(found, |(key, title)| api::ProductName { product_id: key.0, title })))
}

pub async fn show(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    OfProduct(key): OfProduct,
) -> Result<Json<api::Product>, Error> {
    Ok(Json(map::product(edge.app.catalog_show(&tenant, &key).await?)))
}

/// Milliseconds since `began`, which is monotonic time: no wall clock is read.
pub(super) fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
