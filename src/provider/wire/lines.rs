//! Cuts bytes as they arrive into lines, however the network has cut them.
//!
//! Works on bytes, so that a character cut in two by a chunk is whole again before anybody reads it as text.

/// The longest line that is read. A line holds one event; the longest seen carry a picture's worth of tool arguments.
pub(in crate::provider) const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) enum LineEnd {
    /// LF, with or without a CR before it (NDJSON).
    Newline,
    /// LF, CR LF or CR alone (the event stream format of HTML).
    Any,
}

/// A line that is longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) struct LineTooLong;

/// Bytes on their way to becoming lines.
#[derive(Debug)]
pub(in crate::provider) struct Lines {
    ends: LineEnd,
    limit: usize,
    buffer: Vec<u8>,
    /// Where the next line begins in `buffer`.
    start: usize,
    /// Up to where `buffer` is known to hold no end of a line.
    searched: usize,
    /// The last line ended with CR at the very end of what had arrived: a LF that comes next belongs to it.
    after_cr: bool,
}

impl Lines {
    pub(in crate::provider) fn new(ends: LineEnd, limit: usize) -> Self {
        Self { ends, limit, buffer: Vec::new(), start: 0, searched: 0, after_cr: false }
    }

    /// Takes what has arrived.
    pub(in crate::provider) fn push(&mut self, bytes: &[u8]) {
        // What has been read goes first, so that the buffer holds one unfinished line and this chunk at most.
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    pub(in crate::provider) fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        if self.after_cr && self.searched < self.buffer.len() {
            if self.buffer[self.searched] == b'\n' {
                self.start += 1;
                self.searched += 1;
            }
            self.after_cr = false;
        }
        let is_end = |byte: &u8| *byte == b'\n' || (self.ends == LineEnd::Any && *byte == b'\r');
        let Some(length) = self.buffer[self.searched..].iter().position(is_end) else {
            self.searched = self.buffer.len();
            return if self.searched - self.start > self.limit { Err(LineTooLong) } else { Ok(None) };
        };
        let (from, end) = (self.start, self.searched + length);
        if end - from > self.limit {
            return Err(LineTooLong);
        }
        let mut next = end + 1;
        if self.buffer[end] == b'\r' {
            match self.buffer.get(next) {
                Some(b'\n') => next += 1,
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        (self.start, self.searched) = (next, next);
        let line = &self.buffer[from..end];
        Ok(Some(if self.ends == LineEnd::Newline { line.strip_suffix(b"\r").unwrap_or(line) } else { line }))
    }

    /// What is left when nothing more comes: a last line without its end, or nothing.
    pub(in crate::provider) fn rest(&mut self) -> &[u8] {
        let from = std::mem::replace(&mut self.start, self.buffer.len());
        self.searched = self.start;
        let rest = &self.buffer[from..];
        rest.strip_suffix(b"\r").unwrap_or(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(ends: LineEnd, chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::new(ends, LINE_BYTES_MAX);
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk);
            while let Some(line) = lines.next_line().expect("no line is too long") {
                found.push(String::from_utf8(line.to_vec()).expect("whole characters"));
            }
        }
        found.push(format!("rest:{}", String::from_utf8(lines.rest().to_vec()).expect("whole characters")));
        found
    }

    #[test]
    fn every_kind_of_line_end_ends_one_line() {
        assert_eq!(lines(LineEnd::Any, &[b"a\nb\r\nc\rd\r\n\re"]), ["a", "b", "c", "d", "", "rest:e"]);
        assert_eq!(lines(LineEnd::Newline, &[b"a\nb\r\nc\rd\n\n"]), ["a", "b", "c\rd", "", "rest:"]);
    }

    #[test]
    fn a_cr_and_its_lf_in_two_chunks_are_one_end() {
        assert_eq!(lines(LineEnd::Any, &[b"a\r", b"\nb\r", b"", b"\n", b"c\r", b"d"]), ["a", "b", "c", "rest:d"]);
    }

    #[test]
    fn a_line_over_the_limit_is_refused_before_its_end_has_come() {
        let mut lines = Lines::new(LineEnd::Newline, 4);
        lines.push(b"1234\n");
        assert_eq!(lines.next_line(), Ok(Some(&b"1234"[..])));
        lines.push(b"12345");
        assert_eq!(lines.next_line(), Err(LineTooLong));
        let mut whole = Lines::new(LineEnd::Newline, 4);
        whole.push(b"12345\n");
        assert_eq!(whole.next_line(), Err(LineTooLong));
    }

    proptest! {
        #[test]
        fn where_the_network_cuts_changes_nothing(text in "[a\r\nس😀 ]{0,40}", cuts in prop::collection::vec(0usize..80, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            for ends in [LineEnd::Any, LineEnd::Newline] {
                prop_assert_eq!(lines(ends, &chunks), lines(ends, &[bytes]));
            }
        }
    }
}
