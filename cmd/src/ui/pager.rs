//! A pager for results that are longer than the screen, as `gh` and `git` have it.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
};

use crate::failure::Failure;

/// When nobody named another: it ends by itself if all fits, keeps colours, and leaves the text on the screen.
const DEFAULT: &str = "less";
/// What the default does, unless somebody has set it up otherwise.
const LESS: &str = "FRX";
/// The shell's word for a command that it does not find.
const NOT_FOUND: i32 = 127;

/// Shows `text` in the pager; `false` if there is none, and nothing was shown.
pub fn show(text: &str) -> Result<bool, Failure> {
    let Some(pager) = chosen(|name| std::env::var(name).ok()) else { return Ok(false) };
    let failed = |error: io::Error| Failure::io(format!("the pager `{pager}` could not be used"), &error);
    let mut command = Command::new("/bin/sh");
    // As git does it: the variable may hold arguments.
    command.args(["-c", &pager]).stdin(Stdio::piped());
    for (name, value) in [("LESS", LESS), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(text.as_bytes()).and_then(|()| stdin.write_all(b"\n")) {
            // Whoever has seen enough leaves.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            outcome => outcome.map_err(failed)?,
        }
    }
    Ok(child.wait().map_err(failed)?.code() != Some(NOT_FOUND))
}

/// `AURA_PAGER`, else `PAGER`, else the default; none where it is empty or `cat`.
fn chosen(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let pager = variable("AURA_PAGER").or_else(|| variable("PAGER")).unwrap_or_else(|| DEFAULT.to_owned());
    Some(pager.trim().to_owned()).filter(|pager| !pager.is_empty() && pager != "cat")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_variable_wins_and_an_empty_one_means_none() {
        let with = |set: &[(&str, &str)]| {
            let set = set.to_vec();
            chosen(move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[]).as_deref(), Some("less"));
        assert_eq!(with(&[("PAGER", "most")]).as_deref(), Some("most"));
        assert_eq!(with(&[("PAGER", "most"), ("AURA_PAGER", "less -S")]).as_deref(), Some("less -S"));
        assert_eq!(with(&[("PAGER", "most"), ("AURA_PAGER", "")]), None);
        assert_eq!(with(&[("PAGER", "cat")]), None);
    }
}
