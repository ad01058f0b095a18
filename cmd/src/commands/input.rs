//! Reading what people give to commands: files, stdin, secrets typed without echo.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
    process::Command,
};

use aura::domain::secret::PASSPHRASE_CHARS_MIN;

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
    let failed = |error: io::Error| Failure::io("the editor could not be used", &error);
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into());
    let mut file = tempfile::Builder::new().prefix("aura-draft-").suffix(".txt").tempfile().map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    // As git does it: the variable may hold arguments.
    let script = format!("{editor} \"$1\"");
    let ended = Command::new("/bin/sh").args(["-c", &script, "sh"]).arg(file.path()).status().map_err(failed)?;
    if !ended.success() {
        let message = format!("the editor `{editor}` ended with {ended}, and nothing was sent");
        return Err(Failure::usage(message).hint("Name another one with $EDITOR, or give the words with --text."));
    }
    std::fs::read_to_string(file.path()).map_err(failed)
}

fn typed(prompt: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::io("the secret could not be read", &error);
    let terminal = console::Term::stderr();
    terminal.write_str(prompt).map_err(failed)?;
    not_empty(&terminal.read_secure_line().map_err(failed)?)
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
