//! `aura persona edit`: what a person writes in their editor becomes the voice, or is told what is wrong with it, and is never lost.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use aura::api::Persona;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Child,
};

use crate::{
    shop::{DEADLINE, Ran, command, holds},
    support::{SHOP, TestAura},
};

const VOICE: &str = "\
name: Mira
tone: warm
emoji: many
disclose: false
greeting: 'Ahoy: from Harbor & Pine 🌲'
sign_off: Love, Mira
hours: {en: 'Mon–Fri, 9 am to 6 pm'}
dont: [Never mention the weather.]
facts:
  - Delivery within Germany takes 2 to 4 working days.
escalate: [allerg*]
";

/// A shop with a voice, and a folder for an editor that is a script and for drafts.
struct Desk {
    aura: TestAura,
    folder: TempDir,
}

impl Desk {
    async fn new() -> Self {
        let aura = TestAura::setup().start().await;
        aura.client().set_persona(SHOP, VOICE.into()).await.expect("a voice");
        Self { aura, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Edits with a script that gets the file as `$1`.
    fn start(&self, script: &str, more: &[&str]) -> Child {
        let editor = self.folder.path().join("editor");
        fs::write(&editor, script).expect("written");
        let drafts = self.folder.path().join("drafts");
        fs::create_dir_all(&drafts).expect("made");
        command(self.aura.data_dir())
            .args([&["persona", "edit", "-t", SHOP], more].concat())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TMPDIR", &drafts)
            // Arguments and all, as git takes it; the one that goes first is left out where it is empty.
            .env("VISUAL", "")
            .env("EDITOR", format!("sh -e {}", editor.display()))
            .spawn()
            .expect("the command starts")
    }

    /// The same to its end, and says `answers` when it is asked.
    async fn edit(&self, script: &str, answers: &str, more: &[&str]) -> Ran {
        let mut child = self.start(script, more);
        let mut pipe = child.stdin.take().expect("its stdin is a pipe");
        pipe.write_all(answers.as_bytes()).await.expect("it reads");
        drop(pipe);
        let output =
            tokio::time::timeout(DEADLINE, child.wait_with_output()).await.expect("it ends").expect("readable");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    async fn voice(&self) -> Persona {
        self.aura.client().persona(SHOP, None).await.expect("a voice")
    }

    async fn versions(&self) -> u32 {
        self.aura.client().persona_versions(SHOP).await.expect("versions")[0].version
    }

    /// Drafts that were left behind.
    fn drafts(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder.path().join("drafts")).expect("readable");
        files.map(|file| file.expect("readable").path()).collect()
    }
}

#[tokio::test]
async fn what_is_saved_in_the_editor_is_a_new_version_of_the_voice() {
    let desk = Desk::new().await;
    let before = desk.voice().await;
    let ran =
        desk.edit("sed -i 's/^tone: .*/tone: formal/; s/^# reply_time: .*/reply_time: soon/' \"$1\"", "", &[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("the next answer has it"), "{ran:?}");
    let after = desk.voice().await;
    assert_eq!((after.tone.as_deref(), desk.versions().await), (Some("formal"), 2));
    assert!(after.reply_time.is_some(), "what stood there as a comment is set by taking its mark away: {after:?}");
    assert_eq!(Persona { tone: before.tone.clone(), reply_time: None, ..after }, before, "the rest is as it was");
    let ran = desk.edit("sed -i 's/^tone: .*/tone: crisp/' \"$1\"", "", &["--json"]).await;
    assert_eq!(ran.json()["tone"], "crisp");
    assert!(desk.drafts().is_empty(), "nothing is left lying about");
}

#[tokio::test]
async fn what_is_left_as_it_was_sets_nothing_and_says_so() {
    let desk = Desk::new().await;
    for script in ["true", "echo '# a thought' >> \"$1\""] {
        let ran = desk.edit(script, "", &[]).await;
        assert!(ran.code == 0 && ran.stderr.contains("nothing changed"), "{script}: {ran:?}");
        assert_eq!(desk.edit(script, "", &["--json"]).await.json()["name"], "Mira");
    }
    assert_eq!(desk.versions().await, 1);
    assert!(desk.drafts().is_empty());
}

/// Makes a mistake; finds it there the second time, and mends it.
const MISTAKE: &str = "\
if grep -q loud \"$1\"; then sed -i 's/^tone: loud/tone: crisp/' \"$1\"; else
sed -i 's/^tone: .*/tone: loud/; s/Love, Mira/Yours, Mira/' \"$1\"; grep -n '^tone' \"$1\" | cut -d: -f1 > \"$0.line\"; fi";

#[tokio::test]
async fn a_mistake_is_named_with_its_line_and_the_editor_opens_again_with_what_was_written() {
    let desk = Desk::new().await;
    let ran = desk.edit(MISTAKE, "y\n", &[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let line = fs::read_to_string(desk.folder.path().join("editor.line")).expect("the line of the mistake");
    let said = format!("line {}: tone: `loud` is not a tone", line.trim());
    assert!(ran.stderr.contains(&said), "`{said}` is not in {ran:?}");
    let after = desk.voice().await;
    assert_eq!((after.tone.as_deref(), after.sign_off.as_deref()), (Some("crisp"), Some("Yours, Mira")));
    assert!(desk.drafts().is_empty());
}

#[tokio::test]
async fn whoever_gives_up_on_a_mistake_finds_what_they_wrote_in_a_file_of_their_own() {
    let desk = Desk::new().await;
    let before = desk.voice().await;
    for (at, (answers, more)) in [("n\n", &[][..]), ("", &[]), ("y\n", &["--json"])].into_iter().enumerate() {
        let ran = desk.edit(MISTAKE, answers, more).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        let drafts = desk.drafts();
        assert_eq!(drafts.len(), at + 1, "a script is asked nothing, and so mends nothing: {ran:?}");
        let named: Vec<_> = drafts.iter().filter(|file| ran.stderr.contains(&file.display().to_string())).collect();
        let [file] = named.as_slice() else { panic!("no draft is named: {ran:?}") };
        assert_eq!(fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(file).expect("text").contains("sign_off: Yours, Mira"));
    }
    assert_eq!((desk.voice().await, desk.versions().await), (before, 1));
}

#[tokio::test]
async fn whoever_is_interrupted_at_the_question_knows_where_their_words_are() {
    let desk = Desk::new().await;
    let mut child = desk.start(MISTAKE, &[]);
    // Held open: nobody answers.
    let _stdin = child.stdin.take().expect("its stdin is a pipe");
    let (mut stderr, mut said) = (child.stderr.take().expect("its stderr is a pipe"), Vec::new());
    let asked = async {
        while !holds(&said, "[Y/n]") {
            assert!(stderr.read_buf(&mut said).await.expect("readable") > 0, "it ends unasked");
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.expect("it asks");
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("it runs");
    kill_process(id, Signal::INT).expect("it is ours");
    let ended = tokio::time::timeout(DEADLINE, child.wait()).await.expect("it ends").expect("it is ours");
    let [file] = desk.drafts().try_into().expect("one draft");
    assert!(ended.code() == Some(130) && holds(&said, &file.display().to_string()), "{ended}");
    assert!(fs::read_to_string(file).expect("text").contains("sign_off: Yours, Mira"));
}

#[tokio::test]
async fn an_editor_that_fails_sets_nothing_and_loses_nothing() {
    let desk = Desk::new().await;
    let ran = desk.edit("exit 3", "", &[]).await;
    assert!(ran.code == 2 && ran.stderr.contains("exit status: 3") && desk.drafts().is_empty(), "{ran:?}");
    let ran = desk.edit("sed -i 's/^tone: .*/tone: formal/' \"$1\"; exit 3", "", &[]).await;
    let [file] = desk.drafts().try_into().expect("one draft");
    assert!(ran.code == 2 && ran.stderr.contains(&file.display().to_string()), "{ran:?}");
    assert_eq!((desk.voice().await.tone.as_deref(), desk.versions().await), (Some("warm"), 1));
}

#[tokio::test]
async fn a_voice_that_somebody_else_set_meanwhile_is_not_replaced_unseen() {
    let desk = Desk::new().await;
    let other = format!(
        "sed -i 's/^tone: .*/tone: formal/' \"$1\"; echo 'name: Noor' | '{}' --data-dir '{}' persona set -t {SHOP} --file - >&2",
        env!("CARGO_BIN_EXE_aura"),
        desk.aura.data_dir().display(),
    );
    let ran = desk.edit(&other, "", &[]).await;
    assert!(ran.code == 6 && ran.stderr.contains("somebody else"), "{ran:?}");
    let [file] = desk.drafts().try_into().expect("one draft");
    assert!(fs::read_to_string(file).expect("text").contains("tone: formal"));
    let voice = desk.voice().await;
    assert_eq!((voice.name.as_deref(), voice.tone.as_deref()), (Some("Noor"), Some("warm")));
}
