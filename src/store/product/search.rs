//! Candidates for a question: the rarest word AND (OR of the rest), widened only while too few are found.

use std::{fmt, sync::Arc};

use rusqlite::{OptionalExtension, ToSql, Transaction, named_params};

use super::{
    super::Error,
    TenantStore, body, count,
    shelf::{Reading, Words},
};
use crate::domain::{
    product::Product,
    search::{Around, Candidate, KnownWord, PreparedText, SearchPlan, Vocabulary},
};

/// Fewer candidates than this widen the question (facts: beyond 50 the ranking gains nothing).
const WIDEN_BELOW: usize = 50;
/// The most words looked at around one that may be misspelt.
const SIMILAR_MAX: u32 = 20_000;
/// BM25 weights of title, brand, category, options, description, measured on two judged catalogues.
const RANK: &str = "-bm25(product_text, 2.5, 0.3, 1.0, 0.8, 0.6)";

/// The catalogue as it stands at one moment: a search asks it several times, and nothing changes in between.
pub struct CatalogueView<'a> {
    tx: &'a Transaction<'a>,
    /// About how many products there are.
    products: u64,
    /// What is kept in memory of the same moment.
    shelf: Option<Reading>,
}

impl fmt::Debug for CatalogueView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogueView").field("products", &self.products).finish_non_exhaustive()
    }
}

impl TenantStore {
    /// Runs `look` over the catalogue of one moment, on a thread of its own.
    pub async fn look_into_catalogue<T, F>(&self, look: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&CatalogueView<'_>) -> Result<T, Error> + Send + 'static,
    {
        let shelved = self.shelved();
        self.read("search the catalogue", move |tx| {
            let shelf = shelved.reading();
            // The snapshot is taken with the first read.
            let products = products_about(tx)?;
            look(&CatalogueView { tx, products, shelf: shelf.filter(Reading::still_holds) })
        })
        .await
    }
}

impl CatalogueView<'_> {
    /// Looks words up, and gathers the words around those that may be misspelt.
    pub fn vocabulary(&self, exact: Vec<String>, around: &[Around]) -> Result<Vocabulary, Error> {
        let tx = self.tx;
        let mut vocabulary = Vocabulary { products: self.products, ..Vocabulary::default() };
        for word in exact {
            let products = products_with(tx, &word)?;
            if products > 0 {
                vocabulary.known.push(KnownWord { word, products });
            }
        }
        for around in around {
            vocabulary.similar.extend(similar(tx, around)?);
        }
        Ok(vocabulary)
    }

