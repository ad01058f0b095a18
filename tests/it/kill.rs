//! The promises under SIGKILL: what got a 200 is answered, nobody gets a reply twice, order holds, files stay whole.
//!
//! The real binary is killed at random moments while shoppers write. The simulator lives in the test's process, so it
//! remembers what every shopper saw whatever happens to the daemon. `AURA_KILL_ROUNDS` asks for more kills,
//! `AURA_KILL_SEED` repeats a run (as far as a run with real processes can be repeated).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aura::{
    api,
    daemon::SystemClock,
    domain::Clock,
    sim::{Deliveries, Echoes, Fault, Sim, World},
};

use crate::support::{
    ACCOUNT, APP_SECRET, Binary, DEADLINE, Process, Reply, SHOP, TOKEN, TenantFile, check_files, connect, until_idle,
};

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

struct Scene {
    sim: Sim,
    binary: Binary,
    home: tempfile::TempDir,
    dice: Dice,
    /// When sends are echoed; by chance, another way in each life, if not set.
    echoes: Option<Echoes>,
}

impl Scene {
    async fn new() -> Self {
        let sim = Sim::start(Arc::new(SystemClock), APP_SECRET).await.expect("loopback has a free port");
        sim.account(ACCOUNT, SHOP, TOKEN);
        sim.deliveries(Deliveries { parallel: 8, retry_delay: Duration::from_millis(50), ..Deliveries::default() });
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let binary = Binary::for_simulator(home.path(), sim.url());
        let scene = Self { sim, binary, home, dice: Dice::from_environment(), echoes: None };
        let process = scene.binary.start().await;
        let client = process.client();
        let new = api::NewTenant { slug: SHOP.into(), name: "The Shop".into(), ..api::NewTenant::default() };
        client.add_tenant(&new).await.expect("the tenant is new");
        connect(&client, ACCOUNT, TOKEN).await;
        process.kill().await;
        scene
    }

    /// Lives through `kills` deaths while the shoppers write, and comes to rest.
    async fn run(&mut self, kills: usize, script: &[(String, String)]) {
        let per_life = script.len().div_ceil(kills);
        let mut lives = script.chunks(per_life);
        for _ in 0..kills {
            let process = self.binary.spawn();
            let messages = lives.next().unwrap_or_default();
            if self.dice.below(STILLBORN) == 0 {
                self.write(messages);
                tokio::time::sleep(Duration::from_millis(self.dice.below(START_MS))).await;
            } else {
                let echoes = self.echoes.unwrap_or_else(|| self.dice.echoes());
                self.sim.echoes(echoes);
                self.sim.deliver_to(&process.webhook_url().await);
                self.live(messages).await;
            }
            process.kill().await;
        }
        let process = self.binary.start().await;
        self.sim.deliver_to(&process.webhook_url().await);
        self.rest(&process).await;
        self.end(process).await;
    }

