//! How the layers join, and what every mistake is answered with.

use super::*;
use crate::config::MetricsListen;

/// A folder with the given `aura.toml`, and an environment in which nothing of this machine shows.
struct Machine {
    folder: tempfile::TempDir,
    inputs: Inputs,
}

fn machine(file: &str, variables: &[(&str, &str)]) -> Machine {
    let folder = tempfile::tempdir().expect("a temporary folder");
    if !file.is_empty() {
        fs::write(folder.path().join("aura.toml"), file).expect("written");
    }
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let inputs = Inputs { flags: Vec::new(), file: None, environment, folder: folder.path().to_owned() };
    Machine { folder, inputs }
}

fn load_with(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, Error> {
    load(&machine(file, variables).inputs)
}

/// Message and hint, with the machine's own folder left out.
fn complaint(file: &str, variables: &[(&str, &str)]) -> String {
    let machine = machine(file, variables);
    let error = load(&machine.inputs).expect_err("this is wrong");
    let text = format!("{error} | {}", error.hint().unwrap_or_default());
    text.replace(&format!("{}/", machine.folder.path().display()), "")
}

#[test]
fn nothing_set_gives_the_defaults() {
    let loaded = load_with("", &[]).expect("loads");
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.entries().iter().all(|entry| entry.origin == Origin::Default));
    assert_eq!(loaded.config.delivery.settle_ms, [10_000, 60_000]);
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let file = "workers = 1\nlisten = \"127.0.0.1:1\"\n[conversation]\ndebounce_ms = 1\n";
    let variables = [("AURA_LISTEN", "127.0.0.1:2"), ("AURA_CONVERSATION__DEBOUNCE_MS", "2")];
    let mut machine = machine(file, &variables);
    machine.inputs.flags.push(Flag { key: "listen", flag: "--listen", value: "127.0.0.1:3".into() });
    let loaded = load(&machine.inputs).expect("loads");
    assert_eq!(loaded.config.listen.port(), 3);
    assert_eq!((loaded.config.conversation.debounce_ms, loaded.config.workers), (2, 1));
    assert_eq!(loaded.origin("listen"), Origin::Flag("--listen"));
    assert_eq!(loaded.origin("conversation.debounce_ms").to_string(), "AURA_CONVERSATION__DEBOUNCE_MS");
    let path = machine.folder.path().join("aura.toml");
    assert_eq!(loaded.origin("workers"), Origin::File { path, line: 1 });
    assert_eq!(loaded.origin("queue.bulk_limit"), Origin::Default);
}

#[test]
fn lists_and_words_are_read_from_variables() {
    for text in ["5,9", "[5, 9]"] {
        let loaded = load_with("", &[("AURA_DELIVERY__SETTLE_MS", text)]).expect("loads");
        assert_eq!(loaded.config.delivery.settle_ms, [5, 9]);
    }
    let loaded = load_with("", &[("AURA_METRICS_LISTEN", "off")]).expect("loads");
    assert_eq!(loaded.config.metrics_listen, MetricsListen::Off);
}

#[test]
fn an_unknown_key_is_answered_with_its_place_and_the_nearest() {
    for (file, expected) in [
        ("\nlistn = 1", "aura.toml:2: there is no key `listn` | Did you mean `listen`?"),
        (
            "[conversation]\ndebounce = 3",
            "aura.toml:2: there is no key `conversation.debounce` | Did you mean `conversation.debounce_ms`?",
        ),
        ("[xyzzy]\nplugh = 3", "aura.toml:1: there is no key `xyzzy` | `aura config show` lists every key."),
        ("meta = 3", "aura.toml:1: `meta`: this is a section, not a value | "),
    ] {
        assert_eq!(complaint(file, &[]), expected);
    }
    assert_eq!(
        complaint("", &[("AURA_LISTN", "127.0.0.1:1")]),
        "the environment variable AURA_LISTN is no key of the configuration | Did you mean `AURA_LISTEN`?"
    );
}

