//! A daemon in this process beside a simulated Instagram, and the real `aura` command to talk to it.
//!
//! Nothing here waits for a duration: every wait is for a condition, with a deadline.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use aura::{
    api,
    app::{App, Caller},
    client::{Client, Transport},
    config::{Config, MetricsListen},
    daemon::{self, Options, Running, SystemClock, UuidV7},
    domain::{Clock, outbox::OutboxState, tenant::TenantSlug},
    net,
    secret::{MasterKeyPolicy, Secret},
    sim::Sim,
    store::{DueRules, TenantStore},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

/// Signs what comes in on the plain webhook path.
pub const APP_SECRET: &str = "installation-app-secret";
/// What Meta's handshake has to name on the plain path.
pub const VERIFY_TOKEN: &str = "installation-verify-token";

/// Everything here takes milliseconds; a machine that is busy with other tests takes longer.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition that tells nobody of its change is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A running daemon with its simulated Instagram and its folder.
pub struct House {
    pub sim: Sim,
    folder: TempDir,
    running: Running,
    http: reqwest::Client,
}

/// What a run of the command came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl House {
    /// Starts one that answers at once and waits for nobody.
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await.expect("the simulator starts");
        let mut config =
            Config { metrics_listen: MetricsListen::At(loopback()), listen: loopback(), ..Config::default() };
        config.secrets.master_key = MasterKeyPolicy::File;
        // Nobody listens on it: what runs on this machine is not the test's.
        config.providers.ollama.base_url = "http://127.0.0.1:9".into();
        config.meta.graph_url = sim.url().to_owned();
        config.meta.app_secret = Some(Secret::from(APP_SECRET.to_owned()));
        config.meta.verify_token = Some(Secret::from(VERIFY_TOKEN.to_owned()));
        config.conversation.debounce_ms = 0;
        config.delivery.settle_ms = [20, 40];
        config.drain.notice_ms = 0;
        config.net.allow = vec!["127.0.0.1".parse().expect("an entry")];
        change(&mut config);
        let data_dir = folder.path().join("data");
        let options = Options {
            config,
            data_dir,
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7),
            publish: false,
            writer: None,
        };
        let running = daemon::serve(options).await.expect("the daemon starts");
        sim.deliver_to(&format!("http://{}/webhooks/instagram", running.bound.public));
        Self { sim, folder, running, http: net::fixed_client().expect("a client") }
    }

    pub fn app(&self) -> &App {
        self.running.app()
    }

    pub fn client(&self) -> Client {
        Client::new(Transport::Socket(self.running.bound.socket.clone()))
    }

    pub fn socket(&self) -> &Path {
        &self.running.bound.socket
    }

    pub fn data_dir(&self) -> &Path {
        &self.running.bound.data_dir
    }

    /// The folder of one tenant.
    pub fn tenant_folder(&self, tenant: &api::Tenant) -> PathBuf {
        let folders = fs::read_dir(self.data_dir().join("tenants")).expect("there are tenants");
        let id = tenant.id.strip_prefix("ten_").expect("a tenant's id");
        let named = |path: &PathBuf| path.to_string_lossy().contains(id);
        folders.map(|entry| entry.expect("readable").path()).find(named).unwrap_or_else(|| self.data_dir().join(id))
    }

    /// Host and port of the public listener.
    pub fn address(&self) -> std::net::SocketAddr {
        self.running.bound.public
    }

    /// Adds a tenant and connects an account, which the simulated Instagram gets too.
    pub async fn tenant(&self, slug: &str, account: &str) -> api::Tenant {
        let client = self.client();
        let new = api::NewTenant { slug: slug.into(), name: format!("Shop {slug}"), ..api::NewTenant::default() };
        let tenant = client.add_tenant(&new).await.expect("added");
        self.connect(slug, account).await;
        tenant
    }

    /// Connects an account to a tenant.
    pub async fn connect(&self, slug: &str, account: &str) {
        let token = format!("token-of-{account}");
        self.sim.account(account, &format!("at_{account}"), &token);
        let connect = api::Connect { channel: "instagram".into(), account_id: account.into(), token: Some(token) };
        self.client().connect(slug, &connect).await.expect("connected");
    }

    /// The tenant's store, by the way that every use case takes.
    pub async fn store(&self, slug: &str) -> TenantStore {
        let slug = TenantSlug::parse(slug).expect("a slug");
        let leave = self.app().authorize(&Caller::Operator, &slug).await.expect("there is such a tenant");
        self.app().tenant_store(&leave).await.expect("its file opens")
    }

    /// Posts a webhook body, signed.
    pub async fn deliver(&self, path: &str, body: &[u8], secret: &str) -> u16 {
        self.post(path, body, &[("x-hub-signature-256", &sign(body, secret))]).await
    }

    /// Posts a webhook body with these headers.
    pub async fn post(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> u16 {
        let mut request = self.http.post(format!("http://{}{path}", self.address())).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("the daemon answers").status().as_u16()
    }

    /// Gets a page of the public listener: status, content type, text.
    pub async fn get(&self, path: &str) -> (u16, String, String) {
        self.fetch(&format!("http://{}{path}", self.address())).await
    }

    /// What Prometheus would read.
    pub async fn metrics(&self) -> String {
        let address = self.running.bound.metrics.expect("metrics are on");
        self.fetch(&format!("http://{address}/metrics")).await.2
    }

    async fn fetch(&self, url: &str) -> (u16, String, String) {
        let answer = self.http.get(url).send().await.expect("the daemon answers");
        let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (status, kind) = (answer.status().as_u16(), kind.to_owned());
        (status, kind, answer.text().await.expect("the answer is text"))
    }

    /// Waits until every delivery is in its tenant's file and nothing of these tenants is open or on its way.
    pub async fn settle(&self, slugs: &[&str]) {
        let mut stores = Vec::new();
        for slug in slugs {
            stores.push(self.store(slug).await);
        }
        until("everything has come to rest", async || {
            all_quiet(&stores).await
                && self.sim.world().webhooks_waiting == 0
                && self.app().store.journal().waiting(0, 1).await.expect("the journal is readable").is_empty()
                && all_quiet(&stores).await
        })
        .await;
    }

    /// Runs the real command against the daemon.
    pub async fn aura(&self, args: &[&str], stdin: &str) -> Ran {
        aura(self.data_dir(), args, stdin).await
    }

    /// Stops the daemon; its files stay as long as the folder that is given back.
    pub async fn close(self) -> (TempDir, PathBuf) {
        let data_dir = self.data_dir().to_owned();
        self.running.stopper().cancel();
        tokio::time::timeout(DEADLINE, self.running.wait()).await.expect("it stops in time").expect("it ends well");
        (self.folder, data_dir)
    }
}

