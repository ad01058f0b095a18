//! Products as a shop's assistant finds them: a search, its hits, one product in full, how fresh the catalogue is.

use aura::{
    api::{CatalogStatus, Product},
    terminal::found_by,
};
use crossterm::event::KeyEvent;
use ratatui::{layout::Rect, text::Line};

use super::{
    Command, Screen, Want,
    parts::{instead, list_and_detail, pairs, price},
};
use crate::{
    canvas::{Canvas, Hit},
    editor::Editor,
    keys::{Action, Scope},
    overlay::split_top,
    strings,
    table::{Column, Cursor, Move, Table},
    text,
    theme::Ink,
    work::Load,
    world::World,
};

const COLUMNS: &[Column] = &[
    Column::new("PRODUCT", 20).grows(4),
    Column::new("PRICE", 12).right(),
    Column::new("STOCK", 5),
    Column::new("SCORE", 6).right().folds(1),
];
/// From this width on the chosen product is shown beside the hits.
const BESIDE: u16 = 100;
/// How often the catalogue's state is read while it is seen.
const REFRESH_MS: i64 = 10_000;
/// From this age on prices are worth a look.
const OLD_MS: i64 = 7 * 24 * 3_600_000;
/// Rows of the search field with its frame, and of the catalogue's state.
const HEAD_ROWS: u16 = 4;

/// The screen of products.
#[derive(Default)]
pub(super) struct Catalogue {
    tenant: Option<String>,
    editor: Editor,
    writing: bool,
    searched: Option<String>,
    cursor: Cursor,
    inspecting: bool,
}

impl Catalogue {
    fn key(&self) -> Option<(String, String)> {
        Some((self.tenant.clone()?, self.searched.clone()?))
    }

    fn count(&self, world: &World) -> usize {
        self.key().and_then(|key| world.searches.get(&key)).map_or(0, |result| result.results.len())
    }

    fn chosen(&self, world: &World) -> Option<(String, String)> {
        let (tenant, words) = self.key()?;
        let result = world.searches.get(&(tenant.clone(), words))?;
        Some((tenant, result.results.get(self.cursor.row())?.product.product_id.clone()))
    }

    /// Why the chosen product was found: its score, and the words.
    fn found_by(&self, world: &World) -> Option<(f64, String)> {
        let result = world.searches.get(&self.key()?)?;
        let hit = result.results.get(self.cursor.row())?;
        Some((hit.score, found_by(&hit.words)))
    }

    /// Goes to the shop that stands `steps` further in the list.
    fn next_tenant(&mut self, world: &World, forward: bool) {
        let tenants: Vec<&str> = world.tenants().collect();
        let at = tenants.iter().position(|slug| Some(*slug) == self.tenant.as_deref());
        let next = match (at, forward) {
            (None, _) => 0,
            (Some(at), true) => at + 1,
            (Some(at), false) => at + tenants.len().saturating_sub(1),
        };
        let next = next.checked_rem(tenants.len()).and_then(|at| tenants.get(at));
        if let Some(next) = next {
            self.tenant = Some((*next).to_owned());
            self.cursor.choose(0);
        }
    }
}

