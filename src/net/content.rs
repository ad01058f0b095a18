//! What a body is, by its first bytes. What its server calls it is not asked.

/// Bytes that suffice to tell.
pub const SNIFF_BYTES: usize = 512;

/// Kinds of content that Aura tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing at all.
    Empty,
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture.
    Png,
    /// A GIF picture or animation.
    Gif,
    /// A WebP picture.
    Webp,
    /// An AVIF picture.
    Avif,
    /// An HEIC picture, as iPhones take them.
    Heic,
    /// A BMP picture.
    Bmp,
    /// A TIFF picture.
    Tiff,
    /// A drawing in SVG: a program, for our purposes.
    Svg,
    /// A film in MP4 or QuickTime.
    Mp4,
    /// A PDF document.
    Pdf,
    /// A ZIP archive, or an office document.
    Zip,
    /// A gzip file.
    Gzip,
    /// A page.
    Html,
    /// Any other XML: a feed, a sitemap.
    Xml,
    /// A JSON object or array.
    Json,
    /// Text of another kind: CSV, JSON Lines begins as [`Content::Json`].
    Text,
    /// None of these.
    Binary,
}

/// Magic numbers at a body's start.
const MAGIC: &[(&[u8], Content)] = &[
    (b"\xff\xd8\xff", Content::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Content::Png),
    (b"GIF87a", Content::Gif),
    (b"GIF89a", Content::Gif),
    (b"II*\0", Content::Tiff),
    (b"MM\0*", Content::Tiff),
    (b"%PDF-", Content::Pdf),
    (b"PK\x03\x04", Content::Zip),
    (b"\x1f\x8b\x08", Content::Gzip),
];

/// Brands of the ISO base media format that are pictures.
const BRANDS: &[(&[u8], Content)] = &[
    (b"avif", Content::Avif),
    (b"avis", Content::Avif),
    (b"heic", Content::Heic),
    (b"heix", Content::Heic),
    (b"hevc", Content::Heic),
    (b"heim", Content::Heic),
    (b"heis", Content::Heic),
    (b"mif1", Content::Heic),
    (b"msf1", Content::Heic),
];

/// How pages begin, in lower case.
const HTML: &[&str] = &["<!doctype html", "<html", "<head", "<body", "<script", "<meta", "<title", "<div", "<p>"];

impl Content {
    /// Every kind of picture that can be decoded here.
    pub const PICTURES: &[Self] = &[Self::Jpeg, Self::Png, Self::Gif, Self::Webp];

    /// The kind of a body that starts with these bytes ([`SNIFF_BYTES`] of them, or all there are).
    #[must_use]
    pub fn of(start: &[u8]) -> Self {
        let start = &start[..start.len().min(SNIFF_BYTES)];
        if start.is_empty() {
            return Self::Empty;
        }
        if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
            return *kind;
        }
        match start {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => return Self::Webp,
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => {
                let picture = BRANDS.iter().find(|(name, _)| brand.starts_with(name));
                return picture.map_or(Self::Mp4, |(_, kind)| *kind);
            }
            // The four bytes after the length are reserved and zero; two letters alone would be any text.
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => return Self::Bmp,
            _ => {}
        }
        of_text(start)
    }

    /// The word for it in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::Jpeg => "a JPEG picture",
            Self::Png => "a PNG picture",
            Self::Gif => "a GIF picture",
            Self::Webp => "a WebP picture",
            Self::Avif => "an AVIF picture",
            Self::Heic => "an HEIC picture",
            Self::Bmp => "a BMP picture",
            Self::Tiff => "a TIFF picture",
            Self::Svg => "an SVG drawing",
            Self::Mp4 => "a film",
            Self::Pdf => "a PDF document",
            Self::Zip => "a ZIP archive",
            Self::Gzip => "a gzip file",
            Self::Html => "a web page",
            Self::Xml => "XML",
            Self::Json => "JSON",
            Self::Text => "text",
            Self::Binary => "something unknown",
        }
    }
}

fn of_text(start: &[u8]) -> Content {
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Content::Text; // UTF-16, which spreadsheets save.
    }
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let is_text = |byte: &u8| (*byte >= 0x20 && *byte != 0x7f) || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    if !start.iter().all(is_text) {
        return Content::Binary;
    }
    // Bytes that are not UTF-8 (an old encoding, or a character cut in two) stand for themselves.
    let text = String::from_utf8_lossy(start).trim_start().to_lowercase();
    match text.chars().next() {
        Some('<') if HTML.iter().any(|tag| text.starts_with(tag)) => Content::Html,
        Some('<') if text.contains("<!doctype html") || text.contains("<html") => Content::Html,
        Some('<') if text.contains("<svg") => Content::Svg,
        Some('<') => Content::Xml,
        Some('{' | '[') => Content::Json,
        _ => Content::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_by_its_first_bytes() {
        for (start, expected) in [
            (&b""[..], Content::Empty),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF", Content::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Content::Png),
            (b"GIF89a\x01\0", Content::Gif),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Content::Webp),
            (b"RIFF\x10\0\0\0WAVEfmt ", Content::Binary),
            (b"\0\0\0\x1cftypavif", Content::Avif),
            (b"\0\0\0\x18ftypheic", Content::Heic),
            (b"\0\0\0\x18ftypisom", Content::Mp4),
            (b"BM\x36\0\0\0\0\0\0\0\x36", Content::Bmp),
            (b"BMW, 320i, 5000", Content::Text),
            (b"%PDF-1.7", Content::Pdf),
            (b"PK\x03\x04\x14", Content::Zip),
            (b"\x1f\x8b\x08\0", Content::Gzip),
            (b"\n  <!DOCTYPE html>", Content::Html),
            (b"<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC", Content::Html),
            (b"<?xml version=\"1.0\"?><rss>", Content::Xml),
            (b"<svg xmlns=", Content::Svg),
            (b"<?xml version=\"1.0\"?>\n<svg>", Content::Svg),
            (b"\xef\xbb\xbf{\"a\":1}", Content::Json),
            (b" [1]", Content::Json),
            (b"Handle,Title\n", Content::Text),
            ("Kleid,größe".as_bytes(), Content::Text),
            (b"Kleid,gr\xf6\xdfe", Content::Text),
            (b"\xff\xfeH\0a\0", Content::Text),
            (b"MZ\x90\0\x03", Content::Binary),
            (b"\x7fELF", Content::Binary),
        ] {
            assert_eq!(Content::of(start), expected, "{:?}", String::from_utf8_lossy(start));
        }
    }
}
