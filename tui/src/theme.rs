//! How parts of the screen look. Colour never says anything alone: what is chosen has a mark, what is wrong has a word.

use ratatui::style::{Color, Modifier, Style};

/// What a part of the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Ordinary text.
    Plain,
    /// Stands back: ages, ids.
    Faint,
    /// Stands out.
    Strong,
    /// Heads of tables and panes.
    Title,
    /// The frame of a pane.
    Border,
    /// The frame of the pane that takes the keys.
    Focused,
    /// The chosen row.
    Chosen,
    /// The chosen row of a pane that does not take the keys.
    ChosenElsewhere,
    /// A key in the footer.
    Key,
    /// A shopper's.
    Shopper,
    /// The assistant's.
    Assistant,
    /// A person's of the shop.
    Person,
    /// Went well.
    Good,
    /// Wants a person.
    Wanted,
    /// Went wrong.
    Bad,
}

/// A set of looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// The terminal's own 16 colours: right on dark and on light ones.
    Terminal,
    /// Colours for a dark background.
    Dark,
    /// Colours for a light background.
    Light,
    /// No colours.
    Mono,
}

impl Theme {
    /// Every theme by its name.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("terminal", Self::Terminal), ("dark", Self::Dark), ("light", Self::Light), ("mono", Self::Mono)];

    /// The theme of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, theme)| *theme)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, theme)| *theme == self).map_or("terminal", |(name, _)| name)
    }

    /// How `ink` looks.
    #[must_use]
    pub fn style(self, ink: Ink) -> Style {
        let plain = Style::new();
        let shaped = match ink {
            Ink::Strong | Ink::Title | Ink::Key | Ink::Bad => plain.add_modifier(Modifier::BOLD),
            Ink::Chosen => plain.add_modifier(Modifier::REVERSED),
            Ink::ChosenElsewhere => plain.add_modifier(Modifier::UNDERLINED),
            Ink::Focused => plain.add_modifier(Modifier::BOLD),
            Ink::Faint | Ink::Border if self != Self::Mono => plain,
            Ink::Faint => plain.add_modifier(Modifier::DIM),
            _ => plain,
        };
        match self.colour(ink) {
            Some(colour) => shaped.fg(colour),
            None => shaped,
        }
    }

    fn colour(self, ink: Ink) -> Option<Color> {
        let rgb = |red, green, blue| Some(Color::Rgb(red, green, blue));
        match (self, ink) {
            (Self::Mono, _) | (_, Ink::Plain | Ink::Strong | Ink::Title | Ink::Chosen | Ink::ChosenElsewhere) => None,
            (Self::Terminal, Ink::Faint | Ink::Border) => Some(Color::DarkGray),
            (Self::Terminal, Ink::Focused | Ink::Key | Ink::Shopper) => Some(Color::Cyan),
            (Self::Terminal, Ink::Assistant | Ink::Good) => Some(Color::Green),
            (Self::Terminal, Ink::Person | Ink::Wanted) => Some(Color::Yellow),
            (Self::Terminal, Ink::Bad) => Some(Color::Red),
            // Contrast with #1b1b1f and #ffffff is at least 4.5 to 1 for everything that is read.
            (Self::Dark, Ink::Border) => rgb(98, 102, 117),
            (Self::Dark, Ink::Faint) => rgb(148, 153, 170),
            (Self::Dark, Ink::Focused | Ink::Key | Ink::Shopper) => rgb(125, 207, 255),
            (Self::Dark, Ink::Assistant | Ink::Good) => rgb(158, 206, 106),
            (Self::Dark, Ink::Person | Ink::Wanted) => rgb(235, 190, 110),
            (Self::Dark, Ink::Bad) => rgb(255, 128, 140),
            (Self::Light, Ink::Border) => rgb(160, 160, 170),
            (Self::Light, Ink::Faint) => rgb(100, 104, 116),
            (Self::Light, Ink::Focused | Ink::Key | Ink::Shopper) => rgb(0, 92, 158),
            (Self::Light, Ink::Assistant | Ink::Good) => rgb(36, 104, 36),
            (Self::Light, Ink::Person | Ink::Wanted) => rgb(138, 84, 0),
            (Self::Light, Ink::Bad) => rgb(176, 16, 40),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: [Ink; 8] =
        [Ink::Faint, Ink::Focused, Ink::Shopper, Ink::Assistant, Ink::Person, Ink::Good, Ink::Wanted, Ink::Bad];

    /// WCAG's contrast of two colours.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let light = |colour: [u8; 3]| {
            let part = |value: u8| {
                let value = f64::from(value) / 255.0;
                if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(colour[0]) + 0.7152 * part(colour[1]) + 0.0722 * part(colour[2])
        };
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn what_is_read_stands_out_from_its_background() {
        for (theme, background) in [(Theme::Dark, [0x1b, 0x1b, 0x1f]), (Theme::Light, [0xff, 0xff, 0xff])] {
            for ink in READ {
                let Some(Color::Rgb(red, green, blue)) = theme.style(ink).fg else { panic!("{ink:?} has no colour") };
                let seen = contrast([red, green, blue], background);
                assert!(seen >= 4.5, "{theme:?} {ink:?}: {seen:.1}");
            }
        }
    }

    #[test]
    fn without_colours_nothing_has_one_and_the_chosen_row_is_still_seen() {
        for ink in READ {
            assert_eq!(Theme::Mono.style(ink).fg, None);
        }
        assert_eq!(Theme::Mono.style(Ink::Chosen).add_modifier, Modifier::REVERSED);
    }

    #[test]
    fn themes_are_found_by_name() {
        for (name, theme) in Theme::ALL {
            assert_eq!(Theme::named(name), Some(*theme));
            assert_eq!(theme.name(), *name);
        }
        assert_eq!(Theme::named("solarized"), None);
    }
}
