//! The schedule as workers and scans see it: who comes next, who waits, what is held.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const TOOK: Duration = Duration::from_millis(5);

fn tenant(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(n))
}

fn conversation(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(n))
}

#[test]
fn a_quiet_tenant_is_served_within_one_round_of_a_busy_one() {
    let work = Work::new(20, 1_000);
    let many: Vec<_> = (0..64).map(conversation).collect();
    work.offer(tenant(1), &many, true, Timestamp(0));
    let first = work.take().expect("a job");
    for quiet in 2..12 {
        work.offer(tenant(quiet), &[conversation(1_000 + quiet)], false, Timestamp(0));
    }
    let round: Vec<_> = (0..11).map(|_| work.take().expect("a job").tenant).collect();
    assert_eq!(first.tenant, tenant(1));
    for quiet in 2..12 {
        assert!(round.contains(&tenant(quiet)), "tenant {quiet} waited for a second round");
    }
}

#[test]
fn one_tenant_alone_leaves_the_last_quarter_of_the_workers_free() {
    let work = Work::new(20, 1_000);
    let many: Vec<_> = (0..64).map(conversation).collect();
    work.offer(tenant(1), &many, true, Timestamp(0));
    let taken = std::iter::from_fn(|| work.take()).count();
    assert_eq!(taken, 15);
}

#[test]
fn a_conversation_is_with_one_worker_at_a_time() {
    let work = Work::new(4, 1_000);
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
    let job = work.take().expect("a job");
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
    assert_eq!(work.take(), None);
    work.done(job, TOOK, false, Timestamp(0));
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
    assert_eq!(work.take(), Some(job));
}

#[test]
fn a_failed_conversation_rests_and_comes_back() {
    let work = Work::new(4, 1_000);
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
    let job = work.take().expect("a job");
    work.done(job, TOOK, true, Timestamp(0));
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(1));
    assert_eq!(work.take(), None);
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(COOLDOWN_MS));
    assert_eq!(work.take(), Some(job));
}

#[test]
fn a_resting_conversation_is_not_forgotten_when_its_tenant_is_looked_at_meanwhile() {
    let work = Work::new(4, 1_000);
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
    let job = work.take().expect("a job");
    work.done(job, TOOK, true, Timestamp(0));
    work.wake(tenant(1), Timestamp(10));
    assert_eq!(work.take_due(Timestamp(10)).0, [tenant(1)]);
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(10));
    assert_eq!(work.take_due(Timestamp(COOLDOWN_MS)).0, [tenant(1)]);
}

#[test]
fn a_conversation_that_has_rested_comes_back_even_where_its_file_says_that_nothing_is_due() {
    let work = Work::new(4, 1_000);
    work.offer(tenant(1), &[conversation(1)], false, Timestamp(0));
    let job = work.take().expect("a job");
    work.done(job, TOOK, true, Timestamp(0));
    work.offer(tenant(1), &[], false, Timestamp(1));
    assert_eq!(work.take(), None);
    work.offer(tenant(1), &[], false, Timestamp(COOLDOWN_MS));
    assert_eq!(work.take(), Some(job));
}

#[test]
fn the_nearest_wake_wins() {
    let work = Work::new(1, 1_000);
    work.wake(tenant(1), Timestamp(50));
    work.wake(tenant(1), Timestamp(20));
    work.wake(tenant(1), Timestamp(90));
    assert_eq!(work.take_due(Timestamp(10)), (vec![], Some(Timestamp(20))));
    assert_eq!(work.take_due(Timestamp(20)), (vec![tenant(1)], None));
}

#[test]
fn what_is_held_is_bounded_and_shared_and_nobody_is_forgotten() {
    const LIMIT: usize = 40;
    let work = Work::new(20, LIMIT);
    let many = |tenant: u128| -> Vec<_> { (0..64).map(|n| conversation(tenant * 1_000 + n)).collect() };
    work.offer(tenant(1), &many(1), true, Timestamp(0));
    assert_eq!(work.load(), (LIMIT, 0), "one alone may fill the lane");
    for other in 2..=4 {
        work.offer(tenant(other), &many(other), true, Timestamp(0));
        assert_eq!(work.load().0, LIMIT);
    }
    let mut held: Vec<_> = work.state().queues.values().map(|queue| queue.ready.len()).collect();
    held.sort_unstable();
    assert!(held[0] >= 9 && held[3] <= 11, "{held:?}");
    assert!(work.state().queues.values().all(|queue| queue.more_on_disk), "the rest is read again later");
}

#[test]
fn a_tenant_that_finds_no_place_at_all_is_looked_at_again_when_there_is_one() {
    let work = Work::new(20, 2);
    for first in 1..=2 {
        work.offer(tenant(first), &[conversation(first)], false, Timestamp(0));
    }
    work.offer(tenant(3), &[conversation(3)], false, Timestamp(0));
    assert_eq!(work.load().0, 2);
    assert_eq!(work.take_due(Timestamp(0)), (vec![], None));
    work.take().expect("a job");
    assert_eq!(work.take_due(Timestamp(0)), (vec![tenant(3)], None));
}

