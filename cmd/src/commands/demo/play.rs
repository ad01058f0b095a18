//! After the script: the person at the keyboard is a shopper.

use std::io::{self, IsTerminal};

use rustyline::{DefaultEditor, error::ReadlineError};

use super::{
    screen::Screen,
    shops::{HARBOR, Shop},
    stage::{Stage, Stuck, Thread},
};
use crate::{failure::Failure, ui::Ink};

const HELP: &[&str] = &[
    "  TEXT           write to the shop as a shopper",
    "  /shop NAME     write to another shop: lindgruen, harbor-and-pine",
    "  /as NAME       be another shopper",
    "  /person TEXT   answer as a person of the shop, from the Instagram app: aura is silent from then on",
    "  /release       let aura answer again",
    "  /quit          end, as Ctrl-D does",
];

/// Takes lines until there are no more.
pub async fn play(stage: &mut Stage, data_dir: &str) -> Result<(), Failure> {
    let screen = stage.screen;
    screen.say(Ink::Plain, "")?;
    screen.say(Ink::Strong, "Now you: write to a shop. Ctrl-D ends the demo and removes everything.")?;
    help(screen)?;
    screen.say(Ink::Faint, "  In another terminal, every command works on this demo, such as:")?;
    screen.say(Ink::Faint, &format!("  aura --data-dir {data_dir} tail"))?;
    screen.say(Ink::Plain, "")?;
    let failed = |error: ReadlineError| Failure::new(1, "prompt_failed", error.to_string());
    let mut editor = DefaultEditor::new().map_err(failed)?;
    let mut you = You { shop: &HARBOR, name: "You".into(), typed: io::stdin().is_terminal() };
    loop {
        let prompt = if you.typed { format!("{} to {} › ", you.name, you.shop.name) } else { String::new() };
        // The editor waits on a thread of its own; it comes back with the line.
        let typed = tokio::task::spawn_blocking(move || {
            let line = editor.readline(&prompt);
            (editor, line)
        });
        let (back, line) = typed.await.map_err(|error| Failure::new(1, "prompt_failed", error.to_string()))?;
        editor = back;
        match line {
            Ok(line) => {
                match you.take(stage, line.trim()).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(()),
                    Err(Stuck::Late(what)) => screen.say(Ink::Bad, &what)?,
                    Err(Stuck::Failed(failure)) => return Err(failure),
                }
                // A line that history does not take is no reason to stop.
                let _ = editor.add_history_entry(line);
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
    }
}

fn help(screen: Screen) -> Result<(), Failure> {
    HELP.iter().try_for_each(|line| screen.say(Ink::Plain, line))
}

/// Who the person at the keyboard is.
struct You {
    shop: &'static Shop,
    name: String,
    /// The line stands on the screen already.
    typed: bool,
}

impl You {
    /// Takes one line; `false` when it ends the demo.
    async fn take(&mut self, stage: &mut Stage, line: &str) -> Result<bool, Stuck> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "" => {}
            "/quit" | "/exit" => return Ok(false),
            "/shop" => match Shop::named(rest) {
                Some(shop) => self.shop = shop,
                None => stage.screen.say(Ink::Plain, "  The shops are lindgruen and harbor-and-pine.")?,
            },
            "/as" if !rest.is_empty() => self.name = rest.to_owned(),
            "/person" if !rest.is_empty() => {
                let thread = Thread { shop: self.shop, shopper: &self.name };
                match stage.conversation(thread).await? {
                    Some(_) => stage.person_writes(thread, rest).await?,
                    None => stage.screen.say(Ink::Plain, "  Write as the shopper first.")?,
                }
            }
            "/release" => {
                let thread = Thread { shop: self.shop, shopper: &self.name };
                match stage.conversation(thread).await? {
                    Some(conversation) if conversation.state == "person" => {
                        stage.release(thread).await?;
                        stage.screen.note(self.shop, &self.name, "aura answers again")?;
                        stage.until_settled(thread).await?;
                    }
                    _ => stage.screen.say(Ink::Plain, "  No person has this conversation.")?,
                }
            }
            _ if word.starts_with('/') => help(stage.screen)?,
            _ => self.write(stage, line).await?,
        }
        Ok(true)
    }

    async fn write(&self, stage: &mut Stage, text: &str) -> Result<(), Stuck> {
        let thread = Thread { shop: self.shop, shopper: &self.name };
        let before = thread.replies(&stage.sim.world()).len();
        let mid = stage.writes(thread, text);
        if self.typed {
            stage.hide(mid);
        }
        let detail = stage.until_settled(thread).await?;
        let answered = thread.replies(&stage.sim.world()).len() > before;
        let note = match (&detail.conversation.takeover, answered) {
            (Some(_), true) => "handed over: a person is wanted (/person TEXT, /release)",
            (Some(_), false) => "a person has this conversation: aura is silent (/person TEXT, /release)",
            (None, false) => "aura has nothing to add",
            (None, true) => return Ok(()),
        };
        Ok(stage.screen.note(self.shop, &self.name, note)?)
    }
}
