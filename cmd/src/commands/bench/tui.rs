//! `aura bench tui`: how soon the monitor shows something, how soon it follows a key, and what it costs while nobody
//! touches it; as a process of its own, at a terminal of its own.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::Stdio,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use aura::{api, client::Client, daemon::SystemClock, domain::Timestamp, sim::Sim, sim::payload};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use rustix::{
    fs::{Mode, OFlags},
    process::Pid,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use super::{
    failed,
    place::{self, APP_SECRET, DATA_DIR, Place, PlaceArgs},
    process::{self, Process},
    report::{Figure, Percentiles, Report},
};
use crate::failure::Failure;

/// What the budgets are stated for.
const BUDGET_TENANTS: u32 = 200;
const BUDGET_MESSAGES: u32 = 100_000;
/// From the start to something on the screen, at most, ms.
const FIRST_PAINT_MAX_MS: f64 = 100.0;
/// From a key to what it changes, at most, ms.
const KEY_MAX_MS: f64 = 16.0;
/// Of one core while nobody touches it, at most, %: what "about zero" means here.
const PROCESSOR_MAX: f64 = 1.0;
/// Messages of one conversation.
const THREAD: u32 = 10;
/// Messages of one delivery.
const TOGETHER: usize = 50;
/// Columns and rows of the terminal.
const SCREEN: (u16, u16) = (160, 45);
/// Nothing more comes after a frame when the terminal is quiet for so long.
const QUIET: Duration = Duration::from_millis(40);
/// How long anything may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(600);
/// Keys that are pressed in turn, each of which changes the frame: down, page, end, top, the other panes, a filter.
const KEYS: &[&str] =
    &["j", "j", "\x04", "j", "G", "k", "g", "j", "\t", "k", "j", "\t", "\t", "/", "s", "h", "o", "\x1b"];

/// Measure how fast the monitor is
///
/// Adds shops and fills them with messages through signed webhooks, starts the daemon, then the monitor at a terminal of
/// 160 columns and 45 rows: how soon it shows its first frame, the first one with conversations, and what each key
/// changes; then what memory and time it takes while nobody touches it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench tui
  aura bench tui --tenants 10 --messages 1000 --keys 40")]
pub struct TuiArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Shops
    #[arg(long, default_value_t = BUDGET_TENANTS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    tenants: u32,
    /// Messages over all shops
    #[arg(long, default_value_t = BUDGET_MESSAGES, value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    messages: u32,
    /// Keys that are pressed
    #[arg(long, default_value_t = 360, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    keys: u32,
    /// Starts of the monitor
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    starts: u32,
    /// Seconds to look at it while nobody touches it
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=600))]
    watch_seconds: u32,
}

pub async fn run(report: &Report, args: TuiArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await;
    let sim = sim.map_err(|error| failed(format!("the simulated Instagram did not start: {error}")))?;
    add_tenants(&place, &sim, args.tenants).await?;
    let daemon = Process::start(&place, sim.url()).await?;
    let messages = fill(report, &daemon, &args).await?;
    report.add([
        Figure::new("tenants", f64::from(args.tenants), ""),
        Figure::new("messages", messages as f64, ""),
        Figure::new("conversations", f64::from(args.messages / THREAD), ""),
    ])?;
    report.add(measure(&place, &args)?)?;
    daemon.stop().await
}

/// Shops whose assistants say nothing: the messages stay as they are.
async fn add_tenants(place: &Place, sim: &Sim, tenants: u32) -> Result<(), Failure> {
    let aura = place.embed(Some(sim.url())).await?;
    let client = place::client(&aura);
    let mut added = Ok(());
    for number in 0..tenants {
        added = add_tenant(&client, sim, number).await;
        if added.is_err() {
            break;
        }
    }
    aura.close().await;
    added
}

async fn add_tenant(client: &Client, sim: &Sim, number: u32) -> Result<(), Failure> {
    let (slug, mode) = (format!("shop-{number}"), Some("off".to_owned()));
    let new = api::NewTenant { slug: slug.clone(), name: format!("Shop {number}"), mode, ..api::NewTenant::default() };
    client.add_tenant(&new).await?;
    let (id, token) = (account(number), format!("bench-token-{number}"));
    sim.account(&id, &slug, &token);
    client.connect(&slug, &api::Connect { channel: "instagram".into(), account_id: id, token: Some(token) }).await?;
    Ok(())
}

