//! What stands around every screen: the tabs and the state of Aura above, what is about to be sent and the keys below.

use ratatui::layout::Rect;

use crate::{
    canvas::{Canvas, Hit, Part},
    keys::{Action, Keymap, Scope, TABLE},
    outgoing::Held,
    screens::ScreenId,
    text,
    theme::Ink,
    world::{Link, World},
};

/// Narrower than this nothing can be laid out.
pub const LEAST_CELLS: u16 = 60;
/// Lower than this nothing can be laid out.
pub const LEAST_ROWS: u16 = 16;
/// Keys in the footer.
const FOOTER_KEYS: usize = 6;
/// Keys of every screen that are shown where its own leave room, the most useful first.
const FOOTER_EVERYWHERE: [Action; 4] = [Action::Enter, Action::Filter, Action::Help, Action::Quit];

/// Head, body and foot.
pub fn parts(area: Rect) -> [Rect; 3] {
    [
        Rect { height: 1, ..area },
        Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area },
        Rect { y: area.bottom().saturating_sub(1), height: 1, ..area },
    ]
}

/// The tabs, and on the right how Aura is.
pub fn head(canvas: &mut Canvas<'_, '_>, area: Rect, current: ScreenId, world: &World) {
    let (ink, state) = state(world);
    let state_cells = u16::try_from(text::width(&state)).unwrap_or(area.width).min(area.width);
    let mut x = area.x;
    let room = area.right().saturating_sub(state_cells + 1);
    // Where there is no room for the names, the number and the first letters have to do.
    let full: u16 = ScreenId::ALL.iter().map(|screen| tab_cells(screen.title())).sum();
    let short = full > room.saturating_sub(area.x);
    for (number, screen) in (1..).zip(ScreenId::ALL) {
        let title = if short { text::clip(screen.title(), 3).replace('…', "") } else { screen.title().to_owned() };
        let title = if screen == current { screen.title().to_owned() } else { title };
        let cells = tab_cells(&title);
        if x + cells > room {
            break;
        }
        let place = Rect { x, width: cells, ..area };
        let (open, close) = if screen == current { ("[", "]") } else { (" ", " ") };
        let ink = if screen == current { Ink::Title } else { Ink::Faint };
        canvas.line(place, &[(ink, open), (Ink::Key, &number.to_string()), (ink, " "), (ink, &title), (ink, close)]);
        canvas.hit(place, Hit::Tab(screen));
        x += cells;
    }
    let place = Rect { x: area.right().saturating_sub(state_cells), width: state_cells, ..area };
    canvas.line(place, &[(ink, &state)]);
}

fn tab_cells(title: &str) -> u16 {
    u16::try_from(text::width(title)).unwrap_or(20) + 4
}

/// Whether Aura is there, and how many shoppers wait for a person.
fn state(world: &World) -> (Ink, String) {
    match &world.link {
        Link::Connecting => (Ink::Faint, "connecting …".into()),
        Link::Lost(_, since) => {
            let seconds = world.now.0.saturating_sub(since.0) / 1_000;
            (Ink::Bad, format!("daemon away for {seconds} s, trying again"))
        }
        Link::Over(trouble) => (Ink::Bad, text::clip(&trouble.what, 40)),
        Link::Live => {
            let tenants = world.status.as_ref().map_or(&[][..], |status| &status.tenants);
            let waiting: u64 = tenants.iter().map(|tenant| tenant.waiting).sum();
            let drafts: u64 = tenants.iter().map(|tenant| tenant.drafts).sum();
            match (waiting, drafts) {
                (0, 0) => (Ink::Good, "live".into()),
                (0, drafts) => (Ink::Wanted, format!("live, {}", count(drafts))),
                (waiting, 0) => (Ink::Wanted, format!("live, {waiting} waiting")),
                (waiting, drafts) => (Ink::Wanted, format!("live, {waiting} waiting, {}", count(drafts))),
            }
        }
    }
}

fn count(drafts: u64) -> String {
    if drafts == 1 { "1 draft".into() } else { format!("{} drafts", text::number(drafts)) }
}

/// What is about to be sent, else the last word, else the keys.
pub fn foot(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    keymap: &Keymap,
    scopes: &[Scope],
    said: Option<Part<'_>>,
    held: &[Held],
) {
    if let Some(first) = held.first() {
        let seconds = (first.at.0 - canvas.now.0).max(0).unsigned_abs().div_ceil(1_000);
        let more = if held.len() > 1 { format!(" (and {} more)", held.len() - 1) } else { String::new() };
        let undo = keymap.shown(Action::Undo);
        let shopper = text::clip(&first.shopper, 24);
        let words = format!("goes to {shopper} in {seconds} s{more}  ");
        let parts = [(Ink::Wanted, words.as_str()), (Ink::Key, &undo), (Ink::Plain, " takes it back")];
        return canvas.line(area, &parts);
    }
    if let Some((ink, words)) = said {
        let words = text::clip(words, area.width.into());
        return canvas.line(area, &[(ink, &words)]);
    }
    let mut parts: Vec<(Ink, String)> = Vec::new();
    let mut cells = 0;
    for (action, word) in shown(scopes) {
        let key = keymap.shown(action);
        if key.is_empty() {
            continue;
        }
        let wide = text::width(&key) + 1 + text::width(word) + 3;
        if cells + wide > usize::from(area.width) + 3 {
            break;
        }
        cells += wide;
        parts.push((Ink::Key, key));
        parts.push((Ink::Plain, format!(" {word}   ")));
    }
    let parts: Vec<Part<'_>> = parts.iter().map(|(ink, words)| (*ink, words.as_str())).collect();
    canvas.line(area, &parts);
}

/// The six most useful keys of a place.
fn shown(scopes: &[Scope]) -> Vec<(Action, &'static str)> {
    let own = TABLE.iter().filter(|row| row.scope != Scope::Everywhere && scopes.contains(&row.scope));
    let mut shown: Vec<_> = own.filter_map(|row| Some((row.action, row.footer?))).collect();
    if scopes.contains(&Scope::Everywhere) {
        shown.truncate(FOOTER_KEYS - 3);
        // Nothing can be opened there, and a list that cannot be filtered has no key for it.
        let has_no = |action: &Action| match action {
            Action::Enter => scopes.contains(&Scope::System),
            Action::Filter => scopes.contains(&Scope::System) || scopes.contains(&Scope::Catalogue),
            _ => false,
        };
        let useful = |action: &&Action| !has_no(action);
        let everywhere =
            FOOTER_EVERYWHERE.iter().filter(useful).filter_map(|action| Some((*action, action.row().footer?)));
        let room = FOOTER_KEYS - shown.len();
        let everywhere: Vec<_> = everywhere.collect();
        let skip = everywhere.len().saturating_sub(room);
        shown.extend(everywhere.into_iter().skip(skip));
    }
    shown.truncate(FOOTER_KEYS);
    shown
}
