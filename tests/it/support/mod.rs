//! A whole Aura for a test: a simulated Instagram, a daemon on a temporary folder, a shop with an account.
//!
//! [`TestAura`] runs the daemon in the test's process, so that a test owns its clock; [`Process`] is the real binary,
//! which can be killed. Both speak to the same simulator. Nothing here waits for a duration: every wait is for a
//! condition, with a deadline.

mod file;
mod oracle;
mod process;
mod scene;
pub mod screen;
mod terminal;
mod upstream;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aura::{
    agent::writer::Writer,
    api,
    app::{self, App},
    channel::instagram::signature,
    client::{Client, Transport},
    config::{Config, MetricsListen},
    daemon::{self, Options, Running, SystemClock, UuidV7},
    domain::{Clock, Timestamp},
    net,
    secret::MasterKeyPolicy,
    sim::{ManualClock, ScriptedModel, Sim},
};
use bytes::Bytes;
use futures_util::stream;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub use file::{Reply, TenantFile, check_files};
use oracle::judge;
pub use process::{Binary, Process};
pub use scene::Scene;
pub use terminal::Terminal;
pub use upstream::Upstream;

/// Signs the webhooks of every test.
pub const APP_SECRET: &str = "the-app-s-secret";
/// The account of the shop.
pub const ACCOUNT: &str = "17841400000000001";
/// The token that works for it.
pub const TOKEN: &str = "IGAA-token-of-the-shop";
/// The shop.
pub const SHOP: &str = "shop";
/// Long enough for a slow and busy machine; nothing waits this long when all is well.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition is looked at that nobody announces.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Where a clock that stands still begins.
const START: Timestamp = Timestamp(1_791_000_000_000);

/// What a [`TestAura`] is to be like.
pub struct Setup {
    manual: bool,
    catalog: Option<&'static str>,
    config: Config,
    writer: Option<Arc<dyn Writer>>,
}

impl Setup {
    /// Time stands still until [`TestAura::advance`].
    pub fn manual_clock(mut self) -> Self {
        self.manual = true;
        self
    }

    /// The shop has this file of `testdata/catalogs` as its catalogue.
    pub fn catalog(mut self, file: &'static str) -> Self {
        self.catalog = Some(file);
        self
    }

    /// Drafts are written by this model.
    pub fn model(mut self, model: &ScriptedModel) -> Self {
        self.writer = Some(Arc::new(model.clone()));
        self
    }

    /// Changes the settings.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Starts everything: one shop with one account, and webhooks that arrive.
    pub async fn start(self) -> TestAura {
        let manual = self.manual.then(|| Arc::new(ManualClock::new(START)));
        let clock: Arc<dyn Clock> = match &manual {
            Some(manual) => Arc::<ManualClock>::clone(manual),
            None => Arc::new(SystemClock),
        };
        let sim = Sim::start(Arc::clone(&clock), APP_SECRET).await.expect("loopback has a free port");
        sim.account(ACCOUNT, SHOP, TOKEN);
        let mut config = self.config;
        config.meta.graph_url = sim.url().to_owned();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data_dir = folder.path().join("aura");
        let running = start(config.clone(), &data_dir, &clock, self.writer.clone()).await;
        let writer = self.writer;
        let aura = TestAura { sim, clock, manual, config, writer, data_dir, running, _folder: folder };
        aura.sim.deliver_to(&aura.webhook_url());
        aura.add_tenant(SHOP).await;
        connect(&aura.client(), ACCOUNT, TOKEN).await;
        if let Some(file) = self.catalog {
            aura.import(file).await;
        }
        aura
    }
}

async fn start(config: Config, data_dir: &Path, clock: &Arc<dyn Clock>, writer: Option<Arc<dyn Writer>>) -> Running {
    let options = Options {
        config,
        data_dir: data_dir.to_owned(),
        clock: Arc::clone(clock),
        ids: Arc::new(UuidV7),
        publish: false,
        writer,
    };
    daemon::serve(options).await.expect("a daemon starts in a temporary folder")
}

/// Connects the shop's account.
pub async fn connect(client: &Client, account: &str, token: &str) {
    let account =
        api::Connect { channel: "instagram".into(), account_id: account.into(), token: Some(token.to_owned()) };
    client.connect(SHOP, &account).await.expect("the token is good");
}

/// A running Aura in this process.
pub struct TestAura {
    /// The simulated Instagram.
    pub sim: Sim,
    clock: Arc<dyn Clock>,
    manual: Option<Arc<ManualClock>>,
    config: Config,
    writer: Option<Arc<dyn Writer>>,
    data_dir: PathBuf,
    running: Running,
    _folder: TempDir,
}

