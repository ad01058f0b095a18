//! What lies over a screen and takes the keys: help, the palette, the command line, filters, choices, questions.

use std::cell::Cell;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{layout::Rect, text::Line};

use crate::{
    canvas::Canvas,
    editor::Editor,
    filter::Filter,
    fuzzy,
    keys::{Action, Keymap, Row, Scope, TABLE},
    screens::{Command, Confirm, Pick},
    table::{Cursor, Move},
    text,
    theme::Ink,
};

/// Rows of a list in a window.
const WINDOW_ROWS: u16 = 14;
/// Cells of keys and of names in the help.
const HELP_KEYS: usize = 18;
const HELP_NAMES: usize = 16;
/// Cells of a window.
const WINDOW_CELLS: u16 = 72;

/// Something over the screen.
pub enum Overlay {
    /// The keys, from this line on.
    Help(Cell<usize>),
    /// Any action or shop.
    Palette(Choice),
    /// One of some things.
    Pick(Choice),
    /// A command line; where in the history somebody is.
    Prompt(Editor, usize, Option<String>),
    /// A filter, with what was wrong with it.
    Filter(Editor, Option<String>),
    /// How to sort: the columns, the chosen one, whether turned round.
    Sort(&'static [&'static str], Cursor, bool),
    /// A question before something is done.
    Confirm(Box<Confirm>),
    /// Something waits to be sent while somebody leaves.
    Leaving(usize),
}

/// Things of which some fit what is written.
pub struct Choice {
    title: String,
    written: Editor,
    all: Vec<(String, Chosen)>,
    words: Vec<String>,
    fitting: Vec<usize>,
    cursor: Cursor,
}

/// What follows a choice.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// An action of the key table.
    Action(Action),
    /// A command.
    Command(Command),
}

impl Choice {
    /// All of `all` fit at first.
    pub fn new(title: impl Into<String>, all: Vec<(String, Chosen)>) -> Self {
        let fitting = (0..all.len()).collect();
        let words = all.iter().map(|(words, _)| words.clone()).collect();
        Self { title: title.into(), written: Editor::default(), all, words, fitting, cursor: Cursor::default() }
    }

    /// The choices of a pick.
    pub fn of(pick: Pick) -> Self {
        let all = pick.choices.into_iter().map(|(words, then)| (words, Chosen::Command(then))).collect();
        Self::new(pick.title, all)
    }

    fn chosen(&self) -> Option<Chosen> {
        let at = *self.fitting.get(self.cursor.row())?;
        self.all.get(at).map(|(_, chosen)| chosen.clone())
    }

    fn key(&mut self, key: KeyEvent) {
        match way(key) {
            Some(way) => self.cursor.go(way, self.fitting.len()),
            None if self.written.key(key) => self.rank(),
            None => {}
        }
    }

    fn rank(&mut self) {
        self.fitting = fuzzy::ranked(self.written.text(), &self.words);
        self.cursor.choose(0);
    }
}

/// The arrow keys and those of a shell's history.
fn way(key: KeyEvent) -> Option<Move> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Up => Move::Up,
        KeyCode::Down => Move::Down,
        KeyCode::Char('p') if ctrl => Move::Up,
        KeyCode::Char('n') if ctrl => Move::Down,
        KeyCode::PageUp => Move::HalfUp,
        KeyCode::PageDown => Move::HalfDown,
        _ => return None,
    })
}

/// What an overlay made of a key.
pub enum Then {
    /// It stays.
    Stay,
    /// It closes.
    Close,
    /// It closes, and this follows.
    Choose(Chosen),
    /// It closes, and this line is carried out.
    Run(String),
    /// The list is filtered by this; it closes if `true`.
    Filter(Filter, bool),
    /// The list is sorted by this.
    Sort(usize, bool),
    /// What waits to be sent goes out now, and the monitor ends.
    SendAndQuit,
    /// What waits is dropped, and the monitor ends.
    DropAndQuit,
}

