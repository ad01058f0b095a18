//! The real binary, a simulated Instagram and one shop with an account, for tests in which the binary dies.

use std::{path::PathBuf, sync::Arc, time::Duration};

use aura::{
    api,
    daemon::SystemClock,
    sim::{Deliveries, Sim},
};
use tempfile::TempDir;

use super::{ACCOUNT, APP_SECRET, Binary, DEADLINE, Process, SHOP, TOKEN, connect, judge, until_idle};

/// A place where daemons live and die. The simulator remembers what every shopper saw whatever happens to them.
pub struct Scene {
    /// The simulated Instagram.
    pub sim: Sim,
    /// How the daemon is started.
    pub binary: Binary,
    home: TempDir,
}

impl Scene {
    /// Nothing has been started on the data directory yet.
    pub async fn bare() -> Self {
        let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await.expect("loopback has a free port");
        sim.account(ACCOUNT, SHOP, TOKEN);
        sim.deliveries(Deliveries { parallel: 8, retry_delay: Duration::from_millis(50), ..Deliveries::default() });
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let binary = Binary::for_simulator(home.path(), sim.url());
        Self { sim, binary, home }
    }

    /// With the shop and its account; the daemon that made them was killed.
    pub async fn new() -> Self {
        let scene = Self::bare().await;
        let process = scene.binary.start().await;
        scene.add_shop(&process).await;
        process.kill().await;
        scene
    }

    /// Adds the shop and connects its account.
    pub async fn add_shop(&self, process: &Process) {
        let new = api::NewTenant { slug: SHOP.into(), name: "The Shop".into(), ..api::NewTenant::default() };
        process.client().add_tenant(&new).await.expect("the tenant is new");
        connect(&process.client(), ACCOUNT, TOKEN).await;
    }

    /// Where the daemon keeps its data.
    pub fn data_dir(&self) -> PathBuf {
        Binary::data_dir(self.home.path())
    }

    /// Starts the daemon and has webhooks go to it.
    pub async fn start(&self) -> Process {
        let process = self.binary.start().await;
        self.sim.deliver_to(&process.webhook_url().await);
        process
    }

    /// The same with points armed (`FAILPOINTS`): it may be gone before it accepts anything.
    pub async fn start_armed(&self, points: &str) -> Process {
        let process = self.binary.clone().with("FAILPOINTS", points).start().await;
        self.sim.deliver_to(&process.webhook_url().await);
        process
    }

    /// Waits until everything written is recorded, answered and echoed.
    pub async fn rest(&self, process: &Process) {
        self.sim.until_delivered(DEADLINE).await.expect("every webhook gets a 200 in the end");
        until_idle(&process.client()).await;
        self.sim.until_delivered(DEADLINE).await.expect("echoes too");
        until_idle(&process.client()).await;
    }

    /// Stops the daemon in order.
    pub async fn end(&self, mut process: Process) {
        process.terminate();
        assert!(process.ended_within(Duration::from_secs(10)).await.success(), "{:?}", process.stderr());
    }

    /// Starts a daemon that nothing happens to, lets everything come to rest, and stops it.
    pub async fn recover(&self) {
        let process = self.start().await;
        self.rest(&process).await;
        self.end(process).await;
    }

    /// The promises, over all that happened; nothing may be running. See [`judge`].
    pub fn judge(&self, messages: usize) {
        judge(&self.sim, &self.data_dir(), messages);
    }
}
