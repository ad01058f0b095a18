//! The `aura` command: parses, asks the daemon (or does the same in-process), prints. It never touches the store.

mod cli;
mod commands;
mod context;
mod failure;
mod render;
mod time;
mod ui;
mod webhook;

use std::process::ExitCode;

use aura::api::exit;
use clap::{Parser, error::ErrorKind};
use tokio::signal::unix::{Signal, SignalKind, signal};

use cli::{Cli, Command};
use context::Context;
use failure::Failure;
use ui::Ui;

/// SQLite and the answers allocate much and briefly, on many threads; the system's allocator keeps what they free.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let global = &cli.global;
    let ui = Ui::new(global.json, global.quiet, global.verbose > 0, global.no_color);
    match start(cli, ui) {
        Ok(code) => ExitCode::from(code),
        Err(failure) if ui::is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            ui.fail(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

/// Help and version are answers; anything else is wrong usage, for scripts as JSON.
fn refuse(error: &clap::Error) -> ExitCode {
    let asks = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if asks || !json {
        // There is nobody left to tell where this cannot be printed.
        let _ = error.print();
        return ExitCode::from(if asks { exit::DONE } else { exit::USAGE });
    }
    let text = error.render().to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Ui::new(true, false, false, true).fail(&Failure::usage(message).hint("`--help` tells what the command takes."));
    ExitCode::from(exit::USAGE)
}

fn start(cli: Cli, ui: Ui) -> Result<u8, Failure> {
    aura::fault::arm_from_environment();
    // One TLS provider for everything in the process; a second call would only say that it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("the runtime did not start", &error))?;
    let outcome = runtime.block_on(run(cli, ui));
    // A prompt may still wait for a line that nobody wants any more.
    runtime.shutdown_background();
    outcome
}

async fn run(cli: Cli, ui: Ui) -> Result<u8, Failure> {
    let context = Context::new(ui, cli.global);
    // These two end in their own way when they are asked to.
    let command = match cli.command {
        Command::Serve(args) => return commands::serve::run(&context, args).await,
        Command::Demo(args) => return commands::demo::run(&context, args).await,
        command => command,
    };
    let outcome = tokio::select! {
        done = dispatch(&context, command) => done.map(|()| exit::DONE),
        code = interrupted() => code,
    };
    let closed = context.close().await;
    outcome.and_then(|code| closed.map(|()| code))
}

/// The exit code of the signal that came.
pub(crate) async fn interrupted() -> Result<u8, Failure> {
    Ok(Signals::listen()?.next().await)
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
        audit, bench, catalog, chat, completion, config, connect, conversation, init, listen, model, notify, persona,
        secret, status, tail, tenant, trigger, usage, version,
    };
    match command {
        Command::Serve(_) | Command::Demo(_) => Ok(()),
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
        Command::Model(args) => model::run(context, args).await,
        Command::Usage(args) => usage::run(context, args).await,
        Command::Secret(args) => secret::run(context, args).await,
        Command::Config(args) => config::run(context, args),
        Command::Completion(args) => completion::run(context, args),
        Command::Version(args) => version::run(context, args),
        Command::Bench(args) => bench::run(context, args).await,
    }
}
