//! The promises under SIGKILL: what got a 200 is answered, nobody gets a reply twice, order holds, files stay whole.
//!
//! The real binary is killed at random moments while shoppers write. The simulator lives in the test's process, so it
//! remembers what every shopper saw whatever happens to the daemon. `AURA_KILL_ROUNDS` asks for more kills,
//! `AURA_KILL_SEED` repeats a run (as far as a run with real processes can be repeated).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aura::{
    daemon::SystemClock,
    domain::Clock,
    sim::{Echoes, Fault},
};

use crate::support::{ACCOUNT, Scene};

/// Kills in an ordinary run.
const KILLS: usize = 20;
/// Shoppers in an ordinary run.
const SHOPPERS: usize = 200;
/// Every so many shoppers write a second and a third message later on.
const TALKATIVE: usize = 4;
/// The daemon lives so long after it accepts requests, at most, milliseconds.
const LIFE_MS_MAX: u64 = 400;
/// One life in so many ends while it still starts.
const STILLBORN: u64 = 5;
/// A start takes about so long, milliseconds.
const START_MS: u64 = 120;

/// A small generator (xorshift): the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn from_environment() -> Self {
        let given = std::env::var("AURA_KILL_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| SystemClock.now().0.unsigned_abs());
        eprintln!("AURA_KILL_SEED={seed}");
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

impl Dice {
    /// An early echo keeps a send on the wire while the daemon dies; a late one is for the next daemon.
    fn echoes(&mut self) -> Echoes {
        const EVERY: [Echoes; 4] =
            [Echoes::Prompt, Echoes::BeforeAnswer, Echoes::Twice, Echoes::Late(Duration::from_millis(250))];
        EVERY[self.below(4) as usize]
    }
}

fn rounds() -> usize {
    std::env::var("AURA_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS).max(KILLS)
}

/// The messages of a run in the order in which they are written: shopper and text.
fn script(shoppers: usize) -> Vec<(String, String)> {
    let first = (0..shoppers).map(|n| (format!("shopper-{n}"), format!("Question {n}: is the coat number {n} there?")));
    let more = (0..shoppers).step_by(TALKATIVE).flat_map(|n| {
        ["And in blue", "And in size M"].map(|what| (format!("shopper-{n}"), format!("{what}, question {n}?")))
    });
    let (first, more): (Vec<_>, Vec<_>) = (first.collect(), more.collect());
    // The further messages come while their first ones are being answered: a run's length behind is too late to matter.
    let mut script = Vec::new();
    let mut more = more.into_iter();
    for (n, message) in first.into_iter().enumerate() {
        script.push(message);
        if n > 8 && n % 2 == 0 {
            script.extend(more.next());
        }
    }
    script.extend(more);
    script
}

struct Run {
    scene: Scene,
    dice: Dice,
    /// When sends are echoed; by chance, another way in each life, if not set.
    echoes: Option<Echoes>,
}

impl Run {
    async fn new() -> Self {
        Self { scene: Scene::new().await, dice: Dice::from_environment(), echoes: None }
    }

    /// Lives through `kills` deaths while the shoppers write, and comes to rest.
    async fn lives(&mut self, kills: usize, script: &[(String, String)]) {
        let per_life = script.len().div_ceil(kills);
        let mut lives = script.chunks(per_life);
        for _ in 0..kills {
            let process = self.scene.binary.spawn();
            let messages = lives.next().unwrap_or_default();
            if self.dice.below(STILLBORN) == 0 {
                self.write(messages);
                tokio::time::sleep(Duration::from_millis(self.dice.below(START_MS))).await;
            } else {
                let echoes = self.echoes.unwrap_or_else(|| self.dice.echoes());
                self.scene.sim.echoes(echoes);
                self.scene.sim.deliver_to(&process.webhook_url().await);
                self.live(messages).await;
            }
            process.kill().await;
        }
        self.scene.recover().await;
    }

    fn write(&self, messages: &[(String, String)]) {
        for (shopper, text) in messages {
            self.scene.sim.shopper(shopper).writes(ACCOUNT, text);
        }
    }

    /// A life: the messages come at random moments of it.
    async fn live(&mut self, messages: &[(String, String)]) {
        let span = 1 + self.dice.below(LIFE_MS_MAX);
        let mut moments: Vec<u64> = messages.iter().map(|_| self.dice.below(span)).collect();
        moments.sort_unstable();
        let born = tokio::time::Instant::now();
        for (message, moment) in messages.iter().zip(moments) {
            tokio::time::sleep_until(born + Duration::from_millis(moment)).await;
            self.write(std::slice::from_ref(message));
        }
        tokio::time::sleep_until(born + Duration::from_millis(span)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_however_often_the_daemon_is_killed() {
    let mut run = Run::new().await;
    let kills = rounds();
    let script = script(SHOPPERS * kills / KILLS);
    run.lives(kills, &script).await;
    run.scene.judge(script.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_doubled_when_the_answer_to_a_send_never_arrives() {
    let mut run = Run::new().await;
    let sends = Arc::new(AtomicUsize::new(0));
    // Every third send arrives, and nobody is told.
    let unlucky = move |_: &_| sends.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
    run.scene.sim.fail_sends_when(unlucky, usize::MAX, Fault::Cut { delivered: true });
    let script = script(SHOPPERS / 2);
    let (echoed, silent) = script.split_at(script.len() / 2);
    run.lives(3, echoed).await;
    // Without echoes only the thread itself can tell.
    run.echoes = Some(Echoes::Never);
    run.lives(3, silent).await;
    run.scene.judge(script.len());
    assert!(!run.scene.sim.world().reads.is_empty(), "threads were read");
}
