//! The daemon: everything starts, runs, and ends in order.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Error, assemble,
    publish::{self, Published},
    tasks::Tasks,
};
use crate::{
    agent::writer::Writer,
    app::{App, attend, catch_up, disk, dispatch, housekeeping, models, system::Listening, tell},
    config::{Config, Environment, MetricsListen},
    domain::{Clock, Ids, Timestamp},
    http::{self, Draining},
    store::DataDir,
};

/// How long everything may take to come to rest, with the notice (contract: exit within 10 s).
const DRAIN_MAX: Duration = Duration::from_secs(9);

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The settings.
    pub config: Config,
    /// Where the data lives; created where missing.
    pub data_dir: PathBuf,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// Whether commands that name no data directory shall find this daemon.
    pub publish: bool,
    /// Writes drafts; the built-in composer if nobody else does.
    pub writer: Option<Arc<dyn Writer>>,
}

/// Where a daemon can be reached.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The public listener.
    pub public: SocketAddr,
    /// The metrics listener, if there is one.
    pub metrics: Option<SocketAddr>,
    /// The control socket.
    pub socket: PathBuf,
    /// The data directory.
    pub data_dir: PathBuf,
}

/// A daemon that accepts requests.
#[derive(Debug)]
pub struct Running {
    /// Where it can be reached.
    pub bound: Bound,
    app: App,
    stop: CancellationToken,
    finished: JoinHandle<Result<(), Error>>,
}

impl Running {
    /// The use cases, for whoever runs the daemon in its own process.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// See [`App::paused_by_restore`].
    ///
    /// # Errors
    /// When the audit log cannot be read.
    pub async fn paused_by_restore(&self) -> Result<Option<(Timestamp, Vec<String>)>, Error> {
        Ok(self.app.paused_by_restore().await?)
    }

    /// Asks it to end when cancelled; [`Running::wait`] tells when it has.
    #[must_use]
    pub fn stopper(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until it has ended, asked to or because the disk failed.
    pub async fn wait(self) -> Result<(), Error> {
        match self.finished.await {
            Ok(ended) => ended,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => Ok(()),
        }
    }
}

/// Starts a daemon. When this returns `Ok`, it accepts requests.
///
/// # Errors
/// When the data directory is held by another process, or something cannot be opened or bound.
pub async fn serve(options: Options) -> Result<Running, Error> {
    let Options { config, data_dir, clock, ids, publish, writer } = options;
    let data_dir = DataDir::create(&data_dir)?;
    let public = bind(config.listen, "--listen").await?;
    let metrics = bind_metrics(&config).await?;
    let workers = config.workers;
    let socket = data_dir.socket();
    let app = assemble(config, data_dir, clock, Arc::clone(&ids), writer, true).await?;
    let bound = Bound {
        public: public.local_addr().map_err(|source| Error::Listen {
            address: app.config.listen,
            setting: "--listen",
            source,
        })?,
        metrics: metrics.as_ref().and_then(|listener| listener.local_addr().ok()),
        socket,
        data_dir: app.data_dir().to_owned(),
    };
    app.listens(Listening { webhooks: bound.public, metrics: bound.metrics, socket: bound.socket.clone() });
    app.load_wakes().await?;

    let stop = CancellationToken::new();
    let daemon = Daemon { app: app.clone(), ids, stop: stop.clone(), workers };
    let socket =
        http::Socket::bind(&bound.socket).map_err(|source| Error::Socket { path: bound.socket.clone(), source })?;
    let staff = staff_socket(&app)?;
    let published = if publish { publish_socket(&bound.socket) } else { None };
    let finished = tokio::spawn(daemon.run(public, metrics, Sockets { operator: socket, staff }, published));
    Ok(Running { bound, app, stop, finished })
}

/// What the daemon listens on for commands.
struct Sockets {
    operator: http::Socket,
    staff: Option<http::Socket>,
}

/// The staff's door, where the configuration names a group.
fn staff_socket(app: &App) -> Result<Option<http::Socket>, Error> {
    let Some(group) = &app.config.staff_group else { return Ok(None) };
    let gid = group_id(group).ok_or_else(|| Error::UnknownGroup { group: group.clone() })?;
    let data_dir = &app.installation.dir;
    data_dir.let_through(Some(gid))?;
    let path = data_dir.staff_socket();
    let socket = http::Socket::bind_for(&path, Some(gid)).map_err(|source| Error::Socket { path, source })?;
    Ok(Some(socket))
}

/// The number of a group, by its number or by its name in this machine's own list.
fn group_id(group: &str) -> Option<u32> {
    let of_line = |line: &str| {
        let mut parts = line.split(':');
        let (name, _password, gid) = (parts.next()?, parts.next()?, parts.next()?);
        (name == group).then(|| gid.parse().ok()).flatten()
    };
    group.parse().ok().or_else(|| std::fs::read_to_string("/etc/group").ok()?.lines().find_map(of_line))
}

async fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, setting, source })
}

