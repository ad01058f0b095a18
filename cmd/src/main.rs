//! The `aura` command: parses, asks the daemon (or does the same in-process), prints. It never touches the store.

mod cli;
mod commands;
mod complete;
mod context;
mod danger;
mod failure;
mod form;
mod render;
mod time;
mod ui;
mod usage;
mod webhook;

use std::process::ExitCode;

use aura::api::exit;
use clap::{ArgMatches, FromArgMatches, error::ErrorKind};
use tokio::signal::unix::{Signal, SignalKind, signal};

use cli::{Cli, Command};
use context::Context;
use failure::Failure;
use form::{Asked, Form};
use ui::{Manner, Ui};

/// SQLite and the answers allocate much and briefly, on many threads; the system's allocator keeps what they free.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if complete::answers(std::env::args_os()) {
        return ExitCode::SUCCESS;
    }
    let matches = match cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return refuse(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let global = &cli.global;
    let (command, leaf) = cli::leaf(&matches);
    let mut manner = Manner {
        errors_json: global.json.is_some(),
        quiet: global.quiet,
        verbose: global.verbose > 0,
        no_colour: global.no_color,
        no_pager: global.no_pager,
        ..Manner::default()
    };
    // Before anything is done: who misspells a field has changed nothing.
    let asked = Form::asked(&command, global.json.as_ref(), global.jq.as_deref(), global.template.as_deref());
    match asked {
        Ok(Asked::Words) => {}
        Ok(Asked::Form(form)) => manner.form = Some(form),
        Ok(Asked::Help(text)) => {
            Ui::new(manner).always(text);
            return ExitCode::from(exit::USAGE);
        }
        Err(failure) => {
            Ui::new(manner).fail(&failure);
            return ExitCode::from(failure.exit);
        }
    }
    let ui = Ui::new(manner);
    match start(cli, ui, (&command, leaf)) {
        Ok(code) => ExitCode::from(code),
        Err(Failure { tried_out: Some(changes), .. }) => told(ui, changes, danger::tried_out(&command, leaf)),
        Err(failure) if ui::is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            ui.fail(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

/// Says what a command that was only tried out would have changed.
fn told(ui: Ui, changes: bool, what: Option<&'static str>) -> ExitCode {
    let what = what.unwrap_or_default();
    if ui.json {
        let rehearsed = aura::api::Rehearsed { dry_run: true, changes, what: what.to_owned() };
        return match ui.json_line(&rehearsed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                ui.fail(&failure);
                ExitCode::from(failure.exit)
            }
        };
    }
    match changes {
        true => ui.done(format!("dry run, nothing was changed; otherwise: {what}"), "the same without `--dry-run`"),
        false => ui.done("dry run: it is so already, nothing would change", ""),
    }
    ExitCode::SUCCESS
}

/// Help and version are answers; anything else is wrong usage, told like every failure.
fn refuse(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // There is nobody left to tell where this cannot be printed.
        let _ = error.print();
        return ExitCode::from(exit::DONE);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(exit::USAGE);
    }
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).take_while(|word| *word != "--").collect();
    let errors_json = words.iter().any(|word| *word == "--json" || word.starts_with("--json="));
    let failure = usage::failure(error, &words);
    Ui::new(Manner { errors_json, ..Manner::default() }).fail(&failure);
    ExitCode::from(failure.exit)
}

fn start(cli: Cli, ui: Ui, named: (&str, &ArgMatches)) -> Result<u8, Failure> {
    aura::fault::arm_from_environment();
    // One TLS provider for everything in the process; a second call would only say that it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("the runtime did not start", &error))?;
    let outcome = runtime.block_on(run(cli, ui, named));
    // A prompt may still wait for a line that nobody wants any more.
    runtime.shutdown_background();
    outcome
}

async fn run(cli: Cli, ui: Ui, (name, leaf): (&str, &ArgMatches)) -> Result<u8, Failure> {
    danger::ask(ui, name, leaf, cli.global.yes).await?;
    let context = Context::new(ui, cli.global).trying_out(danger::tried_out(name, leaf).is_some());
    // These two end in their own way when they are asked to.
    let command = match cli.command {
        Command::Serve(args) => return commands::serve::run(&context, args).await,
        Command::Demo(args) => return commands::demo::run(&context, args).await,
        command => command,
    };
    let outcome = match command {
        // It hears signals itself, and two who hear the same one would race for what it ends with.
        Command::Tui(args) => commands::tui::run(&context, args).await.map(|()| exit::DONE),
        command => {
            // On a thread of its own: an expression that is computed holds up this one.
            tokio::spawn(form::interrupt::watch());
            tokio::select! {
                done = dispatch(&context, command) => done.map(|()| exit::DONE),
                code = interrupted() => code,
            }
        }
    };
    let closed = context.close().await;
    outcome.and_then(|code| closed.map(|()| code))
}

/// The exit code of the signal that came.
pub(crate) async fn interrupted() -> Result<u8, Failure> {
    Ok(Signals::listen()?.next().await)
}

/// The same; a terminal that is closed ends it too. Not for what somebody may have started with `nohup`.
pub(crate) async fn interrupted_or_left() -> Result<u8, Failure> {
    let mut left = signal(SignalKind::hangup()).map_err(|error| Failure::io("signals cannot be received", &error))?;
    tokio::select! {
        code = interrupted() => code,
        _ = left.recv() => Ok(exit::TERMINATED),
    }
}

/// Hears SIGINT and SIGTERM from the moment it is made; one that comes while nobody waits is kept.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::io("signals cannot be received", &error));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// The exit code of the next signal.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => exit::INTERRUPTED,
            _ = self.terminate.recv() => exit::TERMINATED,
        }
    }
}

async fn dispatch(context: &Context, command: Command) -> Result<(), Failure> {
    use commands::{
        audit, backup, bench, catalog, chat, completion, config, connect, conversation, doctor, explain, help, init,
        listen, man, model, notify, persona, restore, secret, staff, status, tail, tenant, trigger, usage, version,
    };
    match command {
        Command::Serve(_) | Command::Demo(_) | Command::Tui(_) => Ok(()),
        Command::Init(args) => init::run(context, args).await,
        Command::Tenant(args) => tenant::run(context, args).await,
        Command::Persona(args) => persona::run(context, args).await,
        Command::Connect(args) => connect::run(context, args).await,
        Command::Catalog(args) => catalog::run(context, args).await,
        Command::Chat(args) => chat::run(context, args).await,
        Command::Trigger(args) => trigger::run(context, args).await,
        Command::Tail(args) => tail::run(context, args).await,
        Command::Listen(args) => listen::run(context, args).await,
        Command::Conversation(args) => conversation::run(context, args).await,
        Command::Notify(args) => notify::run(context, args).await,
        Command::Status(args) => status::run(context, args).await,
        Command::Audit(args) => audit::run(context, args).await,
        Command::Doctor(args) => doctor::run(context, args).await,
        Command::Backup(args) => backup::run(context, args).await,
        Command::Restore(args) => restore::run(context, args).await,
        Command::Model(args) => model::run(context, args).await,
        Command::Usage(args) => usage::run(context, args).await,
        Command::Staff(args) => staff::run(context, args).await,
        Command::Secret(args) => secret::run(context, args).await,
        Command::Config(args) => config::run(context, args),
        Command::Explain(args) => explain::run(context, args),
        Command::Help(args) => help::run(context, &args),
        Command::Man(args) => man::run(context, args),
        Command::Completion(args) => completion::run(context, args),
        Command::Version(args) => version::run(context, args),
        Command::Bench(args) => bench::run(context, args).await,
    }
}
