//! Frames of every screen at three sizes, made of what Aura could say: long names, wide and right-to-left letters, emoji,
//! and words that try to steer the terminal.

use std::collections::BTreeMap;

use aura::api::{self, Time};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use crate::{
    app::{App, Effect, Event},
    frame,
    keys::Keymap,
    screens::ScreenId,
    theme::Theme,
    work::{Answer, Deed, Incoming, Load, Place},
};

const NOW: Time = Time(1_795_253_405_123);
const SIZES: [(u16, u16); 3] = [(80, 24), (100, 30), (160, 45)];
/// What a stranger might write to steer the terminal of whoever reads it.
const HOSTILE: &str = "\u{1b}[31mred\u{1b}]52;c;cm0gLXJmIH4=\u{7}\u{202e}evil\u{9b}2J\r\u{8}";

fn before(ms: i64) -> String {
    Time(NOW.0 - ms).to_string()
}

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("a shape of the API")
}

fn conversation(number: u32, tenant: &str, name: &str, said: &str, more: serde_json::Value) -> api::Conversation {
    let mut row = json!({
        "id": format!("conv_0192f5c8-0000-7000-8000-{number:012}"), "tenant": tenant, "channel": "instagram",
        "account_id": "17841400000000001", "shopper_id": format!("9{number:05}"), "shopper_name": name, "state": "bot",
        "open_messages": 0, "last_message_at": before(i64::from(number) * 61_000), "message_count": 4,
        "cost_usd": "0.000420", "preview": {"side": "shopper", "text": said, "attachments": [], "unsent": false},
    });
    if let (Some(row), Some(more)) = (row.as_object_mut(), more.as_object()) {
        row.extend(more.clone());
    }
    read(row)
}

fn rows() -> Vec<api::Conversation> {
    vec![
        conversation(
            0,
            "noor",
            "Layla",
            "Is the blue abaya there in M?",
            json!({
                "state": "person",
                "takeover": {"cause": "asked", "since": before(300_000), "waiting_since": before(200_000),
                             "ends_at": Time(NOW.0 + 1_600_000).to_string()},
            }),
        ),
        conversation(
            1,
            "noor",
            "محمد عبد الرحمن",
            "هل العباءة متوفرة باللون الأزرق؟",
            json!({
                "state": "person",
                "takeover": {"cause": "staff", "since": before(300_000), "waiting_since": null,
                             "holder": {"id": "staff_1", "name": "ana", "since": before(120_000), "you": false}},
                "assignee": {"id": "staff_2", "name": "ben"},
            }),
        ),
        conversation(
            2,
            "zed-sneakers",
            "山田太郎",
            "サイズ26.5はありますか 👟👟",
            json!({
                "draft": {"id": "turn_0192f5c8-0000-7000-8000-0000000000d1", "since": before(90_000)},
            }),
        ),
        conversation(
            3,
            "zed-sneakers",
            "👩‍👩‍👧 Family of Four & Company, Limited",
            "👍🏽",
            json!({
                "parked": {"reason": "too_old", "since": before(90_000)},
            }),
        ),
        conversation(4, "a-shop-with-a-very-long-name-indeed", HOSTILE, HOSTILE, json!({"label": "spam"})),
    ]
}

fn thread(of: &api::Conversation) -> api::ConversationDetail {
    let mut detail = serde_json::to_value(of).expect("JSON");
    let message = |number: u32, side: &str, text: Option<&str>, attachments: &[&str]| {
        json!({"id": format!("msg_{number}"), "side": side, "text": text, "attachments": attachments,
               "at": before(i64::from(900 - number * 60) * 1_000), "unsent": false,
               "pictures": attachments.len(), "seen": []})
    };
    let by = |id: &str, name: Option<&str>, mut message: serde_json::Value| {
        message["author_id"] = id.into();
        message["author_name"] = name.into();
        message
    };
    let more = json!({
        "messages": [
            message(1, "shopper", Some("Hi! Do you have the linen abaya in blue? I saw it in your story and it looked \
                                        wonderful, I need it for a wedding on Saturday."), &[]),
            message(2, "bot", Some("Yes: Linen Abaya, Blue, 89.00 EUR\nhttps://noor.example/p/linen-abaya"), &[]),
            message(3, "shopper", None, &["image"]),
            message(4, "shopper", Some(HOSTILE), &[]),
            message(5, "person", Some("Layla here: it ships today 📦"), &[]),
            by("staff_1", Some("ana"), message(6, "person", Some("Ana here"), &[])),
            by("staff_3", None, message(7, "person", Some("Somebody who has left wrote this"), &[])),
        ],
        "has_more": true,
        "outbox": [{"id": "out_1", "turn": "turn_0192f5c8-0000-7000-8000-0000000000d1", "author": "bot",
                    "text": "It comes in 26.5 as well.", "state": "pending", "reason": null, "held": true,
                    "queued_at": before(80_000), "sent_at": null}],
        "turns": [{"id": "turn_1", "outcome": "answered", "reason": null, "model": "gemini:gemini-3.5-flash-lite",
                   "evidence": ["linen-abaya"], "guard_refusals": 1, "started_at": before(700_000)}],
    });
    if let (Some(detail), Some(more)) = (detail.as_object_mut(), more.as_object()) {
        detail.extend(more.clone());
    }
    read(detail)
}

