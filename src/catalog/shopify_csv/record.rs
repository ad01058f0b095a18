//! CSV records with the physical line they begin on, and recovery from quotes that never close.
//!
//! A record that turns out broken costs its first line only: reading goes on with the next physical line, so that one
//! stray quote does not swallow the products after it.

use std::io::{self, BufRead, Read};

/// The largest record; Shopify's own limit for a description is 512 KB.
const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The physical line it begins on, from 1.
    pub(super) line: u64,
    /// Its fields, unquoted.
    pub(super) fields: Vec<String>,
}

/// What stands next in the file.
#[derive(Debug)]
pub(super) enum Next {
    Record(Record),
    /// A record that never ends.
    Broken {
        line: u64,
    },
    End,
}

/// Reads records from UTF-8 or, record by record where that fails, Windows-1252.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    /// Bytes to be read again before `input`.
    again: Vec<u8>,
    again_at: usize,
    /// The bytes of the last record, and where its first line ends.
    raw: Vec<u8>,
    first_line_end: usize,
    /// Physical lines read so far.
    line: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside of a quoted field: it ended, or a doubled quote follows.
    Quote,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self { input, delimiter, again: Vec::new(), again_at: 0, raw: Vec::new(), first_line_end: 0, line: 0 }
    }

    pub(super) fn into_inner(self) -> R {
        self.input
    }

    /// The next record.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        let line = self.line + 1;
        self.raw.clear();
        self.first_line_end = 0;
        let mut parser = Parser::new(self.delimiter);
        loop {
            let from = self.raw.len();
            let whole = self.read_line()?;
            let read = self.raw.len() - from;
            if self.first_line_end == 0 {
                self.first_line_end = self.raw.len();
            }
            if self.raw.is_empty() {
                return Ok(Next::End);
            }
            parser.feed(&self.raw[from..]);
            let open = parser.state == State::Quoted;
            if !open && (whole || read == 0 || self.raw.len() < RECORD_BYTES_MAX) {
                return Ok(Next::Record(Record { line, fields: parser.finish() }));
            }
            if read == 0 || self.raw.len() >= RECORD_BYTES_MAX {
                if !whole && self.first_line_end == self.raw.len() && read > 0 {
                    self.skip_line()?;
                }
                self.reject();
                return Ok(Next::Broken { line });
            }
        }
    }

    /// Gives up the last record: all but its first line is read again.
    pub(super) fn reject(&mut self) {
        let rest = &self.raw[self.first_line_end..];
        if rest.is_empty() {
            return;
        }
        self.line -= rest.iter().filter(|&&byte| byte == b'\n').count() as u64;
        if self.again_at >= rest.len() && self.again[..self.again_at].ends_with(rest) {
            self.again_at -= rest.len();
        } else {
            let mut again = rest.to_vec();
            again.extend_from_slice(&self.again[self.again_at..]);
            self.again = again;
            self.again_at = 0;
        }
        self.raw.truncate(self.first_line_end);
    }

    /// Appends one physical line to `raw`; whether it came with its end.
    fn read_line(&mut self) -> io::Result<bool> {
        let from = self.raw.len();
        let room = |raw: &Vec<u8>| RECORD_BYTES_MAX.saturating_sub(raw.len()) as u64;
        if self.again_at < self.again.len() {
            let again = &self.again[self.again_at..];
            self.again_at += again.take(room(&self.raw)).read_until(b'\n', &mut self.raw)?;
        }
        if !self.raw[from..].ends_with(b"\n") {
            let room = room(&self.raw);
            self.input.by_ref().take(room).read_until(b'\n', &mut self.raw)?;
        }
        let whole = self.raw[from..].ends_with(b"\n");
        self.line += u64::from(whole);
        Ok(whole)
    }

    /// Reads over the rest of a line that is longer than a record may be.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(());
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(available.len(), |at| at + 1);
            self.input.consume(used);
            if end.is_some() {
                self.line += 1;
                return Ok(());
            }
        }
    }
}

