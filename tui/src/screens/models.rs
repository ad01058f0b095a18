//! What answers: the model of every shop and role, how each model is, and two models side by side before one is swapped.

use std::{collections::BTreeSet, sync::Arc};

use aura::api;
use crossterm::event::KeyEvent;
use ratatui::{layout::Rect, text::Line};

use super::{
    Command, Confirm, Pick, Screen, Want,
    parts::{beside, instead, titled},
};
use crate::{
    canvas::{Canvas, Hit},
    editor::Editor,
    filter::{Facts, Filter},
    keys::{Action, Scope},
    overlay::split_top,
    strings,
    table::{Column, Cursor, Move, Table},
    text,
    theme::Ink,
    work::{Deed, Incoming, Load, Outcome},
    world::World,
};

const CHOICES: &[Column] = &[
    Column::new("SHOP", 12).grows(1),
    Column::new("ROLE", 6),
    Column::new("MODEL", 18).grows(2),
    Column::new("STANDS IN", 12).grows(2).folds(1),
];
const FIGURES: &[Column] = &[
    Column::new("MODEL", 18).grows(2),
    Column::new("STATE", 12),
    Column::new("CALLS", 7).right().folds(2),
    Column::new("FAILED", 6).right(),
    Column::new("P50", 8).right().folds(1),
    Column::new("P95", 8).right(),
    Column::new("TODAY", 9).right(),
];
/// How often the figures are read while they are seen.
const REFRESH_MS: i64 = 3_000;
/// A question that every shop can be asked.
const QUESTION: &str = "Do you have this in blue, and how long does delivery take?";

/// The screen of models.
#[derive(Default)]
pub(super) struct Models {
    filter: Filter,
    /// What the rows are made of.
    health: Option<Arc<api::ModelHealth>>,
    rows: Vec<Choice>,
    cursor: Cursor,
    on_figures: bool,
    figures: Cursor,
    comparing: Option<Comparing>,
    /// Nobody has to write the same question for every shop.
    question: Option<String>,
}

/// What holds for a shop and a role.
#[derive(Clone, Debug)]
struct Choice {
    tenant: String,
    choice: api::ModelChoice,
    words: String,
}

impl Facts for Choice {
    fn words(&self) -> &str {
        &self.words
    }

    fn tenant(&self) -> Option<&str> {
        Some(&self.tenant)
    }

    fn is(&self, state: &str) -> bool {
        self.choice.role == state
    }

    fn at(&self) -> Option<api::Time> {
        None
    }

    fn cost_usd(&self) -> Option<f64> {
        None
    }
}

/// One question on two models.
struct Comparing {
    tenant: String,
    role: String,
    now: api::ModelChoice,
    other: String,
    editor: Editor,
    writing: bool,
    asked: bool,
    answers: Option<Box<api::ModelPreviewed>>,
    wrong: Option<String>,
    scroll: usize,
}

impl Models {
    fn chosen(&self) -> Option<&Choice> {
        self.rows.get(self.cursor.row())
    }

    /// Makes the rows of what is known now.
    fn remake(&mut self, world: &World) {
        self.health.clone_from(&world.health);
        let Some(health) = &world.health else { return };
        let before = self.chosen().map(|choice| (choice.tenant.clone(), choice.choice.role.clone()));
        let choices = health.tenants.iter().flat_map(|tenant| {
            tenant.roles.iter().map(|choice| Choice {
                tenant: tenant.tenant.clone(),
                words: format!("{} {} {}", tenant.tenant, choice.role, choice.model).to_lowercase(),
                choice: choice.clone(),
            })
        });
        self.rows = choices.filter(|choice| self.filter.passes(choice, world.now)).collect();
        let same = |row: &Choice| Some((row.tenant.clone(), row.choice.role.clone())) == before;
        match self.rows.iter().position(same) {
            Some(at) => self.cursor.choose(at),
            None => self.cursor.keep_within(self.rows.len()),
        }
        self.figures.keep_within(health.models.len());
    }

    /// Every model that is known here: chosen somewhere, on an Ollama's disk, with a known price.
    fn known(world: &World, tenant: &str) -> BTreeSet<String> {
        let mut known = BTreeSet::from(["builtin".to_owned()]);
        if let Some(health) = &world.health {
            known.extend(health.models.iter().map(|model| model.model.clone()));
            let choices = health.tenants.iter().flat_map(|tenant| &tenant.roles);
            known.extend(choices.flat_map(|choice| choice.fallbacks.iter().chain([&choice.model]).cloned()));
        }
        if let Some(models) = world.models.get(&tenant.to_owned()) {
            known.extend(models.local.iter().flatten().map(|local| local.model.clone()));
            let ready: BTreeSet<&str> =
                models.providers.iter().filter(|one| one.ready).map(|one| one.name.as_str()).collect();
            let priced = world.prices.iter().map(|price| price.model.as_str()).filter(|model| !model.ends_with('*'));
            let callable = priced.filter(|model| model.split(':').next().is_some_and(|name| ready.contains(name)));
            known.extend(callable.map(str::to_owned));
        }
        known
    }

