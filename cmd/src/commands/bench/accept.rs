//! `aura bench accept`: how many deliveries a second become durable, against the same server without the journal.

use std::time::Duration;

use aura::daemon::{Accepting, Embedded};

use super::{
    failed,
    load::{Bodies, Load, Outcome},
    machine::Machine,
    place::{Place, PlaceArgs},
    report::{Figure, Percentiles, Report, median},
    turn::Answering,
};
use crate::failure::Failure;

/// Bodies of the first round, which warms up and is not counted.
const WARM_UP: usize = 5_000;
/// Of the same server without the journal, at least.
const SHARE_MIN: f64 = 0.60;
/// 200s a second where a sync takes no longer than [`FAST_SYNC_MS`] ...
const RATE_FAST_DISK: f64 = 40_000.0;
/// ... and where it takes up to [`SLOW_SYNC_MS`].
const RATE_SLOW_DISK: f64 = 15_000.0;
const FAST_SYNC_MS: f64 = 0.1;
const SLOW_SYNC_MS: f64 = 3.0;
/// p99 at half the rate while turns run: this and two syncs (p99).
const LATENCY_MS: f64 = 10.0;
/// Bodies a second, at least, for the measurement at half the rate.
const HALF_MIN: f64 = 100.0;

/// Measure how fast deliveries are made durable and acknowledged
///
/// Sends signed webhooks of about 400 bytes to the real edge over TCP, as fast as they are answered; in the same run,
/// round by round, to the same server without the journal. The load generator shares the machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura bench accept
  aura bench accept --turns --dir /var/lib --json")]
pub struct AcceptArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Connections at the same time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Deliveries in one round
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    deliveries: u32,
    /// Rounds with the journal, and as many without
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measure the latency at half that rate too, while a daemon dispatches and answers shoppers
    #[arg(long)]
    turns: bool,
}

pub async fn run(report: &Report, args: AcceptArgs) -> Result<(), Failure> {
    let place = Place::make(report.ui(), &args.place)?;
    let bodies = Bodies::make(args.deliveries as usize)?;
    let aura = place.embed(None).await?;
    let rounds = rounds(&aura, &args, &bodies).await;
    aura.close().await;
    let rounds = rounds?;
    let rate = median(rounds.durable.iter().map(Outcome::per_second).collect());
    report.add(figures(&rounds, rate, &place.machine))?;
    if args.turns {
        report.add(half_load(&place, &args, rate / 2.0).await?)?;
    }
    Ok(())
}

struct Rounds {
    durable: Vec<Outcome>,
    unstored: Vec<Outcome>,
    rows_per_commit: f64,
    commit_ms: f64,
}

async fn rounds(aura: &Embedded, args: &AcceptArgs, bodies: &Bodies) -> Result<Rounds, Failure> {
    let warm_up = Bodies::make(WARM_UP)?;
    let mut rounds = Rounds { durable: Vec::new(), unstored: Vec::new(), rows_per_commit: 0.0, commit_ms: 0.0 };
    round(aura, Accepting::Durably, args, &warm_up).await?;
    round(aura, Accepting::Unstored, args, &warm_up).await?;
    let before = aura.app().store.journal().figures();
    for _ in 0..args.rounds {
        rounds.unstored.push(round(aura, Accepting::Unstored, args, bodies).await?);
        rounds.durable.push(round(aura, Accepting::Durably, args, bodies).await?);
    }
    let after = aura.app().store.journal().figures();
    let commits = (after.commits - before.commits) as f64;
    rounds.rows_per_commit = (after.rows - before.rows) as f64 / commits;
    rounds.commit_ms = (after.commit_us - before.commit_us) as f64 / commits / 1_000.0;
    Ok(rounds)
}

async fn round(aura: &Embedded, accepting: Accepting, args: &AcceptArgs, bodies: &Bodies) -> Result<Outcome, Failure> {
    let edge = aura.serve_edge(accepting).await.map_err(|error| Failure::io("no loopback port is free", &error))?;
    let load = Load { address: edge.address, connections: args.connections as usize, rate: None };
    let outcome = load.send(bodies).await;
    edge.close().await;
    let outcome = outcome?;
    match outcome.refused {
        0 => Ok(outcome),
        refused => Err(failed(format!("{refused} deliveries were not answered with 200"))),
    }
}

fn figures(rounds: &Rounds, rate: f64, machine: &Machine) -> Vec<Figure> {
    let bare = median(rounds.unstored.iter().map(Outcome::per_second).collect());
    let ratios = rounds.durable.iter().zip(&rounds.unstored).map(|(one, other)| one.per_second() / other.per_second());
    let rate = Figure::new("durable 200s", rate, "/s");
    let rate = match machine.fdatasync_p50_ms {
        sync if sync <= FAST_SYNC_MS => rate.at_least(RATE_FAST_DISK),
        sync if sync <= SLOW_SYNC_MS => rate.at_least(RATE_SLOW_DISK),
        _ => rate,
    };
    let middle = |of: &[Outcome], share: f64| median(of.iter().map(|round| round.latency.ms(share)).collect());
    let mut figures = vec![rate, Figure::new("the same without the journal", bare, "/s")];
    figures.push(Figure::new("share of it", median(ratios.collect()), "").at_least(SHARE_MIN));
    for (name, of) in [("latency", &rounds.durable), ("latency without the journal", &rounds.unstored)] {
        figures.push(Figure::new(format!("{name}, p50"), middle(of, 0.50), "ms"));
        figures.push(Figure::new(format!("{name}, p99"), middle(of, 0.99), "ms"));
        figures.push(Figure::new(format!("{name}, max"), middle(of, 1.0), "ms"));
    }
    figures.push(Figure::new("rows per commit", rounds.rows_per_commit, ""));
    figures.push(Figure::new("time per commit", rounds.commit_ms, "ms"));
    figures
}

/// The whole daemon under half the load. The deliveries are for an account that nobody has connected: they are
/// dispatched and dropped, while shoppers of a connected one are answered.
async fn half_load(place: &Place, args: &AcceptArgs, rate: f64) -> Result<Vec<Figure>, Failure> {
    let rate = rate.max(HALF_MIN);
    let bodies = Bodies::make(args.deliveries as usize)?;
    let answering = Answering::start(place, None).await?;
    let load = Load { address: answering.public(), connections: args.connections as usize, rate: Some(rate) };
    let stop = answering.keep_asking(Duration::from_millis(20));
    let outcome = load.send(&bodies).await;
    drop(stop);
    let answered = answering.replies();
    answering.stop().await?;
    let outcome = outcome?;
    let seconds = outcome.elapsed.as_secs_f64();
    let limit = LATENCY_MS + 2.0 * place.machine.fdatasync_p99_ms;
    let latency: &Percentiles = &outcome.latency;
    Ok(vec![
        Figure::new("half the rate: 200s", outcome.per_second(), "/s"),
        Figure::new("half the rate: not 200", outcome.refused as f64, "").at_most(0.0),
        Figure::new("half the rate: replies sent meanwhile", answered as f64 / seconds, "/s"),
        Figure::new("half the rate: latency, p50", latency.ms(0.50), "ms"),
        Figure::new("half the rate: latency, p99", latency.ms(0.99), "ms").at_most(limit),
        Figure::new("half the rate: latency, max", latency.ms(1.0), "ms"),
    ])
}