impl Screen for Catalogue {
    fn scopes(&self) -> &'static [Scope] {
        if self.writing { &[Scope::Searching, Scope::Writing] } else { &[Scope::Catalogue] }
    }

    fn wants(&self, world: &World) -> Vec<Want> {
        let Some(tenant) = &self.tenant else { return Vec::new() };
        let mut wants = vec![Want::every(Load::Catalog(tenant.clone()), REFRESH_MS)];
        if let Some(words) = &self.searched {
            wants.push(Want::once(Load::Search(tenant.clone(), words.clone())));
        }
        if let Some((tenant, key)) = self.chosen(world) {
            wants.push(Want::once(Load::Product(tenant, key)));
        }
        wants
    }

    fn refresh(&mut self, world: &World) {
        let gone = self.tenant.as_ref().is_some_and(|slug| !world.tenants().any(|tenant| tenant == slug));
        if self.tenant.is_none() || gone {
            self.tenant = world.tenants().next().map(str::to_owned);
        }
        self.cursor.keep_within(self.count(world));
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Command> {
        match action {
            Action::Search => self.writing = true,
            Action::Leave => self.writing = false,
            Action::Find => {
                let words = self.editor.text().trim().to_owned();
                if words.is_empty() {
                    return vec![Command::Warn(strings::NO_SEARCH.into())];
                }
                self.writing = false;
                self.cursor.choose(0);
                let load = self.tenant.clone().map(|tenant| Load::Search(tenant, words.clone()));
                self.searched = Some(words);
                return vec![Command::Reload(load.into_iter().collect())];
            }
            Action::NextTenant => self.next_tenant(world, true),
            Action::LastTenant => self.next_tenant(world, false),
            Action::Enter if self.searched.is_none() => self.writing = true,
            Action::Enter => self.inspecting = !self.inspecting,
            _ => {}
        }
        Vec::new()
    }

    fn go(&mut self, way: Move, world: &World) {
        self.cursor.go(way, self.count(world));
    }

    fn is_writing(&self) -> bool {
        self.writing
    }

    fn type_key(&mut self, key: KeyEvent) {
        self.editor.key(key);
    }

    fn paste(&mut self, text: &str) {
        if self.writing {
            self.editor.insert(&text.replace(['\n', '\r'], " "));
        }
    }

    fn click(&mut self, hit: Hit, world: &World) -> Vec<Command> {
        match hit {
            Hit::Row { pane: 1, row } => {
                self.cursor.choose(row);
                self.cursor.keep_within(self.count(world));
            }
            Hit::Pane(0) => self.writing = true,
            _ => {}
        }
        Vec::new()
    }

    fn value(&self, world: &World) -> Option<String> {
        let key = self.chosen(world)?;
        let product = world.products.get(&key);
        product.and_then(|product| product.brief.url.clone()).or(Some(key.1))
    }

    fn command(&self, _world: &World) -> Option<Vec<String>> {
        let (tenant, words) = self.key()?;
        Some(["aura", "catalog", "search", "-t", &tenant, &words].map(str::to_owned).into())
    }

    fn back(&mut self, _world: &World) -> bool {
        std::mem::take(&mut self.inspecting)
    }

    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let [head, body] = split_top(area, HEAD_ROWS);
        self.view_head(world, canvas, head);
        let places = list_and_detail(body, BESIDE, 55, self.inspecting);
        if let Some(list) = places.list {
            self.view_hits(world, canvas, list);
        }
        if let Some(detail) = places.detail {
            self.view_product(world, canvas, detail, places.alone);
        }
    }
}

impl Catalogue {
    fn view_head(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let [field, state] = split_top(area, 3);
        let tenant = self.tenant.as_deref().unwrap_or("no shop");
        let inside = canvas.page(field, &format!("A shopper of {tenant} asks"), self.writing);
        canvas.hit(field, Hit::Pane(0));
        let shown = self.editor.text();
        match (shown.is_empty(), self.writing) {
            (true, false) => canvas.line(inside, &[(Ink::Faint, strings::NO_SEARCH)]),
            _ => canvas.line(inside, &[(Ink::Plain, shown)]),
        }
        if self.writing {
            let typed = u16::try_from(text::width(self.editor.before())).unwrap_or(0);
            canvas.cursor((inside.x + typed).min(inside.right().saturating_sub(1)), inside.y);
        }
        let (ink, words) = match self.tenant.as_ref().and_then(|tenant| world.catalogs.get(tenant)) {
            Some(catalog) => freshness(catalog, canvas),
            None => (Ink::Faint, strings::LOADING.into()),
        };
        canvas.line(state, &[(Ink::Faint, " "), (ink, &words)]);
    }

    fn view_hits(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let key = self.key();
        let result = key.as_ref().and_then(|key| world.searches.get(key));
        let title = match result {
            Some(result) => format!("Found {} in {} ms", result.results.len(), result.elapsed_ms),
            None => "Found".into(),
        };
        let inside = canvas.pane(area, &title, !self.writing && !self.inspecting);
        let Some((tenant, words)) = key else { return canvas.empty(inside, strings::NO_SEARCH) };
        let Some(result) = result.filter(|result| !result.results.is_empty()) else {
            return instead(canvas, inside, world, &Load::Search(tenant, words), strings::NO_HITS);
        };
        let table = Table {
            columns: COLUMNS,
            count: result.results.len(),
            cursor: &self.cursor,
            focused: !self.writing,
            pane: 1,
            sorted: None,
        };
        table.draw(canvas, inside, |at| match result.results.get(at) {
            Some(hit) => vec![
                (Ink::Strong, hit.product.title.clone()),
                (Ink::Plain, price(hit.product.price.as_ref())),
                if hit.product.available { (Ink::Good, "yes".into()) } else { (Ink::Wanted, "no".into()) },
                (Ink::Faint, format!("{:.3}", hit.score)),
            ],
            None => Vec::new(),
        });
    }

