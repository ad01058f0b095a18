//! An installation for tests: real files in a temporary folder, a clock that stands still, nobody to talk to.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tempfile::TempDir;
use uuid::Uuid;

use super::{App, Installation, Setup};
use crate::{
    app::models::{Models, Pictures},
    channel::instagram::Graph,
    config::{Config, Environment},
    domain::{Clock, Ids, Timestamp, audit::Act},
    notify::Sender,
    secret::MasterKeyPolicy,
    store::{DataDir, Store},
    telemetry::Metrics,
};

/// A clock that stands still.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_253_405_123)
    }
}

/// Counts upwards.
#[derive(Debug, Default)]
pub(crate) struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}

/// An installation without tenants, in a folder that lives as long as the first part.
pub(crate) async fn app() -> (TempDir, App) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (clock, ids) = (Arc::new(Still), Arc::new(CountingIds::default()));
    let data_dir = DataDir::create(&folder.path().join("aura")).expect("a data directory");
    let act = Act::system(clock.now());
    let installation =
        Installation::open(data_dir, MasterKeyPolicy::File, &Environment::default(), Uuid::from_u128(99), act)
            .await
            .expect("an installation opens");
    let store = Store::open(Arc::clone(&installation.dir), installation.control.clone(), ids.clone())
        .await
        .expect("a store opens");
    let graph = Graph::new("http://127.0.0.1:9", "v26.0", None).expect("a client for an address that nobody has");
    let metrics = Metrics::new("test").expect("metrics");
    let config = Config::default();
    let guarded = crate::net::Guarded::new(config.rules()).expect("a client");
    let pictures = Pictures::new(guarded.clone());
    let sender = Sender::new(guarded, std::time::Duration::from_secs(1));
    let models = Models::new(&config).expect("the providers' own addresses");
    let writer = None;
    (
        folder,
        App::new(Setup {
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
            daemon: false,
        }),
    )
}