impl Overlay {
    /// Takes a key. `history`: earlier command lines, the oldest first.
    pub fn key(&mut self, key: KeyEvent, keymap: &Keymap, history: &[String]) -> Then {
        if key.code == KeyCode::Esc || (key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL) {
            // A filter that is being written is left as it was before.
            return if matches!(self, Self::Filter(..)) { Then::Filter(Filter::default(), true) } else { Then::Close };
        }
        match self {
            Self::Help(top) => help_key(top, key, keymap),
            Self::Palette(choice) | Self::Pick(choice) if key.code == KeyCode::Enter => {
                choice.chosen().map_or(Then::Stay, Then::Choose)
            }
            Self::Palette(choice) | Self::Pick(choice) => {
                choice.key(key);
                Then::Stay
            }
            Self::Prompt(editor, at, written) => prompt_key(editor, at, written, key, history),
            Self::Filter(editor, wrong) => filter_key(editor, wrong, key),
            Self::Sort(columns, cursor, turned) => sort_key(columns, cursor, turned, key),
            Self::Confirm(confirm) => match key.code {
                KeyCode::Char(letter) if letter == confirm.key && key.modifiers.is_empty() => {
                    Then::Choose(Chosen::Command(confirm.then.clone()))
                }
                _ => Then::Stay,
            },
            Self::Leaving(_) => match key.code {
                KeyCode::Char('s') => Then::SendAndQuit,
                KeyCode::Char('d') => Then::DropAndQuit,
                _ => Then::Stay,
            },
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, pasted: &str) {
        let line = pasted.replace(['\n', '\r'], " ");
        match self {
            Self::Palette(choice) | Self::Pick(choice) => {
                choice.written.insert(&line);
                choice.rank();
            }
            Self::Prompt(editor, ..) | Self::Filter(editor, _) => editor.insert(&line),
            Self::Help(_) | Self::Sort(..) | Self::Confirm(_) | Self::Leaving(_) => {}
        }
    }

    /// Draws it over `area`; `scopes`: where the keys would go without it.
    pub fn view(&self, canvas: &mut Canvas<'_, '_>, area: Rect, keymap: &Keymap, scopes: &[Scope]) {
        match self {
            Self::Help(top) => help(top, canvas, area, keymap, scopes),
            Self::Palette(choice) | Self::Pick(choice) => choose(choice, canvas, area),
            Self::Prompt(editor, ..) => field(canvas, area, ":", editor, None),
            Self::Filter(editor, wrong) => field(canvas, area, "/", editor, wrong.as_deref()),
            Self::Sort(columns, cursor, turned) => sort(columns, cursor, *turned, canvas, area),
            Self::Confirm(confirm) => question(confirm, canvas, area),
            Self::Leaving(count) => leaving(*count, canvas, area),
        }
    }
}

fn help_key(top: &Cell<usize>, key: KeyEvent, keymap: &Keymap) -> Then {
    let at = top.get();
    match (way(key), keymap.find(crate::keys::Key::of(key), &[Scope::Everywhere])) {
        (Some(Move::Up), _) | (_, Some(Action::Up)) => top.set(at.saturating_sub(1)),
        (Some(Move::Down), _) | (_, Some(Action::Down)) => top.set(at + 1),
        (Some(Move::HalfUp), _) | (_, Some(Action::HalfUp)) => top.set(at.saturating_sub(10)),
        (Some(Move::HalfDown), _) | (_, Some(Action::HalfDown)) => top.set(at + 10),
        (_, Some(Action::Help | Action::Quit | Action::Back)) => return Then::Close,
        _ => {}
    }
    Then::Stay
}

fn prompt_key(
    editor: &mut Editor,
    at: &mut usize,
    written: &mut Option<String>,
    key: KeyEvent,
    history: &[String],
) -> Then {
    match (key.code, way(key)) {
        (KeyCode::Enter, _) => return Then::Run(editor.take()),
        (KeyCode::Backspace, _) if editor.text().is_empty() => return Then::Close,
        (KeyCode::Tab, _) => {
            let (head, rest) = editor.text().split_once(' ').unwrap_or((editor.text(), ""));
            let mut names = TABLE.iter().map(|row| row.name).filter(|name| name.starts_with(head));
            if let (true, Some(name), None) = (rest.is_empty(), names.next(), names.next()) {
                *editor = Editor::with(name);
            }
        }
        (_, Some(Move::Up)) if *at < history.len() => {
            written.get_or_insert_with(|| editor.text().to_owned());
            *at += 1;
            *editor = Editor::with(history[history.len() - *at].clone());
        }
        (_, Some(Move::Down)) if *at > 0 => {
            *at -= 1;
            *editor = match *at {
                0 => Editor::with(written.take().unwrap_or_default()),
                back => Editor::with(history[history.len() - back].clone()),
            };
        }
        _ => {
            editor.key(key);
        }
    }
    Then::Stay
}

fn filter_key(editor: &mut Editor, wrong: &mut Option<String>, key: KeyEvent) -> Then {
    let entered = key.code == KeyCode::Enter;
    if !entered && !editor.key(key) {
        return Then::Stay;
    }
    match Filter::parse(editor.text()) {
        Ok(filter) => {
            *wrong = None;
            Then::Filter(filter, entered)
        }
        Err(error) => {
            *wrong = Some(error.to_string());
            Then::Stay
        }
    }
}

fn sort_key(columns: &[&str], cursor: &mut Cursor, turned: &mut bool, key: KeyEvent) -> Then {
    match (key.code, way(key)) {
        (KeyCode::Enter, _) => return Then::Sort(cursor.row(), *turned),
        (KeyCode::Char('r' | ' '), _) => *turned = !*turned,
        (KeyCode::Char('j'), _) => cursor.go(Move::Down, columns.len()),
        (KeyCode::Char('k'), _) => cursor.go(Move::Up, columns.len()),
        (_, Some(way)) => cursor.go(way, columns.len()),
        _ => {}
    }
    Then::Stay
}

/// The lines of the help: what means something here first.
fn help_lines(canvas: &Canvas<'_, '_>, keymap: &Keymap, scopes: &[Scope], cells: usize) -> Vec<Line<'static>> {
    let mut order: Vec<Scope> = scopes.to_vec();
    order.extend(TABLE.iter().map(|row| row.scope));
    let mut seen = Vec::new();
    let mut lines = Vec::new();
    for scope in order {
        if seen.contains(&scope) {
            continue;
        }
        seen.push(scope);
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(canvas.inked(&[(Ink::Title, scope.title())]));
        for row in TABLE.iter().filter(|row| row.scope == scope) {
            lines.extend(help_row(canvas, keymap, row, cells));
        }
    }
    lines
}

