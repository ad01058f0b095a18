//! Every command of `aura`, found in its help and run as it is, for one tenant and with another's ids.

use std::path::Path;

use super::stage::{PAGER, PRODUCT, Stage, canary, catalogue, persona};
use crate::shop::{Ran, aura};

const MADE_UP_CONVERSATION: &str = "conv_0192f5c8-0000-7000-8000-00000000dead";

/// What is done with a command.
enum Case {
    /// Run it like this.
    Run(Vec<Run>),
    /// It does not work on the tenants of a running daemon, for this reason.
    Apart(&'static str),
}

/// One run, with what it must come to.
struct Run {
    args: Vec<String>,
    stdin: String,
    code: i32,
    /// Of alder's own canaries, so that an empty answer proves nothing.
    shows: &'static [&'static str],
}

fn run(args: &[&str], code: i32) -> Run {
    Run { args: args.iter().map(|&arg| arg.to_owned()).collect(), stdin: String::new(), code, shows: &[] }
}

impl Run {
    fn given(mut self, stdin: impl Into<String>) -> Self {
        self.stdin = stdin.into();
        self
    }

    const fn shows(mut self, places: &'static [&'static str]) -> Self {
        self.shows = places;
        self
    }
}

/// The case of a command; `None`: nobody has thought about it yet.
fn case(stage: &Stage, command: &str) -> Option<Case> {
    const T: [&str; 2] = ["-t", "alder"];
    let (alder, birch) = (&stage.alder, &stage.birch);
    let words: Vec<&str> = command.split(' ').collect();
    let with = |more: &[&str], code| run(&[&words[..], more].concat(), code);
    let in_alder = |more: &[&str], code| run(&[&words[..], &T[..], more].concat(), code);
    let in_conversations = |more: &[&str], code, shows| {
        let ids = [birch.conversation, birch.shared, birch.taken_over].map(|id| id.to_string());
        let foreign = ids.iter().map(String::as_str).chain([MADE_UP_CONVERSATION]);
        let mut runs: Vec<Run> = foreign.map(|id| in_alder(&[&[id], more].concat(), 3)).collect();
        runs.push(in_alder(&[&[alder.conversation.to_string().as_str()], more].concat(), code).shows(shows));
        runs
    };
    Some(Case::Run(match command {
        "serve" => return Some(Case::Apart("starts a daemon; it would find the data directory held")),
        "demo" => return Some(Case::Apart("makes a data directory and tenants of its own")),
        "init" => vec![with(&[], 0)],
        "help" => vec![with(&["formatting"], 0), with(&["tenant", "add"], 0), with(&["tenat"], 2)],
        "explain" => vec![with(&[], 0), with(&["window_closed"], 0), with(&["window_clsed"], 3)],
        "man" => vec![with(&[], 0)],
        "completion" => vec![with(&["bash"], 0)],
        "version" | "status" | "config show" | "config sources" | "config validate" | "tenant list"
        | "model prices" => {
            vec![with(&[], 0)]
        }
        "audit verify" => vec![with(&[], 0), in_alder(&[], 0)],
        "audit checkpoint" | "secret rotate-master" => vec![with(&[], 0)],
        "tenant add" => vec![with(&["cedar", "--name", "Cedar"], 0)],
        "tenant show" => vec![with(&["alder"], 0).shows(&["greeting", "sign_off"])],
        "tenant edit" => vec![with(&["alder", "--mode", "live", "--everyone"], 0)],
        "tenant pause" | "tenant resume" => vec![with(&["alder"], 0)],
        "tenant remove" => vec![with(&["alder", "--confirm", "birch"], 2)],
        "persona show" => vec![in_alder(&[], 0).shows(&["greeting", "sign_off", "disclosure"])],
        "persona edit" => return Some(Case::Apart("opens an editor; it reads and sets what `show` and `set` do")),
        "persona history" => vec![in_alder(&[], 0)],
        "persona set" => vec![in_alder(&["--file", "-"], 0).given(persona("alder"))],
        "connect instagram" => {
            let connect = |account: &str, token: &str, code| {
                in_alder(&["--account-id", account, "--token-file", "-"], code).given(format!("token-of-{token}\n"))
            };
            vec![
                connect(alder.account, alder.account, 0),
                connect(birch.account, alder.account, 4),
                connect(birch.account, birch.account, 6),
            ]
        }
        "connect list" => vec![in_alder(&[], 0)],
        "catalog import" => vec![in_alder(&["-"], 0).given(catalogue("alder"))],
        "catalog status" => vec![in_alder(&[], 0)],
        "catalog search" => vec![
            in_alder(&["blue linen shirt", "--limit", "100"], 0).shows(&["title", "link"]),
            in_alder(&[&canary("birch", "title"), "--limit", "100"], 0),
        ],
        "catalog show" => {
            vec![in_alder(&[PRODUCT], 0).shows(&["title", "description"]), in_alder(&[&birch.own_product], 3)]
        }
        "chat" => vec![in_alder(&["--session", "trial", "--once", "Do you have the blue linen shirt in M?"], 0)],
        "trigger" => vec![
            in_alder(&["dm.text", "--text", "Hello"], 0),
            in_alder(&["dm.text", "--text", "Hello", "--account-id", birch.account], 0),
        ],
        "tail" => vec![in_alder(&["--no-follow"], 0).shows(&["message"])],
        "staff add" => vec![with(&["ana", "--key", "-t", "alder"], 0), with(&["ben", "--key", "-t", "no-such"], 3)],
        "staff list" => vec![with(&[], 0)],
        "staff edit" => vec![with(&["nobody", "--role", "viewer"], 3)],
        "staff remove" => vec![with(&["nobody"], 3)],
        "tui" => {
            return Some(Case::Apart(
                "the operator's monitor over all tenants, made of routes that have cases of their own",
            ));
        }
        "listen" => return Some(Case::Apart("follows as `tail` does and does not end; it shows what `tail` shows")),
        "conversation list" => vec![in_alder(&[], 0), in_alder(&["--since", "1d"], 0)],
        "conversation show" => {
            let of_turn = |turn: &str, code| in_alder(&[&alder.conversation.to_string(), "--turn", turn], code);
            let turns = [of_turn(&alder.turn, 0).shows(&["title"]), of_turn(&birch.turn, 3)];
            in_conversations(&[], 0, &["message"]).into_iter().chain(turns).collect()
        }
        "conversation picture" => {
            let own = alder.conversation.to_string();
            let of = |id: &str, message: &str| in_alder(&[id, message, "--to", "picture.png"], 3);
            vec![
                of(&own, &alder.message),
                of(&own, &birch.message),
                of(&birch.conversation.to_string(), &birch.message),
            ]
        }
        "conversation assign" => in_conversations(&["me"], 0, &[]),
        "conversation takeover" | "conversation release" => in_conversations(&[], 0, &[]),
        // No draft waits in alder's; that one does go out is shown elsewhere.
        "conversation approve" | "conversation reject" => in_conversations(&[], 6, &[]),
        "conversation edit" => in_conversations(&["--text", "From a person"], 6, &[]),
        "conversation send" => in_conversations(&["From a person"], 0, &[]),
        "notify add" => vec![in_alder(&["webhook", "http://127.0.0.1:9/hook"], 0)],
        "notify list" => vec![in_alder(&[], 0)],
        "notify remove" => vec![in_alder(&["webhook"], 0), in_alder(&["nobody"], 3)],
        // Nobody listens on its port.
        "notify test" => vec![in_alder(&[PAGER], 8), in_alder(&["nobody"], 3)],
        "conversation erase" => {
            let ids = [birch.conversation, birch.shared, birch.taken_over].map(|id| id.to_string());
            let foreign = ids.iter().map(String::as_str).chain([MADE_UP_CONVERSATION]);
            let mut runs: Vec<Run> = foreign.map(|id| in_alder(&[id, "--confirm", id], 3)).collect();
            // Others need it.
            runs.push(in_alder(&[&alder.conversation.to_string(), "--confirm", "another"], 2));
            runs
        }
        "conversation label" => in_conversations(&["spam"], 0, &[]),
        "secret set" => vec![in_alder(&["meta.verify_token", "-"], 0).given("a-verify-token\n")],
        "secret list" | "model list" | "usage" => vec![in_alder(&[], 0)],
        // Nobody listens on Ollama's port, and nothing was chosen.
        "model pull" => vec![with(&["ollama:nothing"], 75)],
        "model test" => vec![in_alder(&[], 2), in_alder(&["ollama:nothing"], 8)],
        "model status" => vec![in_alder(&[], 0)],
        "model compare" => vec![in_alder(&["builtin", "Do you have the blue linen shirt in M?"], 0).shows(&["title"])],
        "model use" => vec![in_alder(&["builtin"], 0)],
        "model budget" => vec![in_alder(&["--day", "1"], 0)],
        "secret recovery-copy" => vec![
            with(&["copy.age", "--passphrase-file", "-"], 0).given("correct horse battery\n"),
            with(&["copy.age", "--passphrase-file", "-"], 6).given("correct horse battery\n"),
        ],
        // The machine of a test may be short of room.
        "doctor" => vec![
            with(&["channels", "catalogue_freshness", "database_integrity"], 0),
            with(&["--fix", "permissions"], 0),
        ],
        "backup" => vec![
            with(&["--to", "backup.age", "--passphrase-file", "-"], 0).given("correct horse battery\n"),
            with(&["--to", "backup.age", "--passphrase-file", "-"], 6).given("correct horse battery\n"),
        ],
        "restore" => return Some(Case::Apart("the running daemon has the directory")),
        "secret restore-master" => return Some(Case::Apart("the running daemon has the master key and the directory")),
        "secret remove" => {
            let set = run(&["secret", "set", "-t", "alder", "meta.verify_token", "-"], 0).given("a-verify-token\n");
            vec![set, in_alder(&["meta.verify_token"], 0)]
        }
        _ => return None,
    }))
}

