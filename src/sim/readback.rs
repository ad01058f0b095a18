//! What the simulated Conversations API shows: less, and later, than what happened.

use serde_json::{Value, json};

use super::{
    State,
    server::{NO_OBJECT, Params, Refusal, UNREADABLE_MESSAGE},
    world::{By, Seen, Thread},
};
use crate::{channel::instagram::graph::READABLE_MESSAGES, domain::Timestamp};

/// Threads in one answer unless asked for another number.
const THREADS_DEFAULT: usize = 25;

/// The threads that changed last, or the one with a certain shopper.
pub(super) fn conversations(state: &State, account: &str, params: &Params, now: Timestamp) -> Value {
    let limit = params.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(THREADS_DEFAULT);
    let wanted = |thread: &&Thread| {
        thread.account == account
            && params.get("user_id").is_none_or(|shopper| *shopper == thread.shopper)
            && !visible(state, thread, now).is_empty()
    };
    let mut threads: Vec<&Thread> = state.world.threads.values().filter(wanted).collect();
    threads.sort_by_key(|thread| std::cmp::Reverse(thread.updated_at()));
    threads.truncate(if state.threads_hidden { 0 } else { limit });
    let one = |thread| {
        let mut listed = conversation(state, thread, params, now);
        if state.lists_without_messages
            && let Some(members) = listed.as_object_mut()
        {
            members.remove("messages");
        }
        listed
    };
    let data: Vec<Value> = threads.into_iter().map(one).collect();
    json!({"data": data})
}

/// A conversation, with the fields asked for.
fn conversation(state: &State, thread: &Thread, params: &Params, now: Timestamp) -> Value {
    let fields = params.get("fields").map_or("id,updated_time", String::as_str);
    let mut conversation = json!({"id": thread.id});
    if fields.contains("updated_time") {
        conversation["updated_time"] = iso(thread.updated_at()).into();
    }
    if fields.contains("participants") {
        conversation["participants"] = json!({"data": [account_side(state, thread), shopper_side(thread)]});
    }
    if fields.contains("messages") {
        let newest = visible(state, thread, now).into_iter().rev().enumerate();
        // All ids are listed, but only the newest 20 with details.
        let data: Vec<Value> = newest
            .map(|(age, seen)| match age < READABLE_MESSAGES {
                true => message(state, thread, seen),
                false => json!({"id": seen.mid, "created_time": iso(seen.at)}),
            })
            .collect();
        conversation["messages"] = json!({"data": data});
    }
    conversation
}

/// A conversation or a message by its id.
pub(super) fn object(
    state: &State,
    account: &str,
    id: &str,
    params: &Params,
    now: Timestamp,
) -> Result<Value, Refusal> {
    for thread in state.world.threads.values().filter(|thread| thread.account == account) {
        if thread.id == id {
            return Ok(conversation(state, thread, params, now));
        }
        let newest = visible(state, thread, now).into_iter().rev().enumerate();
        if let Some((age, seen)) = newest.into_iter().find(|(_, seen)| seen.mid == id) {
            let readable = age < READABLE_MESSAGES && !seen.unsent;
            return if readable { Ok(message(state, thread, seen)) } else { Err(UNREADABLE_MESSAGE) };
        }
    }
    Err(NO_OBJECT)
}

/// What the API shows of a thread by now, oldest first.
fn visible<'a>(state: &State, thread: &'a Thread, now: Timestamp) -> Vec<&'a Seen> {
    let old_enough = |seen: &&Seen| now.since_ms(seen.at) >= state.readback_lag_ms;
    thread.messages.iter().filter(|seen| !seen.unsent).filter(old_enough).collect()
}

fn message(state: &State, thread: &Thread, seen: &Seen) -> Value {
    let (from, to) = match seen.by {
        By::Shopper => (shopper_side(thread), account_side(state, thread)),
        By::Bot | By::Person | By::OtherTool => (account_side(state, thread), shopper_side(thread)),
    };
    let mut message = json!({"id": seen.mid, "created_time": iso(seen.at), "from": from, "to": {"data": [to]},
        "message": seen.text.as_deref().unwrap_or_default()});
    if !seen.media.is_empty() {
        let data: Vec<Value> = seen.media.iter().map(|url| json!({"image_data": {"url": url}})).collect();
        message["attachments"] = json!({"data": data});
    }
    message
}

fn account_side(state: &State, thread: &Thread) -> Value {
    match state.world.accounts.get(&thread.account) {
        Some(account) => {
            let id = if state.ids_app_scoped { &account.app_scoped_id } else { &account.id };
            json!({"id": id, "username": account.username})
        }
        None => json!({"id": thread.account}),
    }
}

fn shopper_side(thread: &Thread) -> Value {
    json!({"id": thread.shopper, "username": thread.name})
}

/// `2026-07-12T19:11:07+0000`: whole seconds, as Meta has it.
fn iso(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}+0000", second % 60)
}

/// The date so many days after 1970-01-01 (Howard Hinnant's algorithm).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
