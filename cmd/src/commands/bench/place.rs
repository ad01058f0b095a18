//! Where a measurement happens: a temporary directory, an Aura in it, and a tenant.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use aura::{
    api,
    client::{Client, Transport},
    config::Config,
    daemon::{self, Embedded},
};
use tempfile::TempDir;

use super::{failed, machine::Machine};
use crate::{failure::Failure, ui::Ui};

/// Signs what the load generator sends. Known to nobody who could use it: the listener is on loopback.
pub const APP_SECRET: &str = "bench-app-secret";
/// The data directory in the place.
pub const DATA_DIR: &str = "data";
/// The tenant under measurement.
pub const TENANT: &str = "bench";

/// Options of every measurement.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PlaceArgs {
    /// Directory to work in; a temporary one is made inside and removed [default: the current one]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl PlaceArgs {
    /// The same options on a command line.
    pub fn words(&self) -> Vec<OsString> {
        self.dir.iter().flat_map(|dir| ["--dir".into(), dir.clone().into_os_string()]).collect()
    }
}

/// A temporary directory on the disk that is measured.
pub struct Place {
    folder: TempDir,
    /// What the figures depend on.
    pub machine: Machine,
}

impl Place {
    /// Makes the directory, measures its disk, and tells what it found.
    pub fn make(ui: Ui, args: &PlaceArgs) -> Result<Self, Failure> {
        let dir = args.dir.as_deref().unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new()
            .prefix("aura-bench-")
            .tempdir_in(dir)
            .map_err(|error| Failure::io(format!("no directory could be made in {}", dir.display()), &error))?;
        let machine = Machine::measure(folder.path())?;
        machine.tell(ui)?;
        Ok(Self { folder, machine })
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens an Aura in it, with nothing running. `graph_url`: the Instagram it speaks to, if any.
    pub async fn embed(&self, graph_url: Option<&str>) -> Result<Embedded, Failure> {
        Ok(daemon::embed(config(graph_url)?, &self.path(DATA_DIR), true).await?)
    }
}

/// Settings that touch nothing outside, as keys and values. `graph_url`: where replies go.
pub fn settings(graph_url: Option<&str>) -> serde_json::Value {
    let mut settings = serde_json::json!({
        "listen": "127.0.0.1:0",
        "metrics_listen": "off",
        "secrets": { "master_key": "file" },
        "meta": { "app_secret": APP_SECRET },
        "conversation": { "debounce_ms": 0 },
        "drain": { "notice_ms": 0 },
    });
    if let Some(url) = graph_url {
        settings["meta"]["graph_url"] = url.into();
    }
    settings
}

/// The same, read.
pub fn config(graph_url: Option<&str>) -> Result<Config, Failure> {
    serde_json::from_value(settings(graph_url)).map_err(|error| failed(format!("the settings are wrong: {error}")))
}

/// The client of a command that works on a directory itself.
pub fn client(aura: &Embedded) -> Client {
    Client::new(Transport::InProcess(aura.router.clone()))
}

/// Adds the tenant.
pub async fn add_tenant(client: &Client) -> Result<(), Failure> {
    let new = api::NewTenant {
        slug: TENANT.into(),
        name: "Bench".into(),
        currency: Some("USD".into()),
        language: Some("en".into()),
        ..api::NewTenant::default()
    };
    client.add_tenant(&new).await?;
    Ok(())
}