/// Keys, name and help of an action; long help goes on below itself.
fn help_row(canvas: &Canvas<'_, '_>, keymap: &Keymap, row: &Row, cells: usize) -> Vec<Line<'static>> {
    let keys: Vec<String> = keymap.keys(row.action).iter().map(ToString::to_string).collect();
    let heads = [text::left(&keys.join("  "), HELP_KEYS), text::left(&format!(":{}", row.name), HELP_NAMES)];
    let wrapped = text::wrap(row.help, cells.saturating_sub(HELP_KEYS + HELP_NAMES).max(HELP_NAMES));
    let line = |(at, help): (usize, &String)| match at {
        0 => canvas.inked(&[(Ink::Key, &heads[0]), (Ink::Faint, &heads[1]), (Ink::Plain, help)]),
        _ => canvas.inked(&[(Ink::Plain, &" ".repeat(HELP_KEYS + HELP_NAMES)), (Ink::Plain, help)]),
    };
    wrapped.iter().enumerate().map(line).collect()
}

fn help(top: &Cell<usize>, canvas: &mut Canvas<'_, '_>, area: Rect, keymap: &Keymap, scopes: &[Scope]) {
    let inside = canvas.window(area, 96, area.height.saturating_sub(2), "Keys  (j k scroll, esc closes)");
    let lines = help_lines(canvas, keymap, scopes, inside.width.into());
    top.set(top.get().min(lines.len().saturating_sub(inside.height.into())));
    canvas.lines(inside, lines, top.get());
}

fn choose(choice: &Choice, canvas: &mut Canvas<'_, '_>, area: Rect) {
    let title = format!("{}  {} of {}", choice.title, choice.fitting.len(), choice.all.len());
    let inside = canvas.window(area, WINDOW_CELLS, WINDOW_ROWS + 3, &title);
    let [top, rest] = split_top(inside, 1);
    canvas.line(top, &[(Ink::Key, "> "), (Ink::Plain, choice.written.text())]);
    let typed = u16::try_from(text::width(choice.written.before())).unwrap_or(0);
    canvas.cursor((top.x + 2 + typed).min(top.right().saturating_sub(1)), top.y);
    let first = choice.cursor.first_shown(rest.height.into(), choice.fitting.len());
    let shown = choice.fitting.iter().enumerate().skip(first).take(rest.height.into());
    let cells = usize::from(rest.width).saturating_sub(2);
    let lines = shown.map(|(at, &index)| {
        let chosen = at == choice.cursor.row();
        let words = text::left(&choice.words[index], cells);
        let line = canvas.inked(&[(Ink::Plain, if chosen { "> " } else { "  " }), (Ink::Plain, &words)]);
        if chosen { line.style(canvas.style(Ink::Chosen)) } else { line }
    });
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        canvas.empty(rest, "nothing fits");
    }
    canvas.lines(rest, lines, 0);
}

