//! Pressing tab: in real shells, beside a running daemon with hostile names, beside a daemon that is stuck, and without one.
//! And conversations by the beginning of their ids.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aura::api;
use tokio::process::Command;

use crate::{
    shop::{DEADLINE, House, aura},
    staff::let_in,
};

const ACCOUNT: &str = "17841400000000001";
const AURA: &str = env!("CARGO_BIN_EXE_aura");
/// Ids of products that a shell would do something with, each beside one that it takes as it is.
const HOSTILE: [&str; 6] = ["p;touch pwned", "p$(touch pwned)", "p`touch pwned`", "p*", "p\u{1b}[31m", "p'\"x"];

/// A shop with a conversation, products and a person, and the words of a shopper who attacks the terminal.
async fn house() -> House {
    let house = House::open().await;
    house.tenant("noor", ACCOUNT).await;
    let product = |id: &str| {
        serde_json::json!({ "id": id, "title": format!("Shirt\u{1b}]52;c;x\u{7} {id}"), "price": "1.00", "currency": "EUR" })
            .to_string()
    };
    let lines: Vec<_> = HOSTILE.iter().chain(&["plain-shirt", "plain-scarf"]).map(|id| product(id)).collect();
    let imported = house.aura(&["catalog", "import", "-t", "noor", "-", "--json"], &lines.join("\n")).await;
    assert_eq!(imported.json()["products"], 8, "{imported:?}");
    let_in(&house, "ana", "agent", &[]).await;
    for name in ["layla", "omar"] {
        house.sim.shopper(name).writes(ACCOUNT, "\u{1b}]52;c;x\u{7}Do you have\nscarves?");
    }
    house.settle(&["noor"]).await;
    house
}

async fn ids(house: &House) -> Vec<String> {
    let rows = house.client().conversations("noor", &api::ConversationQuery::default()).await.expect("listed");
    rows.into_iter().map(|row| row.id).collect()
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.parent().expect("it is in a temporary folder").to_owned()
}

/// Runs a script in a shell of this machine; `None`: it has no such shell.
async fn shell(name: &str, args: &[&str], data_dir: &Path, script: &str) -> Option<String> {
    let home = folder(data_dir);
    let bin = Path::new(AURA).parent().expect("a folder");
    let file = home.join(format!("try.{name}"));
    std::fs::write(&file, script).expect("written");
    let mut command = Command::new(name);
    command.env_clear().env("HOME", &home).env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("TERM", "dumb");
    // A machine that is busy with other tests takes longer.
    command.env("AURA_COMPLETION_MS", "20000");
    command.env("AURA_DATA_DIR", data_dir).current_dir(&home).args(args).arg(&file).kill_on_drop(true);
    let output = match tokio::time::timeout(DEADLINE, command.output()).await.expect("the shell ends") {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && name != "bash" => return None,
        other => other.expect("the shell runs"),
    };
    assert!(output.status.success(), "{name}: {output:?}");
    assert!(!home.join("pwned").exists(), "{name} has run a name");
    Some(String::from_utf8(output.stdout).expect("text"))
}

