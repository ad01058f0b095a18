//! Words that attack a terminal, through every command that shows anything and in every form: none of them steers one.

use std::collections::BTreeSet;

use aura::api;

use crate::{
    shop::{House, Ran, command},
    staff::let_in,
};

const ACCOUNT: &str = "17841400000000001";
/// Colour, the clipboard, the title, a bell, an eight-bit CSI, backspaces, a return: and letters that turn the direction or hide.
const ATTACK: &str = "\u{1b}[31mred\u{1b}]52;c;cm0gLXJmIH4=\u{7}\u{1b}]0;title\u{7}\u{9b}2J\u{8}\u{8}\rEVIL\u{202e}lirpa\u{2066}x\u{200f}";
/// What is left of it where control characters are refused.
const TURNED: &str = "Noor \u{202e}lirpa\u{2066}x\u{200f}";
/// A word in all of them that shows that they were there.
const SHOWN: &str = "lirpa";

/// What is looked at, in the words of the command line; `CONV`, `TURN`: a conversation, and its first turn. `true`: somebody's
/// words are in it.
const LOOKS: &[(&[&str], bool)] = &[
    (&["tenant", "list"], true),
    (&["tenant", "show", "oasis"], true),
    (&["persona", "show", "-t", "noor"], false),
    (&["persona", "history", "-t", "noor"], false),
    (&["connect", "list", "-t", "noor"], false),
    (&["catalog", "status", "-t", "noor"], false),
    (&["catalog", "search", "-t", "noor", "linen shirt"], true),
    (&["catalog", "show", "-t", "noor", "linen-shirt"], true),
    (&["conversation", "list", "-t", "noor"], true),
    (&["conversation", "list"], true),
    (&["conversation", "show", "-t", "noor", "CONV"], true),
    (&["conversation", "show", "-t", "noor", "CONV", "--turn", "TURN"], false),
    (&["tail", "--no-follow"], true),
    (&["status"], true),
    (&["status", "--system"], false),
    (&["usage", "-t", "noor"], false),
    (&["notify", "list", "-t", "noor"], false),
    (&["secret", "list"], false),
    (&["staff", "list"], false),
    (&["model", "list", "-t", "noor"], false),
    (&["model", "status"], false),
    (&["audit", "verify"], false),
    (&["config", "show"], false),
    (&["config", "sources"], false),
    (&["conversation", "takeover", "-t", "noor", "CONV"], false),
    (&["conversation", "label", "-t", "noor", "CONV", "spam"], false),
    (&["conversation", "send", "-t", "noor", "CONV", ATTACK], false),
    (&["chat", "-t", "noor", "--once", ATTACK], false),
];

/// Commands that fail with somebody's words in the failure.
const FAILURES: &[&[&str]] = &[
    &["catalog", "show", "-t", "noor", ATTACK],
    &["tenant", "show", ATTACK],
    &["conversation", "show", "-t", "noor", ATTACK],
    &["conversation", "assign", "-t", "noor", "CONV", ATTACK],
    &["conversation", "list", "-t", "noor", "--assignee", ATTACK],
    &["conversation", "show", "-t", "noor", "conv_"],
    &["staff", "remove", ATTACK],
    &["model", "use", ATTACK],
    &["notify", "remove", "-t", "noor", ATTACK],
    &["secret", "remove", ATTACK],
    &["explain", ATTACK],
    &["help", ATTACK],
    &["trigger", "-t", "noor", ATTACK],
    &["tui", "--dump", ATTACK],
    &[ATTACK],
    &["tenant", "list", "--jq", ATTACK],
    &["tenant", "list", "--template", "{{ nope(\"\u{1b}[31m\") }}"],
    &["tenant", "list", "--json=\u{1b}[31m"],
];

/// The forms of a result: what is added, and how wide the terminal is.
const FORMS: [(&[&str], Option<&str>); 6] = [
    (&[], Some("100")),
    (&[], None),
    (&["-v", "--no-color"], Some("60")),
    (&["--json"], None),
    (&["--jq", ".. | strings"], None),
    (&["--template", "{{ items or value or name or text or conversation }}"], Some("100")),
];

/// What steers a terminal, or hides in it.
fn steers(letter: char) -> bool {
    let turns =
        matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    turns || (letter.is_control() && !matches!(letter, '\n' | '\t'))
}