#[test]
fn a_scan_looks_behind_what_is_taken_or_rests() {
    let work = Work::new(4, 1_000);
    let before = work.scan_limit(tenant(1));
    work.offer(tenant(1), &[conversation(1), conversation(2)], false, Timestamp(0));
    let job = work.take().expect("a job");
    work.take().expect("a job");
    work.done(job, TOOK, true, Timestamp(0));
    assert_eq!(work.scan_limit(tenant(1)), before + 2);
}

#[test]
fn tenants_with_long_and_with_short_turns_get_the_same_time() {
    let work = Work::new(1, 1_000);
    let cost = |tenant: TenantId| if tenant == self::tenant(1) { 200 } else { 10 };
    let mut spent = HashMap::from([(tenant(1), 0), (tenant(2), 0), (tenant(3), 0)]);
    for n in 0..3_000 {
        for tenant in [1, 2, 3] {
            work.offer(self::tenant(tenant), &[conversation(tenant * 1_000_000 + n)], true, Timestamp(0));
        }
        let job = work.take().expect("a job");
        *spent.entry(job.tenant).or_default() += cost(job.tenant);
        work.done(job, Duration::from_millis(cost(job.tenant)), false, Timestamp(0));
    }
    let (least, most) = (spent.values().min().expect("three"), spent.values().max().expect("three"));
    assert!(most - least <= 400, "{spent:?}");
}

/// What happens to a schedule.
#[derive(Clone, Debug)]
enum Step {
    Offer {
        tenant: u128,
        conversations: usize,
    },
    Take,
    /// Of those that are being worked on.
    Done {
        which: usize,
        took_ms: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let offer = (1_u128..12, 1_usize..70).prop_map(|(tenant, conversations)| Step::Offer { tenant, conversations });
    let done = (0_usize..20, 0_u64..500).prop_map(|(which, took_ms)| Step::Done { which, took_ms });
    prop::collection::vec(prop_oneof![2 => offer, 4 => Just(Step::Take), 4 => done], 1..400)
}

proptest! {
    #[test]
    fn whoever_owes_nothing_is_served_within_one_round_whatever_comes(
        steps in steps(), workers in 1_usize..24, limit in 1_usize..200,
    ) {
        let work = Work::new(workers, limit);
        let (mut active, mut next) = (Vec::<Job>::new(), 0_u128);
        // Tenants that owe nothing and wait for their first turn, with the tenants that have had one since.
        let mut newcomers: HashMap<TenantId, Vec<TenantId>> = HashMap::new();
        for step in steps {
            match step {
                Step::Offer { tenant, conversations } => {
                    let tenant = self::tenant(tenant);
                    let found: Vec<_> = (0..conversations).map(|_| { next += 1; conversation(next) }).collect();
                    let new = {
                        let state = work.state();
                        !state.queues.contains_key(&tenant) && state.ledger.rounds_short(tenant) == 0
                    };
                    work.offer(tenant, &found, false, Timestamp(0));
                    let entered = work.state().ring.contains(&tenant);
                    prop_assert!(entered || work.state().held == limit, "only a full lane turns away");
                    if new && entered {
                        newcomers.insert(tenant, Vec::new());
                    }
                }
                Step::Take if active.len() < workers => {
                    let Some(job) = work.take() else {
                        prop_assert!(newcomers.is_empty(), "a worker is idle and a newcomer waits");
                        continue;
                    };
                    newcomers.remove(&job.tenant);
                    for (newcomer, served) in &mut newcomers {
                        prop_assert!(!served.contains(&job.tenant), "{newcomer:?} waits, {:?} was served twice", job.tenant);
                        served.push(job.tenant);
                    }
                    active.push(job);
                }
                Step::Take => {}
                Step::Done { which, took_ms } => {
                    if !active.is_empty() {
                        let job = active.swap_remove(which % active.len());
                        work.done(job, Duration::from_millis(took_ms), false, Timestamp(0));
                    }
                }
            }
            let state = work.state();
            prop_assert!(state.held <= limit);
            prop_assert_eq!(state.held, state.queues.values().map(|queue| queue.ready.len()).sum::<usize>());
            let with_ready = state.queues.values().filter(|queue| !queue.ready.is_empty()).count();
            prop_assert_eq!(state.ring.len(), with_ready, "every tenant with work stands in the ring once");
            prop_assert_eq!(state.active, active.len());
        }
        // Whatever is held is taken in the end.
        loop {
            while active.len() < workers && let Some(job) = work.take() {
                active.push(job);
            }
            let Some(job) = active.pop() else { break };
            work.done(job, TOOK, false, Timestamp(0));
        }
        prop_assert_eq!(work.load(), (0, 0));
    }
}
