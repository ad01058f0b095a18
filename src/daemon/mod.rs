//! Puts the parts together and runs them: the clock, the listeners, the tasks, the shutdown.

pub mod backup;
pub mod doctor;
mod edge;
mod error;
mod publish;
mod real;
pub mod recovery;
mod serve;
mod tasks;

use std::{path::Path, sync::Arc, time::Duration};

use axum::Router;
use tokio::signal::unix::{SignalKind, signal};

pub use edge::{Accepting, Edge};
pub use error::Error;
pub use real::{SystemClock, UuidV7};
pub use serve::{Bound, Options, Running, serve};

use crate::{
    agent::writer::Writer,
    app::{
        App, Installation, Setup,
        models::{Models, Pictures},
    },
    channel::instagram::Graph,
    config::{Config, Environment},
    domain::{Clock, Ids, audit::Act},
    http,
    net::Guarded,
    notify::Sender,
    store::{DataDir, Store},
    telemetry::Metrics,
};

/// A store opened for one command, with the whole control API and nothing running.
#[derive(Debug)]
pub struct Embedded {
    /// The control API.
    pub router: Router,
    app: App,
}

impl Embedded {
    /// The use cases, for whoever measures them.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Leaves the next start only what it has to look at, lets the journal's threads finish, and gives the lock back.
    pub async fn close(self) {
        self.app.tidy_wakes().await;
        self.app.close().await;
    }
}

/// Opens a data directory in this process, under the daemon's own lock and through its own code.
///
/// # Errors
/// When another process holds the lock, or something cannot be opened.
pub async fn embed(config: Config, path: &Path, create: bool) -> Result<Embedded, Error> {
    let data_dir = if create { DataDir::create(path)? } else { DataDir::open(path)? };
    let app = assemble(config, data_dir, Arc::new(SystemClock), Arc::new(UuidV7), None, false).await?;
    let router = http::operator_router(app.clone(), Arc::new(UuidV7));
    Ok(Embedded { router, app })
}

/// A write beyond the limit on file sizes shall fail like one on a full disk, not end the process: what Linux does unless
/// the signal is handled. (Rust ignores SIGPIPE by itself.)
fn survive_size_limit() {
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // The handler stays for the life of the process. Without it a full disk still works, only the limit does not.
    if let Err(error) = signal(kind) {
        tracing::warn!(%error, "the signal of the limit on file sizes cannot be handled");
    }
}

/// Opens everything in a locked data directory. Nothing runs yet.
async fn assemble(
    config: Config,
    data_dir: DataDir,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    writer: Option<Arc<dyn Writer>>,
    daemon: bool,
) -> Result<App, Error> {
    survive_size_limit();
    let policy = config.secrets.master_key;
    let act = Act::system(clock.now());
    let installation = Installation::open(data_dir, policy, &Environment::of_process(), ids.next(), act).await?;
    installation.clear_unowned().await?;
    let store = Store::open(Arc::clone(&installation.dir), installation.control.clone(), Arc::clone(&ids)).await?;
    let graph = Graph::new(&config.meta.graph_url, &config.meta.version, None)?;
    let guarded = Guarded::new(config.rules())?;
    let pictures = Pictures::new(guarded.clone());
    let sender = Sender::new(guarded, Duration::from_millis(config.notify.timeout_ms.into()));
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"))?;
    let models = Models::new(&config)?;
    Ok(App::new(Setup {
        installation,
        store,
        config,
        graph,
        clock,
        ids,
        writer,
        models,
        metrics,
        sender,
        pictures,
        daemon,
    }))
}