/// A convenience: without it the daemon is found by its data directory.
fn publish_socket(socket: &Path) -> Option<Published> {
    let folder = publish::folder(&Environment::of_process())?;
    match Published::at(&folder, socket) {
        Ok(Some(published)) => Some(published),
        Ok(None) => {
            tracing::info!("another daemon is shown in the runtime folder; name this one's data directory to commands");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the socket cannot be shown in the runtime folder");
            None
        }
    }
}

/// A second daemon on one machine meets a taken default port; that is no reason not to run.
async fn bind_metrics(config: &Config) -> Result<Option<TcpListener>, Error> {
    let MetricsListen::At(address) = config.metrics_listen else { return Ok(None) };
    match bind(address, "metrics_listen").await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if config.metrics_listen == MetricsListen::default() => {
            tracing::warn!(error = %crate::domain::chain(&error), "no metrics: the default address is taken");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

struct Daemon {
    app: App,
    ids: Arc<dyn Ids>,
    stop: CancellationToken,
    workers: u32,
}

impl Daemon {
    async fn run(
        self,
        public: TcpListener,
        metrics: Option<TcpListener>,
        sockets: Sockets,
        published: Option<Published>,
    ) -> Result<(), Error> {
        let Self { app, ids, stop, workers } = self;
        let draining = Draining::default();
        let (listening, working) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = Tasks::default();

        let router = http::public_router(app.clone(), Arc::clone(&ids), draining.clone());
        tasks.spawn("the public listener", http::serve_tcp(public, router, listening.clone()));
        if let Some(listener) = metrics {
            let router = http::metrics_router(app.clone());
            tasks.spawn("the metrics listener", http::serve_tcp(listener, router, listening.clone()));
        }
        let control = http::operator_router(app.clone(), Arc::clone(&ids));
        tasks.spawn("the control socket", http::serve_socket(control, sockets.operator, listening.clone()));
        if let Some(socket) = sockets.staff {
            let router = http::staff_router(app.clone(), ids);
            tasks.spawn("the staff's socket", http::serve_socket(router, socket, listening.clone()));
        }

        tasks.spawn("dispatch", dispatch::run(app.clone(), working.clone()));
        tasks.spawn("the timer", attend::run_timer(app.clone(), working.clone()));
        tasks.spawn("the watch over the disk", disk::run(app.clone(), working.clone()));
        tasks.spawn("housekeeping", housekeeping::run(app.clone(), working.clone()));
        tasks.spawn("catch-up", catch_up::run(app.clone(), working.clone()));
        tasks.spawn("telling people", tell::run(app.clone(), working.clone()));
        tasks.spawn("taking notes", models::take_notes(app.clone(), working.clone()));
        for _ in 0..workers.max(1) {
            tasks.spawn("a worker", attend::run(app.clone(), working.clone()));
        }

        let mut failed = app.store.disk().failed;
        let mut failure = tokio::select! {
            () = stop.cancelled() => None,
            _ = failed.wait_for(|failed| *failed) => Some(Error::DiskFailed),
            task = tasks.ended() => Some(Error::TaskEnded { task }),
        };
        draining.start();
        drop(published);
        let notice = Duration::from_millis(app.config.drain.notice_ms.into());
        let mut drain_max = DRAIN_MAX;
        if failure.is_none() && !notice.is_zero() {
            tracing::info!(notice_ms = app.config.drain.notice_ms, "not ready any more; requests are still taken");
            drain_max -= notice;
            // A disk that fails meanwhile ends it at once.
            let fails = tokio::time::timeout(notice, failed.wait_for(|failed| *failed)).await.is_ok();
            failure = fails.then_some(Error::DiskFailed);
        }
        listening.cancel();
        working.cancel();
        let rest = async {
            tasks.rest().await;
            app.close().await;
        };
        if tokio::time::timeout(drain_max, rest).await.is_err() {
            tracing::warn!("not everything came to rest in time; what is durable goes on at the next start");
        }
        failure.map_or(Ok(()), Err)
    }
}
