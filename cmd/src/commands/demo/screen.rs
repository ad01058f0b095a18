//! What the demo prints: the chat as it happens, then what came of it. For people in lines, for scripts an object a line.

use aura::{
    api::Time,
    terminal::{one_line, stamp, terminal_safe},
};
use serde::Serialize;
use serde_json::json;

use super::{
    check::Check,
    shops::{SHOPS, Shop},
};
use crate::{
    failure::Failure,
    render::Grid,
    time::now,
    ui::{Ink, Ui, wrapped},
};

/// Wider than this a chat is hard to read.
const COLUMNS_MAX: usize = 100;
/// Narrower than this the words of a chat do not fit beside its columns.
const TEXT_COLUMNS_MIN: usize = 30;
/// Room for the name of a shopper; longer ones push their line.
const NAME_COLUMNS: usize = 5;
/// Before the name: the time.
const TIME_COLUMNS: usize = 8;

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The shopper.
    Shopper,
    /// The assistant.
    Aura,
    /// A person of the shop.
    Person,
}

/// One message, as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// When it was written.
    pub at: Time,
    /// In whose thread with which shop.
    pub shop: &'static Shop,
    /// The thread's shopper.
    pub shopper: &'a str,
    /// Whose words.
    pub voice: Voice,
    /// The words.
    pub text: &'a str,
}

/// What is running, for the head.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The simulated Instagram's address.
    pub instagram: &'a str,
    /// Aura's public address.
    pub aura: &'a str,
    /// The data directory.
    pub data_dir: &'a str,
    /// Products of each shop, in the order of [`SHOPS`].
    pub products: [u64; 2],
    /// How long the assistant waits for more before it answers.
    pub debounce_ms: u32,
}

/// What came of one shop's conversations.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The shop's slug, or `all`.
    pub shop: String,
    /// The name to show.
    #[serde(skip)]
    pub name: String,
    /// Conversations.
    pub conversations: u64,
    /// Answers of the assistant.
    pub answered: u64,
    /// Times that it handed over to a person.
    pub handed_over: u64,
    /// From a shopper's first words to the first words of the answer, the middle one of all.
    pub median_ms: Option<i64>,
    /// Products that shoppers may be shown.
    pub products: u64,
}

/// Prints.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    ui: Ui,
    columns: usize,
}

impl Screen {
    /// A screen on stdout.
    pub fn new(ui: Ui) -> Self {
        Self { ui, columns: ui.width().unwrap_or(COLUMNS_MAX).min(COLUMNS_MAX) }
    }

    /// What goes on, and where.
    pub fn head(self, facts: &Facts<'_>) -> Result<(), Failure> {
        if self.ui.json {
            let shops: Vec<_> = SHOPS.iter().map(|shop| shop.slug).collect();
            return self.ui.json_line(&json!({
                "event": "started", "instagram": facts.instagram, "aura": facts.aura, "data_dir": facts.data_dir,
                "shops": shops, "debounce_ms": facts.debounce_ms,
            }));
        }
        if self.ui.quiet {
            return Ok(());
        }
        self.say(
            Ink::Strong,
            "Aura demo: two shops on a simulated Instagram. No account, no key, nothing leaves this machine.",
        )?;
        self.say(Ink::Plain, "")?;
        let width = SHOPS.iter().map(|shop| columns(shop.name)).max().unwrap_or_default();
        for (shop, products) in SHOPS.iter().zip(facts.products) {
            let name = padded(shop.name, width);
            let about = format!("  {products} products   {:<14}  {}", shop.voice, shop.website);
            self.ui.inked(&[(Ink::Plain, "  "), (Ink::Strong, &name), (Ink::Plain, &about)])?;
        }
        // As this very command was called: who tries it from a clone has no `aura` on the path.
        let aura = std::env::args().next().unwrap_or_else(|| "aura".into());
        let places = [
            ("Instagram", format!("{} (simulated)", facts.instagram)),
            ("Aura", format!("{}/webhooks/instagram, every webhook signed and checked", facts.aura)),
            ("Data", format!("{}, removed at the end", facts.data_dir)),
            ("Watch", format!("{aura} tui --data-dir {}   (in another terminal)", facts.data_dir)),
            ("Pace", format!("an answer comes {} s after a shopper's last words", seconds(facts.debounce_ms.into()))),
        ];
        self.say(Ink::Plain, "")?;
        for (label, place) in places {
            self.ui.inked(&[(Ink::Faint, &format!("  {label:width$}  ")), (Ink::Plain, &place)])?;
        }
        self.say(Ink::Plain, "")?;
        self.say(
            Ink::Faint,
            "  › a shopper writes   ‹ the shop answers: aura, or a person by name   · what happens   (UTC)",
        )?;
        self.say(Ink::Plain, "")
    }

    /// One message.
    pub fn message(self, line: &Line<'_>) -> Result<(), Failure> {
        let Line { at, shop, shopper, voice, text } = *line;
        let by = match voice {
            Voice::Shopper => "shopper",
            Voice::Aura => "aura",
            Voice::Person => "person",
        };
        if self.ui.json {
            return self.ui.json_line(&json!({
                "event": "message", "at": at, "shop": shop.slug, "shopper": shopper, "by": by, "text": text,
            }));
        }
        let (mark, speaker, ink) = match voice {
            Voice::Shopper => ("›", String::new(), Ink::Shopper),
            Voice::Aura => ("‹", "aura: ".to_owned(), Ink::Assistant),
            Voice::Person => ("‹", format!("{}: ", shop.person), Ink::Person),
        };
        self.block(at, shop, shopper, mark, (ink, &speaker), (Ink::Plain, text))
    }

