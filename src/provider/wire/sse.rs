//! Reads an event stream (HTML living standard, "Server-sent events"), as far as providers use it.
//!
//! `id` and `retry` are for browsers that reconnect; a model's answer cannot be continued that way, so they are ignored.

use super::lines::{LineEnd, LineTooLong, Lines};

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::provider) struct SseEvent {
    /// Its `event` field; empty where there is none.
    pub(in crate::provider) name: String,
    /// Its `data` lines, joined by LF.
    pub(in crate::provider) data: String,
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) enum Unreadable {
    /// More than the limit without an end.
    TooLong,
    /// Bytes that are no UTF-8.
    NotText,
}

impl From<LineTooLong> for Unreadable {
    fn from(_: LineTooLong) -> Self {
        Self::TooLong
    }
}

/// Bytes on their way to becoming events.
#[derive(Debug)]
pub(in crate::provider) struct Sse {
    lines: Lines,
    limit: usize,
    event: SseEvent,
    has_data: bool,
    is_first_line: bool,
}

impl Sse {
    pub(in crate::provider) fn new(limit: usize) -> Self {
        let lines = Lines::new(LineEnd::Any, limit);
        Self { lines, limit, event: SseEvent::default(), has_data: false, is_first_line: true }
    }

    pub(in crate::provider) fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// The next whole event. Comments and events without data are skipped.
    pub(in crate::provider) fn next_event(&mut self) -> Result<Option<SseEvent>, Unreadable> {
        while let Some(line) = self.lines.next_line()? {
            let line = std::str::from_utf8(line).map_err(|_| Unreadable::NotText)?;
            let is_first = std::mem::replace(&mut self.is_first_line, false);
            let line = if is_first { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if std::mem::replace(&mut self.has_data, false) {
                    return Ok(Some(event));
                }
            } else {
                field(&mut self.event, &mut self.has_data, line);
                if self.event.data.len() > self.limit {
                    return Err(Unreadable::TooLong);
                }
            }
        }
        Ok(None)
    }

    /// The last event, when nothing more comes. The standard drops an event that no empty line ends; a server that closes
    /// right behind its last line means it all the same, and a cut one shows itself when its data is read.
    pub(in crate::provider) fn rest(&mut self) -> Result<Option<SseEvent>, Unreadable> {
        let line = std::str::from_utf8(self.lines.rest()).map_err(|_| Unreadable::NotText)?;
        if !line.is_empty() {
            field(&mut self.event, &mut self.has_data, line);
        }
        let event = std::mem::take(&mut self.event);
        Ok(std::mem::replace(&mut self.has_data, false).then_some(event))
    }
}

fn field(event: &mut SseEvent, has_data: &mut bool, line: &str) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.strip_prefix(' ').unwrap_or(value);
    match name {
        "event" => value.clone_into(&mut event.name),
        "data" => {
            if *has_data {
                event.data.push('\n');
            }
            event.data.push_str(value);
            *has_data = true;
        }
        // An empty name is a comment: a keep-alive. Others are for browsers.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str, chunk_bytes: usize) -> Vec<(String, String)> {
        let mut sse = Sse::new(1_000);
        let mut found = Vec::new();
        for chunk in text.as_bytes().chunks(chunk_bytes) {
            sse.push(chunk);
            while let Some(event) = sse.next_event().expect("readable") {
                found.push((event.name, event.data));
            }
        }
        if let Some(event) = sse.rest().expect("readable") {
            found.push((event.name, event.data));
        }
        found
    }

    #[test]
    fn one_byte_at_a_time_reads_the_same_as_all_at_once() {
        let text = "\u{feff}: OPENROUTER PROCESSING\r\n\r\nevent: delta\r\ndata: {\"t\":\"سلام 👋🏽\"}\r\n\r\n\
                    data:first\ndata: second\n\nid: 7\nretry: 10\nevent: empty\n\ndata: [DONE]\r\rdata: cut";
        let expected = [("delta", "{\"t\":\"سلام 👋🏽\"}"), ("", "first\nsecond"), ("", "[DONE]"), ("", "cut")];
        for chunk_bytes in [1, 2, 3, 5, 7, 1_000] {
            let found = events(text, chunk_bytes);
            let found: Vec<_> = found.iter().map(|(name, data)| (name.as_str(), data.as_str())).collect();
            assert_eq!(found, expected, "{chunk_bytes}");
        }
    }

    #[test]
    fn data_without_end_is_refused_however_it_is_spread_over_lines() {
        let mut sse = Sse::new(10);
        sse.push(b"data: 123456\ndata: 789012\n");
        assert_eq!(sse.next_event(), Err(Unreadable::TooLong));
        let mut sse = Sse::new(10);
        sse.push(b"data: 1234567890");
        assert_eq!(sse.next_event(), Err(Unreadable::TooLong));
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_not_a_replacement_character() {
        let mut sse = Sse::new(100);
        sse.push(b"data: \xff\n\n");
        assert_eq!(sse.next_event(), Err(Unreadable::NotText));
    }
}