async fn all_quiet(stores: &[TenantStore]) -> bool {
    for store in stores {
        // What waits for a person may wait; what is due for the bot within a minute is not at rest.
        let soon = SystemClock.now().plus_ms(60_000);
        let rules = DueRules { now: soon, takeover_minutes: 30, paused: false, senders_live: true };
        let due = store.due_conversations(rules, 1).await.expect("readable");
        let counts = store.counts(aura::domain::Timestamp(0)).await.expect("countable");
        let moving = [OutboxState::Pending, OutboxState::Sending, OutboxState::Unknown];
        let rows: u64 = counts.outbox.iter().filter(|(state, _)| moving.contains(state)).map(|(_, rows)| rows).sum();
        if !due.is_empty() || rows > counts.held {
            return false;
        }
    }
    true
}

/// Waits until `holds`, looking again and again.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            if holds().await {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"));
}

/// The environment of a command that may know nothing of this machine's own Aura.
pub fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aura"));
    let home = data_dir.parent().expect("the data directory is in a temporary folder");
    command
        .env_clear()
        .env("HOME", home)
        .env("AURA_SECRETS__MASTER_KEY", "file")
        .current_dir(home)
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the real command on a data directory, with or without a daemon there.
pub async fn aura(data_dir: &Path, args: &[&str], stdin: &str) -> Ran {
    let mut child = command(data_dir).args(args).spawn().expect("the command starts");
    let mut pipe = child.stdin.take().expect("its stdin is a pipe");
    let written = pipe.write_all(stdin.as_bytes()).await;
    drop(pipe);
    let ended = tokio::time::timeout(DEADLINE, child.wait_with_output());
    let output =
        ended.await.unwrap_or_else(|_| panic!("`aura {args:?}` does not end")).expect("its output is readable");
    // A command that wants no input may have closed the pipe.
    drop(written);
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

impl Ran {
    /// The one JSON document on stdout of a command that must have succeeded.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error on stderr of a command that must have failed with `code`.
    pub fn error(&self, code: i32) -> serde_json::Value {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stdout.is_empty(), "a failure printed data: {self:?}");
        let body: serde_json::Value =
            serde_json::from_str(self.stderr.trim()).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string(), "{self:?}");
        assert!(body["error"].as_object().is_some_and(|error| error.contains_key("hint")), "{self:?}");
        body["error"].clone()
    }
}

/// Meta's signature, made here so that a mistake of ours in making and checking it would not go unseen.
pub fn sign(body: &[u8], secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    format!("sha256={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Every file under `folder` with its bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push((path, bytes));
        }
    }
    found
}

/// Whether `needle` stands anywhere in `bytes`.
pub fn holds(bytes: &[u8], needle: &str) -> bool {
    memchr::memmem::find(bytes, needle.as_bytes()).is_some()
}

fn loopback() -> std::net::SocketAddr {
    (std::net::Ipv4Addr::LOCALHOST, 0).into()
}
