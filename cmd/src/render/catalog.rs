//! Products, imports, and what the assistant says.

use aura::{
    api::{
        CatalogStatus, ChatAnswer, ChatReply, ImportReport, Price, Product, ProductRef, SearchResult, Usage, Variant,
    },
    terminal::{found_by, one_line},
};

use super::layout::{Grid, Look, count, or_dash};

/// Widest a title is shown in a table.
const TITLE_COLUMNS: usize = 40;
/// Skipped places that are shown; `--json` has them all.
const SKIPPED_SHOWN: usize = 10;

fn price(price: Option<&Price>) -> String {
    price.map_or_else(|| "-".into(), |price| format!("{} {}", price.amount, price.currency))
}

const fn yes(available: bool) -> &'static str {
    if available { "yes" } else { "no" }
}

pub fn search_results(found: &SearchResult, look: Look) -> String {
    let mut grid = Grid::new(look.width, &["PRODUCT", "TITLE", "PRICE", "AVAILABLE", "SCORE", "FOUND BY"])
        .right(&[2, 4])
        .whole(&[0])
        .folds(&[5, 4, 3]);
    for hit in &found.results {
        let ProductRef { product_id, title, price: at, available, .. } = &hit.product;
        let (at, score) = (price(at.as_ref()), format!("{:.3}", hit.score));
        grid.row([product_id, &look.clip(title, TITLE_COLUMNS), &at, yes(*available), &score, &found_by(&hit.words)]);
    }
    grid.finish()
}

pub fn product(product: &Product, look: Look) -> String {
    let brief = &product.brief;
    let about = look.pairs(&[
        ("product", brief.product_id.clone()),
        ("title", one_line(&brief.title)),
        ("price", price(brief.price.as_ref())),
        ("available", yes(brief.available).into()),
        ("shown to shoppers", format!("{} ({})", yes(product.visible), product.status)),
        ("brand", or_dash(product.brand.as_deref()).into()),
        ("category", or_dash(product.category.as_deref()).into()),
        ("tags", or_dash(Some(&product.tags.join(", "))).into()),
        ("url", or_dash(brief.url.as_deref()).into()),
        ("pictures", product.images.len().to_string()),
    ]);
    let description =
        if product.description.is_empty() { String::new() } else { format!("\n\n{}", product.description) };
    format!("{about}{description}\n\n{}", variants(&product.variants, look))
}

fn variants(variants: &[Variant], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["VARIANT", "SKU", "PRICE", "BEFORE", "AVAILABLE", "LEFT"])
        .right(&[2, 3, 5])
        .folds(&[3, 1]);
    for variant in variants {
        let options: Vec<_> = variant.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let name = if options.is_empty() { variant.key.clone() } else { options.join(", ") };
        let left = variant.quantity.map_or_else(|| "-".into(), |quantity| quantity.to_string());
        let (now, before) = (price(variant.price.as_ref()), price(variant.compare_at.as_ref()));
        let sku = or_dash(variant.sku.as_deref());
        grid.row([&name, sku, &now, &before, yes(variant.available), &left]);
    }
    grid.finish()
}

pub fn catalog_status(status: &CatalogStatus, look: Look) -> String {
    let imported = status.imported_at.map_or_else(|| "never".into(), |at| look.ago(at));
    let visible = count(status.visible, "is shown", "are shown");
    look.pairs(&[
        ("products", format!("{}, of which {visible} to shoppers", status.products)),
        ("variants", status.variants.to_string()),
        (
            "by state",
            format!(
                "{} active, {} unlisted, {} draft, {} archived",
                status.active, status.unlisted, status.draft, status.archived
            ),
        ),
        ("last import", imported),
        ("source", or_dash(status.source.as_deref()).into()),
        ("format", or_dash(status.format.as_deref()).into()),
    ])
}

pub fn import_report(report: &ImportReport, look: Look) -> String {
    let mut text = look.pairs(&[
        ("source", format!("{} ({})", one_line(&report.source), report.format)),
        ("products", format!("{} with {}", report.products, count(report.variants, "variant", "variants"))),
        ("added", report.added.to_string()),
        ("updated", report.updated.to_string()),
        ("unchanged", report.unchanged.to_string()),
        ("removed", report.removed.to_string()),
        ("skipped", (report.skipped.len() as u64 + report.skipped_more).to_string()),
        ("took", format!("{} ms", report.elapsed_ms)),
    ]);
    for skipped in report.skipped.iter().take(SKIPPED_SHOWN) {
        text.push_str(&format!("\n  {}: {}", one_line(&skipped.at), one_line(&skipped.reason)));
    }
    let more = report.skipped.len().saturating_sub(SKIPPED_SHOWN) as u64 + report.skipped_more;
    if more > 0 {
        let listed = report.skipped.len();
        text.push_str(&format!("\n  and {more} more; `--json` lists the first {listed}"));
    }
    text
}

/// A reply as it would reach the shopper. The products stand in the text itself; the notes name their ids.
pub fn chat_reply(reply: &ChatReply) -> String {
    let ids: Vec<_> = reply.products.iter().map(|product| one_line(&product.product_id)).collect();
    if ids.is_empty() { reply.text.clone() } else { format!("{}\n  [{}]", reply.text, ids.join(", ")) }
}

/// `(gemini:gemini-3.5-flash-lite, 900 tokens in, 160 out, 0.00053176 USD, 812 ms)`
pub fn chat_cost(answer: &ChatAnswer) -> String {
    let Usage { input_tokens, output_tokens, cost_usd } = &answer.usage;
    let used = match (input_tokens, output_tokens) {
        (0, 0) => String::new(),
        (input, output) => format!(", {input} tokens in, {output} out, {cost_usd} USD"),
    };
    format!("({}{used}, {} ms)", one_line(&answer.model), answer.elapsed_ms)
}