fn turn() -> api::TurnDetail {
    read(json!({
        "id": "turn_1", "outcome": "answered", "reason": null, "model": "gemini:gemini-3.5-flash-lite",
        "evidence": ["linen-abaya"], "guard_refusals": 1, "started_at": before(700_000),
        "finished_at": before(698_000), "elapsed_ms": 1_840, "covers": ["msg_1"], "read_at": before(699_000),
        "products": [
            {"product_id": "linen-abaya", "title": "Linen Abaya, Blue", "url": "https://noor.example/p/linen-abaya",
             "price": {"amount": "89.00", "currency": "EUR"}, "compare_at": {"amount": "110.00", "currency": "EUR"},
             "available": true, "named": true},
            {"product_id": "silk", "title": HOSTILE, "url": null, "price": null, "compare_at": null,
             "available": false, "named": false}],
        "citations": [{"source": "fact:2", "words": "Orders placed before 14:00 leave the same day."}],
        "steps": [
            {"kind": "understand", "elapsed_ms": 0, "intent": "product"},
            {"kind": "consult", "elapsed_ms": 620, "by": "gemini:gemini-3.5-flash-lite", "tools": [
                {"name": "search_products", "arguments": "{\"query\":\"linen abaya blue\"}", "results": 3, "near": false,
                 "refused": null, "elapsed_ms": 4}]},
            {"kind": "guard", "elapsed_ms": 1, "refused": ["an unfounded delivery date: \"by Friday\""]}],
        "calls": [{"model": "gemini:gemini-3.5-flash-lite", "role": "chat", "outcome": "ok", "input_tokens": 2_411,
                   "cached_tokens": 1_800, "output_tokens": 96, "cost_usd": "0.000423", "estimated": false,
                   "latency_ms": 1_204, "first_token_ms": 380, "ended_at": before(698_500)}],
        "input_tokens": 2_411, "cached_tokens": 1_800, "output_tokens": 96, "cost_usd": "0.000423",
    }))
}

fn event(seq: i64, kind: &str, fields: serde_json::Value, text: Option<&str>) -> api::Event {
    read(json!({
        "tenant": "noor", "tenant_id": "ten_1", "seq": seq, "kind": kind, "at": before(60_000 - seq * 1_000),
        "actor": "bot", "correlation": "req_1", "fields": fields, "text": text,
    }))
}

