//! The promises, judged from both ends: what the shoppers saw, and what the shop's file says.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use aura::sim::{Sim, World};

use super::{Reply, TenantFile, check_files};

/// Compares the only shop's file with what the shoppers saw: each of the `messages` that got a 200 is answered, nobody
/// got a reply twice, each shopper saw them in order, and the files are whole. Nothing may have the files open. Prints
/// what the run was like.
pub(super) fn judge(sim: &Sim, data_dir: &Path, messages: usize) {
    assert_eq!(check_files(data_dir), 3, "control.db, journal.db and the shop's file");
    let file = TenantFile::only(data_dir);
    file.check_events();
    let (world, replies) = (sim.world(), file.replies());
    every_message_is_answered(&world, &file, &replies, messages);
    nobody_got_a_reply_twice(&world, &replies);
    order_holds(&world, &replies);
    let attempts: u32 = replies.iter().map(|reply| reply.attempts).sum();
    let blind: u32 = replies.iter().map(|reply| reply.blind_retries).sum();
    eprintln!(
        "{messages} messages, {} webhook attempts, {} replies in {attempts} attempts, {blind} of them retried blind, {} reads",
        world.deliveries.len(),
        replies.len(),
        world.reads.len()
    );
}

/// Shoppers whose reply met a death in its first attempt and in its one blind retry: a third is for a person to decide.
const TWICE_UNLUCKY_MAX: usize = 2;

/// Meta delivers again until a 200, and nothing was given up: so every message of the script got one.
fn every_message_is_answered(world: &World, file: &TenantFile, replies: &[Reply], messages: usize) {
    assert_eq!((world.webhooks_waiting, world.webhooks_given_up, world.webhooks_lost), (0, 0, 0));
    let kept = file.kept();
    assert_eq!(kept.len(), messages, "every message is in the file, once");
    let unlucky = |reply: &&Reply| reply.state == "unknown" && reply.held && reply.blind_retries == 1;
    let unlucky: BTreeSet<&str> = replies.iter().filter(unlucky).map(|reply| reply.shopper.as_str()).collect();
    assert!(unlucky.len() <= TWICE_UNLUCKY_MAX, "held after their blind retry: {unlucky:?}");
    for message in kept.iter().filter(|message| !unlucky.contains(message.shopper.as_str())) {
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
