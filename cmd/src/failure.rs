//! Why a command did not do what it was asked, and how that is told.

use aura::{
    api::{ErrorKind, exit, exit_code_of},
    client, config, daemon,
};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: u8,
    /// A stable word for scripts.
    pub code: String,
    /// What failed.
    pub message: String,
    /// Why, from the nearest cause to the root.
    pub causes: Vec<String>,
    /// What to do next.
    pub hint: Option<Box<str>>,
    /// It is none: it was only tried out. Whether something would have changed.
    pub tried_out: Option<bool>,
    /// Finds the request in the daemon's log.
    pub request_id: Option<Box<str>>,
}

impl Failure {
    /// A failure of this command itself.
    pub fn new(exit: u8, code: &str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.into(),
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            tried_out: None,
            request_id: None,
        }
    }

    /// The command makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, "usage", message)
    }

    /// A file or stream could not be read or written.
    pub fn io(message: impl Into<String>, error: &std::io::Error) -> Self {
        let (exit, code) = match error.kind() {
            std::io::ErrorKind::NotFound => (exit_code_of(ErrorKind::NotFound), "file_not_found"),
            _ => (exit::FAILED, "file_failed"),
        };
        Self { causes: vec![error.to_string()], ..Self::new(exit, code, message) }
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into());
        self
    }

    /// As a person reads it. Causes that only repeat the message are left out.
    pub fn text(&self, verbose: bool) -> String {
        let mut text = format!("error: {}", self.message);
        for cause in self.causes.iter().filter(|cause| !self.message.contains(cause.as_str())) {
            text.push_str("\n  cause: ");
            text.push_str(cause);
        }
        text.push_str("\nhint: ");
        text.push_str(&self.what_next());
        if let Some(id) = self.request_id.as_ref().filter(|_| verbose) {
            text.push_str("\nrequest: ");
            text.push_str(id);
        }
        text
    }

    /// The hint; where nobody knows a better one, where the code is explained.
    fn what_next(&self) -> String {
        self.hint
            .as_ref()
            .map_or_else(|| format!("`aura explain {}` says what can be done.", self.code), ToString::to_string)
    }

    /// As a script reads it.
    pub fn json(&self) -> serde_json::Value {
        let mut error = serde_json::json!({ "code": self.code, "message": self.message, "hint": self.what_next() });
        if !self.causes.is_empty() {
            error["causes"] = self.causes.clone().into();
        }
        if let Some(id) = &self.request_id {
            error["request_id"] = id.as_ref().into();
        }
        serde_json::json!({ "error": error })
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        Self {
            exit: error.exit_code(),
            code: error.code().to_owned(),
            message: error.to_string(),
            causes: error.causes(),
            hint: error.hint().map(Into::into),
            tried_out: if let client::Error::Rehearsed { changes } = error { Some(changes) } else { None },
            request_id: error.request_id().map(Into::into),
        }
    }
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        let hint = error.hint().map(Into::into);
        Self { causes: causes(&error), hint, ..Self::new(exit::USAGE, error.code(), error.to_string()) }
    }
}

impl From<daemon::Error> for Failure {
    fn from(error: daemon::Error) -> Self {
        let (exit, hint) = (exit_code_of(error.kind()), error.hint().map(Into::into));
        Self { causes: causes(&error), hint, ..Self::new(exit, error.code(), error.to_string()) }
    }
}

fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure {
            causes: vec!["connection refused (os error 111)".into()],
            request_id: Some("req_7".into()),
            ..Failure::new(7, "daemon_unreachable", "no daemon answers on /run/aura/aura.sock")
        }
        .hint("Start it with `aura serve`.")
    }

    #[test]
    fn a_person_reads_what_why_and_what_next() {
        insta::assert_snapshot!(failure().text(false), @r"
        error: no daemon answers on /run/aura/aura.sock
          cause: connection refused (os error 111)
        hint: Start it with `aura serve`.
        ");
        insta::assert_snapshot!(failure().text(true), @r"
        error: no daemon answers on /run/aura/aura.sock
          cause: connection refused (os error 111)
        hint: Start it with `aura serve`.
        request: req_7
        ");
    }

    #[test]
    fn a_script_reads_the_same() {
        insta::assert_snapshot!(failure().json().to_string(), @r#"{"error":{"causes":["connection refused (os error 111)"],"code":"daemon_unreachable","hint":"Start it with `aura serve`.","message":"no daemon answers on /run/aura/aura.sock","request_id":"req_7"}}"#);
    }
}