impl TestAura {
    /// With the real clock and waits that suit a test.
    pub fn setup() -> Setup {
        let listen = ([127, 0, 0, 1], 0).into();
        let mut config = Config { listen, metrics_listen: MetricsListen::Off, ..Config::default() };
        // Nobody listens on it: what runs on this machine is not the test's.
        config.providers.ollama.base_url = "http://127.0.0.1:9".into();
        config.secrets.master_key = MasterKeyPolicy::File;
        config.meta.app_secret = Some(APP_SECRET.to_owned().into());
        config.conversation.debounce_ms = 20;
        config.delivery.settle_ms = [100, 300];
        config.drain.notice_ms = 0;
        // Where the tests' webhooks are received.
        config.net.allow = vec!["127.0.0.1".parse().expect("an entry")];
        Setup { manual: false, catalog: None, config, writer: None }
    }

    /// The use cases of the running daemon.
    pub fn app(&self) -> &App {
        self.running.app()
    }

    /// The control API, over the daemon's socket.
    pub fn client(&self) -> Client {
        Client::new(Transport::Socket(self.running.bound.socket.clone()))
    }

    /// Where Meta posts to.
    pub fn webhook_url(&self) -> String {
        format!("http://{}/webhooks/instagram", self.running.bound.public)
    }

    /// The metrics listener, if there is one.
    pub fn metrics_url(&self) -> Option<String> {
        self.running.bound.metrics.map(|address| format!("http://{address}/metrics"))
    }

    /// The current moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds a shop.
    pub async fn add_tenant(&self, slug: &str) {
        let new = api::NewTenant { slug: slug.into(), name: "The Shop".into(), ..api::NewTenant::default() };
        self.client().add_tenant(&new).await.expect("the tenant is new");
    }

