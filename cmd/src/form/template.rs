//! `--template`: a Jinja template over the document, with what tables and ages need. Foreign words cannot steer the terminal:
//! everything that is printed is made safe, and colours are put in after that.

use aura::{api::Time, terminal};
use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value,
    value::{Rest, Serde},
};
use serde_json::Value as Json;

use super::Look;
use crate::failure::Failure;

/// Characters that no text may hold (Unicode sets them apart for use within a program): they stand for colours and cells until
/// everything else has been made safe.
const CELL: char = '\u{fdd0}';
const RESET: char = '\u{fdd1}';
const INKS: [(&str, char, &str); 8] = [
    ("bold", '\u{fdd2}', "1"),
    ("faint", '\u{fdd3}', "2"),
    ("red", '\u{fdd4}', "31"),
    ("green", '\u{fdd5}', "32"),
    ("yellow", '\u{fdd6}', "33"),
    ("blue", '\u{fdd7}', "34"),
    ("magenta", '\u{fdd8}', "35"),
    ("cyan", '\u{fdd9}', "36"),
];
const OURS: std::ops::RangeInclusive<char> = '\u{fdd0}'..='\u{fdef}';
/// The name of the template in messages of the engine.
const NAME: &str = "template";

/// A template that makes sense.
#[derive(Debug)]
pub struct Template {
    source: String,
}

impl Template {
    /// Reads a template; says where it makes no sense.
    pub fn new(source: &str) -> Result<Self, Failure> {
        let source: String = source.chars().filter(|character| !OURS.contains(character)).collect();
        let now = Look { now: Time(0), colour: false, terminal: false };
        environment(now).template_from_named_str(NAME, &source).map_err(|error| refused(&source, &error))?;
        Ok(Self { source })
    }

    /// The text for a document.
    pub fn render(&self, document: Json, look: Look) -> Result<String, Failure> {
        let environment = environment(look);
        let rendered = environment
            .template_from_named_str(NAME, &self.source)
            .and_then(|template| template.render(Value::from(Serde(without_ours(document)))))
            .map_err(|error| refused(&self.source, &error))?;
        let safe = terminal::terminal_safe(&rendered);
        Ok(inked(&aligned(safe.trim_end_matches('\n'), look.terminal), look.colour))
    }
}

fn environment(look: Look) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.add_filter("timeago", move |at: Value| timeago(&at, look));
    environment.add_filter("truncate", |text: String, columns: usize| {
        console::truncate_str(&terminal::one_line(&text), columns, "…").into_owned()
    });
    environment.add_filter("pad", pad);
    environment.add_filter("color", color);
    environment.add_function("tablerow", |cells: Rest<Value>| -> String {
        let cell = |cell: &Value| if cell.is_none() { "-".to_owned() } else { terminal::one_line(&cell.to_string()) };
        let cells: Vec<String> = cells.iter().map(cell).collect();
        // The mark also says that a row of one cell is a row.
        format!("{}{CELL}\n", cells.join(&CELL.to_string()))
    });
    environment
}

/// `3 min ago`; a dash for nothing.
fn timeago(at: &Value, look: Look) -> Result<String, Error> {
    if at.is_none() || at.is_undefined() {
        return Ok("-".into());
    }
    let read = at.as_str().map(str::parse::<Time>);
    match read {
        Some(Ok(at)) => Ok(terminal::ago(at, look.now)),
        Some(Err(error)) => Err(Error::new(ErrorKind::InvalidOperation, error.to_string())),
        None => Err(Error::new(ErrorKind::InvalidOperation, format!("{at} is no time"))),
    }
}

/// At least `columns` wide.
fn pad(text: String, columns: usize, side: Option<String>) -> Result<String, Error> {
    let missing = " ".repeat(columns.saturating_sub(width(&text)));
    match side.as_deref() {
        None | Some("left") => Ok(format!("{text}{missing}")),
        Some("right") => Ok(format!("{missing}{text}")),
        Some(other) => {
            Err(Error::new(ErrorKind::InvalidOperation, format!("pad knows \"left\" and \"right\", not {other:?}")))
        }
    }
}

fn color(text: Value, ink: String) -> Result<String, Error> {
    let Some((_, mark, _)) = INKS.iter().find(|(name, ..)| *name == ink) else {
        let names = INKS.map(|(name, ..)| name).join(", ");
        return Err(Error::new(ErrorKind::InvalidOperation, format!("color knows {names}, not {ink:?}")));
    };
    Ok(format!("{mark}{text}{RESET}"))
}

/// Columns on a terminal, without the marks.
fn width(text: &str) -> usize {
    let plain: String = text.chars().filter(|character| !OURS.contains(character)).collect();
    console::measure_text_width(&plain)
}

/// The document without our marks: a shop could name a product so.
fn without_ours(document: Json) -> Json {
    let clean = |text: String| match text.contains(|character| OURS.contains(&character)) {
        true => text.chars().filter(|character| !OURS.contains(character)).collect(),
        false => text,
    };
    match document {
        Json::String(text) => Json::String(clean(text)),
        Json::Array(items) => items.into_iter().map(without_ours).collect(),
        Json::Object(entries) => entries.into_iter().map(|(key, value)| (clean(key), without_ours(value))).collect(),
        other => other,
    }
}