/// Runs every command; returns what is wrong.
pub async fn complaints(stage: &Stage) -> Vec<String> {
    let commands = commands(stage.house.data_dir()).await;
    assert!(commands.len() > 25, "only {commands:?} were found in the help");
    let mut found = Vec::new();
    for command in &commands {
        match case(stage, command) {
            None => found.push(format!("`aura {command}` has no case here; say what it may show")),
            Some(Case::Apart(reason)) => assert!(!reason.is_empty()),
            Some(Case::Run(runs)) => {
                for run in runs {
                    found.extend(check(stage, &run).await);
                }
            }
        }
    }
    found
}

async fn check(stage: &Stage, run: &Run) -> Vec<String> {
    let args: Vec<&str> = run.args.iter().map(String::as_str).chain(["--json"]).collect();
    let Ran { code, stdout, stderr } = stage.house.aura(&args, &run.stdin).await;
    let printed = format!("{stdout}\n{stderr}");
    let question = format!("{} {}", run.args.join(" "), run.stdin);
    let for_tenant = run.args.iter().any(|arg| arg == "alder");
    let traces = match for_tenant {
        true => stage.birch.traces_in(&printed, &question),
        false => stage.birch.canaries_beyond(&printed, &question).into_iter().map(str::to_owned).collect(),
    };
    let shown = stage.alder.canaries_in(stdout.as_bytes());
    let mut found: Vec<String> = traces.into_iter().map(|trace| format!("shows birch's {trace}")).collect();
    found.extend((code != run.code).then(|| format!("exits with {code}, not {}", run.code)));
    found.extend(
        run.shows.iter().filter(|place| !shown.contains(place)).map(|place| format!("does not show its own {place}")),
    );
    found.extend(unlisted(stage, run, &stdout).await);
    found.extend(shown.contains(&"secret").then(|| "shows its own secret".to_owned()));
    found.into_iter().map(|complaint| format!("`aura {}` {complaint}: {printed}", args.join(" "))).collect()
}