    /// Something that happens in a conversation without words in it.
    pub fn note(self, shop: &'static Shop, shopper: &str, text: &str) -> Result<(), Failure> {
        let at = now();
        if self.ui.json {
            return self
                .ui
                .json_line(&json!({ "event": "note", "at": at, "shop": shop.slug, "shopper": shopper, "text": text }));
        }
        self.block(at, shop, shopper, "·", (Ink::Plain, ""), (Ink::Faint, text))
    }

    /// A line of the demo's own.
    pub fn say(self, ink: Ink, text: &str) -> Result<(), Failure> {
        if self.ui.json || self.ui.quiet { Ok(()) } else { self.ui.inked(&[(ink, text)]) }
    }

    /// Time, shop, shopper and mark, then the words, wrapped under each other.
    fn block(
        self,
        at: Time,
        shop: &Shop,
        shopper: &str,
        mark: &str,
        (ink, speaker): (Ink, &str),
        (text_ink, text): (Ink, &str),
    ) -> Result<(), Failure> {
        if self.ui.quiet {
            return Ok(());
        }
        let shop_columns = SHOPS.iter().map(|shop| columns(shop.name)).max().unwrap_or_default();
        let time = padded(stamp(at, at).as_str(), TIME_COLUMNS);
        let place = format!("  {}  ", padded(shop.name, shop_columns));
        let name = padded(&one_line(shopper), NAME_COLUMNS);
        let indent = columns(&time) + columns(&place) + columns(&name) + columns(mark) + 2;
        let room = self.columns.saturating_sub(indent).max(TEXT_COLUMNS_MIN);
        let lines = wrapped(&format!("{speaker}{}", terminal_safe(text.trim())), room);
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                self.ui.inked(&[(Ink::Plain, &" ".repeat(indent)), (text_ink, line)])?;
                continue;
            }
            let words = line.strip_prefix(speaker).unwrap_or(line);
            self.ui.inked(&[
                (Ink::Faint, &time),
                (Ink::Plain, &place),
                (Ink::Strong, &name),
                (ink, &format!(" {mark} ")),
                (ink, speaker),
                (text_ink, words),
            ])?;
        }
        Ok(())
    }

    /// What came of it all. The table is a result: `--quiet` does not silence it.
    pub fn summary(self, rows: &[Row], checks: &[Check], strict: bool, elapsed_ms: u128) -> Result<(), Failure> {
        let failed: Vec<&Check> = checks.iter().filter(|check| !check.ok).collect();
        if self.ui.json {
            return self.ui.json_line(&json!({
                "event": "summary", "ok": failed.is_empty(), "shops": rows, "checks": checks, "elapsed_ms": elapsed_ms,
            }));
        }
        let head = ["SHOP", "CONVERSATIONS", "ANSWERED", "HANDED OVER", "DM TO REPLY", "PRODUCTS"];
        let mut grid = Grid::new(None, &head).right(&[1, 2, 3, 4, 5]);
        for row in rows {
            let median = row.median_ms.map_or_else(|| "-".into(), |ms| format!("{} s", seconds(ms)));
            let counts = [row.conversations, row.answered, row.handed_over].map(|count| count.to_string());
            let [conversations, answered, handed_over] = &counts;
            grid.row([&row.name, conversations, answered, handed_over, &median, &row.products.to_string()]);
        }
        let table = grid.finish();
        self.say(Ink::Plain, "")?;
        for (index, line) in table.lines().enumerate() {
            self.ui.inked(&[(if index == 0 { Ink::Strong } else { Ink::Plain }, line)])?;
        }
        if strict {
            self.say(Ink::Plain, "")?;
            for check in &failed {
                self.failure(check)?;
            }
            let passed = format!("{} of {} checks passed", checks.len() - failed.len(), checks.len());
            self.ui.inked(&[(if failed.is_empty() { Ink::Good } else { Ink::Bad }, &passed)])?;
        }
        Ok(())
    }

    fn failure(self, check: &Check) -> Result<(), Failure> {
        const LABEL: &str = "failed  ";
        let text = format!("{}: {}", check.name, check.detail.as_deref().unwrap_or_default());
        let indent = " ".repeat(columns(LABEL));
        for (index, line) in wrapped(&text, self.columns.saturating_sub(columns(LABEL))).iter().enumerate() {
            let label = if index == 0 { LABEL } else { &indent };
            self.ui.inked(&[(Ink::Bad, label), (Ink::Plain, line)])?;
        }
        Ok(())
    }

    /// The way from here to a real shop.
    pub fn next_steps(self) -> Result<(), Failure> {
        self.say(Ink::Plain, "")?;
        self.say(Ink::Strong, "Your own shop, with `aura serve` running:")?;
        for command in [
            "aura tenant add noor --name \"Noor Atelier\" --website https://noor.example",
            "aura connect instagram -t noor --account-id 17841460012345678 --token-file -",
            "aura catalog import -t noor products_export.csv",
        ] {
            self.say(Ink::Plain, &format!("  {command}"))?;
        }
        Ok(())
    }
}

fn seconds(ms: i64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

fn columns(text: &str) -> usize {
    console::measure_text_width(text)
}

fn padded(text: &str, width: usize) -> String {
    console::pad_str(text, width, console::Alignment::Left, None).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_one_decimal() {
        assert_eq!((seconds(0), seconds(640), seconds(12_345)), ("0.0".into(), "0.6".into(), "12.3".into()));
    }
}