fn account(number: u32) -> String {
    format!("1784150000{number:07}")
}

/// Delivers the messages and waits until every one of them is in its shop's file.
async fn fill(report: &Report, daemon: &Process, args: &TuiArgs) -> Result<u64, Failure> {
    let stream = TcpStream::connect(daemon.public).await;
    let stream = stream.map_err(|error| Failure::io("the daemon is not reached", &error))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(format!("no connection: {error}")))?;
    tokio::spawn(connection);
    let now = api::Time::from(aura::domain::Clock::now(&SystemClock)).0;
    let mut sent = 0;
    while sent < args.messages {
        let batch = sent..u32::min(sent + TOGETHER as u32, args.messages);
        // A delivery is of one account.
        let shop = (sent / TOGETHER as u32) % args.tenants;
        let items = batch.clone().map(|number| {
            let shopper = format!("88{:014}", number / THREAD);
            let at = Timestamp(now - i64::from(args.messages - number) * 10);
            let of = payload::Of { account: &account(shop), shopper: &shopper, at };
            payload::text(of, &format!("bench-mid-{number}"), "Hi! Do you have the linen shirt in blue, size M?")
        });
        let body = payload::body(&[payload::entry(&account(shop), Timestamp(now), items.collect())]);
        let (name, value) = payload::signature(&body, APP_SECRET);
        let request = Request::post("/webhooks/instagram").header(HOST, "localhost").header(name, value);
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| failed(error.to_string()))?;
        sender.ready().await.map_err(|error| failed(format!("not delivered: {error}")))?;
        let answer = sender.send_request(request).await.map_err(|error| failed(format!("not delivered: {error}")))?;
        let status = answer.status();
        answer.into_body().collect().await.map_err(|error| failed(format!("not delivered: {error}")))?;
        if status.as_u16() == 503 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        if !status.is_success() {
            return Err(failed(format!("a delivery was answered with {status}")));
        }
        sent = batch.end;
    }
    report.ui().say(format!("{sent} messages delivered; waiting until they are in their shops"));
    let began = Instant::now();
    loop {
        let status = daemon.client.status().await?;
        let received = status.tenants.iter().flat_map(|tenant| &tenant.accounts).map(|account| account.received).sum();
        if received >= u64::from(args.messages) {
            return Ok(received);
        }
        if began.elapsed() > PATIENCE {
            return Err(failed(format!("{received} of {sent} messages were there after {PATIENCE:?}")));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The monitor at a terminal.
struct Monitor {
    child: Child,
    pid: Pid,
    keyboard: File,
    painted: mpsc::Receiver<(Instant, Vec<u8>)>,
    began: Instant,
}

impl Monitor {
    fn start(place: &Place) -> Result<Self, Failure> {
        let wrong = |error: rustix::io::Errno| Failure::io("no terminal was made", &error.into());
        let outer: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map_err(wrong)?;
        grantpt(&outer).and_then(|()| unlockpt(&outer)).map_err(wrong)?;
        let size = Winsize { ws_col: SCREEN.0, ws_row: SCREEN.1, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&outer, size).map_err(wrong)?;
        let name = ptsname(&outer, Vec::new()).map_err(wrong)?;
        let open = || rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).map_err(wrong);
        let program = std::env::current_exe().map_err(|error| Failure::io("this binary is not to be found", &error))?;
        let outer = File::from(outer);
        let mut reader = outer.try_clone().map_err(|error| Failure::io("no second handle", &error))?;
        let (tell, painted) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if tell.send((Instant::now(), bytes[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        let began = Instant::now();
        // In a session of its own, whose terminal is this one: what asks for the size asks the right one.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(program)
            .arg("tui")
            .arg("--data-dir")
            .arg(place.path(DATA_DIR))
            .env_clear()
            .env("HOME", place.path("home"))
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(open()?))
            .stdout(Stdio::from(open()?))
            .stderr(Stdio::from(open()?))
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::io("the monitor did not start", &error))?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| failed("the monitor ended at once"))?;
        Ok(Self { child, pid, keyboard: outer, painted, began })
    }

    /// Waits until the terminal has been told `wanted`; how long after the start that was.
    fn until(&self, wanted: &str) -> Result<Duration, Failure> {
        let mut seen = Vec::new();
        loop {
            let (at, bytes) = self.painted.recv_timeout(PATIENCE).map_err(|_| {
                failed(format!("the monitor never showed `{wanted}`: {}", String::from_utf8_lossy(&seen)))
            })?;
            seen.extend(bytes);
            if String::from_utf8_lossy(&seen).contains(wanted) {
                return Ok(at - self.began);
            }
        }
    }

    /// Waits until nothing is painted any more.
    fn settle(&self) {
        while self.painted.recv_timeout(QUIET).is_ok() {}
    }

    /// Presses a key; how long its frame took.
    fn press(&mut self, key: &str) -> Result<Option<Duration>, Failure> {
        self.settle();
        let pressed = Instant::now();
        let written = self.keyboard.write_all(key.as_bytes()).and_then(|()| self.keyboard.flush());
        written.map_err(|error| Failure::io("the key was not pressed", &error))?;
        let mut last = None;
        // A frame may come in several pieces; what counts is its end, and a key may change nothing.
        while let Ok((at, _)) = self.painted.recv_timeout(QUIET) {
            last = Some(at - pressed);
        }
        Ok(last)
    }

    async fn leave(mut self) -> Result<(), Failure> {
        let written = self.keyboard.write_all(b"q");
        written.map_err(|error| Failure::io("the key was not pressed", &error))?;
        match tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(format!("the monitor ended with {status}"))),
            Ok(Err(error)) => Err(Failure::io("the monitor's end cannot be seen", &error)),
            Err(_) => Err(failed("the monitor did not leave")),
        }
    }
}