    /// Where its data lies.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    async fn import(&self, file: &str) {
        self.import_changed(file, str::to_owned).await;
    }

    /// Imports a file of `testdata/catalogs` as `change` makes it.
    pub async fn import_changed(&self, file: &str, change: impl FnOnce(&str) -> String) {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/catalogs")).join(file);
        let bytes = change(&std::fs::read_to_string(&path).expect("the sample catalogue is in the repository"));
        let query = api::ImportQuery { source: file.to_owned(), ..api::ImportQuery::default() };
        let report = self.client().import(SHOP, &query, stream::iter([Ok(Bytes::from(bytes))])).await;
        assert!(report.expect("the sample can be read").products > 0);
    }

    /// Moves the clock on. Whatever is due by then is looked at.
    pub fn advance(&self, ms: i64) {
        self.manual.as_ref().expect("this test has asked for a manual clock").advance_ms(ms);
        self.app().clock_moved();
    }

    /// Posts a body as Meta would, and gives the status of the answer.
    pub async fn post_signed(&self, body: Vec<u8>) -> u16 {
        post_signed(&self.webhook_url(), body).await.expect("the daemon answers")
    }

    /// Waits until everything posted stands in the shops' files.
    pub async fn until_recorded(&self) {
        self.sim.until_delivered(DEADLINE).await.expect("every webhook gets a 200");
        until("deliveries are dispatched", async || self.app().store.journal().figures().backlog == 0).await;
    }

    /// Waits until everything posted is recorded, no message waits for a turn, and nothing waits to be sent.
    pub async fn until_idle(&self) {
        self.until_recorded().await;
        until_idle(&self.client()).await;
        // Echoes of what was sent last.
        self.until_recorded().await;
    }

    /// Waits until the bot has said `count` things to the shopper called `name`.
    pub async fn until_replies(&self, name: &str, count: usize) {
        self.sim.until_replies(name, count, DEADLINE).await.expect("the bot answers");
    }

    /// The conversation of the shopper called `name`, as the control API shows it.
    pub async fn conversation(&self, name: &str) -> api::ConversationDetail {
        let id = self.conversation_id(name).await.expect("the shopper has written");
        self.client().conversation(SHOP, &id).await.expect("the conversation is there")
    }

    async fn conversation_id(&self, name: &str) -> Option<String> {
        let shopper = self.sim.shopper(name).id(ACCOUNT);
        let all = api::ConversationQuery { limit: Some(200), ..api::ConversationQuery::default() };
        let conversations = self.client().conversations(SHOP, &all).await.expect("the daemon answers");
        conversations.into_iter().find(|conversation| conversation.shopper_id == shopper).map(|found| found.id)
    }

    /// Waits until the conversation of `name` is as `holds` wants it.
    pub async fn until_conversation(&self, name: &str, what: &str, holds: impl Fn(&api::ConversationDetail) -> bool) {
        until(what, async || self.conversation_id(name).await.is_some() && holds(&self.conversation(name).await)).await;
    }

    /// Shows that everything due by now has been looked at: somebody new writes and is answered.
    pub async fn until_looked(&self, fence: &str) {
        self.sim.shopper(fence).writes(ACCOUNT, "Are you there?");
        self.until_recorded().await;
        if self.manual.is_some() {
            self.advance(self.config.conversation.debounce_ms.into());
        }
        self.until_replies(fence, 1).await;
    }

    /// Runs the real command against the daemon; what it prints.
    pub async fn run(&self, args: &[&str]) -> String {
        let ran = crate::shop::aura(&self.data_dir, args, "").await;
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    }

    /// The same for what it says to a person, with the exit code that it must have.
    pub async fn said(&self, args: &[&str], code: i32) -> String {
        let ran = crate::shop::aura(&self.data_dir, args, "").await;
        assert_eq!(ran.code, code, "{ran:?}");
        ran.stderr
    }

    /// The shop's own file, for reading beside the daemon.
    pub fn file(&self) -> TenantFile {
        TenantFile::only(&self.data_dir)
    }

    /// Whether nothing waits to be delivered, for dispatch, a turn or a send right now; not if nobody answers.
    pub async fn is_idle(&self) -> bool {
        self.sim.world().webhooks_waiting == 0 && self.client().status().await.is_ok_and(|status| is_idle(&status))
    }

    /// Waits until the daemon has ended because the disk failed, and starts another one on the same folder.
    pub async fn revive(self) -> Self {
        let Self { sim, clock, manual, config, writer, data_dir, running, _folder } = self;
        let ended = tokio::time::timeout(DEADLINE, running.wait()).await.expect("it ends by itself");
        assert!(matches!(ended, Err(daemon::Error::DiskFailed)), "{ended:?}");
        let running = start(config.clone(), &data_dir, &clock, writer.clone()).await;
        let aura = Self { sim, clock, manual, config, writer, data_dir, running, _folder };
        aura.sim.deliver_to(&aura.webhook_url());
        aura
    }

    /// Compares every account with the store, as the daemon does every ten minutes; how many messages were found.
    pub async fn catch_up(&self) -> Result<u32, app::Error> {
        self.app().catch_up(&CancellationToken::new()).await
    }

    /// Stops the daemon in order and checks the promises over all that happened to the only shop. See [`judge`].
    pub async fn end_and_judge(self, messages: usize) {
        self.running.stopper().cancel();
        self.running.wait().await.expect("it ends in order");
        judge(&self.sim, &self.data_dir, messages);
    }

    /// Stops the daemon in order, and starts another one on the same folder.
    pub async fn restart(self) -> Self {
        let Self { sim, clock, manual, config, writer, data_dir, running, _folder } = self;
        running.stopper().cancel();
        running.wait().await.expect("it ends in order");
        let running = start(config.clone(), &data_dir, &clock, writer.clone()).await;
        let aura = Self { sim, clock, manual, config, writer, data_dir, running, _folder };
        aura.sim.deliver_to(&aura.webhook_url());
        aura
    }
}

/// Posts a body as Meta would; `None` if there was no answer.
pub async fn post_signed(url: &str, body: Vec<u8>) -> Option<u16> {
    let client = net::fixed_client().expect("a client can be made");
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header(signature::SIGNATURE_HEADER, signature::sign(&body, APP_SECRET.as_bytes()))
        .body(body);
    request.send().await.ok().map(|response| response.status().as_u16())
}

/// The status and body of a GET; `None` if there was no answer.
pub async fn get(url: &str) -> Option<(u16, String)> {
    let client = net::fixed_client().expect("a client can be made");
    let response = client.get(url).send().await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

/// Waits until `holds`, for something that nobody announces.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, wait).await.is_ok(), "not within {DEADLINE:?}: {what}");
}

/// Waits until no delivery waits for dispatch, no message for a turn, and no reply to be sent.
pub async fn until_idle(client: &Client) {
    // A delivery may move from the journal into a file that was read just before: two looks in a row decide.
    let mut still = 0;
    let mut last = None;
    let wait = async {
        while still < 2 {
            let status = client.status().await.expect("the daemon answers");
            still = if is_idle(&status) { still + 1 } else { 0 };
            last = Some(status);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, wait).await;
    assert!(waited.is_ok(), "not idle within {DEADLINE:?}: {last:?}");
}

fn is_idle(status: &api::Status) -> bool {
    let at_rest = |tenant: &api::TenantStatus| {
        let outbox = &tenant.outbox;
        tenant.open_messages == 0 && outbox.pending + outbox.sending + outbox.unknown == tenant.outbox.held
    };
    status.journal.backlog == 0 && status.tenants.iter().all(at_rest)
}