#[test]
fn servers_have_names_of_their_own_in_the_file_and_in_the_environment() {
    let file = "[providers.my-box]\nkind = \"openai_chat\"\nbase_url = \"http://10.0.0.5:8000/v1\"\n\
                strip_fields = [\"seed\"]\n[providers.cloud]\nkind = \"openai\"\npreset = \"openrouter\"\n";
    let variables = [
        ("AURA_PROVIDERS__CLOUD__API_KEY", "sk-hunter2"),
        ("AURA_PROVIDERS__CLOUD__SUPPORTS_PARALLEL", "false"),
        ("AURA_PROVIDERS__CLOUD__STRIP_FIELDS", "\"seed\""),
        ("AURA_PROVIDERS__OLLAMA__CONTEXT_TOKENS", "32768"),
    ];
    let loaded = load_with(file, &variables).expect("loads");
    let providers = &loaded.config.providers;
    assert_eq!(providers.names().collect::<Vec<_>>(), ["gemini", "openai", "ollama", "cloud", "my-box"]);
    let (mine, cloud) = (&providers.servers["my-box"], &providers.servers["cloud"]);
    assert_eq!((mine.base_url().as_str(), mine.is_local()), ("http://10.0.0.5:8000/v1", false));
    assert_eq!(mine.compat().strip_fields, ["seed"]);
    assert_eq!(cloud.base_url(), "https://openrouter.ai/api/v1");
    assert!(!cloud.compat().supports_parallel && cloud.compat().strip_fields == ["seed"]);
    assert_eq!(providers.api_key("cloud").map(|key| key.expose()), Some("sk-hunter2"));
    assert_eq!(
        ["gemini", "ollama", "my-box", "cloud"].map(|name| providers.needs_key(name)),
        [true, false, false, true]
    );
    assert_eq!(providers.ollama.context_tokens, 32_768);
    assert_eq!(loaded.origin("providers.cloud.api_key").to_string(), "AURA_PROVIDERS__CLOUD__API_KEY");
    let shown: Vec<_> = loaded.entries();
    let entry = shown.iter().find(|entry| entry.key == "providers.my-box.base_url").expect("it is shown");
    assert!(entry.origin.to_string().ends_with("aura.toml:3"), "{entry:?}");
    assert!(!format!("{shown:?}").contains("hunter2"));
}

#[test]
fn what_is_wrong_with_a_server_is_answered_with_its_place() {
    for (file, expected) in [
        (
            "[providers.mine]\nbase_url = \"http://x/v1\"",
            "aura.toml:2: `providers.mine.kind`: `gemini`, `openai` and `ollama` are known",
        ),
        (
            "[providers.mine]\nkind = \"openai_chat\"",
            "aura.toml:2: `providers.mine.base_url`: a server without a preset",
        ),
        ("[providers.mine]\nkind = \"grpc\"", "aura.toml:2: `providers.mine.kind`: unknown variant `grpc`"),
        (
            "[providers.mine]\nkind = \"openai_chat\"\npreset = \"vlm\"",
            "aura.toml:3: `providers.mine.preset`: `vlm` is not known; there are vllm, llamacpp",
        ),
        (
            "[providers.mine]\nkind = \"openai_chat\"\nbase_url = \"x\"",
            "aura.toml:3: `providers.mine.base_url`: `x` is no URL",
        ),
        (
            "[providers.mine]\nkind = \"openai_chat\"\npreset = \"vllm\"\ninput_usd = \"1\"",
            "aura.toml:4: `providers.mine.output_usd`: `input_usd` is said",
        ),
        (
            "[providers.mine]\nbas_url = \"x\"",
            "aura.toml:2: there is no key `providers.mine.bas_url` | Did you mean `providers.mine.base_url`?",
        ),
        ("[providers.Mine]\nkind = \"openai_chat\"", "aura.toml:1: there is no key `providers.Mine` | "),
        ("[providers.mine]\nsystem_role = \"boss\"", "aura.toml:2: `providers.mine.system_role`: unknown variant"),
        ("[providers]\nmine = 3", "aura.toml:2: `providers.mine`: this is a section, not a value | "),
        ("[providers.ollama]\nkeep_alive = \"long\"", "aura.toml:2: `providers.ollama.keep_alive`: `long` is no time"),
        ("[providers.ollama]\ncontext_tokens = 1", "aura.toml:2: `providers.ollama.context_tokens`: 1 is not between"),
    ] {
        let complaint = complaint(file, &[]);
        assert!(complaint.starts_with(expected), "{file}: {complaint}");
    }
    let no_switch = complaint("", &[("AURA_PROVIDERS__MINE__SUPPORTS_USER", "perhaps")]);
    assert!(
        no_switch.contains("AURA_PROVIDERS__MINE__SUPPORTS_USER") && no_switch.contains("true or false"),
        "{no_switch}"
    );
    let unquoted = complaint("[providers.mine]\napi_key = 8675309", &[]);
    assert!(unquoted.contains("not a text in quotes") && !unquoted.contains("8675309"), "{unquoted}");
    assert!(complaint("", &[("AURA_PROVIDERS__MINE__BASE_URL_FILE", "x")]).contains("is no secret"));
}

#[test]
fn a_value_that_does_not_fit_is_answered_with_its_place() {
    for (file, expected) in [
        ("workers = \"many\"", "aura.toml:1: `workers`: invalid type"),
        ("[log]\n\nlevel = \"loud\"", "aura.toml:3: `log.level`: unknown variant `loud`"),
        ("listen = \"everywhere\"", "aura.toml:1: `listen`: invalid socket address"),
        ("metrics_listen = \"on\"", "aura.toml:1: `metrics_listen`: neither `off` nor an address"),
        ("workers = 0", "aura.toml:1: `workers`: 0 is not between 1 and 1000"),
        ("[delivery]\nsettle_ms = [60, 10]", "aura.toml:2: `delivery.settle_ms`: 10 is not between 60"),
        ("public_url = \"ftp://x\"", "aura.toml:1: `public_url`: `ftp://x` must be http(s)"),
        ("[meta]\nversion = \"26\"", "aura.toml:2: `meta.version`: `26` is not a version"),
        ("a = = 1", "aura.toml:1: "),
    ] {
        let complaint = complaint(file, &[]);
        assert!(complaint.starts_with(expected), "{file}: {complaint}");
    }
    let number = complaint("", &[("AURA_WORKERS", "20\nlisten = 1")]);
    assert!(number.contains("AURA_WORKERS: `workers`") && number.contains("is not a number"), "{number}");
}