fn measure(place: &Place, args: &TuiArgs) -> Result<Vec<Figure>, Failure> {
    tokio::task::block_in_place(|| {
        let handle = tokio::runtime::Handle::current();
        let budgeted = |figure: Figure, limit: f64| {
            let whole = args.tenants == BUDGET_TENANTS && args.messages == BUDGET_MESSAGES;
            if whole { figure.at_most(limit) } else { figure }
        };
        let (mut first, mut full) = (Vec::new(), Vec::new());
        for _ in 0..args.starts {
            let monitor = Monitor::start(place)?;
            first.push(monitor.until("Inbox")?);
            full.push(monitor.until("linen")?);
            monitor.settle();
            handle.block_on(monitor.leave())?;
        }
        let mut monitor = Monitor::start(place)?;
        monitor.until("linen")?;
        monitor.settle();
        let mut took = Vec::new();
        for at in 0..args.keys as usize {
            took.extend(monitor.press(KEYS[at % KEYS.len()])?);
        }
        let (first, full, took) = (Percentiles::of(first), Percentiles::of(full), Percentiles::of(took));
        monitor.press("\x1b")?;
        let pause = Duration::from_secs(args.watch_seconds.into());
        let began = process::processor_time_of(monitor.pid)?;
        std::thread::sleep(pause);
        let idle = process::processor_time_of(monitor.pid)? - began;
        let resident = process::resident_mb_of(monitor.pid)?;
        handle.block_on(monitor.leave())?;
        Ok(vec![
            budgeted(Figure::new("first paint, p50", first.ms(0.50), "ms"), FIRST_PAINT_MAX_MS),
            Figure::new("first conversation painted, p50", full.ms(0.50), "ms"),
            Figure::new("key to paint, p50", took.ms(0.50), "ms"),
            budgeted(Figure::new("key to paint, p99", took.ms(0.99), "ms"), KEY_MAX_MS),
            Figure::new("resident", resident, "MB"),
            budgeted(
                Figure::new("of one core untouched", idle.as_secs_f64() / pause.as_secs_f64() * 100.0, "%"),
                PROCESSOR_MAX,
            ),
        ])
    })
}
