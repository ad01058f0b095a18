//! `aura chat`

use std::{
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use aura::{
    api::{ChatAnswer, ChatQuestion},
    client::Client,
};
use rustyline::{DefaultEditor, error::ReadlineError};

use super::input;
use crate::{cli::TenantArg, context::Context, failure::Failure, render, time::now};

/// Talk to the tenant's assistant as a shopper; nothing is sent to Instagram
///
/// Without `--once`: one message a line, `/new` starts over as another shopper, `/quit` or Ctrl-D ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura chat -t noor
  aura chat -t noor --once \"Is the linen abaya available in M?\" --json
  aura chat -t noor --persona draft.yaml")]
pub struct ChatArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Say this, print the answer, end
    #[arg(long, value_name = "TEXT")]
    once: Option<String>,
    /// Name of the conversation to go on with; a new one when left out
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    #[arg(value_name = "TEXT", hide = true)]
    words: Vec<String>,
    /// Voice to try, as `aura persona set --file` reads it; it is set nowhere
    #[arg(long, value_name = "FILE")]
    persona: Option<PathBuf>,
}

pub async fn run(context: &Context, args: ChatArgs) -> Result<(), Failure> {
    if !args.words.is_empty() {
        let said = args.words.join(" ").replace(['"', '\\', '$', '`'], "");
        return Err(Failure::usage("a question is not an argument by itself")
            .hint(format!("Ask it with `aura chat -t {} --once \"{said}\"`.", args.tenant.slug)));
    }
    let persona = args.persona.as_deref().map(preview).transpose()?;
    let client = context.client().await?;
    let session = args.session.unwrap_or_else(new_session);
    let mut talk = Talk { context, client, slug: args.tenant.slug.to_string(), session, persona };
    match args.once {
        Some(text) => talk.say(&text).await,
        None if io::stdin().is_terminal() => talk.converse().await,
        None => talk.read_lines().await,
    }
}

/// A voice to try.
fn preview(file: &Path) -> Result<String, Failure> {
    let bytes = input::small_file(file)?;
    String::from_utf8(bytes).map_err(|_| Failure::new(2, "invalid", "the persona is not UTF-8 text"))
}

/// Unlike any other conversation of this machine.
fn new_session() -> String {
    format!("cli-{}-{}", now().0, std::process::id())
}

struct Talk<'a> {
    context: &'a Context,
    client: Client,
    slug: String,
    session: String,
    persona: Option<String>,
}

impl Talk<'_> {
    async fn say(&self, text: &str) -> Result<(), Failure> {
        let question =
            ChatQuestion { session: self.session.clone(), text: text.to_owned(), persona: self.persona.clone() };
        let answer = self.client.chat(&self.slug, &question).await?;
        self.show(&answer)
    }

    fn show(&self, answer: &ChatAnswer) -> Result<(), Failure> {
        let ui = self.context.ui;
        if ui.json {
            return ui.json_line(answer);
        }
        for reply in &answer.replies {
            ui.text(&render::chat_reply(reply))?;
        }
        if answer.replies.is_empty() {
            ui.say("(the assistant says nothing to this)");
        }
        if let Some(reason) = &answer.handoff {
            ui.say(format!("(a person is needed: {reason})"));
        }
        ui.say(render::chat_cost(answer));
        Ok(())
    }

    /// Lines typed by a person.
    async fn converse(&mut self) -> Result<(), Failure> {
        self.context.ui.say(format!("You are a shopper of {}. /new starts over, /quit ends.", self.slug));
        let failed = |error: ReadlineError| Failure::new(1, "prompt_failed", error.to_string());
        let mut editor = DefaultEditor::new().map_err(failed)?;
        loop {
            // The editor waits on a thread of its own; it comes back with the line.
            let typed = tokio::task::spawn_blocking(move || {
                let line = editor.readline("> ");
                (editor, line)
            });
            let (back, line) = typed.await.map_err(|error| Failure::new(1, "prompt_failed", error.to_string()))?;
            editor = back;
            match line {
                Ok(line) if !self.take(&line).await? => return Ok(()),
                Ok(line) => {
                    // A line that history does not take is no reason to stop talking.
                    let _ = editor.add_history_entry(line);
                }
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Lines from a pipe or a file.
    async fn read_lines(&mut self) -> Result<(), Failure> {
        loop {
            let read = tokio::task::spawn_blocking(|| {
                let mut line = String::new();
                io::stdin().lock().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
            });
            let read = read.await.map_err(|error| Failure::new(1, "failed", error.to_string()))?;
            match read.map_err(|error| Failure::io("stdin could not be read", &error))? {
                Some(line) if self.take(&line).await? => {}
                _ => return Ok(()),
            }
        }
    }

    /// Takes one line; `false` when it ends the talk. What one message meets does not end it.
    async fn take(&mut self, line: &str) -> Result<bool, Failure> {
        match line.trim() {
            "" => {}
            "/quit" | "/exit" => return Ok(false),
            "/new" => {
                self.session = new_session();
                self.context.ui.say("(a new shopper writes)");
            }
            text => match self.say(text).await {
                Err(failure) if io::stdin().is_terminal() && !crate::ui::is_closed_pipe(&failure) => {
                    self.context.ui.fail(&failure);
                }
                other => other?,
            },
        }
        Ok(true)
    }
}