    fn write(&self, messages: &[(String, String)]) {
        for (shopper, text) in messages {
            self.sim.shopper(shopper).writes(ACCOUNT, text);
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

    async fn rest(&self, process: &Process) {
        self.sim.until_delivered(DEADLINE).await.expect("every webhook gets a 200 in the end");
        until_idle(&process.client()).await;
        self.sim.until_delivered(DEADLINE).await.expect("echoes too");
        until_idle(&process.client()).await;
    }

    async fn end(&self, mut process: Process) {
        process.terminate();
        assert!(process.ended_within(Duration::from_secs(10)).await.success(), "{:?}", process.stderr());
    }

    /// Compares the shop's file with what the shoppers saw. Prints what the run was like.
    fn judge(&self, script: &[(String, String)]) {
        let data_dir = Binary::data_dir(self.home.path());
        assert_eq!(check_files(&data_dir), 3, "control.db, journal.db and the shop's file");
        let file = TenantFile::only(&data_dir);
        let (world, replies) = (self.sim.world(), file.replies());
        every_message_is_answered(&world, &file, &replies, script);
        nobody_got_a_reply_twice(&world, &replies);
        order_holds(&world, &replies);
        let attempts: u32 = replies.iter().map(|reply| reply.attempts).sum();
        let blind: u32 = replies.iter().map(|reply| reply.blind_retries).sum();
        eprintln!(
            "{} messages, {} webhook attempts, {} replies in {attempts} attempts, {blind} of them retried blind, {} reads",
            script.len(),
            world.deliveries.len(),
            replies.len(),
            world.reads
        );
    }
}

/// Meta delivers again until a 200, and nothing was given up: so every message of the script got one.
fn every_message_is_answered(world: &World, file: &TenantFile, replies: &[Reply], script: &[(String, String)]) {
    assert_eq!((world.webhooks_waiting, world.webhooks_given_up, world.webhooks_lost), (0, 0, 0));
    let kept = file.kept();
    assert_eq!(kept.len(), script.len(), "every message is in the file, once");
    for message in &kept {
        let turn = message.turn.as_ref().unwrap_or_else(|| panic!("no turn covers {message:?}"));
        assert_eq!(message.outcome.as_deref(), Some("answered"), "{message:?}");
        let of_turn: Vec<&Reply> = replies.iter().filter(|reply| reply.turn.as_ref() == Some(turn)).collect();
        assert!(!of_turn.is_empty(), "a turn that says nothing: {message:?}");
        assert!(of_turn.iter().all(|reply| reply.state == "sent" && !reply.held), "{of_turn:?}");
    }
    // A reply that covers no message is one that nobody asked for.
    let turns: BTreeSet<_> = kept.iter().filter_map(|message| message.turn.as_ref()).collect();
    for reply in replies.iter().filter(|reply| reply.state == "sent") {
        assert!(reply.turn.as_ref().is_some_and(|turn| turns.contains(turn)), "{reply:?}");
    }
}

/// What reached shoppers, by shopper and text, against the outbox.
fn nobody_got_a_reply_twice(world: &World, replies: &[Reply]) {
    let count = |pairs: Vec<(&str, &str)>| {
        let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (shopper, text) in pairs {
            *counted.entry((shopper.to_owned(), text.to_owned())).or_default() += 1;
        }
        counted
    };
    let seen = world.sends.iter().filter(|send| send.mid.is_some());
    let seen = count(seen.map(|send| (send.shopper.as_str(), send.text.as_str())).collect());
    let sent = replies.iter().filter(|reply| reply.state == "sent");
    let sent = count(sent.map(|reply| (reply.shopper.as_str(), reply.text.as_str())).collect());
    let times = |counted: &BTreeMap<_, _>, reply| counted.get(reply).copied().unwrap_or(0_usize);
    let all: BTreeSet<&(String, String)> = seen.keys().chain(sent.keys()).collect();
    let wrong = all.into_iter().filter(|reply| times(&seen, reply) != times(&sent, reply));
    let wrong: Vec<_> = wrong.map(|reply| (reply, times(&seen, reply), times(&sent, reply))).collect();
    assert!(wrong.is_empty(), "shopper and text, how often it was seen, how often it should have been: {wrong:#?}");
}

/// Each shopper saw the replies in the order of the outbox.
fn order_holds(world: &World, replies: &[Reply]) {
    let shoppers: BTreeSet<&str> = replies.iter().map(|reply| reply.shopper.as_str()).collect();
    for shopper in shoppers {
        let of_shopper = world.sends.iter().filter(|send| send.mid.is_some() && send.shopper == shopper);
        let seen: Vec<&str> = of_shopper.map(|send| send.text.as_str()).collect();
        let queued = replies.iter().filter(|reply| reply.shopper == shopper && reply.state == "sent");
        let queued: Vec<&str> = queued.map(|reply| reply.text.as_str()).collect();
        assert_eq!(seen, queued, "{shopper}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_however_often_the_daemon_is_killed() {
    let mut scene = Scene::new().await;
    let kills = rounds();
    let script = script(SHOPPERS * kills / KILLS);
    scene.run(kills, &script).await;
    scene.judge(&script);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_doubled_when_the_answer_to_a_send_never_arrives() {
    let mut scene = Scene::new().await;
    let sends = Arc::new(AtomicUsize::new(0));
    // Every third send arrives, and nobody is told.
    let unlucky = move |_: &_| sends.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
    scene.sim.fail_sends_when(unlucky, usize::MAX, Fault::Cut { delivered: true });
    let script = script(SHOPPERS / 2);
    let (echoed, silent) = script.split_at(script.len() / 2);
    scene.run(3, echoed).await;
    // Without echoes only the thread itself can tell.
    scene.echoes = Some(Echoes::Never);
    scene.run(3, silent).await;
    scene.judge(&script);
    assert!(scene.sim.world().reads > 0, "threads were read");
}
