//! A field in which a person writes: one line, or several. It knows words and characters, not the screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

use crate::text::width;

/// Text with a place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Editor {
    text: String,
    /// In bytes, between two characters as people see them.
    at: usize,
}

impl Editor {
    /// A field with `text` in it, at its end.
    #[must_use]
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// What is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the place.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.text[..self.at]
    }

    /// Writes `text` at the place. Line ends of any kind become `\n`.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.text.insert_str(self.at, &text);
        self.at += text.len();
    }

    /// Takes the text out.
    pub fn take(&mut self) -> String {
        self.at = 0;
        std::mem::take(&mut self.text)
    }

    /// Takes a key that writes or moves; false if it means nothing here. The keys are those of a shell.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(letter) if !ctrl && !alt => self.insert(letter.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if alt || ctrl => self.cut_to(self.word_before()),
            KeyCode::Char('w') if ctrl => self.cut_to(self.word_before()),
            KeyCode::Backspace => self.cut_to(self.character_before()),
            KeyCode::Char('h') if ctrl => self.cut_to(self.character_before()),
            KeyCode::Delete => self.cut_after(self.character_after()),
            KeyCode::Char('d') if ctrl => self.cut_after(self.character_after()),
            KeyCode::Char('u') if ctrl => self.cut_to(self.line_start()),
            KeyCode::Char('k') if ctrl => self.cut_after(self.line_end()),
            KeyCode::Left if ctrl || alt => self.at = self.word_before(),
            KeyCode::Right if ctrl || alt => self.at = self.word_after(),
            KeyCode::Char('b') if alt => self.at = self.word_before(),
            KeyCode::Char('f') if alt => self.at = self.word_after(),
            KeyCode::Left => self.at = self.character_before(),
            KeyCode::Right => self.at = self.character_after(),
            KeyCode::Home => self.at = self.line_start(),
            KeyCode::Char('a') if ctrl => self.at = self.line_start(),
            KeyCode::End => self.at = self.line_end(),
            KeyCode::Char('e') if ctrl => self.at = self.line_end(),
            _ => return false,
        }
        true
    }

    fn cut_to(&mut self, from: usize) {
        self.text.drain(from..self.at);
        self.at = from;
    }

    fn cut_after(&mut self, to: usize) {
        self.text.drain(self.at..to);
    }

    fn character_before(&self) -> usize {
        self.before().grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn character_after(&self) -> usize {
        self.at + self.text[self.at..].graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        self.before().unicode_word_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let rest = &self.text[self.at..];
        rest.unicode_word_indices().next().map_or(self.text.len(), |(at, word)| self.at + at + word.len())
    }

    fn line_start(&self) -> usize {
        self.before().rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        self.text[self.at..].find('\n').map_or(self.text.len(), |at| self.at + at)
    }

    /// The text in rows of at most `cells`, and where the place is: row and cell.
    #[must_use]
    pub fn rows(&self, cells: usize) -> (Vec<String>, (usize, usize)) {
        let cells = cells.max(2);
        let (mut rows, mut place) = (vec![String::new()], (0, 0));
        let mut used = 0;
        for (at, cluster) in self.text.grapheme_indices(true) {
            if cluster != "\n" && used + width(cluster) > cells {
                rows.push(String::new());
                used = 0;
            }
            if at == self.at {
                place = (rows.len() - 1, used);
            }
            if cluster == "\n" {
                rows.push(String::new());
                used = 0;
                continue;
            }
            used += width(cluster);
            if let Some(row) = rows.last_mut() {
                row.push_str(cluster);
            }
        }
        if self.at == self.text.len() {
            place = if used >= cells {
                rows.push(String::new());
                (rows.len() - 1, 0)
            } else {
                (rows.len() - 1, used)
            };
        }
        (rows, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(editor: &mut Editor, code: KeyCode, modifiers: KeyModifiers) {
        assert!(editor.key(KeyEvent::new(code, modifiers)), "{code:?} means nothing");
    }

    #[test]
    fn characters_are_what_people_see() {
        let mut editor = Editor::with("Größe 👩‍👩‍👧");
        press(&mut editor, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(editor.text(), "Größe ");
        for _ in 0..3 {
            press(&mut editor, KeyCode::Left, KeyModifiers::NONE);
        }
        press(&mut editor, KeyCode::Delete, KeyModifiers::NONE);
        assert_eq!(editor.text(), "Größ"[.."Größ".len() - 2].to_owned() + "e ");
    }

    #[test]
    fn keys_of_a_shell_move_and_cut_by_words_and_lines() {
        let mut editor = Editor::with("one two\nthree four");
        press(&mut editor, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(editor.text(), "one two\nthree ");
        press(&mut editor, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!(editor.text(), "one two\n");
        press(&mut editor, KeyCode::Left, KeyModifiers::NONE);
        press(&mut editor, KeyCode::Char('a'), KeyModifiers::CONTROL);
        press(&mut editor, KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(editor.text(), "\n");
        assert!(!editor.key(KeyEvent::new(KeyCode::F(1), KeyModifiers::NONE)));
    }

    #[test]
    fn rows_are_never_wider_than_the_field_and_the_place_is_found() {
        let mut editor = Editor::with("abcdef\ngh");
        assert_eq!(editor.rows(4), (vec!["abcd".into(), "ef".into(), "gh".into()], (2, 2)));
        press(&mut editor, KeyCode::Home, KeyModifiers::NONE);
        assert_eq!(editor.rows(4).1, (2, 0));
        let full = Editor::with("abcd");
        assert_eq!(full.rows(4), (vec!["abcd".into(), String::new()], (1, 0)));
    }

    #[test]
    fn pasted_line_ends_become_one_kind() {
        let mut editor = Editor::default();
        editor.insert("a\r\nb\rc");
        assert_eq!(editor.take(), "a\nb\nc");
        assert_eq!(editor.before(), "");
    }
}