/// A monitor that has heard of everything.
fn told(screen: ScreenId) -> App {
    let keymap = Keymap::new(&BTreeMap::new()).expect("the table");
    let mut app = App::new(NOW, screen, keymap, Theme::Terminal, vec!["live".into(), "filter blue".into()]);
    let mut tell = |load: Load, answer: Answer| {
        app.update([Event::Incoming(Incoming::Loaded(load, answer))]);
    };
    let rows = rows();
    let lines = rows.iter().cloned().map(|row| api::InboxLine::Conversation(Box::new(row))).collect();
    tell(Load::Inbox, Answer::Inbox(lines));
    tell(Load::Inbox, Answer::InboxEnd);
    for row in &rows {
        let place = Place { tenant: row.tenant.clone(), id: row.id.clone() };
        tell(Load::Thread(place.clone(), None), Answer::Thread(Box::new(thread(row))));
        tell(Load::Turn(place, "turn_1".into()), Answer::Turn(Box::new(turn())));
    }
    for (load, answer) in super::frames_world::answers(HOSTILE, NOW) {
        tell(load, answer);
    }
    let words = Some("Is the blue abaya there in M?");
    let events = [
        event(1, "message.received", json!({"conversation": rows[0].id, "message": "msg_1"}), words),
        event(
            2,
            "model.called",
            json!({"model": "gemini:gemini-3.5-flash-lite", "latency_ms": 1_204, "cost_pico": 423_000_000}),
            None,
        ),
        event(3, "turn.finished", json!({"outcome": "answered", "elapsed_ms": 1_840}), None),
        event(4, "reply.sent", json!({"conversation": rows[0].id}), Some(HOSTILE)),
    ];
    let events = events.into_iter().map(|event| Event::Incoming(Incoming::Event(Box::new(event))));
    app.update([Event::Incoming(Incoming::Connected)].into_iter().chain(events));
    app
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ') {
        let (code, modifiers) = match key {
            "enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "tab" => (KeyCode::Tab, KeyModifiers::NONE),
            "space" => (KeyCode::Char(' '), KeyModifiers::NONE),
            _ if key.len() > 5 && key.starts_with("ctrl-") => {
                (KeyCode::Char(key.chars().nth(5).unwrap_or('x')), KeyModifiers::CONTROL)
            }
            _ => {
                for letter in key.chars() {
                    let key = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE);
                    effects.extend(app.update([Event::Key(key)]));
                }
                continue;
            }
        };
        effects.extend(app.update([Event::Key(KeyEvent::new(code, modifiers))]));
    }
    effects
}

fn deeds(effects: &[Effect]) -> Vec<&Deed> {
    effects.iter().filter_map(|effect| if let Effect::Do(deed) = effect { Some(deed) } else { None }).collect()
}

#[test]
fn every_screen_at_three_sizes() {
    for screen in ScreenId::ALL {
        for (columns, rows) in SIZES {
            let mut app = told(screen);
            if screen == ScreenId::Catalogue {
                press(&mut app, "i blue space abaya enter");
            }
            let shown = frame(&app, columns, rows);
            insta::assert_snapshot!(format!("{}-{columns}x{rows}", screen.name()), shown);
        }
    }
}