    /// The visible products that fit a plan best by their words, at most `limit`, best first. Prices and availability
    /// are kept here; sizes and colours only as words, so the caller checks them on the variants.
    pub fn candidates(&self, plan: &SearchPlan, limit: usize) -> Result<Vec<Candidate>, Error> {
        let found = select(self.tx, plan, limit)?;
        let words = self.words(&found.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
        let candidate = |((id, bm25), Words { available, text })| Candidate { id, available, text, bm25 };
        Ok(found.into_iter().zip(words).map(candidate).collect())
    }

    /// What the ranking looks at, in the order of `ids`.
    fn words(&self, ids: &[i64]) -> Result<Vec<Words>, Error> {
        let mut kept = match &self.shelf {
            Some(shelf) => shelf.words(ids.iter().copied()),
            None => vec![None; ids.len()],
        };
        // By their numbers: neighbours in the table are on one page.
        let mut missing: Vec<usize> = (0..ids.len()).filter(|place| kept[*place].is_none()).collect();
        missing.sort_unstable_by_key(|place| ids[*place]);
        let mut read = Vec::with_capacity(missing.len());
        for place in missing {
            let words = words_of(self.tx, ids[place])?;
            read.push((ids[place], words.clone()));
            kept[place] = Some(words);
        }
        if let Some(shelf) = self.shelf.as_ref().filter(|_| !read.is_empty()) {
            shelf.keep_words(read);
        }
        Ok(kept.into_iter().flatten().collect())
    }

    /// Candidates' products, in their order. One that is hidden is `None`.
    pub fn products(&self, ids: &[i64]) -> Result<Vec<Option<Arc<Product>>>, Error> {
        ids.iter().map(|id| self.product(*id)).collect()
    }

    fn product(&self, id: i64) -> Result<Option<Arc<Product>>, Error> {
        let Some(shelf) = &self.shelf else { return Ok(product(self.tx, id)?.map(Arc::new)) };
        if let Some(kept) = shelf.product(id) {
            return Ok(Some(kept));
        }
        let read = product(self.tx, id)?.map(Arc::new);
        if let Some(product) = &read {
            shelf.keep_product(id, Arc::clone(product));
        }
        Ok(read)
    }
}

/// The newest id: near enough to the number of products for weighing words, and found at once.
fn products_about(tx: &Transaction<'_>) -> Result<u64, Error> {
    tx.prepare_cached("SELECT coalesce(max(id), 0) FROM product")
        .and_then(|mut select| select.query_row([], |row| count(row, 0)))
        .map_err(Error::sql("count products"))
}

fn products_with(tx: &Transaction<'_>, word: &str) -> Result<u64, Error> {
    tx.prepare_cached("SELECT products FROM product_word WHERE word = :word")
        .and_then(|mut select| select.query_row(named_params! { ":word": word }, |row| count(row, 0)).optional())
        .map(Option::unwrap_or_default)
        .map_err(Error::sql("look a word up"))
}

fn similar(tx: &Transaction<'_>, around: &Around) -> Result<Vec<KnownWord>, Error> {
    const SQL: &str = "
        SELECT word, products FROM product_word
        WHERE word >= :prefix AND word < :prefix || char(0x10FFFF) AND length(word) BETWEEN :min AND :max
        LIMIT :limit";
    let row = named_params! {
        ":prefix": around.prefix, ":min": around.length_min as i64, ":max": around.length_max as i64,
        ":limit": SIMILAR_MAX,
    };
    tx.prepare_cached(SQL)
        .and_then(|mut select| {
            select.query_map(row, |row| Ok(KnownWord { word: row.get(0)?, products: count(row, 1)? }))?.collect()
        })
        .map_err(Error::sql("look similar words up"))
}

/// One group of alternatives as an FTS5 expression; `None` when no word of it can be written as one.
fn expression(group: &[String]) -> Option<String> {
    let words: Vec<String> = group.iter().filter(|word| !word.trim().is_empty()).map(|word| quoted(word)).collect();
    (!words.is_empty()).then(|| format!("({})", words.join(" OR ")))
}

/// An FTS5 string: whatever stands in it is text, never syntax.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}

/// An article number as it is indexed: marked, letters and digits only.
fn code_word(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    quoted(&format!("#{}", plain.to_ascii_lowercase()))
}

/// The groups as expressions, the rarest first.
fn by_rarity(tx: &Transaction<'_>, groups: &[Vec<String>]) -> Result<Vec<String>, Error> {
    let mut ranked = Vec::new();
    for group in groups {
        let Some(expression) = expression(group) else { continue };
        let products = group.iter().try_fold(0, |sum, word| products_with(tx, word).map(|count| sum + count))?;
        // A word that nothing has would make the conjunction empty and costs nothing to leave out.
        if products > 0 {
            ranked.push((products, expression));
        }
    }
    ranked.sort();
    Ok(ranked.into_iter().map(|(_, expression)| expression).collect())
}

fn select(tx: &Transaction<'_>, plan: &SearchPlan, limit: usize) -> Result<Vec<(i64, f64)>, Error> {
    if let Some(code) = &plan.sku {
        let found = run(tx, plan, Some(&format!("options : {}", code_word(code))), None, limit)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let (colours, sizes) = limits(plan);
    let words = by_rarity(tx, &plan.words)?;
    if words.is_empty() {
        // Words were asked for and the catalogue has none of them: nothing fits, whatever the limits say.
        let nothing = !plan.words.is_empty() || !plan.has_limits();
        return if nothing { Ok(Vec::new()) } else { run(tx, plan, joined(&[colours, sizes]).as_deref(), None, limit) };
    }
    let any = |expressions: &[String]| format!("({})", expressions.join(" OR "));
    let mut steps = vec![match words.split_first() {
        Some((rarest, rest)) if !rest.is_empty() => format!("{rarest} AND {}", any(rest)),
        _ => any(&words),
    }];
    if words.len() > 2 {
        steps.push(any(&words[..2]));
    }
    if words.len() > 1 {
        steps.push(any(&words));
    }
    let mut found = Vec::new();
    for step in steps {
        let text = joined(&[Some(format!("({step})")), colours.clone()]);
        let within = sizes.as_ref().and_then(|sizes| joined(&[text.clone(), Some(sizes.clone())]));
        found = run(tx, plan, text.as_deref(), within.as_deref(), limit)?;
        if found.len() >= WIDEN_BELOW.min(limit) {
            break;
        }
    }
    Ok(found)
}

/// Colours, then sizes, as words that must occur.
fn limits(plan: &SearchPlan) -> (Option<String>, Option<String>) {
    let sizes: Vec<String> = plan.sizes.iter().map(|size| format!("={size}")).collect();
    let sizes = expression(&sizes).map(|sizes| format!("(options : {sizes})"));
    let colours: Vec<String> = plan.colours.iter().flatten().cloned().collect();
    let colours = expression(&colours).map(|colours| format!("({{title category options}} : {colours})"));
    (colours, sizes)
}

/// All of these expressions at once.
fn joined(expressions: &[Option<String>]) -> Option<String> {
    let all: Vec<&str> = expressions.iter().flatten().map(String::as_str).collect();
    (!all.is_empty()).then(|| all.join(" AND "))
}

/// What matches `text`, and `within` too, ranked by `text` alone: BM25 first counts the products with each of its words,
/// and half of a catalogue has the size M, which says nothing of how well a product fits.
fn run(
    tx: &Transaction<'_>,
    plan: &SearchPlan,
    text: Option<&str>,
    within: Option<&str>,
    limit: usize,
) -> Result<Vec<(i64, f64)>, Error> {
    const CONDITIONS: &str = "
        (:price_max IS NULL OR (p.currency = :currency AND p.price_low <= :price_max))
        AND (:price_min IS NULL OR (p.currency = :currency AND p.price_high >= :price_min))
        AND (:available = 0 OR p.available = 1)";
    // The plus keeps SQLite from asking FTS5 once for each row.
    let among = match within {
        Some(_) => "AND +product_text.rowid IN (SELECT rowid FROM product_text WHERE product_text MATCH :within)",
        None => "",
    };
    let priced = plan.price_max.or(plan.price_min);
    let filtered = priced.is_some() || plan.available_only;
    // A size alone says nothing of how well a product fits: half of a catalogue would be ranked in vain.
    let by_size_only = plan.words.is_empty() && plan.colours.is_empty() && plan.sku.is_none();
    let (score, order) = if by_size_only { ("0.0", "") } else { (RANK, "ORDER BY score DESC") };
    let sql = match text {
        // Without a filter the product rows need not be touched.
        Some(_) if !filtered => format!(
            "SELECT rowid, {score} AS score FROM product_text WHERE product_text MATCH :text {among}
             {order} LIMIT :limit"
        ),
        Some(_) => format!(
            "SELECT p.id, {score} AS score FROM product_text JOIN product p INDEXED BY product_limits ON p.id = product_text.rowid
             WHERE product_text MATCH :text {among} AND {CONDITIONS} {order} LIMIT :limit"
        ),
        None => format!(
            "SELECT p.id, 0.0 FROM product p WHERE p.visible = 1 AND {CONDITIONS}
             ORDER BY p.available DESC, p.id LIMIT :limit"
        ),
    };
    let (price_max, price_min) = (plan.price_max.map(|price| price.minor), plan.price_min.map(|price| price.minor));
    let currency = priced.map(|price| price.currency.code());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut row: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
    if text.is_some() {
        row.push((":text", &text));
    }
    if within.is_some() {
        row.push((":within", &within));
    }
    if filtered || text.is_none() {
        row.extend::<[(&str, &dyn ToSql); 4]>([
            (":price_max", &price_max),
            (":price_min", &price_min),
            (":currency", &currency),
            (":available", &plan.available_only),
        ]);
    }
    tx.prepare_cached(&sql)
        .and_then(|mut select| select.query_map(row.as_slice(), |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(Error::sql("search the catalogue"))
}

fn words_of(tx: &Transaction<'_>, id: i64) -> Result<Words, Error> {
    let available = tx
        .prepare_cached("SELECT available FROM product INDEXED BY product_limits WHERE id = :id")
        .and_then(|mut select| select.query_row(named_params! { ":id": id }, |row| row.get(0)))
        .map_err(Error::sql("look at a found product"))?;
    Ok(Words { available, text: Arc::new(text_of(tx, id)?) })
}

fn product(tx: &Transaction<'_>, id: i64) -> Result<Option<Product>, Error> {
    let found: Option<(String, String, String)> = tx
        .prepare_cached("SELECT key, status, body FROM product WHERE id = :id AND visible = 1")
        .and_then(|mut select| {
            let row = named_params! { ":id": id };
            select.query_row(row, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
        })
        .map_err(Error::sql("read a found product"))?;
    found.map(|(key, status, json)| body::read(key, &status, &json)).transpose()
}

/// What the index holds of a product, from the table in which FTS5 keeps it: asking FTS5 costs twice as much.
pub(super) fn text_of(tx: &Transaction<'_>, id: i64) -> Result<PreparedText, Error> {
    const SQL: &str = "SELECT c0, c1, c2, c3, c4 FROM product_text_content WHERE id = :id";
    tx.prepare_cached(SQL)
        .and_then(|mut select| {
            select.query_row(named_params! { ":id": id }, |row| {
                Ok(PreparedText {
                    title: row.get(0)?,
                    brand: row.get(1)?,
                    category: row.get(2)?,
                    options: row.get(3)?,
                    description: row.get(4)?,
                })
            })
        })
        .map_err(Error::sql("read indexed words"))
}