    fn view_product(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect, focused: bool) {
        let chosen = self.chosen(world);
        let product = chosen.as_ref().and_then(|key| world.products.get(key));
        let title = product.map_or("Product", |product| product.brief.title.as_str());
        let inside = canvas.page(area, title, focused);
        match (product, chosen) {
            (Some(product), _) => {
                let found = self.found_by(world);
                let lines = product_lines(product, found, canvas, inside.width.into());
                canvas.lines(inside, lines, 0);
            }
            (None, Some((tenant, key))) => {
                instead(canvas, inside, world, &Load::Product(tenant, key), strings::LOADING);
            }
            (None, None) => canvas.empty(inside, "Choose a product."),
        }
    }
}

/// `1,240 products, 1,200 shown to shoppers; prices and stock as of 3 h ago, from products.jsonl`.
fn freshness(catalog: &CatalogStatus, canvas: &Canvas<'_, '_>) -> (Ink, String) {
    let counts =
        format!("{} products, {} shown to shoppers", text::number(catalog.products), text::number(catalog.visible));
    match (&catalog.source, catalog.imported_at) {
        (Some(source), Some(at)) => {
            let old = canvas.now.0.saturating_sub(at.0) > OLD_MS;
            let words = format!("{counts}; prices and stock as of {}, from {source}", canvas.ago(at));
            (if old { Ink::Wanted } else { Ink::Faint }, words)
        }
        _ => (Ink::Wanted, format!("{counts}; never imported")),
    }
}

fn product_lines(
    product: &Product,
    found: Option<(f64, String)>,
    canvas: &Canvas<'_, '_>,
    cells: usize,
) -> Vec<Line<'static>> {
    let brief = &product.brief;
    let dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    let stock = if brief.available { (Ink::Good, "can be bought") } else { (Ink::Wanted, "cannot be bought now") };
    let seen = if product.visible { Ink::Plain } else { Ink::Wanted };
    let rows: Vec<(&str, Ink, String)> = vec![
        ("id", Ink::Faint, brief.product_id.clone()),
        ("score", Ink::Plain, found.as_ref().map_or_else(|| "-".into(), |(score, _)| format!("{score:.3}"))),
        ("found by", Ink::Assistant, found.map_or_else(|| "-".into(), |(_, words)| words)),
        ("price", Ink::Strong, price(brief.price.as_ref())),
        ("stock", stock.0, stock.1.into()),
        ("link", Ink::Plain, dash(&brief.url)),
        ("brand", Ink::Plain, dash(&product.brand)),
        ("kind", Ink::Plain, dash(&product.category)),
        ("status", seen, format!("{}{}", product.status, if product.visible { "" } else { ", not shown" })),
        ("pictures", Ink::Plain, product.images.len().to_string()),
    ];
    let mut lines = pairs(canvas, &rows, cells);
    lines.push(Line::default());
    for variant in &product.variants {
        let options: Vec<_> = variant.options.iter().map(|(_, value)| value.as_str()).collect();
        let left = match (variant.available, variant.quantity) {
            (false, _) => (Ink::Wanted, "sold out".to_owned()),
            (true, Some(quantity)) => (Ink::Good, format!("{quantity} left")),
            (true, None) => (Ink::Good, "available".to_owned()),
        };
        let name = if options.is_empty() { variant.key.clone() } else { options.join(" / ") };
        let head = text::left(&name, cells.saturating_sub(28).max(10));
        let amount = text::right(&price(variant.price.as_ref()), 12);
        lines.push(canvas.inked(&[(Ink::Plain, &head), (Ink::Plain, &amount), (Ink::Plain, "  "), (left.0, &left.1)]));
    }
    if !product.description.is_empty() {
        lines.push(Line::default());
        for line in text::wrap(&product.description, cells) {
            lines.push(canvas.inked(&[(Ink::Faint, &line)]));
        }
    }
    lines
}