struct Parser {
    delimiter: u8,
    state: State,
    /// The fields one behind the other, and where each ends: one buffer is cheaper than one for each field.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Parser {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Start, text: Vec::new(), ends: Vec::new() }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            let byte = *byte;
            // What stands inside of a field is most of a file: taken at once.
            let ordinary = match self.state {
                State::Quoted => rest.iter().position(|&byte| byte == b'"'),
                State::Plain => rest.iter().position(|&byte| byte == self.delimiter || byte == b'\r' || byte == b'\n'),
                State::Start | State::Quote => Some(0),
            };
            let ordinary = ordinary.unwrap_or(rest.len());
            if ordinary > 0 {
                self.text.extend_from_slice(&rest[..ordinary]);
                rest = &rest[ordinary..];
                continue;
            }
            rest = after;
            self.state = match (self.state, byte) {
                (State::Start, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::Quote,
                (State::Quote, b'"') => {
                    self.text.push(b'"');
                    State::Quoted
                }
                (State::Quoted, other) => {
                    self.text.push(other);
                    State::Quoted
                }
                (_, other) if other == self.delimiter => {
                    self.ends.push(self.text.len());
                    State::Start
                }
                (_, b'\r' | b'\n') => State::Plain,
                (_, other) => {
                    self.text.push(other);
                    State::Plain
                }
            };
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.ends.push(self.text.len());
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let fields = starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end]);
        // One record is in one encoding: a valid field beside an invalid one is ASCII, or chance.
        let utf8: Option<Vec<String>> =
            fields.clone().map(|field| std::str::from_utf8(field).ok().map(str::to_owned)).collect();
        utf8.unwrap_or_else(|| fields.map(|field| field.iter().map(|&byte| windows_1252(byte)).collect()).collect())
    }
}

/// What spreadsheets save when they do not save UTF-8. Its five undefined bytes become U+FFFD.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}',
        '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Option<Vec<String>>)> {
        let mut records = Records::new(text, b',');
        let mut found = Vec::new();
        loop {
            match records.next().expect("memory can be read") {
                Next::Record(record) => found.push((record.line, Some(record.fields))),
                Next::Broken { line } => found.push((line, None)),
                Next::End => return found,
            }
        }
    }

    fn row(line: u64, fields: &[&str]) -> (u64, Option<Vec<String>>) {
        (line, Some(fields.iter().map(|&field| field.to_owned()).collect()))
    }

    #[test]
    fn quotes_newlines_and_line_numbers() {
        assert_eq!(
            all(b"a,b\r\n\"x \"\"y\"\"\nz\",2\n,\nlast"),
            [row(1, &["a", "b"]), row(2, &["x \"y\"\nz", "2"]), row(4, &["", ""]), row(5, &["last"])]
        );
    }

    #[test]
    fn a_quote_that_never_closes_costs_one_line() {
        assert_eq!(
            all(b"a,b\n\"x,1\nc,d\ne,f\n"),
            [row(1, &["a", "b"]), (2, None), row(3, &["c", "d"]), row(4, &["e", "f"])]
        );
    }

    #[test]
    fn a_rejected_record_is_read_again_from_its_second_line() {
        let mut records = Records::new(&b"\"x\ny,1\n\"z\",2\n"[..], b',');
        assert!(matches!(records.next(), Ok(Next::Record(record)) if record.line == 1 && record.fields.len() == 2));
        records.reject();
        assert!(matches!(records.next(), Ok(Next::Record(record)) if record.line == 2 && record.fields == ["y", "1"]));
        assert!(matches!(records.next(), Ok(Next::Record(record)) if record.line == 3 && record.fields == ["z", "2"]));
        assert!(matches!(records.next(), Ok(Next::End)));
    }

    #[test]
    fn bytes_that_are_no_utf8_are_read_as_windows_1252() {
        assert_eq!(all(b"caf\xe9,\x80 5\nna\xc3\xafve,x\n"), [row(1, &["café", "€ 5"]), row(2, &["naïve", "x"])]);
    }

    #[test]
    fn an_endless_line_is_skipped() {
        let mut text = vec![b'x'; RECORD_BYTES_MAX + 10];
        text.extend_from_slice(b"\na,b\n");
        assert_eq!(all(&text), [(1, None), row(2, &["a", "b"])]);
    }
}
