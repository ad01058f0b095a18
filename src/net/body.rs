//! A body that is read with every limit: bytes as they come and as they unpack, the ratio of the two, the wait between
//! pieces, and what it is.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, HeaderMap},
};

use super::{
    Content, Error, Limits, Wait,
    content::SNIFF_BYTES,
    limits::{RATIO_FROM, RATIO_MAX},
};

/// Reads all of a body, or as much as it takes to see that it must not be read. `kinds`: what it may be; empty: anything.
pub(super) async fn read(
    host: &str,
    mut response: Response,
    limits: &Limits,
    kinds: &[Content],
) -> Result<(Vec<u8>, Content), Error> {
    let too_large = || Error::TooLarge { host: host.to_owned(), bytes_max: limits.bytes };
    let mut unpacker = Unpacker::new(is_gzip(response.headers()).ok_or_else(|| encoding(host))?, limits.bytes);
    if response.content_length().is_some_and(|length| length > limits.bytes as u64) {
        return Err(too_large());
    }
    let mut seen = None;
    loop {
        let piece = tokio::time::timeout(limits.idle, response.chunk()).await;
        let piece = piece.map_err(|_| Error::Late { host: host.to_owned(), wait: Wait::Idle })?;
        let Some(piece) = piece.map_err(|source| broken(host, source.without_url()))? else { break };
        unpacker.write(&piece).map_err(|stop| stop.into_error(host, too_large))?;
        if seen.is_none() && unpacker.unpacked().len() >= SNIFF_BYTES {
            seen = Some(expected(host, unpacker.unpacked(), kinds)?);
        }
    }
    let body = unpacker.finish().map_err(|stop| stop.into_error(host, too_large))?;
    let content = match seen {
        Some(content) => content,
        None => expected(host, &body, kinds)?,
    };
    Ok((body, content))
}

fn expected(host: &str, start: &[u8], kinds: &[Content]) -> Result<Content, Error> {
    let found = Content::of(start);
    if kinds.is_empty() || kinds.contains(&found) {
        Ok(found)
    } else {
        Err(Error::Unexpected { host: host.to_owned(), found })
    }
}

/// Whether the body is packed with gzip; `None`: in another way, or more than once.
fn is_gzip(headers: &HeaderMap) -> Option<bool> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let (first, more) = (encodings.next(), encodings.next());
    match (first, more) {
        (None, _) => Some(false),
        (Some(one), None) => match one.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
            "identity" | "" => Some(false),
            "gzip" | "x-gzip" => Some(true),
            _ => None,
        },
        (Some(_), Some(_)) => None,
    }
}

fn encoding(host: &str) -> Error {
    Error::Encoding { host: host.to_owned() }
}

fn broken(host: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Broken { host: host.to_owned(), source: source.into() }
}

/// Why no more is unpacked.
#[derive(Debug)]
enum Stop {
    TooLarge,
    Bomb,
    Damaged(io::Error),
}

impl Stop {
    fn into_error(self, host: &str, too_large: impl Fn() -> Error) -> Error {
        match self {
            Self::TooLarge => too_large(),
            Self::Bomb => Error::Bomb { host: host.to_owned() },
            Self::Damaged(source) => broken(host, source),
        }
    }
}

/// Takes bytes as they come and keeps them as they are meant.
enum Unpacker {
    Plain(Capped),
    // Boxed: the decoder's window is large.
    Gzip(Box<MultiGzDecoder<Capped>>),
}

impl Unpacker {
    fn new(is_gzip: bool, bytes_max: usize) -> Self {
        let kept = Capped { kept: Vec::new(), bytes_max, packed: None, stop: None };
        if is_gzip {
            Self::Gzip(Box::new(MultiGzDecoder::new(Capped { packed: Some(0), ..kept })))
        } else {
            Self::Plain(kept)
        }
    }

    fn unpacked(&self) -> &[u8] {
        match self {
            Self::Plain(capped) => &capped.kept,
            Self::Gzip(decoder) => &decoder.get_ref().kept,
        }
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Stop> {
        match self {
            Self::Plain(capped) => {
                let written = capped.write_all(piece);
                capped.judge(written)
            }
            Self::Gzip(decoder) => {
                if let Some(packed) = &mut decoder.get_mut().packed {
                    *packed += piece.len() as u64;
                }
                let written = decoder.write_all(piece);
                decoder.get_mut().judge(written)
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>, Stop> {
        match self {
            Self::Plain(capped) => Ok(capped.kept),
            Self::Gzip(mut decoder) => {
                let ended = decoder.try_finish();
                decoder.get_mut().judge(ended)?;
                Ok(std::mem::take(&mut decoder.get_mut().kept))
            }
        }
    }
}

/// Keeps bytes up to a limit, and no more of them than [`RATIO_MAX`] times the packed ones.
struct Capped {
    kept: Vec<u8>,
    bytes_max: usize,
    /// Bytes that came so far, packed; `None`: they are not packed.
    packed: Option<u64>,
    stop: Option<Stop>,
}

impl Capped {
    /// What an unpacker's outcome means: its own complaint, or ours that went through it.
    fn judge(&mut self, outcome: io::Result<()>) -> Result<(), Stop> {
        match (self.stop.take(), outcome) {
            (Some(stop), _) => Err(stop),
            (None, Err(error)) => Err(Stop::Damaged(error)),
            (None, Ok(())) => Ok(()),
        }
    }
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let bytes = self.kept.len() + piece.len();
        let ratio_broken =
            self.packed.is_some_and(|packed| bytes as u64 > RATIO_FROM && bytes as u64 > packed * RATIO_MAX);
        if ratio_broken || bytes > self.bytes_max {
            self.stop = Some(if ratio_broken { Stop::Bomb } else { Stop::TooLarge });
            return Err(io::Error::other("over the limit"));
        }
        self.kept.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