/// Fields of a document that `--json=help` does not list.
async fn unlisted(stage: &Stage, run: &Run, stdout: &str) -> Vec<String> {
    let args: Vec<&str> = run.args.iter().map(String::as_str).chain(["--json=help"]).collect();
    let listed = stage.house.aura(&args, "").await.stderr;
    if listed.contains("whatever names") {
        return Vec::new();
    }
    let known: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split("  ").next()).collect();
    let documents = stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let things = documents.flat_map(|document| match (&document, document["items"].as_array()) {
        (serde_json::Value::Array(items), _) => items.clone(),
        (_, Some(items)) => items.clone(),
        _ => vec![document],
    });
    let names =
        things.flat_map(|thing| thing.as_object().into_iter().flat_map(|it| it.keys().cloned()).collect::<Vec<_>>());
    let unlisted: std::collections::BTreeSet<String> = names.filter(|name| !known.contains(&name.as_str())).collect();
    unlisted
        .into_iter()
        .map(|name| format!("prints a field `{name}` that `--json=help` does not list: {listed}"))
        .collect()
}

/// Every command without further commands, as the help has them: `catalog search`.
async fn commands(data_dir: &Path) -> Vec<String> {
    let (mut leaves, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(command) = open.pop() {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = aura(data_dir, &args, "").await;
        assert_eq!(help.code, 0, "{help:?}");
        let inner = subcommands(&help.stdout);
        if inner.is_empty() {
            leaves.push(command);
        } else {
            open.extend(inner.into_iter().map(|name| format!("{command} {name}").trim().to_owned()));
        }
    }
    leaves.sort();
    leaves
}

/// The names under `Commands:`, and under the groups of the first page; further lines of a description are indented deeper.
fn subcommands(help: &str) -> Vec<String> {
    let heads = ["Commands:", "Start here:", "Shops:", "Conversations:", "Models:", "Operations:", "More:"];
    let sections = help.split("\n\n").filter(|section| heads.iter().any(|head| section.trim_start().starts_with(head)));
    let lines = sections.flat_map(|section| section.trim_start().lines().skip(1));
    let named = lines.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    named.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}