    fn pick(&self, world: &World, swap: bool) -> Vec<Command> {
        let Some(choice) = self.chosen() else { return vec![Command::Warn(strings::NO_TENANTS.into())] };
        let known = Self::known(world, &choice.tenant).into_iter().filter(|model| *model != choice.choice.model);
        let choices: Vec<(String, Command)> = known.map(|model| (model.clone(), Command::Chose(model))).collect();
        if choices.is_empty() {
            let next =
                "no other model is known; `aura model use PROVIDER:MODEL` names one, `aura secret set` gives its key";
            return vec![Command::Warn(next.into())];
        }
        let what = if swap { "Compare, then swap" } else { "Compare" };
        let title = format!("{what} {} of {} with", choice.choice.model, choice.tenant);
        vec![Command::Pick(Pick { title, choices })]
    }

    fn ask(&mut self) -> Vec<Command> {
        let Some(comparing) = &mut self.comparing else { return Vec::new() };
        let question = comparing.editor.text().trim().to_owned();
        if question.is_empty() {
            return vec![Command::Warn(strings::NOTHING_WRITTEN.into())];
        }
        comparing.writing = false;
        comparing.asked = true;
        comparing.answers = None;
        comparing.wrong = None;
        self.question = Some(question.clone());
        let models = vec![comparing.now.model.clone(), comparing.other.clone()];
        let preview = api::ModelPreview { question, models };
        vec![Command::Do(Deed::Compare(comparing.tenant.clone(), preview))]
    }

    fn swap(&self) -> Vec<Command> {
        let Some(comparing) = &self.comparing else { return Vec::new() };
        let choice = api::UseModel { model: comparing.other.clone(), fallbacks: comparing.now.fallbacks.clone() };
        let deed = Deed::UseModel(comparing.tenant.clone(), comparing.role.clone(), choice);
        let confirm = Confirm {
            title: format!("Swap the {} model of {}", comparing.role, comparing.tenant),
            body: format!("{} answers in place of {} from the next turn on.", comparing.other, comparing.now.model),
            key: 'y',
            verb: "swap it",
            then: Command::Do(deed),
        };
        vec![Command::Confirm(Box::new(confirm))]
    }
}

