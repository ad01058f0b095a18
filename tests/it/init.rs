//! Setting up an installation by the real command: by a person's answers, by those of a file, and again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    shop::{aura, command},
    support::Terminal,
};

const ANSWERS: &str = "\
public_url: https://dm.example.com
shop: { slug: noor, name: Noor Atelier, language: de, currency: EUR }
model: gemini:gemini-3.5-flash-lite
recovery_copy: { file: key.age, passphrase_file: words }
";

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    fs::write(folder.path().join("answers.yaml"), ANSWERS).expect("written");
    fs::write(folder.path().join("words"), "correct horse battery staple").expect("written");
    (folder, data)
}

fn config(folder: &Path) -> PathBuf {
    folder.join(".config/aura/aura.toml")
}

async fn json(data: &Path, args: &[&str]) -> Value {
    aura(data, &[args, &["--json"]].concat(), "").await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_from_a_file_are_shown_first_then_written_and_the_second_time_change_nothing() {
    let (folder, data) = place();
    let init = ["init", "--answers", "answers.yaml"];
    let dry = json(&data, &[&init[..], &["--dry-run"]].concat()).await;
    assert_eq!((&dry["shop"], &dry["new"], &dry["recovery_copy"]), (&"noor".into(), &true.into(), &"key.age".into()));
    assert_eq!(dry["config"]["changes"][0], "public_url = \"https://dm.example.com\"", "{dry}");
    assert!(!data.exists() && !config(folder.path()).exists() && !folder.path().join("key.age").exists());

    let made = json(&data, &init).await;
    assert_eq!((&made["shop"], &made["recovery_copy"]["file"]), (&"noor".into(), &"key.age".into()), "{made}");
    let written = fs::read_to_string(config(folder.path())).expect("written");
    assert_eq!(written, "public_url = \"https://dm.example.com\"\n");
    let shop = json(&data, &["tenant", "show", "noor"]).await;
    assert_eq!((&shop["name"], &shop["language"]), (&"Noor Atelier".into(), &"de".into()), "{shop}");
    let models = json(&data, &["model", "list"]).await;
    assert!(models["choices"].to_string().contains("gemini:gemini-3.5-flash-lite"), "{models}");

    let key = fs::read(folder.path().join("key.age")).expect("a copy");
    let again = json(&data, &init).await;
    assert!(again["shop"].is_null() && again["config"].is_null() && again["recovery_copy"].is_null(), "{again}");
    assert_eq!(fs::read(folder.path().join("key.age")).expect("a copy"), key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_sees_what_will_be_written_and_decides() {
    let (folder, data) = place();
    let ask = |agree: &str| {
        let mut terminal = Terminal::run(command(&data), &["init"]);
        terminal.types("Public URL", "dm.example.com");
        terminal.types("it begins with https://", "https://dm.example.com");
        terminal.types("First shop", "noor Noor Atelier");
        terminal.types("language and currency [en EUR]", "de eur");
        terminal.types("[builtin]", "");
        terminal.types("master key, on another disk [none]", "");
        terminal.types("Write this?", agree);
        terminal
    };
    let (code, shown) = ask("n").ended().await;
    assert!(code == 0 && shown.contains("nothing was written") && !data.exists(), "{code}: {shown}");
    assert!(!config(folder.path()).exists());
    let (code, shown) = ask("y").ended().await;
    assert!(code == 0 && shown.contains("Noor Atelier, de, EUR"), "{code}: {shown}");
    assert_eq!(json(&data, &["tenant", "list"]).await["items"][0]["currency"], "EUR");

    // Again: what is there is offered, and the shop is not asked for.
    let mut terminal = Terminal::run(command(&data), &["init"]);
    terminal.types("[https://dm.example.com]", "");
    terminal.types("[builtin]", "");
    terminal.types("[none]", "");
    terminal.types("Write this?", "");
    let (code, shown) = terminal.ended().await;
    assert!(code == 0 && shown.contains("noor, as before") && !shown.contains("First shop"), "{code}: {shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_before_anything_is_made() {
    let (folder, data) = place();
    for (text, said) in [("publicurl: x\n", "cannot be understood"), ("shop: { slug: noor }\n", "cannot be understood")]
    {
        fs::write(folder.path().join("answers.yaml"), text).expect("written");
        let ran = aura(&data, &["init", "--answers", "answers.yaml"], "").await;
        assert!(ran.code == 2 && ran.stderr.contains(said), "{ran:?}");
        assert!(!data.exists(), "{text}");
    }
    fs::write(folder.path().join("answers.yaml"), "public_url: no address\n").expect("written");
    let ran = aura(&data, &["init", "--answers", "answers.yaml"], "").await;
    assert!(ran.code == 2 && !config(folder.path()).exists() && !data.exists(), "{ran:?}");
}
