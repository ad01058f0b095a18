//! `aura tui`: watched, taken over and left at a real terminal, over restarts of the daemon.

use rustix::process::{Signal, kill_process, kill_process_group};

use crate::{
    modes::{set_mode, shop, writes},
    support::{SHOP, TestAura, screen::Screen, until},
};

const QUESTION: &str = "Do you have a blue linen shirt?";
const HOSTILE: &str = "\u{1b}]52;c;cm0gLXJmIH4=\u{7}\u{1b}[2Jhello\u{202e}there";

async fn asked() -> TestAura {
    let aura = shop().await;
    writes(&aura, "ana", QUESTION).await;
    aura.until_replies("ana", 1).await;
    aura
}

fn open(aura: &TestAura) -> Screen {
    let mut screen = Screen::run(aura.data_dir(), &["tui"], 120, 36);
    screen.shows(QUESTION);
    screen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_screen_is_printed_as_text() {
    let aura = asked().await;
    for (screen, words) in [
        ("inbox", "Cove Linen Shirt"),
        ("live", "Nothing has happened"),
        ("tenants", SHOP),
        ("catalogue", "products"),
        ("models", "builtin"),
        ("system", "webhooks waiting"),
    ] {
        for size in ["80x24", "160x45"] {
            let frame = aura.run(&["tui", "--dump", screen, "--size", size]).await;
            assert!(frame.contains(words), "{screen} at {size}:\n{frame}");
            assert!(!frame.contains('\u{1b}'), "{screen} is plain text");
        }
    }
    assert!(aura.said(&["tui", "--dump", "inbox", "--filter", "tenat:x"], 2).await.contains("did you mean `tenant:`"));
    assert!(aura.said(&["tui"], 2).await.contains("needs a terminal"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_taken_over_written_in_and_released() {
    let aura = asked().await;
    let mut screen = open(&aura);
    screen.press("t");
    screen.shows("You have this");
    assert!(aura.conversation("ana").await.conversation.takeover.is_some());
    screen.press("rHello Ana\r");
    screen.shows("s send it");
    screen.press("s");
    screen.shows("u takes it back");
    // Taken back: the words are there again, and nothing was sent.
    screen.press("u");
    screen.shows("taken back");
    assert!(!aura.sim.sent().contains("Hello Ana"));
    screen.press("r");
    screen.shows("Hello Ana");
    screen.press("\rs");
    screen.shows("u takes it back");
    // Whoever leaves is asked, and what waits can go out at once.
    screen.press("q");
    screen.shows("One message is not sent yet");
    screen.press("s");
    assert_eq!(screen.ended().await, 0);
    until("it is sent", async || aura.sim.sent().contains("Hello Ana")).await;
    let mut screen = open(&aura);
    screen.press("t");
    screen.shows("released");
    assert!(aura.conversation("ana").await.conversation.takeover.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_approved_at_the_screen() {
    let aura = shop().await;
    set_mode(&aura, "suggest", &[]).await;
    writes(&aura, "ana", QUESTION).await;
    let mut screen = Screen::run(aura.data_dir(), &["tui"], 120, 36);
    screen.shows("a approve  e edit");
    screen.press("a");
    screen.shows("s send it");
    screen.press("sq");
    screen.shows("One message is not sent yet");
    screen.press("s");
    assert_eq!(screen.ended().await, 0);
    aura.until_replies("ana", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_daemon_is_seen_and_loses_no_event() {
    let aura = asked().await;
    let mut screen = Screen::run(aura.data_dir(), &["tui", "live"], 120, 36);
    screen.shows("live");
    writes(&aura, "bea", "Do you have scarves?").await;
    screen.shows("Do you have scarves?");
    let aura = aura.restart().await;
    writes(&aura, "bea", "Do you have mugs?").await;
    screen.shows("Do you have mugs?");
    aura.until_idle().await;
    writes(&aura, "bea", "Do you have towels?").await;
    screen.shows("Do you have towels?");
    let contents = screen.contents();
    for words in ["Do you have scarves?", "Do you have mugs?", "Do you have towels?"] {
        let received = contents.lines().filter(|line| line.contains("message.received") && line.contains(words));
        assert_eq!(received.count(), 1, "`{words}` is there once:\n{contents}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_is_given_back_however_the_monitor_ends() {
    let aura = asked().await;
    for (how, signal) in [("q", None), ("", Some(Signal::TERM)), ("", Some(Signal::HUP))] {
        let mut screen = open(&aura);
        assert!(screen.is_taken(), "the monitor reads keys itself");
        screen.press(how);
        if let Some(signal) = signal {
            kill_process(screen.pid(), signal).expect("it runs");
        }
        assert_eq!(screen.ended().await, 0);
        assert!(screen.is_as_a_shell_wants_it(), "after {how:?} {signal:?}:\n{:?}", said(&screen));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_gives_the_terminal_back_once_and_says_where_it_was_and_none_of_its_words() {
    const WORDS: &str = "words-of-a-shopper-7d20";
    let aura = asked().await;
    // While a key is taken in, and in a task beside the screen.
    for (point, keys) in [("monitor_key", "j"), ("monitor_read", "")] {
        let points = format!("{point}=panic({WORDS}\u{1b}]0,title\u{7})");
        let mut screen = Screen::run_with(aura.data_dir(), &["tui"], &[("FAILPOINTS", &points)]);
        screen.until("the monitor", |contents| contents.contains("Inbox") || contents.contains("panicked"));
        screen.press(keys);
        assert_eq!(screen.ended().await, 1, "{point}");
        assert!(screen.is_as_a_shell_wants_it(), "{point}:\n{:?}", said(&screen));
        let contents = screen.contents();
        for words in ["panicked at", ".rs:", "error: the monitor has a fault"] {
            assert!(contents.contains(words), "{point}: `{words}` is not read after it:\n{contents}");
        }
        let said = said(&screen);
        assert!(!said.contains(WORDS) && !said.contains("\u{1b}]0"), "{point}: {said:?}");
        assert_eq!(said.matches("\u{1b}[?1049l").count(), 1, "{point}: the cursor goes back once: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_monitor_gives_the_terminal_to_the_shell_and_takes_it_again() {
    let aura = asked().await;
    // Reading a line holds the shell until somebody types one, then the job goes on.
    let script =
        r#""$@"; echo "stopped once"; read -r line; fg; echo "stopped twice"; read -r line; fg; echo "left $?""#;
    let mut screen = Screen::run_in_shell(aura.data_dir(), script, &["tui"]);
    screen.shows(QUESTION);
    assert!(screen.is_taken());
    // By its key, then from outside.
    screen.press("\u{1a}");
    screen.shows("stopped once");
    assert!(screen.is_as_a_shell_wants_it(), "{:?}", said(&screen));
    screen.press("\n");
    screen.shows(QUESTION);
    assert!(screen.is_taken(), "{:?}", said(&screen));
    kill_process_group(screen.foreground(), Signal::TSTP).expect("it runs");
    screen.shows("stopped twice");
    assert!(screen.is_as_a_shell_wants_it(), "{:?}", said(&screen));
    screen.press("\n");
    screen.shows(QUESTION);
    assert!(screen.is_taken(), "{:?}", said(&screen));
    screen.press("q");
    assert_eq!(screen.ended().await, 0);
    assert!(screen.contents().contains("left 0"), "{}", screen.contents());
    // Where no shell is, nothing would ever let it go on.
    let mut screen = open(&aura);
    screen.press("\u{1a}");
    screen.shows("there is no shell to go back to");
    assert!(screen.is_taken());
}

/// All that was written to the terminal.
fn said(screen: &Screen) -> String {
    String::from_utf8_lossy(&screen.written).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_shoppers_write_never_steers_the_terminal() {
    let aura = asked().await;
    writes(&aura, "eve", HOSTILE).await;
    let mut screen = Screen::run(aura.data_dir(), &["tui"], 120, 36);
    screen.shows("hello");
    screen.press("234");
    screen.shows("A shopper of");
    let written = String::from_utf8_lossy(&screen.written).into_owned();
    for steering in ["\u{1b}]52;", "\u{1b}[2Jhello", "\u{202e}"] {
        assert!(!written.contains(steering), "{steering:?} reached the terminal");
    }
}
