//! What several screens show in the same way.

use aura::api::{Price, Time};
use ratatui::{layout::Rect, text::Line};

use crate::{
    canvas::Canvas,
    filter::Filter,
    strings, text,
    theme::Ink,
    work::{Load, Trouble},
    world::World,
};

/// Where a list stands, and what is chosen in it.
pub(super) struct ListAndDetail {
    /// The list, where it is seen.
    pub(super) list: Option<Rect>,
    /// What is chosen, where it is seen.
    pub(super) detail: Option<Rect>,
    /// Whether what is chosen stands alone and takes the keys.
    pub(super) alone: bool,
}

/// Both beside each other from `wide` cells on, `share` percent of them for the list; else what somebody looks at.
pub(super) fn list_and_detail(area: Rect, wide: u16, share: u16, inspecting: bool) -> ListAndDetail {
    if area.width >= wide {
        let [list, detail] = beside(area, share);
        return ListAndDetail { list: Some(list), detail: Some(detail), alone: false };
    }
    let (list, detail) = if inspecting { (None, Some(area)) } else { (Some(area), None) };
    ListAndDetail { list, detail, alone: inspecting }
}

/// Two areas beside each other, `share` percent of the cells for the first.
pub(super) fn beside(area: Rect, share: u16) -> [Rect; 2] {
    let width = u16::try_from(u32::from(area.width) * u32::from(share.min(100)) / 100).unwrap_or(area.width);
    [Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area }]
}

/// A title with the filter and the count behind it: `Conversations 12 of 240  /tenant:noor`.
pub(super) fn titled(name: &str, shown: usize, all: usize, filter: &Filter) -> String {
    let figure = |value: usize| text::number(u64::try_from(value).unwrap_or(u64::MAX));
    match filter.is_empty() {
        true => format!("{name} {}", figure(all)),
        false => format!("{name} {} of {}  /{}", figure(shown), figure(all), filter.text()),
    }
}

/// `49.00 EUR`, or a dash.
pub(super) fn price(price: Option<&Price>) -> String {
    price.map_or_else(|| "-".into(), |price| format!("{} {}", price.amount, price.currency))
}

/// `4 min`, `2 h`: what is left until `at`; `now` when it is over.
pub(super) fn left_until(at: Time, now: Time) -> String {
    match at.0.saturating_sub(now.0) {
        ..=0 => "now".into(),
        ms @ ..60_000 => format!("{} s", ms / 1_000),
        ms @ ..3_600_000 => format!("{} min", ms / 60_000),
        ms => format!("{} h", ms / 3_600_000),
    }
}

/// What a pane says instead of its content: that it is read, why it could not be, or `otherwise`.
pub(super) fn instead(canvas: &mut Canvas<'_, '_>, area: Rect, world: &World, load: &Load, otherwise: &str) {
    match world.trouble(load) {
        Some(trouble) => canvas.empty(area, &trouble_words(trouble)),
        None if world.is_loading(load) => canvas.empty(area, strings::LOADING),
        None => canvas.empty(area, otherwise),
    }
}

/// A trouble with what to do about it.
pub(super) fn trouble_words(trouble: &Trouble) -> String {
    match &trouble.hint {
        Some(hint) => format!("{}. {hint}", trouble.what),
        None => trouble.what.clone(),
    }
}

/// `label  value` lines, wrapped under the value.
pub(super) fn pairs(canvas: &Canvas<'_, '_>, rows: &[(&str, Ink, String)], cells: usize) -> Vec<Line<'static>> {
    let widest = rows.iter().map(|(label, ..)| text::width(label)).max().unwrap_or_default();
    let room = cells.saturating_sub(widest + 2).max(8);
    let mut lines = Vec::new();
    for (label, ink, value) in rows {
        for (at, part) in text::wrap(value, room).iter().enumerate() {
            let head = if at == 0 { text::left(label, widest + 2) } else { " ".repeat(widest + 2) };
            lines.push(canvas.inked(&[(Ink::Faint, &head), (*ink, part)]));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_its_detail_share_a_wide_area_and_take_turns_in_a_narrow_one() {
        let area = Rect { x: 3, y: 1, width: 101, height: 20 };
        let wide = list_and_detail(area, 101, 60, true);
        let (list, detail) = (wide.list.expect("seen"), wide.detail.expect("seen"));
        assert_eq!((list.x, list.width, detail.x, detail.width, wide.alone), (3, 60, 63, 41, false));
        let places = |inspecting| {
            let narrow = list_and_detail(area, 102, 60, inspecting);
            (narrow.list, narrow.detail, narrow.alone)
        };
        assert_eq!(places(false), (Some(area), None, false));
        assert_eq!(places(true), (None, Some(area), true));
        let widest = Rect { width: u16::MAX, x: 0, ..area };
        assert_eq!(beside(widest, 60).map(|part| part.width).iter().sum::<u16>(), u16::MAX);
    }
}
