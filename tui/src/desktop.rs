//! The desktop around the terminal: its clipboard, and the program that shows pictures.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};

/// Terminals ignore longer OSC 52 sequences (xterm: 100,000 bytes of base64).
const OSC_BYTES_MAX: usize = 74_994;

/// What can be wrong with opening a picture.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be written.
    #[error("the picture could not be written: {0}")]
    Write(#[from] io::Error),
    /// No program shows it.
    #[error("no program shows pictures here; the picture is {}", .0.display())]
    NoProgram(PathBuf),
}

/// Copies text: to the desktop's clipboard, or through the terminal where there is none, as over SSH.
#[derive(Default)]
pub struct Clipboard {
    // What is copied belongs to whoever offers it: on X11 it is gone with this.
    native: Option<arboard::Clipboard>,
}

impl Clipboard {
    /// Copies `text`; what is to be written to the terminal for it, if anything.
    pub fn copy(&mut self, text: &str) -> Result<Option<String>, String> {
        let over_network = env::var_os("SSH_CONNECTION").is_some();
        if !over_network && self.native.is_none() {
            self.native = arboard::Clipboard::new().ok();
        }
        let native = self.native.as_mut().filter(|_| !over_network);
        if native.is_some_and(|clipboard| clipboard.set_text(text).is_ok()) {
            return Ok(None);
        }
        osc52(text).map(Some)
    }
}

/// The sequence that asks a terminal to copy `text`.
fn osc52(text: &str) -> Result<String, String> {
    if text.len() > OSC_BYTES_MAX {
        return Err(format!("{} bytes are more than terminals copy", text.len()));
    }
    Ok(format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text)))
}

/// Words of one command line, quoted for a shell where they need it. What no shell can hold is left out.
#[must_use]
pub fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let clean: Vec<String> = words.into_iter().map(|word| word.replace('\0', "")).collect();
    shlex::try_join(clean.iter().map(String::as_str)).unwrap_or_default()
}

/// Writes a harmless picture to a file of this user alone and shows it. The file stays until the system clears its
/// temporary folder: the program that shows it may read it late.
pub fn open_picture(bytes: &[u8]) -> Result<PathBuf, OpenError> {
    let suffix = if bytes.starts_with(b"\x89PNG") { ".png" } else { ".jpg" };
    let mut file = tempfile::Builder::new().prefix("aura-picture-").suffix(suffix).tempfile()?;
    file.write_all(bytes)?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(env::var_os("AURA_OPENER").unwrap_or_else(|| program.into()));
    let quiet = command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match quiet.spawn() {
        Ok(mut child) => {
            // Reaped in a thread of its own, so that no zombie stays.
            std::thread::spawn(move || child.wait());
            Ok(path)
        }
        Err(_) => Err(OpenError::NoProgram(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_for_a_shell_is_one_word_each() {
        assert_eq!(quoted(["aura", "chat", "-t", "noor", "--once", "it's; rm -rf ~ $(id)"]).matches('"').count(), 2);
        for nasty in ["it's", "$(id)", "`id`", "a b", "", "\n", "!!", "a\u{0}b", "-x", "'\"\\"] {
            let line = quoted(["aura", nasty]);
            let read = shlex::split(&line).expect("a command line");
            assert_eq!(read, ["aura".to_owned(), nasty.replace('\0', "")], "{line}");
        }
    }

    #[test]
    fn the_terminal_is_asked_to_copy_in_letters_only() {
        let sequence = osc52("a\u{1b}]52;c;!\u{7}").expect("short");
        assert!(sequence.starts_with("\u{1b}]52;c;") && sequence.ends_with('\u{7}'));
        let inner = &sequence[7..sequence.len() - 1];
        assert!(inner.chars().all(|letter| letter.is_ascii_alphanumeric() || "+/=".contains(letter)), "{inner}");
        assert!(osc52(&"x".repeat(OSC_BYTES_MAX + 1)).is_err());
    }
}
