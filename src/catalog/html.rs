//! HTML descriptions as plain text. Scripts and styles are dropped, lists and tables stay readable.
//!
//! The result is text, never markup: whoever shows it must not treat it as HTML.

/// Elements whose content is never text for people.
const DROPPED: [&str; 8] = ["script", "style", "noscript", "template", "head", "svg", "iframe", "object"];
/// Elements that begin a new line.
const BLOCKS: [&str; 24] = [
    "p",
    "div",
    "br",
    "ul",
    "ol",
    "table",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "header",
    "footer",
    "blockquote",
    "pre",
    "hr",
    "dl",
    "dt",
    "dd",
    "figure",
];

/// Plain text of `html`: entities decoded, white space collapsed, blocks on lines of their own.
#[must_use]
pub fn to_plain(html: &str) -> String {
    let mut out = Plain::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.text(&rest[..at]);
        rest = tag(&rest[at..], &mut out);
    }
    out.text(rest);
    out.finish()
}

/// Handles what begins with `<` at the start of `rest`; returns what follows it.
fn tag<'a>(rest: &'a str, out: &mut Plain) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or("", |end| &comment[end + 3..]);
    }
    let inner = &rest[1..];
    let is_tag = inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
    if !is_tag {
        out.text("<");
        return inner;
    }
    let Some(end) = tag_end(inner) else {
        // No `>` anywhere after it: all the rest is text.
        out.text(&rest.replace('<', "&lt;"));
        return "";
    };
    let after = &inner[end + 1..];
    let name = inner.trim_start_matches('/');
    let name_end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let name = name[..name_end].to_ascii_lowercase();
    let closing = inner.starts_with('/');
    if !closing && DROPPED.contains(&name.as_str()) && !inner[..end].ends_with('/') {
        return skip_element(after, &name);
    }
    match name.as_str() {
        "li" if !closing => out.item(),
        "td" | "th" if !closing => out.cell(),
        name if BLOCKS.contains(&name) => out.line(),
        _ => {}
    }
    after
}

/// The longest tag that is read with its quotes in mind; keeps hostile text from costing quadratic time.
const TAG_BYTES_MAX: usize = 16 * 1024;

/// Where the tag ends: the first `>` outside of quoted attribute values.
fn tag_end(inner: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in inner.bytes().take(TAG_BYTES_MAX).enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') if inner.as_bytes()[..at].ends_with(b"=") => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    // A quote that never closes: take the first `>` after all.
    inner.find('>')
}

fn skip_element<'a>(after: &'a str, name: &str) -> &'a str {
    let mut from = 0;
    while let Some(at) = after[from..].find("</") {
        let close = from + at;
        let candidate = &after.as_bytes()[close + 2..];
        if candidate.len() >= name.len() && candidate[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return after[close..].find('>').map_or("", |end| &after[close + end + 1..]);
        }
        from = close + 2;
    }
    ""
}

/// The text so far; white space is written only when a visible character follows.
#[derive(Default)]
struct Plain {
    text: String,
    pending: Gap,
    row_has_cell: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Cell,
    Line,
    Item,
}

impl Plain {
    fn widen(&mut self, gap: Gap) {
        self.pending = self.pending.max(gap);
    }

    fn line(&mut self) {
        self.row_has_cell = false;
        self.widen(Gap::Line);
    }

    fn item(&mut self) {
        self.row_has_cell = false;
        self.pending = Gap::Item;
    }

    fn cell(&mut self) {
        if self.row_has_cell {
            self.widen(Gap::Cell);
        }
        self.row_has_cell = true;
    }

    fn text(&mut self, raw: &str) {
        if raw.is_empty() {
            return;
        }
        let once = decode(raw);
        // Exports often encode twice: `&amp;quot;`.
        let text = if once.contains('&') { decode(&once) } else { once };
        for c in text.chars() {
            if c.is_whitespace() {
                self.widen(Gap::Space);
            } else if !invisible(c) {
                self.gap();
                self.text.push(c);
            }
        }
    }

    fn gap(&mut self) {
        let gap = std::mem::take(&mut self.pending);
        let at_start = self.text.is_empty();
        self.text.push_str(match gap {
            Gap::Item if at_start => "• ",
            Gap::Item => "\n• ",
            _ if at_start => "",
            Gap::None => "",
            Gap::Space => " ",
            Gap::Cell => ": ",
            Gap::Line => "\n",
        });
    }

    fn finish(self) -> String {
        self.text
    }
}

/// Control, zero-width and direction characters: they carry nothing a shopper reads and can hide text.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn decode(text: &str) -> String {
    /// The longest entity name looked at.
    const NAME_MAX: usize = 10;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let end = after.bytes().take(NAME_MAX).position(|byte| byte == b';');
        match end.and_then(|end| entity(&after[..end]).map(|c| (c, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &after[end + 1..];
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|&(_, c)| c)
}

/// The entities that editors of shop systems write.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("shy", '\u{ad}'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("hellip", '…'),
    ("bull", '•'),
    ("middot", '·'),
    ("euro", '€'),
    ("pound", '£'),
    ("yen", '¥'),
    ("cent", '¢'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("plusmn", '±'),
    ("times", '×'),
    ("divide", '÷'),
    ("frac12", '½'),
    ("frac14", '¼'),
    ("frac34", '¾'),
    ("sup2", '²'),
    ("sup3", '³'),
    ("micro", 'µ'),
    ("szlig", 'ß'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("igrave", 'ì'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("ograve", 'ò'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("oslash", 'ø'),
    ("oelig", 'œ'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("yacute", 'ý'),
    ("Agrave", 'À'),
    ("Aacute", 'Á'),
    ("Acirc", 'Â'),
    ("Aring", 'Å'),
    ("AElig", 'Æ'),
    ("Ccedil", 'Ç'),
    ("Egrave", 'È'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Iacute", 'Í'),
    ("Ntilde", 'Ñ'),
    ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'),
    ("Oslash", 'Ø'),
    ("OElig", 'Œ'),
    ("Uacute", 'Ú'),
    ("iexcl", '¡'),
    ("iquest", '¿'),
    ("para", '¶'),
    ("sect", '§'),
    ("larr", '←'),
    ("rarr", '→'),
    ("hearts", '♥'),
    ("check", '✓'),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_tables_entities_and_scripts() {
        for (html, plain) in [
            (
                "<p>Breathable <strong>100% linen</strong>.</p>\n<ul>\n<li>Buttons</li>\n<li>30&deg;C</li>\n</ul>",
                "Breathable 100% linen.\n• Buttons\n• 30°C",
            ),
            (
                "Warm light.<br>CE &amp; UKCA.<script>track(\"</p>\")</script><table><tr><td>Height</td><td>42 cm</td></tr></table>",
                "Warm light.\nCE & UKCA.\nHeight: 42 cm",
            ),
            ("a &lt; b, 3 < 4 and &amp;quot;x&amp;quot; &unknown; &#x263A;", "a < b, 3 < 4 and \"x\" &unknown; ☺"),
            ("<img alt=\"a > b\" src='x'>seen<!-- <p>hidden</p> -->", "seen"),
            ("<STYLE>p{}</STYLE >kept", "kept"),
            ("zero\u{200b}width\u{202e}", "zerowidth"),
            ("<p>unclosed <script>alert(1)", "unclosed"),
            ("plain text", "plain text"),
        ] {
            assert_eq!(to_plain(html), plain);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_holds_no_control_characters(html in ".{0,200}") {
            let plain = to_plain(&html);
            prop_assert!(plain.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
