//! Reading what people give to commands: files, stdin, secrets typed without echo.

use std::{
    fs::File,
    io::{self, BufRead, IsTerminal, Read, Write},
    path::Path,
    process::Command,
};

use aura::{api::exit, domain::secret::PASSPHRASE_CHARS_MIN, terminal::terminal_safe};

use crate::failure::Failure;

/// The most bytes of a secret; the longest in use are private keys of a few kilobytes.
const SECRET_BYTES_MAX: usize = 64 * 1024;
/// The most bytes of a settings file or a webhook body: what the daemon takes.
const SMALL_BYTES_MAX: usize = aura::api::BODY_BYTES_MAX;

/// Reads a small file whole; `-` is stdin.
pub fn small_file(path: &Path) -> Result<Vec<u8>, Failure> {
    read(path, SMALL_BYTES_MAX)
}

/// Reads a file whole that may have this many bytes; `-` is stdin.
pub fn file(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    read(path, bytes_max)
}

/// Reads a secret from a file or stdin (`-`); without either, prompts on a terminal and reads stdin elsewhere.
pub fn secret(from: Option<&Path>, prompt: &str) -> Result<String, Failure> {
    let raw = match from {
        Some(path) => read(path, SECRET_BYTES_MAX)?,
        None if io::stdin().is_terminal() => return typed(prompt),
        None => read(Path::new("-"), SECRET_BYTES_MAX)?,
    };
    let text = String::from_utf8(raw).map_err(|_| Failure::usage("the secret is not UTF-8 text"))?;
    not_empty(text.trim_end_matches(['\r', '\n']))
}

/// Reads a passphrase that is yet unknown: twice on a terminal, once from a file or stdin (`-`).
pub fn new_passphrase(from: Option<&Path>) -> Result<String, Failure> {
    if from.is_some() || !io::stdin().is_terminal() {
        return secret(from, "");
    }
    let first = typed(&format!("passphrase, {PASSPHRASE_CHARS_MIN} characters or more (not shown): "))?;
    // Nobody sees what they type, and this is typed for a day far away.
    match typed("the same again: ")? {
        second if second == first => Ok(first),
        _ => Err(Failure::usage("the two passphrases are not the same, and nothing was written")),
    }
}

/// Reads what a person says from stdin, without the line's end.
pub fn text_from_stdin() -> Result<String, Failure> {
    let raw = read(Path::new("-"), SMALL_BYTES_MAX)?;
    let text = String::from_utf8(raw).map_err(|_| Failure::usage("the message is not UTF-8 text"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Lets a person change `text` in their own editor; gives what is left in the file. The file is theirs alone and goes at
/// the end.
pub fn in_editor(text: &str) -> Result<String, Failure> {
    Draft::new(text, ".txt")?.edit("give the words with --text")
}

/// A text that a person changes in their own editor, in a file that is theirs alone.
#[derive(Debug)]
pub struct Draft {
    file: tempfile::NamedTempFile,
    /// What was written to it.
    text: String,
}

impl Draft {
    /// A file with `text`, for what goes with the value.
    pub fn new(text: &str, suffix: &str) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io("there is no place for a draft", &error);
        let mut file = tempfile::Builder::new().prefix("aura-draft-").suffix(suffix).tempfile().map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(Self { file, text: text.to_owned() })
    }

    /// The same, for what stays whatever happens until it is [discarded](Self::discard).
    pub fn lasting(text: &str, suffix: &str) -> Result<Self, Failure> {
        let mut draft = Self::new(text, suffix)?;
        draft.file.disable_cleanup(true);
        Ok(draft)
    }

    /// Opens the editor on the file and gives what is in it afterwards. `otherwise`: what to do without an editor.
    pub fn edit(&self, otherwise: &str) -> Result<String, Failure> {
        let failed = |error: io::Error| Failure::io("the editor could not be used", &error);
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into());
        // As git does it: the variable may hold arguments.
        let script = format!("{editor} \"$1\"");
        let ended = Command::new("/bin/sh").args(["-c", &script, "sh"]).arg(self.path()).status().map_err(failed)?;
        if !ended.success() {
            let message = format!("the editor `{editor}` ended with {ended}, and nothing was changed");
            return Err(Failure::usage(message).hint(format!("Name another one with $EDITOR, or {otherwise}.")));
        }
        std::fs::read_to_string(self.path()).map_err(failed)
    }

    /// Whether somebody changed it.
    pub fn is_changed(&self) -> bool {
        std::fs::read(self.path()).is_ok_and(|bytes| bytes != self.text.as_bytes())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Deletes the file.
    pub fn discard(self) -> Result<(), Failure> {
        self.file.close().map_err(|error| Failure::io("the draft could not be deleted", &error))
    }
}

/// Asks a question; an empty line means `empty`, and whoever is not there declines.
pub async fn agrees(question: &str, empty: bool) -> Result<bool, Failure> {
    Ok(line(question).await?.is_some_and(|line| match line.trim().to_lowercase().as_str() {
        "" => empty,
        word => matches!(word, "y" | "yes"),
    }))
}

/// Asks a question and reads a line; `None`: whoever is asked is not there.
pub async fn line(question: &str) -> Result<Option<String>, Failure> {
    let failed = |error: io::Error| Failure::io("stdin could not be read", &error);
    remark(question)?;
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
    });
    read.await.map_err(|error| Failure::new(exit::FAILED, "failed", error.to_string()))?.map_err(failed)
}

/// Says something to whoever is asked, as it stands.
pub fn remark(text: &str) -> Result<(), Failure> {
    let said = console::Term::stderr().write_str(&terminal_safe(text));
    said.map_err(|error| Failure::io("the question could not be asked", &error))
}

fn typed(prompt: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::io("the secret could not be read", &error);
    let terminal = terminal().map_err(|error| failed(error).hint("Give it with a file, or by stdin."))?;
    terminal.write_str(prompt).map_err(failed)?;
    not_empty(&terminal.read_secure_line().map_err(failed)?)
}

/// Where a person is asked: where everything is said, or on the terminal itself when that goes elsewhere. Nobody would see
/// the question there, and `console` then takes no answer.
fn terminal() -> io::Result<console::Term> {
    if io::stderr().is_terminal() {
        return Ok(console::Term::stderr());
    }
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    Ok(console::Term::read_write_pair(terminal.try_clone()?, terminal))
}

fn not_empty(secret: &str) -> Result<String, Failure> {
    if secret.is_empty() { Err(Failure::usage("the secret is empty")) } else { Ok(secret.to_owned()) }
}

fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::io(format!("{} could not be read", shown(path)), &error);
    let limit = bytes_max as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes)
    }
    .map_err(failed)?;
    if bytes.len() > bytes_max {
        return Err(Failure::usage(format!("{} has more than {bytes_max} bytes", shown(path))));
    }
    Ok(bytes)
}

/// What a source is called: the file's own name, or `stdin`.
pub fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        return "stdin".into();
    }
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), bytes).expect("written");
        file
    }

    #[test]
    fn a_secret_loses_its_line_end_and_nothing_else() {
        let from = file(b" sk-1 \r\n");
        assert_eq!(secret(Some(from.path()), "").expect("a secret"), " sk-1 ");
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused() {
        for bytes in [&b"\n"[..], b"\xff\xfe", &[b'x'; SECRET_BYTES_MAX + 1]] {
            assert!(secret(Some(file(bytes).path()), "").is_err());
        }
        let missing = secret(Some(Path::new("/nonexistent/token")), "").expect_err("it is not there");
        assert_eq!(missing.exit, 3);
    }
}