async fn run(house: &House, args: &[&str], width: Option<&str>) -> Ran {
    let mut command = command(house.data_dir());
    command.envs(width.map(|width| ("AURA_FORCE_TTY", width))).args(args).stdin(std::process::Stdio::null());
    let output = command.output().await.expect("it runs");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

/// A shop whose name, voice, products and shopper attack; its conversation and the turn that answered there.
async fn house() -> (House, String, String) {
    let house = House::open().await;
    house.tenant("noor", ACCOUNT).await;
    let other = api::NewTenant { slug: "oasis".into(), name: TURNED.into(), ..api::NewTenant::default() };
    house.client().add_tenant(&other).await.expect("added");
    let voice = serde_json::json!({ "name": TURNED, "greeting": TURNED, "sign_off": TURNED });
    let set = house.aura(&["persona", "set", "-t", "noor", "--file", "-"], &voice.to_string()).await;
    // A voice has no such letters at all.
    assert!(set.code == 2 && !set.stderr.contains(steers), "{set:?}");
    let product = serde_json::json!({
        "id": "linen-shirt", "title": format!("Linen shirt {ATTACK}"), "description": ATTACK, "brand": ATTACK,
        "price": "10.00", "currency": "EUR",
    });
    let imported = house.aura(&["catalog", "import", "-t", "noor", "-"], &product.to_string()).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(!imported.stderr.contains(steers) && !imported.stdout.contains(steers), "{imported:?}");
    let_in(&house, "ana", "agent", &[]).await;
    house.sim.shopper(ATTACK).writes(ACCOUNT, &format!("Do you have a linen shirt? {ATTACK}"));
    house.settle(&["noor"]).await;
    let client = house.client();
    let rows = client.conversations("noor", &api::ConversationQuery::default()).await.expect("listed");
    let conversation = rows.first().expect("it is there").id.clone();
    let turns = client.conversation("noor", &conversation).await.expect("shown").turns;
    let turn = turns.first().expect("it was answered").id.clone();
    // The last word is the shopper's, so that lists show it.
    client.take_over("noor", &conversation).await.expect("taken over");
    house.sim.shopper(ATTACK).writes(ACCOUNT, ATTACK);
    house.settle(&["noor"]).await;
    (house, conversation, turn)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_in_no_form_lets_anybodys_words_steer_a_terminal() {
    let (house, conversation, turn) = house().await;
    let filled = |args: &[&str]| -> Vec<String> {
        let word = |word: &&str| match *word {
            "CONV" => conversation.clone(),
            "TURN" => turn.clone(),
            word => word.to_owned(),
        };
        args.iter().map(word).collect()
    };
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    let mut check = |args: &[&str], ran: &Ran| {
        for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            let letters: BTreeSet<String> = text
                .chars()
                .filter(|letter| steers(*letter))
                .map(|letter| letter.escape_unicode().to_string())
                .collect();
            if !letters.is_empty() {
                found.push(format!("{args:?}: {stream} holds {letters:?}: {text:?}"));
            }
        }
    };
    for (args, has_words) in LOOKS {
        let args = filled(args);
        let mut shown = false;
        for (form, width) in FORMS {
            let all: Vec<&str> = args.iter().map(String::as_str).chain(form.iter().copied()).collect();
            let ran = run(&house, &all, width).await;
            // A template may not fit the document of a command; then its failure is looked at.
            if ran.code != 0 && !form.contains(&"--template") {
                silent.push(format!("{all:?}: {ran:?}"));
            }
            shown |= ran.stdout.contains(SHOWN);
            check(&all, &ran);
        }
        if *has_words && !shown {
            silent.push(format!("{args:?} has shown nobody's words, so it proves nothing"));
        }
    }
    for args in FAILURES {
        let args = filled(args);
        for form in [&[][..], &["--json"]] {
            let all: Vec<&str> = args.iter().map(String::as_str).chain(form.iter().copied()).collect();
            let ran = run(&house, &all, Some("100")).await;
            if ran.code == 0 {
                silent.push(format!("{all:?} does not fail: {ran:?}"));
            }
            check(&all, &ran);
        }
    }
    for screen in ["inbox", "live", "tenants", "catalogue", "models", "system"] {
        let ran = run(&house, &["tui", "--dump", screen, "--size", "160x45"], None).await;
        assert_eq!(ran.code, 0, "{screen}: {ran:?}");
        check(&["tui", screen], &ran);
    }
    assert!(found.is_empty() && silent.is_empty(), "{}\n{}", found.join("\n"), silent.join("\n"));
    house.close().await;
}