#[test]
fn a_secret_comes_from_a_variable_or_the_file_it_names_and_never_shows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("secret").display().to_string();
    fs::write(&path, "hunter2\n").expect("written");
    for variable in [("AURA_META__APP_SECRET", "hunter2"), ("AURA_META__APP_SECRET_FILE", path.as_str())] {
        let machine = machine("", &[variable]);
        assert!(!format!("{:?}", machine.inputs).contains("hunter2"));
        let loaded = load(&machine.inputs).expect("loads");
        assert_eq!(loaded.config.meta.app_secret.as_ref().map(|secret| secret.expose()), Some("hunter2"));
        let shown = format!("{loaded:?} {:?}", loaded.entries());
        assert!(!shown.contains("hunter2") && shown.contains("***"));
        assert!(loaded.origin("meta.app_secret").to_string().contains(variable.0));
    }
    let both = [("AURA_META__APP_SECRET", "a"), ("AURA_META__APP_SECRET_FILE", path.as_str())];
    assert!(complaint("", &both).contains("is set by both"));
    assert!(
        complaint("", &[("AURA_META__VERIFY_TOKEN_FILE", "/nonexistent/x")]).contains("AURA_META__VERIFY_TOKEN_FILE")
    );
    let unquoted = complaint("[meta]\napp_secret = 8675309", &[]);
    assert!(unquoted.contains("not a text in quotes") && !unquoted.contains("8675309"), "{unquoted}");
    assert!(complaint("", &[("AURA_WORKERS_FILE", "x")]).contains("is no secret"));
}

#[test]
fn a_secret_in_a_file_that_others_can_read_is_warned_of() {
    let machine = machine("[meta]\nverify_token = \"x\"", &[]);
    let path = machine.folder.path().join("aura.toml");
    for (mode, warnings) in [(0o644, 1), (0o600, 0)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("changed");
        assert_eq!(load(&machine.inputs).expect("loads").warnings.len(), warnings, "{mode:o}");
    }
}

#[test]
fn variables_of_others_and_empty_ones_do_not_stop_a_start() {
    let variables = [
        ("AURA_TENANT", "noor"),
        ("AURA_PORT", "tcp://10.0.0.1:80"),
        ("AURA_PORT_80_TCP", "x"),
        ("AURA_SERVICE_HOST", "10.0.0.1"),
        ("AURA_PUBLIC_URL", ""),
        ("PATH", "/bin"),
    ];
    assert_eq!(load_with("", &variables).expect("loads").config, Config::default());
}

#[test]
fn the_file_is_the_named_one_else_the_first_of_here_and_the_users() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let users = home.path().join(".config/aura/aura.toml");
    fs::create_dir_all(users.parent().expect("has one")).expect("made");
    fs::write(&users, "workers = 2").expect("written");
    let home_text = home.path().display().to_string();
    let variables = [("HOME", home_text.as_str())];
    let users_only = machine("", &variables);
    let loaded = load(&users_only.inputs).expect("loads");
    assert_eq!((loaded.config.workers, loaded.file), (2, Some(users)));
    assert_eq!(load_with("workers = 3", &variables).expect("loads").config.workers, 3);

    let mut named = machine("workers = 3", &variables);
    let other = named.folder.path().join("other.toml");
    named.inputs.file = Some(other.clone());
    assert!(matches!(load(&named.inputs), Err(Error::Read { named_by: Some(by), .. }) if by == "--config"));
    fs::write(&other, "workers = 4\ndata_dir = \"data\"").expect("written");
    let loaded = load(&named.inputs).expect("loads");
    assert_eq!(loaded.config.workers, 4);
    assert_eq!(loaded.config.data_dir, Some(named.folder.path().join("data")));
}

proptest::proptest! {
    #[test]
    fn no_file_and_no_variable_makes_it_panic(file in "[a-z_.=\\[\\]\" \n0-9]{0,60}", name in "AURA_[A-Z_]{0,20}", value in ".{0,20}") {
        drop(load_with(&file, &[(&name, &value)]));
    }
}

/// The example ships with the product: it must say what is true.
mod example {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../packaging/aura.example.toml");

    #[test]
    fn parses_to_the_defaults() {
        assert_eq!(load_with(EXAMPLE, &[]).expect("loads").config, Config::default());
    }

    #[test]
    fn names_every_key() {
        // Keys without a default are commented out as `#key = …`; words are commented as `# …`.
        let live: String = EXAMPLE
            .lines()
            .map(|line| {
                line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty()).unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let found: Vec<String> =
            file::parse(Path::new("example"), &live).expect("parses").into_iter().map(|setting| setting.key).collect();
        for (key, _) in keys::flatten(&Config::default()) {
            assert!(found.contains(&key), "{key} is missing");
        }
    }
}