#[test]
fn nothing_that_steers_a_terminal_reaches_any_frame() {
    for screen in ScreenId::ALL {
        for (columns, rows) in SIZES {
            let mut app = told(screen);
            for keys in ["", "enter", "tab", "tab", "?", "esc", "ctrl-k", "esc", "S", "esc", "G", "y", "Y"] {
                if !keys.is_empty() {
                    press(&mut app, keys);
                }
                let shown = frame(&app, columns, rows);
                let steers = |letter: char| {
                    (letter.is_control() && letter != '\n') || "\u{202e}\u{2066}\u{200f}\u{200b}".contains(letter)
                };
                assert!(!shown.contains(steers), "{} after {keys}: {shown}", screen.name());
            }
        }
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for screen in ScreenId::ALL {
        for (columns, rows) in SIZES {
            for line in frame(&told(screen), columns, rows).lines() {
                assert!(crate::text::width(line) <= usize::from(columns), "{}: {line}", screen.name());
            }
        }
    }
}

#[test]
fn a_message_goes_out_after_two_different_keys_and_ten_seconds() {
    let mut app = told(ScreenId::Inbox);
    assert!(deeds(&press(&mut app, "r Hello enter")).is_empty());
    // The key that made it ready sends nothing, however often it is pressed.
    assert!(deeds(&press(&mut app, "enter enter")).is_empty());
    assert!(deeds(&press(&mut app, "s")).is_empty());
    assert!(deeds(&app.update([Event::Tick(Time(NOW.0 + 9_000))])).is_empty());
    let effects = app.update([Event::Tick(Time(NOW.0 + 10_000))]);
    let place = Place { tenant: "noor".into(), id: rows()[0].id.clone() };
    assert_eq!(deeds(&effects), [&Deed::Send(place, "Hello".into())]);
}

/// Keys that choose the conversation that Ana has.
const ANAS: &str = "/assignee:ben enter";

#[test]
fn where_another_person_has_the_conversation_that_is_asked_about_before_anything_is_sent() {
    let mut app = told(ScreenId::Inbox);
    press(&mut app, ANAS);
    let shown = frame(&app, 160, 45);
    assert!(shown.contains("person*") && shown.contains("ana has this (staff) since 2 min ago"), "{shown}");
    assert!(shown.contains("Responsible: ben"), "{shown}");
    assert!(deeds(&press(&mut app, "r Hello enter")).is_empty());
    let asked = frame(&app, 100, 30);
    assert!(
        asked.contains("ana has this conversation since 2 min ago.") && asked.contains("send it anyway"),
        "{asked}"
    );
    assert!(deeds(&press(&mut app, "enter")).is_empty(), "the key that led here sends nothing");
    press(&mut app, "s");
    let effects = app.update([Event::Tick(Time(NOW.0 + 10_000))]);
    let send = Deed::Send(Place { tenant: "noor".into(), id: rows()[1].id.clone() }, "Hello".into());
    assert_eq!(deeds(&effects), [&Deed::Anyway(Box::new(send))]);
}

#[test]
fn what_another_person_has_is_not_taken_or_given_back_without_a_question() {
    let mut app = told(ScreenId::Inbox);
    press(&mut app, ANAS);
    assert!(deeds(&press(&mut app, "t")).is_empty());
    let asked = frame(&app, 100, 30);
    assert!(asked.contains("ana has this conversation") && asked.contains("s take it over"), "{asked}");
    assert!(deeds(&press(&mut app, "t")).is_empty(), "the key that led here does nothing more");
    press(&mut app, "t");
    let take = Deed::TakeOver(Place { tenant: "noor".into(), id: rows()[1].id.clone() });
    assert_eq!(deeds(&press(&mut app, "s")), [&Deed::Anyway(Box::new(take))]);
}

#[test]
fn where_another_person_was_faster_the_words_are_kept_and_it_is_asked_again() {
    let mut app = told(ScreenId::Inbox);
    let place = Place { tenant: "noor".into(), id: rows()[0].id.clone() };
    let send = Deed::Send(place.clone(), "Hello".into());
    let refused = |what: &str| crate::work::Trouble { what: what.into(), hint: None, away: false, held: true };
    app.update([Event::Incoming(Incoming::NotDone(send.clone(), refused("ana has this conversation since 09:30")))]);
    let shown = frame(&app, 100, 30);
    assert!(shown.contains("Nothing was sent to Layla") && shown.contains("ana has this conversation"), "{shown}");
    press(&mut app, "s");
    let effects = app.update([Event::Tick(Time(NOW.0 + 20_000))]);
    assert_eq!(deeds(&effects), [&Deed::Anyway(Box::new(send))]);
    // What went out is not there to be written again.
    press(&mut app, "r");
    assert!(!frame(&app, 100, 30).contains("Hello"));
    press(&mut app, "esc");
    let deed = Deed::TakeOver(place);
    app.update([Event::Incoming(Incoming::NotDone(deed.clone(), refused("ana has this conversation since 09:30")))]);
    assert_eq!(deeds(&press(&mut app, "s")), [&Deed::Anyway(Box::new(deed))]);
}

#[test]
fn somebody_is_made_responsible_from_those_who_are_seen_here() {
    let mut app = told(ScreenId::Inbox);
    press(&mut app, ANAS);
    press(&mut app, "A");
    let shown = frame(&app, 100, 30);
    assert!(["me", "ana", "ben", "nobody"].iter().all(|name| shown.contains(name)), "{shown}");
    let place = Place { tenant: "noor".into(), id: rows()[1].id.clone() };
    assert_eq!(deeds(&press(&mut app, "ana enter")), [&Deed::Assign(place, Some("ana".into()))]);
}

#[test]
fn a_message_that_is_taken_back_never_goes_out() {
    let mut app = told(ScreenId::Inbox);
    press(&mut app, "r Hello enter s u");
    assert!(deeds(&app.update([Event::Tick(Time(NOW.0 + 60_000))])).is_empty());
    // The words are there again.
    press(&mut app, "r");
    assert!(frame(&app, 100, 30).contains("Hello"));
}

#[test]
fn leaving_with_an_unsent_message_asks_first() {
    let mut app = told(ScreenId::Inbox);
    assert!(!press(&mut app, "r Hello enter s q").contains(&Effect::Quit));
    assert!(frame(&app, 80, 24).contains("One message is not sent yet"));
    let effects = press(&mut app, "s");
    assert!(matches!(effects.as_slice(), [Effect::Do(Deed::Send(..)), Effect::Quit]), "{effects:?}");
}

#[test]
fn a_draft_is_approved_with_two_different_keys() {
    let mut app = told(ScreenId::Inbox);
    press(&mut app, "/state:draft enter a");
    assert!(frame(&app, 100, 30).contains("It comes in 26.5 as well."));
    assert!(deeds(&press(&mut app, "a s")).is_empty());
    let effects = app.update([Event::Tick(Time(NOW.0 + 10_000))]);
    assert!(matches!(deeds(&effects).as_slice(), [Deed::Approve(..)]), "{effects:?}");
}

#[test]
fn what_is_copied_is_one_command_of_a_shell() {
    let mut app = told(ScreenId::Inbox);
    let effects = press(&mut app, "Y");
    let copied = effects.iter().find_map(|effect| if let Effect::Copy(copied) = effect { Some(copied) } else { None });
    let words = shlex::split(copied.expect("copied")).expect("a command line");
    assert_eq!(words[..4], ["aura", "conversation", "show", "-t"]);
}

#[test]
fn the_choice_stays_with_its_conversation_when_another_one_moves_up() {
    let mut app = told(ScreenId::Inbox);
    press(&mut app, "j");
    let mut moved = rows()[3].clone();
    moved.last_message_at = Time(NOW.0 + 1);
    let load = Load::Rows(moved.tenant.clone(), vec![moved.id.clone()]);
    app.update([Event::Incoming(Incoming::Loaded(load, Answer::Rows(vec![moved])))]);
    let shown = frame(&app, 160, 45);
    let chosen = shown.lines().find(|line| line.contains("> ")).expect("a chosen row");
    assert!(chosen.contains("محمد"), "{chosen}");
}

#[test]
fn an_erased_conversation_leaves_the_list_and_the_screen() {
    let mut app = told(ScreenId::Inbox);
    let erased = rows()[0].clone();
    let shows = |app: &App, words: &str| frame(app, 160, 45).contains(words);
    assert!(shows(&app, "Conversations 5") && shows(&app, "Layla · noor"));
    let load = Load::Rows(erased.tenant.clone(), vec![erased.id.clone()]);
    app.update([Event::Incoming(Incoming::Loaded(load, Answer::Rows(Vec::new())))]);
    assert!(shows(&app, "Conversations 4") && !shows(&app, "Layla · noor"), "{}", frame(&app, 160, 45));
}

#[test]
fn a_check_up_is_made_when_it_is_asked_for_and_one_at_a_time() {
    let mut app = told(ScreenId::System);
    assert!(frame(&app, 100, 30).contains("d runs the checks"));
    assert_eq!(press(&mut app, "d"), [Effect::Load(Load::Doctor(0))]);
    assert_eq!(press(&mut app, "d"), [], "one is under way");
    assert!(frame(&app, 100, 30).contains("is being made"));
    app.update([Event::Incoming(Incoming::Loaded(Load::Doctor(0), super::frames_world::check_up(HOSTILE)))]);
    insta::assert_snapshot!("system-checked-100x30", frame(&app, 100, 30));
    assert_eq!(press(&mut app, "d"), [Effect::Load(Load::Doctor(1))]);
}

#[test]
fn a_lost_daemon_is_said_and_asked_for_nothing_but_its_state() {
    let mut app = told(ScreenId::Inbox);
    let trouble = crate::work::Trouble { what: "no daemon answers".into(), hint: None, away: true, held: false };
    app.update([Event::Incoming(Incoming::Lost(trouble)), Event::Tick(Time(NOW.0 + 7_000))]);
    assert!(frame(&app, 100, 30).contains("daemon away for 7 s"));
    let effects = app.update([Event::Tick(Time(NOW.0 + 60_000))]);
    assert!(effects.iter().all(|effect| *effect == Effect::Load(Load::Status)), "{effects:?}");
    // Back again: what was shown is read anew.
    let effects = app.update([Event::Incoming(Incoming::Connected)]);
    assert!(effects.contains(&Effect::Load(Load::Inbox)), "{effects:?}");
}

#[test]
fn a_command_line_is_carried_out_remembered_and_corrected() {
    let mut app = told(ScreenId::Inbox);
    let effects = press(&mut app, ":live enter");
    assert_eq!(app.current(), ScreenId::Live);
    assert!(effects.contains(&Effect::Remember("live".into())));
    press(&mut app, ":ibnox enter");
    assert!(frame(&app, 100, 30).contains("did you mean `inbox`?"));
    press(&mut app, ":q enter");
    press(&mut app, ":tenant space zed enter");
    assert_eq!(app.current(), ScreenId::Inbox);
    assert!(frame(&app, 100, 30).contains("2 of 5  /tenant:zed"));
}

#[test]
fn the_palette_finds_actions_and_shops() {
    let mut app = told(ScreenId::Live);
    press(&mut app, "ctrl-k zed enter");
    assert_eq!(app.current(), ScreenId::Inbox);
    assert!(frame(&app, 160, 45).contains("/tenant:zed-sneakers"));
}

#[test]
fn a_thread_that_made_room_for_others_is_read_again_when_somebody_comes_back() {
    let mut app = told(ScreenId::Inbox);
    let more = (5..75).map(|number| conversation(number, "noor", "Layla", "Is it there?", json!({})));
    let lines = more.map(|row| api::InboxLine::Conversation(Box::new(row))).collect();
    app.update([Event::Incoming(Incoming::Loaded(Load::Inbox, Answer::Inbox(lines)))]);
    let mut read = Vec::new();
    for keys in ["j"; 74] {
        for effect in press(&mut app, keys) {
            if let Effect::Load(Load::Thread(place, None)) = effect {
                let row = app.world.rows.get(&place).expect("it is a row").conversation.clone();
                let answer = Answer::Thread(Box::new(thread(&row)));
                app.update([Event::Incoming(Incoming::Loaded(Load::Thread(place.clone(), None), answer))]);
                read.push(place.id);
            }
        }
    }
    assert_eq!(read.len(), 74, "each was read once");
    let first = rows()[0].id.clone();
    let wanted = press(&mut app, "g").into_iter();
    let again: Vec<_> = wanted
        .filter_map(|effect| if let Effect::Load(Load::Thread(place, None)) = effect { Some(place.id) } else { None })
        .collect();
    assert_eq!(again, [first]);
}

#[test]
fn the_help_is_read_to_its_end_on_the_narrowest_screen() {
    let mut app = told(ScreenId::Inbox);
    press(&mut app, "?");
    let mut shown = String::new();
    for _ in 0..20 {
        shown += &frame(&app, 80, 24);
        press(&mut app, "jjjj");
    }
    let read: Vec<&str> = shown.split_whitespace().collect();
    for row in crate::keys::TABLE {
        for word in row.help.split_whitespace() {
            assert!(read.contains(&word), "`{word}` of `{}` is cut", row.help);
        }
    }
}

#[test]
fn no_footer_names_a_key_that_does_nothing_there() {
    for (screen, filters) in [(ScreenId::Inbox, true), (ScreenId::Catalogue, false), (ScreenId::System, false)] {
        let shown = frame(&told(screen), 100, 30);
        assert_eq!(shown.contains("/ filter"), filters, "{shown}");
    }
}

#[test]
fn the_chosen_row_is_one_bar_without_patches() {
    for screen in [ScreenId::Inbox, ScreenId::Tenants, ScreenId::Models] {
        let app = told(screen);
        let Ok(mut terminal) = ratatui::Terminal::new(ratatui::backend::TestBackend::new(100, 30));
        let Ok(_) = terminal.draw(|frame| app.view(frame));
        let buffer = terminal.backend().buffer();
        let row = (0..30).find(|y| buffer[(1, *y)].symbol() == ">").expect("a row is chosen");
        let turned = |x: &u16| buffer[(*x, row)].modifier.contains(ratatui::style::Modifier::REVERSED);
        let bar: Vec<u16> = (1..99).take_while(turned).collect();
        assert!(bar.len() > 30, "{screen:?}: the bar is {} cells long", bar.len());
        assert!(bar.iter().all(|x| buffer[(*x, row)].fg == buffer[(1, row)].fg), "{screen:?} has patches");
    }
}

#[test]
fn a_paused_list_loses_nothing() {
    let mut app = told(ScreenId::Live);
    press(&mut app, "p");
    let late = event(9, "reply.failed", json!({"reason": "late"}), None);
    app.update([Event::Incoming(Incoming::Event(Box::new(late)))]);
    let shown = frame(&app, 100, 30);
    assert!(shown.contains("PAUSED, 1 new") && !shown.contains("reply.failed"), "{shown}");
    press(&mut app, "p");
    assert!(frame(&app, 100, 30).contains("reply.failed"));
}