/// The first `rows` of an area, and the rest.
pub fn split_top(area: Rect, rows: u16) -> [Rect; 2] {
    let rows = rows.min(area.height);
    let top = Rect { height: rows, ..area };
    [top, Rect { y: area.y + rows, height: area.height - rows, ..area }]
}

/// A line at the bottom of the screen.
fn field(canvas: &mut Canvas<'_, '_>, area: Rect, sign: &str, editor: &Editor, wrong: Option<&str>) {
    let place = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
    canvas.frame.render_widget(ratatui::widgets::Clear, place);
    let typed = u16::try_from(text::width(editor.before())).unwrap_or(0);
    let mut parts = vec![(Ink::Key, sign), (Ink::Plain, editor.text())];
    let wrong = wrong.map(|wrong| format!("   {wrong}"));
    if let Some(wrong) = &wrong {
        parts.push((Ink::Bad, wrong));
    }
    canvas.line(place, &parts);
    canvas.cursor((place.x + 1 + typed).min(place.right().saturating_sub(1)), place.y);
}

fn sort(columns: &[&str], cursor: &Cursor, turned: bool, canvas: &mut Canvas<'_, '_>, area: Rect) {
    let height = u16::try_from(columns.len()).unwrap_or(u16::MAX).saturating_add(3);
    let inside = canvas.window(area, 44, height, "Sort by  (r turns it round)");
    let way = if turned { "turned round" } else { "as usual" };
    let mut lines: Vec<Line<'static>> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let chosen = at == cursor.row();
            let words = text::left(column, usize::from(inside.width).saturating_sub(2));
            let line = canvas.inked(&[(Ink::Plain, if chosen { "> " } else { "  " }), (Ink::Plain, &words)]);
            if chosen { line.style(canvas.style(Ink::Chosen)) } else { line }
        })
        .collect();
    lines.push(canvas.inked(&[(Ink::Faint, "  order: "), (Ink::Plain, way)]));
    canvas.lines(inside, lines, 0);
}

fn question(confirm: &Confirm, canvas: &mut Canvas<'_, '_>, area: Rect) {
    let cells = WINDOW_CELLS.min(area.width).saturating_sub(4);
    let body = text::wrap(&confirm.body, cells.into());
    let room = usize::from(area.height.saturating_sub(5));
    let height = u16::try_from(body.len().min(room) + 4).unwrap_or(area.height);
    let inside = canvas.window(area, WINDOW_CELLS, height, &confirm.title);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let mut lines: Vec<Line<'static>> =
        body.iter().take(room).map(|line| canvas.inked(&[(Ink::Plain, line)])).collect();
    lines.push(Line::default());
    let key = confirm.key.to_string();
    lines.push(canvas.inked(&[
        (Ink::Key, &key),
        (Ink::Plain, " "),
        (Ink::Plain, confirm.verb),
        (Ink::Faint, "    "),
        (Ink::Key, "esc"),
        (Ink::Plain, " back"),
    ]));
    canvas.lines(inside, lines, 0);
}

fn leaving(count: usize, canvas: &mut Canvas<'_, '_>, area: Rect) {
    let what = if count == 1 { "One message is".to_owned() } else { format!("{count} messages are") };
    let inside = canvas.window(area, 60, 5, "Leave");
    let lines = vec![
        canvas.inked(&[(Ink::Plain, &format!(" {what} not sent yet."))]),
        Line::default(),
        canvas.inked(&[
            (Ink::Key, " s"),
            (Ink::Plain, " send now and leave    "),
            (Ink::Key, "d"),
            (Ink::Plain, " drop and leave    "),
            (Ink::Key, "esc"),
            (Ink::Plain, " stay"),
        ]),
    ];
    canvas.lines(inside, lines, 0);
}