/// Rows that follow each other get columns under each other; where no person reads, tabs.
fn aligned(text: &str, terminal: bool) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split(CELL).collect()).collect();
    let is_row = |cells: &[&str]| cells.len() > 1;
    let mut out = Vec::new();
    let mut rest = lines.as_slice();
    while let Some(first) = rest.first() {
        let alike = if is_row(first) { rest.iter().take_while(|cells| is_row(cells)).count() } else { 1 };
        let (block, after) = rest.split_at(alike);
        rest = after;
        let columns = block.iter().map(Vec::len).max().unwrap_or_default();
        let widest = |at: usize| block.iter().filter_map(|cells| cells.get(at)).map(|cell| width(cell)).max();
        let widths: Vec<usize> = (0..columns).map(|at| widest(at).unwrap_or_default()).collect();
        out.extend(block.iter().map(|cells| {
            // What follows the last mark of a row is the end of its line.
            let cells = if is_row(cells) { &cells[..cells.len() - 1] } else { cells.as_slice() };
            if !terminal {
                return cells.join("\t");
            }
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, columns)| format!("{cell}{}", " ".repeat(columns.saturating_sub(width(cell)))));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        }));
    }
    out.join("\n")
}

/// Marks become colours, or nothing.
fn inked(text: &str, colour: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let sequence = match character {
            RESET => Some("0"),
            _ => INKS.iter().find(|(_, mark, _)| *mark == character).map(|(.., sequence)| *sequence),
        };
        match sequence {
            Some(sequence) if colour => out.push_str(&format!("\u{1b}[{sequence}m")),
            Some(_) => {}
            None => out.push(character),
        }
    }
    out
}

fn refused(source: &str, error: &Error) -> Failure {
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    let at = error.range().map_or(0, |range| range.start.min(source.len()));
    let at = (0..=at).rev().find(|at| source.is_char_boundary(*at)).unwrap_or_default();
    pointed("--template", source, at, &what).hint("What templates can do: `aura help formatting`.")
}

/// Tells what is wrong and shows the line with a mark under the place.
pub fn pointed(flag: &str, source: &str, at: usize, what: &str) -> Failure {
    let (before, after) = source.split_at(at);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let rest = after.split('\n').next().unwrap_or_default();
    let column = width(line);
    let message = format!("`{flag}`: {what}\n  {line}{rest}\n  {:column$}^", "");
    Failure::new(2, "usage", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Time = Time(1_795_253_405_123);

    fn look(colour: bool, terminal: bool) -> Look {
        Look { now: NOW, colour, terminal }
    }

    fn rendered(source: &str, document: Json, look: Look) -> String {
        Template::new(source).and_then(|template| template.render(document, look)).expect("it renders")
    }

    #[test]
    fn rows_stand_under_each_other_and_elsewhere_between_tabs() {
        let shops = json!({ "items": [
            { "slug": "noor", "name": "Noor", "created_at": "2026-11-21T09:27:05.123Z" },
            { "slug": "hafen-keramik", "name": "丝绸", "created_at": null },
        ] });
        let source = "Shops\n{% for t in items %}{{ tablerow(t.slug, t.name | color('green'), t.created_at | timeago) \
                      }}{% endfor %}";
        insta::assert_snapshot!(rendered(source, shops.clone(), look(false, true)), @r"
        Shops
        noor           Noor  3 min ago
        hafen-keramik  丝绸  -
        ");
        insta::assert_snapshot!(rendered(source, shops.clone(), look(true, true)).replace('\u{1b}', "ESC"), @r"
        Shops
        noor           ESC[32mNoorESC[0m  3 min ago
        hafen-keramik  ESC[32m丝绸ESC[0m  -
        ");
        assert_eq!(
            rendered(source, shops, look(true, false)).lines().nth(1).map(|row| row.matches('\t').count()),
            Some(2)
        );
    }

    #[test]
    fn words_are_cut_and_padded_by_columns() {
        let one = |source| rendered(source, json!({ "name": "丝绸围巾 scarf" }), look(false, true));
        assert_eq!(one("{{ name | truncate(5) }}|"), "丝绸…|");
        assert_eq!(one("{{ name | truncate(4) | pad(6) }}|"), "丝…   |");
        assert_eq!(one("{{ name | truncate(4) | pad(6, 'right') }}|"), "   丝…|");
    }

    #[test]
    fn a_shop_cannot_colour_or_steer() {
        let hostile = json!({ "name": "\u{1b}]52;c;cm0=\u{7}\u{fdd4}red\u{fdd0}\u{202e}" });
        for source in ["{{ name }}", "{{ name | safe }}", "{{ name | color('red') }}", "{{ tablerow(name, name) }}"] {
            let text = rendered(source, hostile.clone(), look(true, true));
            let ours = text.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
            assert!(!ours.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{source}: {text:?}");
            assert_eq!(text.matches("\u{1b}[31m").count(), usize::from(source.contains("color")), "{text:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_pointed_at() {
        let refused = |source: &str| {
            Template::new(source).and_then(|template| template.render(json!({ "a": 1 }), look(false, true)))
        };
        insta::assert_snapshot!(refused("{{ a | shout }}").expect_err("no such filter").message, @r"
        `--template`: unknown filter: filter shout is unknown
          {{ a | shout }}
                 ^
        ");
        insta::assert_snapshot!(refused("{% for x in %}").expect_err("no list").message, @r"
        `--template`: syntax error: unexpected end of block
          {% for x in %}
                      ^
        ");
        insta::assert_snapshot!(refused("line\n{{ a.b.c }}").expect_err("no such value").message, @r"
        `--template`: undefined value: `a.b` is undefined
          {{ a.b.c }}
              ^
        ");
        insta::assert_snapshot!(refused("{{ a | color('pink') }}").expect_err("no such colour").message, @r#"
        `--template`: invalid operation: color knows bold, faint, red, green, yellow, blue, magenta, cyan, not "pink"
          {{ a | color('pink') }}
                 ^
        "#);
    }
}