/// What each shell offers for a line, in any order.
async fn offered(data_dir: &Path, line: &str) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for name in ["bash", "zsh", "fish"] {
        let (args, script): (&[&str], String) = match name {
            // As readline calls it; an array element each, so that one that would be split or expanded shows.
            "bash" => (
                &["--noprofile", "--norc"],
                format!(
                    "source <(aura completion bash)\nCOMP_LINE='{line}' COMP_POINT=${{#COMP_LINE}}\nCOMP_POINT=${{#COMP_LINE}}\n\
                     _aura aura\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
                ),
            ),
            "zsh" => (
                &["-f"],
                // A terminal of its own, in which tab is pressed; what would be inserted or listed is printed.
                format!(
                    "cat > setup.zsh <<'END'\n\
                     PROMPT=\n\
                     autoload -Uz compinit; compinit -u -D\n\
                     source <(aura completion zsh)\n\
                     compadd() {{\n\
                       if [[ \"${{@[1,(i)(-|--)]}}\" == *-(O|A|D)\\ * ]]; then builtin compadd \"$@\"; return; fi\n\
                       local -a hits; builtin compadd -A hits \"$@\"\n\
                       (( $#hits )) && print -rl -- \"OFFER \"${{^hits}}\n\
                     }}\n\
                     bindkey '^I' complete-word\n\
                     ended() {{ print END }}; compdef _aura aura\n\
                     comppostfuncs=(ended)\n\
                     print READY\n\
                     END\n\
                     zmodload zsh/zpty\nzpty z zsh -f -i\nzpty -w z 'source setup.zsh'\nlocal line\n\
                     while zpty -r z line; do [[ $line == READY* ]] && break; done\n\
                     zpty -n -w z $'{line}\\t'\n\
                     while zpty -r z line; do\n\
                       [[ $line == *OFFER\\ * ]] && print -r -- ${{${{line##*OFFER }}%%$'\\r'*}}\n\
                       [[ $line == *END* ]] && break\n\
                     done\nzpty -d z\n"
                ),
            ),
            _ => (
                &["--no-config"],
                format!("aura completion fish | source\ncomplete -C '{line}' | string split -f1 \\t\ntrue\n"),
            ),
        };
        if let Some(out) = shell(name, args, data_dir, &script).await {
            let mut lines: Vec<String> = out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            lines.sort();
            all.push((name, lines));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn real_shells_complete_names_and_no_name_does_anything_in_them() {
    let house = house().await;
    let mut known = ids(&house).await;
    known.sort();
    let data_dir = house.data_dir();
    for (line, expected) in [
        ("aura conversation ta", vec!["takeover"]),
        ("aura tenant show n", vec!["noor"]),
        ("aura conversation show -t noor conv_", known.iter().map(String::as_str).collect()),
        ("aura catalog show -t noor pl", vec!["plain-scarf", "plain-shirt"]),
        ("aura catalog show -t noor p", vec!["plain-scarf", "plain-shirt"]),
        ("aura staff edit a", vec!["ana"]),
        ("aura conversation list --assignee n", vec!["nobody"]),
        ("aura model use built", vec!["builtin"]),
    ] {
        for (shell, found) in offered(data_dir, line).await {
            assert_eq!(found, expected, "{shell}: {line}");
        }
    }
    let set = house.aura(&["secret", "set", "openai.api_key", "-"], "sk-of-the-house\n").await;
    assert_eq!(set.code, 0, "{set:?}");
    // Bash breaks words at colons and replaces only what stands behind the last one.
    let models = offered(data_dir, "aura model use openai:").await;
    for (shell, found) in &models {
        let whole = *shell != "bash";
        assert!(
            !found.is_empty() && found.iter().all(|name| name.starts_with("openai:") == whole),
            "{shell}: {found:?}"
        );
    }
    let said = aura(data_dir, &["__complete", "conversation", "show", "-t", "noor", ""], "").await;
    // The command's own helper names the data directory first, which is no question.
    assert_eq!(said.code, 2, "{said:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_holds_no_letter_that_steers_a_terminal() {
    let house = house().await;
    for words in [["catalog", "show", "-t", "noor", "pl"], ["conversation", "show", "-t", "noor", "conv_"]] {
        let output = ask(house.data_dir(), &words, Some("20000")).await;
        assert_eq!(output.lines().count(), 2, "{output}");
        assert!(output.lines().all(|line| line.split('\t').count() == 2), "{output:?}");
        let steers = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
        assert!(!output.contains(steers), "{output:?}");
    }
    house.close().await;
}

/// What `aura __complete` says; it must say nothing else and always end well.
async fn ask(data_dir: &Path, words: &[&str], patience_ms: Option<&str>) -> String {
    let mut command = Command::new(AURA);
    command.env_clear().env("HOME", folder(data_dir)).env("AURA_DATA_DIR", data_dir).current_dir(folder(data_dir));
    command.envs(patience_ms.map(|ms| ("AURA_COMPLETION_MS", ms)));
    let output = command.args(["__complete", "--"]).args(words).output().await.expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_or_beside_one_that_is_stuck_nothing_is_said_and_nobody_waits() {
    let house = house().await;
    let (_folder, data_dir) = house.close().await;
    let words = ["conversation", "show", "-t", "noor", "conv_"];
    assert_eq!(ask(&data_dir, &words, None).await, "");
    assert!(ask(&data_dir, &["conversation", "sh"], None).await.starts_with("show\t"), "the grammar needs no daemon");
    assert_eq!(ask(&data_dir, &["tenant", "show", ""], None).await, "");
    // It takes the call, and never answers.
    let stuck = std::os::unix::net::UnixListener::bind(data_dir.join("aura.sock")).expect("bound");
    let began = Instant::now();
    assert_eq!(ask(&data_dir, &words, None).await, "");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "it waited for {took:?}");
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_meant_by_the_beginning_of_its_id_as_far_as_that_means_one() {
    let house = house().await;
    let known = ids(&house).await;
    let (one, other) = (&known[0], &known[1]);
    let common = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    // One letter behind what they have in common means one of them.
    let (begins, shared) = (&one[..=common], &one[..common]);
    let shown = house.aura(&["conversation", "show", "-t", "noor", begins, "--json=id"], "").await;
    assert_eq!(shown.json()["id"], one.as_str());
    let bare = begins.trim_start_matches("conv_").to_uppercase();
    for verb in [vec!["takeover"], vec!["label", "spam"], vec!["assign", "me"], vec!["send", "Hello"], vec!["release"]]
    {
        let args: Vec<&str> =
            ["conversation", verb[0], "-t", "noor", &bare].into_iter().chain(verb[1..].iter().copied()).collect();
        let ran = house.aura(&args, "").await;
        assert!(ran.code == 0 && ran.stderr.contains("next: "), "{args:?}: {ran:?}");
    }
    let tail = house.aura(&["tail", "--no-follow", "--conversation", begins, "--json=fields"], "").await;
    assert!(tail.stdout.lines().count() > 3 && tail.stdout.lines().all(|line| line.contains(one.as_str())), "{tail:?}");

    let several = house.aura(&["conversation", "show", "-t", "noor", shared, "--json"], "").await.error(2);
    assert_eq!(several["code"], "ambiguous_id");
    let hint = several["hint"].as_str().expect("a hint");
    assert!(hint.contains(one.as_str()) && hint.contains(other.as_str()), "{hint}");
    let none = house.aura(&["conversation", "show", "-t", "noor", "conv_ffffffff", "--json"], "").await.error(3);
    assert!(none["hint"].as_str().is_some_and(|hint| hint.contains("aura conversation list -t noor")), "{none}");
    let wrong = house.aura(&["conversation", "show", "-t", "noor", "layla"], "").await;
    assert!(wrong.code == 2 && wrong.stderr.contains("no id begins so"), "{wrong:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_errors_in_names_are_answered_with_the_name_that_was_meant() {
    let house = house().await;
    for (args, meant) in [
        (vec!["tenant", "show", "nor"], "Did you mean `noor`?"),
        (vec!["catalog", "show", "-t", "noor", "plain-shrit"], "Did you mean `plain-shirt`?"),
        (vec!["staff", "remove", "anna"], "Did you mean `ana`?"),
        (vec!["model", "use", "opnai:gpt-6-luna"], "Did you mean `openai`?"),
    ] {
        let ran = house.aura(&args, "").await;
        assert!(ran.code != 0 && ran.stderr.contains(meant), "{args:?}: {ran:?}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_without_end_ends_with_ctrl_c() {
    let house = house().await;
    for endless in ["last(repeat(.))", "[repeat(1)] | length", "def f: f; f"] {
        let mut command = crate::shop::command(house.data_dir());
        let mut child = command.args(["tenant", "list", "--jq", endless]).spawn().expect("it starts");
        let pid =
            rustix::process::Pid::from_raw(i32::try_from(child.id().expect("it runs")).expect("a pid")).expect("one");
        // Not before it hears signals: until then one ends it in the system's way.
        let status = format!("/proc/{}/status", pid.as_raw_nonzero());
        crate::shop::until("it hears signals", async || {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 0b10 != 0)
        })
        .await;
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("told");
        let ended = tokio::time::timeout(DEADLINE, child.wait()).await.expect("it ends").expect("its status");
        assert_eq!(ended.code(), Some(130), "{endless}");
    }
    house.close().await;
}
