//! `aura bench tui`: how soon the monitor shows something, how soon it follows a key, and what it costs while nobody
//! touches it; as a process of its own, at a terminal of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aura::{api, client::Client, daemon::SystemClock, domain::Timestamp, sim::Sim, sim::payload};
use aura_tui::CONVERSATIONS_MAX;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{
    failed,
    place::{self, APP_SECRET, Place, PlaceArgs},
    process::{self, Process},
    report::{Figure, Percentiles, Report},
    terminal::{Grid, Monitor, PATIENCE, ROWS},
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
/// How long after a key its effect is waited for.
const EFFECT_MAX: Duration = Duration::from_secs(10);
/// How often a key that is held down comes again: 30 times a second.
const REPEAT: Duration = Duration::from_millis(33);
/// Times that a key which is held down comes.
const REPEATS: u32 = 90;
/// What every shopper's number begins with.
const SHOPPER: &str = "88";
/// Keys that are pressed in turn, each with where its effect is seen: down, half a page, end, top, the other panes, a filter.
const KEYS: &[(&str, Effect)] = &[
    ("j", Effect::Choice),
    ("j", Effect::Choice),
    ("\x04", Effect::Choice),
    ("j", Effect::Choice),
    ("G", Effect::Choice),
    ("k", Effect::Choice),
    ("g", Effect::Choice),
    ("j", Effect::Choice),
    ("\t", Effect::Frames),
    ("\t", Effect::Frames),
    ("\t", Effect::Frames),
    ("/", Effect::Foot),
    ("s", Effect::Filter),
    ("h", Effect::Filter),
    ("o", Effect::Filter),
    ("\x1b", Effect::Filter),
];

/// Where a key's effect is seen. Ages and figures that change meanwhile stand elsewhere.
#[derive(Clone, Copy, Debug)]
enum Effect {
    /// The shopper on the row with the mark.
    Choice,
    /// Which pane has the thick frame.
    Frames,
    /// The last line, in which the filter is written.
    Foot,
    /// The filter in the title of the list.
    Filter,
}

impl Effect {
    fn seen(self, grid: &Grid) -> String {
        match self {
            Self::Choice => {
                let chosen =
                    (0..ROWS).map(|row| grid.row(row)).find(|row| row.chars().skip(1).take(2).eq("> ".chars()));
                let chosen = chosen.unwrap_or_default();
                chosen.split_whitespace().find(|word| word.starts_with(SHOPPER)).unwrap_or_default().to_owned()
            }
            Self::Frames => grid.row(1).chars().map(|cell| if "┏┓".contains(cell) { cell } else { ' ' }).collect(),
            Self::Foot => grid.row(ROWS - 1),
            Self::Filter => grid.row(1).split_once("  /").map_or_else(String::new, |(_, filter)| filter.to_owned()),
        }
    }
}

/// Measure how fast the monitor is
///
/// Adds shops and fills them with messages through signed webhooks, starts the daemon, then the monitor at a terminal of
/// 160 columns and 45 rows: how soon it shows its first frame, the first one with conversations, and all of them; how long
/// each key takes to the end of the first whole frame that shows its effect (the choice, the pane, the filter), pressed
/// while nothing else goes on and then while it is held down; then what memory and time it takes while nobody touches it.
/// What a key makes the monitor read, such as a thread, is measured to the last frame that comes of it, on a line of its
/// own: it depends on the daemon, which takes part of the same cores. No disk is synced between a key and its frame.
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
    #[arg(long, default_value_t = 480, value_parser = clap::value_parser!(u32).range(1..=100_000))]
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
    let (messages, conversations) = fill(report, &daemon, &args).await?;
    report.add([
        Figure::new("tenants", f64::from(args.tenants), ""),
        Figure::new("messages", messages as f64, ""),
        Figure::new("conversations", conversations as f64, ""),
    ])?;
    report.add(measure(&place, &args, conversations)?)?;
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

/// Delivers the messages and waits until every one of them is in its shop's file; how many there are then, and how many
/// conversations the monitor reads of them.
async fn fill(report: &Report, daemon: &Process, args: &TuiArgs) -> Result<(u64, u64), Failure> {
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
            let shopper = format!("{SHOPPER}{:08}", number / THREAD);
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
            let read = |tenant: &api::TenantStatus| tenant.conversations.min(CONVERSATIONS_MAX.into());
            return Ok((received, status.tenants.iter().map(read).sum()));
        }
        if began.elapsed() > PATIENCE {
            return Err(failed(format!("{received} of {sent} messages were there after {PATIENCE:?}")));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn measure(place: &Place, args: &TuiArgs, conversations: u64) -> Result<Vec<Figure>, Failure> {
    tokio::task::block_in_place(|| {
        let handle = tokio::runtime::Handle::current();
        let all_of_them = format!("Conversations {} ", figure(conversations));
        let (mut first, mut full, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..args.starts {
            let mut monitor = Monitor::start(place)?;
            first.push(monitor.until("Inbox")?);
            full.push(monitor.until("linen")?);
            all.push(monitor.until(&all_of_them)?);
            handle.block_on(monitor.leave())?;
        }
        let mut monitor = Monitor::start(place)?;
        monitor.until(&all_of_them)?;
        let pressed = press_in_turn(&mut monitor, args.keys)?;
        let held = hold_down(&mut monitor)?;
        monitor.settle();
        let pause = Duration::from_secs(args.watch_seconds.into());
        let began = process::processor_time_of(monitor.pid)?;
        std::thread::sleep(pause);
        let idle = process::processor_time_of(monitor.pid)? - began;
        let resident = process::resident_mb_of(monitor.pid)?;
        handle.block_on(monitor.leave())?;
        let whole = args.tenants == BUDGET_TENANTS && args.messages == BUDGET_MESSAGES;
        let budgeted = |figure: Figure, limit: f64| if whole { figure.at_most(limit) } else { figure };
        let [first, full, all, key, read, held] =
            [first, full, all, pressed.effects, pressed.ends, held].map(Percentiles::of);
        Ok(vec![
            budgeted(Figure::new("first paint, p50", first.ms(0.50), "ms"), FIRST_PAINT_MAX_MS),
            Figure::new("first conversation painted, p50", full.ms(0.50), "ms"),
            Figure::new("all conversations painted, p50", all.ms(0.50), "ms"),
            Figure::new("key to its effect, p50", key.ms(0.50), "ms"),
            budgeted(Figure::new("key to its effect, p99", key.ms(0.99), "ms"), KEY_MAX_MS),
            Figure::new("held key to its effect, p99", held.ms(0.99), "ms"),
            Figure::new("key to all that it reads, p50", read.ms(0.50), "ms"),
            Figure::new("key to all that it reads, p99", read.ms(0.99), "ms"),
            Figure::new("resident", resident, "MB"),
            budgeted(
                Figure::new("of one core untouched", idle.as_secs_f64() / pause.as_secs_f64() * 100.0, "%"),
                PROCESSOR_MAX,
            ),
        ])
    })
}

/// `10,000`, as the monitor writes it.
fn figure(count: u64) -> String {
    match (count / 1_000, count % 1_000) {
        (0, ones) => ones.to_string(),
        (thousands, ones) => format!("{},{ones:03}", figure(thousands)),
    }
}

/// What keys took.
#[derive(Default)]
struct Pressed {
    /// To the first frame that shows the effect.
    effects: Vec<Duration>,
    /// To the last frame, what was read for the key among it.
    ends: Vec<Duration>,
}

/// Presses keys one after the other, each when nothing is painted any more.
fn press_in_turn(monitor: &mut Monitor, keys: u32) -> Result<Pressed, Failure> {
    let mut took = Pressed::default();
    for (key, effect) in KEYS.iter().cycle().take(keys as usize) {
        monitor.settle();
        let (pressed, seen) = press(monitor, key, *effect)?;
        let seen = seen.ok_or_else(|| {
            failed(format!("the key {key:?} had no effect on {effect:?}:\n{}", monitor.grid().text()))
        })?;
        took.effects.push(seen - pressed);
        took.ends.push(monitor.settle().unwrap_or(seen) - pressed);
    }
    Ok(took)
}

/// Goes down the list as with a key that is held, whatever is being read meanwhile.
fn hold_down(monitor: &mut Monitor) -> Result<Vec<Duration>, Failure> {
    monitor.settle();
    // Back to the list, without a filter, at its top.
    for key in ["\x1b", "\x1b", "\x1b", "g"] {
        monitor.press(key)?;
        monitor.settle();
    }
    let mut took = Vec::new();
    for _ in 0..REPEATS {
        let (pressed, seen) = press(monitor, "j", Effect::Choice)?;
        let seen = seen.ok_or_else(|| failed("a key that is held down had no effect"))?;
        took.push(seen - pressed);
        if let Some(rest) = REPEAT.checked_sub(pressed.elapsed()) {
            // What is painted meanwhile is taken in, so that the next effect is told from it.
            monitor.shows(rest, |_| false);
        }
    }
    Ok(took)
}

/// Presses a key; when that was, and when its effect was seen.
fn press(monitor: &mut Monitor, key: &str, effect: Effect) -> Result<(Instant, Option<Instant>), Failure> {
    let before = effect.seen(monitor.grid());
    let pressed = monitor.press(key)?;
    Ok((pressed, monitor.shows(EFFECT_MAX, |grid| effect.seen(grid) != before)))
}