impl Screen for Models {
    fn scopes(&self) -> &'static [Scope] {
        if self.is_writing() { &[Scope::Searching, Scope::Writing] } else { &[Scope::Models] }
    }

    fn wants(&self, _world: &World) -> Vec<Want> {
        let mut wants = vec![Want::every(Load::Health, REFRESH_MS), Want::once(Load::Prices)];
        if let Some(choice) = self.chosen() {
            wants.push(Want::once(Load::Models(choice.tenant.clone())));
        }
        wants
    }

    fn refresh(&mut self, world: &World) {
        let same = match (&self.health, &world.health) {
            (Some(made_of), Some(known)) => Arc::ptr_eq(made_of, known),
            (_, known) => known.is_none(),
        };
        if !same {
            self.remake(world);
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Command> {
        match action {
            Action::NextPane | Action::LastPane | Action::Left | Action::Right => self.on_figures = !self.on_figures,
            Action::Find | Action::Stage => return self.ask(),
            Action::Leave => {
                if let Some(comparing) = &mut self.comparing {
                    comparing.writing = false;
                }
            }
            Action::Swap if self.comparing.as_ref().is_some_and(|comparing| comparing.answers.is_some()) => {
                return self.swap();
            }
            Action::Compare | Action::Enter if self.comparing.is_some() => {
                if let Some(comparing) = &mut self.comparing {
                    comparing.writing = true;
                }
            }
            Action::Swap | Action::Enter => return self.pick(world, true),
            Action::Compare => return self.pick(world, false),
            _ => {}
        }
        Vec::new()
    }

    fn chose(&mut self, model: String) {
        if let Some(Choice { tenant, choice, .. }) = self.chosen().cloned() {
            let editor = Editor::with(self.question.clone().unwrap_or_else(|| QUESTION.to_owned()));
            let role = choice.role.clone();
            self.comparing = Some(Comparing {
                tenant,
                role,
                now: choice,
                other: model,
                editor,
                writing: true,
                asked: false,
                answers: None,
                wrong: None,
                scroll: 0,
            });
        }
    }

    fn go(&mut self, way: Move, world: &World) {
        match &mut self.comparing {
            Some(comparing) => {
                comparing.scroll = match way {
                    Move::Up => comparing.scroll.saturating_sub(1),
                    Move::HalfUp => comparing.scroll.saturating_sub(8),
                    Move::Top => 0,
                    Move::Down => comparing.scroll + 1,
                    Move::HalfDown | Move::Bottom => comparing.scroll + 8,
                }
                .min(200);
            }
            None if self.on_figures => {
                let count = world.health.as_ref().map_or(0, |health| health.models.len());
                self.figures.go(way, count);
            }
            None => self.cursor.go(way, self.rows.len()),
        }
    }

    fn is_writing(&self) -> bool {
        self.comparing.as_ref().is_some_and(|comparing| comparing.writing)
    }

    fn type_key(&mut self, key: KeyEvent) {
        if let Some(comparing) = &mut self.comparing {
            comparing.editor.key(key);
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(comparing) = self.comparing.as_mut().filter(|comparing| comparing.writing) {
            comparing.editor.insert(&text.replace(['\n', '\r'], " "));
        }
    }

    fn click(&mut self, hit: Hit, world: &World) -> Vec<Command> {
        if let Hit::Pane(pane) | Hit::Row { pane, .. } = hit {
            self.on_figures = pane == 1;
        }
        match hit {
            Hit::Row { pane: 0, row } => {
                self.cursor.choose(row);
                self.cursor.keep_within(self.rows.len());
            }
            Hit::Row { pane: 1, row } => {
                self.figures.choose(row);
                self.figures.keep_within(world.health.as_ref().map_or(0, |health| health.models.len()));
            }
            _ => {}
        }
        Vec::new()
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, filter: Filter, world: &World) {
        self.filter = filter;
        self.remake(world);
    }

    fn value(&self, world: &World) -> Option<String> {
        if self.on_figures {
            let model = world.health.as_ref()?.models.get(self.figures.row())?;
            return Some(model.model.clone());
        }
        Some(self.chosen()?.choice.model.clone())
    }

    fn command(&self, _world: &World) -> Option<Vec<String>> {
        if let Some(Comparing { tenant, now, other, editor, .. }) = &self.comparing {
            let words = ["aura", "model", "compare", "-t", tenant, &now.model, other, editor.text()];
            return Some(words.map(str::to_owned).into());
        }
        let Choice { tenant, choice, .. } = self.chosen()?;
        let mut words =
            ["aura", "model", "use", "-t", tenant, &choice.model, "--role", &choice.role].map(str::to_owned).to_vec();
        for fallback in &choice.fallbacks {
            words.extend(["--fallback".to_owned(), fallback.clone()]);
        }
        Some(words)
    }

    fn heard(&mut self, incoming: &Incoming, _world: &World) -> Vec<Command> {
        let Some(comparing) = &mut self.comparing else { return Vec::new() };
        match incoming {
            Incoming::Done(Deed::Compare(tenant, _), Outcome::Compared(answers)) if *tenant == comparing.tenant => {
                comparing.asked = false;
                comparing.answers = Some(answers.clone());
            }
            Incoming::NotDone(Deed::Compare(..), trouble) => {
                comparing.asked = false;
                comparing.wrong = Some(super::parts::trouble_words(trouble));
            }
            Incoming::Done(Deed::UseModel(..), _) => self.comparing = None,
            _ => {}
        }
        Vec::new()
    }

    fn back(&mut self, _world: &World) -> bool {
        self.comparing.take().is_some()
    }

    fn view(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        if let Some(comparing) = &self.comparing {
            return comparing.view(canvas, area);
        }
        let [top, bottom] = split_top(area, area.height * 6 / 10);
        let all = world.health.as_ref().map_or(0, |health| health.tenants.iter().map(|one| one.roles.len()).sum());
        let title = titled("Models of shops", self.rows.len(), all, &self.filter);
        let inside = canvas.pane(top, &title, !self.on_figures);
        if self.rows.is_empty() {
            let words = if self.filter.is_empty() { strings::NO_TENANTS } else { strings::NOTHING_PASSES };
            instead(canvas, inside, world, &Load::Health, words);
        } else {
            let table = Table {
                columns: CHOICES,
                count: self.rows.len(),
                cursor: &self.cursor,
                focused: !self.on_figures,
                pane: 0,
                sorted: None,
            };
            table.draw(canvas, inside, |at| match self.rows.get(at) {
                Some(row) => vec![
                    (Ink::Strong, row.tenant.clone()),
                    (Ink::Plain, row.choice.role.clone()),
                    (Ink::Assistant, row.choice.model.clone()),
                    (Ink::Faint, row.choice.fallbacks.join(", ")),
                ],
                None => Vec::new(),
            });
        }
        self.view_figures(world, canvas, bottom);
    }
}

impl Models {
    fn view_figures(&self, world: &World, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let inside = canvas.pane(area, "How models answer", self.on_figures);
        let Some(health) = world.health.as_ref().filter(|health| !health.models.is_empty()) else {
            return instead(canvas, inside, world, &Load::Health, "No model of a provider has been asked yet.");
        };
        let table = Table {
            columns: FIGURES,
            count: health.models.len(),
            cursor: &self.figures,
            focused: self.on_figures,
            pane: 1,
            sorted: None,
        };
        let now = canvas.now;
        let ms = |value: Option<u64>| value.map_or_else(|| "-".into(), |ms| format!("{} ms", text::number(ms)));
        table.draw(canvas, inside, |at| match health.models.get(at) {
            Some(model) => {
                let failures: u64 = model.failures.values().sum();
                vec![
                    (Ink::Strong, model.model.clone()),
                    breaker(model, now),
                    (Ink::Plain, text::number(model.calls)),
                    (if failures > 0 { Ink::Wanted } else { Ink::Plain }, text::number(failures)),
                    (Ink::Plain, ms(model.total_ms.map(|took| took.p50))),
                    (Ink::Plain, ms(model.total_ms.map(|took| took.p95))),
                    (Ink::Plain, text::dollars(&model.spent_today_usd)),
                ]
            }
            None => Vec::new(),
        });
    }
}

fn breaker(model: &api::ModelFigures, now: api::Time) -> (Ink, String) {
    match (model.breaker.as_str(), model.open_until) {
        ("closed", _) => (Ink::Good, "answers".into()),
        ("open", Some(until)) => (Ink::Bad, format!("rests {}", super::parts::left_until(until, now))),
        (state, _) => (Ink::Wanted, state.to_owned()),
    }
}

impl Comparing {
    fn view(&self, canvas: &mut Canvas<'_, '_>, area: Rect) {
        let [field, answers] = split_top(area, 3);
        let inside = canvas.page(field, &format!("Ask as a shopper of {}", self.tenant), self.writing);
        canvas.line(inside, &[(Ink::Plain, self.editor.text())]);
        if self.writing {
            let typed = u16::try_from(text::width(self.editor.before())).unwrap_or(0);
            canvas.cursor((inside.x + typed).min(inside.right().saturating_sub(1)), inside.y);
        }
        let [left, right] = beside(answers, 50);
        for (place, model, title) in
            [(left, &self.now.model, format!("{} (now)", self.now.model)), (right, &self.other, self.other.clone())]
        {
            let inside = canvas.page(place, &title, false);
            let answer = self.answers.as_ref().and_then(|all| all.answers.iter().find(|one| one.model == *model));
            match (answer, &self.wrong) {
                (Some(answer), _) => {
                    let lines = answer_lines(answer, canvas, inside.width.into());
                    let skip = self.scroll.min(lines.len().saturating_sub(inside.height.into()));
                    canvas.lines(inside, lines, skip);
                }
                (None, Some(wrong)) => canvas.empty(inside, wrong),
                (None, None) if self.asked => canvas.empty(inside, "asking …"),
                (None, None) => canvas.empty(inside, "enter asks both; nothing is sent to anybody"),
            }
        }
        if self.answers.is_some() && !self.writing {
            let place = Rect {
                y: area.bottom().saturating_sub(1),
                height: 1,
                x: area.x + 2,
                width: area.width.saturating_sub(4),
            };
            canvas.line(
                place,
                &[(Ink::Key, " m"), (Ink::Plain, " swaps to "), (Ink::Strong, &self.other), (Ink::Plain, " ")],
            );
        }
    }
}

fn answer_lines(answer: &api::PreviewAnswer, canvas: &Canvas<'_, '_>, cells: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for reply in &answer.replies {
        lines.extend(text::wrap(&reply.text, cells).iter().map(|line| canvas.inked(&[(Ink::Plain, line)])));
        lines.push(Line::default());
    }
    if let Some(error) = &answer.error {
        lines.extend(text::wrap(error, cells).iter().map(|line| canvas.inked(&[(Ink::Bad, line)])));
    }
    if let Some(handoff) = &answer.handoff {
        lines.push(canvas.inked(&[(Ink::Wanted, &format!("calls a person: {handoff}"))]));
    }
    for product in &answer.evidence {
        let price = super::parts::price(product.price.as_ref());
        lines.push(canvas.inked(&[
            (Ink::Faint, "- "),
            (Ink::Plain, &product.title),
            (Ink::Faint, &format!("  {price}")),
        ]));
    }
    let cost = text::dollars(&answer.usage.cost_usd);
    let took = format!(
        "{} ms, {cost}, {} in, {} out",
        answer.elapsed_ms, answer.usage.input_tokens, answer.usage.output_tokens
    );
    lines.push(canvas.inked(&[(Ink::Faint, &took)]));
    lines
}
