//! A message laid out for the guard: known links and product names are taken out, the rest is cut into pieces.

use unicode_normalization::UnicodeNormalization;

use super::lexicon::Lexicon;
use crate::{
    agent::text::{fold, is_apostrophe, is_invisible, one_line, words},
    domain::product::Product,
};

/// Private characters stand for what was recognised: one a product's link, one a product's name. A message that
/// brings such characters itself loses them first.
const LINK_BASE: u32 = 0xF_0000;
const NAME_BASE: u32 = 0x10_0000;
/// Products that fit into the private planes; a turn has a few dozen at most.
const MARKS_MAX: u32 = 0xFFFD;

/// What a message consists of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// A word, folded.
    Word {
        folded: String,
        /// Written in capitals.
        upper: bool,
        /// Joined to a neighbour by an apostrophe.
        clipped: bool,
        /// Joined to the word before by a hyphen: the `free` of `PVC-free`.
        hyphened: bool,
    },
    /// Digits with their separators, as written.
    Number {
        text: String,
        /// Followed by `,-` or `.-`, which only prices are.
        dashed: bool,
    },
    /// `€`, `$` and the like.
    CurrencySign {
        /// Which.
        sign: char,
        /// Written right before what follows.
        glued_right: bool,
    },
    /// A slash, as in `M/L`.
    Slash,
    /// `%`
    PercentSign,
    /// A dash, which makes a range between numbers.
    Dash,
    /// A comma, or a sign of its strength.
    Comma,
    /// The end of a sentence or line.
    Break {
        /// Whether the sentence was a question.
        question: bool,
    },
    /// The exact link of a product.
    Link(usize),
    /// The exact name of one or, where names repeat, several products.
    Name(Vec<usize>),
}

/// A message in pieces, and what must not be in any message.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) pieces: Vec<Piece>,
    /// Text that looks like a link and is none of ours.
    pub(super) foreign_links: Vec<String>,
    /// Text that hides what it says.
    pub(super) disguises: Vec<String>,
}

/// What a message may hold without being checked.
pub(super) struct Known<'a> {
    pub(super) products: &'a [Product],
    /// The shop's own words: greeting, sign-off, its name and address.
    pub(super) own_words: &'a [&'a str],
}

impl Sheet {
    pub(super) fn lay_out(message: &str, known: &Known<'_>) -> Self {
        let mut sheet = Self::default();
        let private = |letter: &char| matches!(u32::from(*letter), 0xE000..=0xF8FF | LINK_BASE..);
        if message.chars().any(|letter| private(&letter)) {
            sheet.disguises.push("private characters".to_owned());
        }
        let mark = |text: &str| {
            let raw: String = text.chars().filter(|letter| !private(letter)).collect();
            mark_names(&plain(&mark_links(&raw, known.products)), known.products)
        };
        // The shop's own words are marked in the same way, so that they still match where they name a product.
        let own_words: Vec<String> = known.own_words.iter().map(|words| mark(words.trim())).collect();
        let marked = without_own_words(&mark(message), own_words);
        sheet.foreign_links = super::link::foreign(&marked);
        let mut lexer = Lexer { sheet, names: names(known.products), last: None };
        lexer.read(&marked);
        let mut sheet = lexer.sheet;
        sheet.disguises.extend(spelled_out(&sheet.pieces));
        sheet
    }

    /// The pieces of a text by itself, such as an option's value; nothing is taken out.
    pub(super) fn of_value(value: &str) -> Self {
        let mut lexer = Lexer { sheet: Self::default(), names: Vec::new(), last: None };
        lexer.read(&plain(value));
        if matches!(lexer.sheet.pieces.last(), Some(Piece::Break { .. })) {
            lexer.sheet.pieces.pop();
        }
        lexer.sheet
    }

    /// The folded words of the pieces, an empty one for anything else, so that indexes agree.
    pub(super) fn words(pieces: &[Piece]) -> Vec<&str> {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Word { folded, .. } => folded.as_str(),
                Piece::Number { text, .. } => text.as_str(),
                _ => "",
            })
            .collect()
    }
}

/// Compatibility forms resolved, invisible characters and combining key caps gone.
fn plain(text: &str) -> String {
    let special = |letter: char| match letter {
        // Typographic full stops of other scripts read as dots to people.
        '\u{3002}' | '\u{ff61}' | '\u{2024}' | '\u{fe52}' => '.',
        '\u{a0}' | '\u{202f}' | '\u{2007}' | '\u{2009}' => '\u{202f}',
        other => other,
    };
    let kept = |letter: &char| {
        !is_invisible(*letter) && !matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{20e3}' | '\u{200c}' | '\u{200d}')
    };
    // NFKC would turn the no-break spaces of numbers into plain ones, so each character is resolved by itself but those.
    let mut resolved = String::with_capacity(text.len());
    for letter in text.chars().map(special).filter(kept) {
        if letter == '\u{202f}' {
            resolved.push(letter);
        } else {
            resolved.extend(std::iter::once(letter).nfkc());
        }
    }
    resolved.nfc().collect()
}

fn is_edge(letter: Option<char>) -> bool {
    letter.is_none_or(|letter| !letter.is_alphanumeric())
}

/// Replaces every occurrence that stands by itself.
fn replace_whole(text: &str, wanted: &str, with: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(wanted) {
        let (head, tail) = rest.split_at(at);
        let after = &tail[wanted.len()..];
        let left = head.chars().next_back().or(before);
        let starts_open = wanted.chars().next().is_some_and(|letter| !letter.is_alphanumeric());
        let ends_open = wanted.chars().next_back().is_some_and(|letter| !letter.is_alphanumeric());
        replaced.push_str(head);
        if (starts_open || is_edge(left)) && (ends_open || is_edge(after.chars().next())) {
            replaced.push_str(with);
            before = with.chars().next_back();
            rest = after;
        } else {
            let step = tail.chars().next().map_or(0, char::len_utf8);
            replaced.push_str(&tail[..step]);
            before = tail[..step].chars().next_back();
            rest = &tail[step..];
        }
    }
    replaced.push_str(rest);
    replaced
}

fn without_own_words(text: &str, mut own_words: Vec<String>) -> String {
    own_words.retain(|words| !words.is_empty());
    own_words.sort_by_key(|words| std::cmp::Reverse(words.len()));
    own_words.iter().fold(text.to_owned(), |text, words| replace_whole(&text, words, " "))
}

fn mark(base: u32, index: usize) -> Option<char> {
    u32::try_from(index).ok().filter(|index| *index < MARKS_MAX).and_then(|index| char::from_u32(base + index))
}

/// Takes out the exact links of products. A link counts only where nothing follows that would belong to it.
fn mark_links(text: &str, products: &[Product]) -> String {
    let mut links: Vec<(usize, &str)> =
        products.iter().enumerate().filter_map(|(index, product)| Some((index, product.url.as_deref()?))).collect();
    links.sort_by_key(|(_, url)| std::cmp::Reverse(url.len()));
    let mut marked = String::with_capacity(text.len());
    for part in text.split_inclusive(char::is_whitespace) {
        let opening = part.len() - part.trim_start_matches(['(', '[', '<', '"', '«', '“', '‘']).len();
        let (head, body) = part.split_at(opening);
        let found = links.iter().find(|(_, url)| {
            let rest = body.strip_prefix(url);
            rest.is_some_and(|rest| rest.chars().all(|letter| letter.is_whitespace() || is_closing(letter)))
        });
        match found.and_then(|(index, url)| Some((mark(LINK_BASE, *index)?, url.len()))) {
            Some((mark, length)) => {
                marked.push_str(head);
                marked.push(mark);
                marked.push_str(&body[length..]);
            }
            None => marked.push_str(part),
        }
    }
    marked
}

const fn is_closing(letter: char) -> bool {
    matches!(letter, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '>' | '"' | '»' | '”' | '’' | '…')
}

/// The distinct names of products, each with the products that bear it.
fn names(products: &[Product]) -> Vec<(String, Vec<usize>)> {
    let mut names: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, product) in products.iter().enumerate() {
        let name = plain(&one_line(&product.title));
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, bearers)) => bearers.push(index),
            None => names.push((name, vec![index])),
        }
    }
    names
}

/// Takes out product names, the longest first: exact ones, then those in another case or accent.
fn mark_names(text: &str, products: &[Product]) -> String {
    let names = names(products);
    let mut order: Vec<usize> = (0..names.len()).filter(|index| !names[*index].0.is_empty()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(names[*index].0.len()));
    let marks: Vec<(usize, char)> =
        order.into_iter().filter_map(|index| Some((index, mark(NAME_BASE, index)?))).collect();
    let exact = marks
        .iter()
        .fold(text.to_owned(), |marked, (index, mark)| replace_whole(&marked, &names[*index].0, &mark.to_string()));
    marks.iter().fold(exact, |marked, (index, mark)| replace_folded(&marked, &names[*index].0, *mark))
}

/// Replaces a name written in another case or with other accents or spacing.
fn replace_folded(text: &str, name: &str, mark: char) -> String {
    let wanted = words(name);
    // A single word in another case is more likely just the word, and numbers are no name.
    if wanted.iter().filter(|word| word.chars().any(char::is_alphabetic)).count() < 2 {
        return text.to_owned();
    }
    let mut replaced = text.to_owned();
    loop {
        let tokens = crate::agent::text::tokens(&replaced);
        let at = tokens.windows(wanted.len()).find(|window| {
            // A name with a comma of its own may be written with it.
            let stops = if name.contains(',') { &['\n', '.'][..] } else { &['\n', '.', ','] };
            let between = window.windows(2).all(|pair| !replaced[pair[0].end..pair[1].start].contains(stops));
            between && window.iter().map(|token| &token.folded).eq(wanted.iter())
        });
        let Some((from, to)) = at.and_then(|window| Some((window.first()?.start, window.last()?.end))) else {
            return replaced;
        };
        replaced.replace_range(from..to, &mark.to_string());
    }
}

/// Four or more lone letters in a row spell a word that no rule would see.
fn spelled_out(pieces: &[Piece]) -> Option<String> {
    const LETTERS_MAX: usize = 4;
    let lone =
        |piece: &Piece| matches!(piece, Piece::Word { folded, clipped: false, .. } if folded.chars().count() == 1);
    let found = pieces.windows(LETTERS_MAX).find(|window| window.iter().all(lone))?;
    Some(Sheet::words(found).join(" "))
}

struct Lexer {
    sheet: Sheet,
    names: Vec<(String, Vec<usize>)>,
    last: Option<char>,
}

impl Lexer {
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let length = self.piece(letter, rest);
            self.last = rest[..length].chars().next_back();
            rest = &rest[length..];
        }
        self.end_sentence(false);
    }

    /// Reads one piece; how many bytes it took.
    fn piece(&mut self, letter: char, rest: &str) -> usize {
        if letter.is_ascii_digit() {
            return self.number(rest);
        }
        if letter.is_alphabetic() {
            return self.word(rest);
        }
        let code = u32::from(letter);
        let following = rest[letter.len_utf8()..].chars().next();
        match letter {
            '€' | '$' | '£' | '¥' | '₤' | '₺' | '₽' | '₹' | '₩' | '₪' | '₫' | '฿' | '₴' | '₿' | '₦' | '₱' | '₲'
            | '₡' | '₵' | '₸' | '₼' | '₾' | '¤' | '¢' | '￥' => {
                // `US$58` and `R$ 58` are other money than `$58`.
                if self.last.is_some_and(char::is_alphabetic)
                    && let Some(Piece::Word { folded, upper: true, .. }) = self.sheet.pieces.last_mut()
                {
                    *folded = code_of_prefix(folded).to_owned();
                    return letter.len_utf8();
                }
                // Between two figures, `55€50`, it belongs to both.
                let glued_left = self.last.is_some_and(|letter| letter.is_ascii_digit());
                let glued_right = !glued_left && following.is_some_and(|letter| letter.is_ascii_digit());
                self.sheet.pieces.push(Piece::CurrencySign { sign: letter, glued_right });
            }
            '%' | '‰' | '٪' => self.sheet.pieces.push(Piece::PercentSign),
            // `48'50` and `42_50` read as prices to people only.
            '\'' | '’' | '_' | '`' | '´' | '*' if self.between_figures(following) => {
                self.sheet.disguises.push("figures".to_owned());
            }
            '-' | '–' | '—' | '−' | '~' => self.sheet.pieces.push(Piece::Dash),
            '/' => self.sheet.pieces.push(Piece::Slash),
            ',' | '(' | ')' | ':' | '·' | '|' | '+' | '&' => self.sheet.pieces.push(Piece::Comma),
            '\n' | '!' | ';' | '…' | '•' => self.end_sentence(false),
            '?' => self.end_sentence(true),
            '.' if self.ends_sentence(following) => self.end_sentence(false),
            // People end sentences with a smiley, too.
            '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}'
                if self.last.is_some_and(char::is_whitespace) && following.is_none_or(char::is_whitespace) =>
            {
                self.end_sentence(false);
            }
            _ if code >= NAME_BASE => self.name(code - NAME_BASE),
            _ if code >= LINK_BASE => {
                self.sheet.pieces.extend(usize::try_from(code - LINK_BASE).ok().map(Piece::Link));
            }
            _ if letter.is_numeric() => self.sheet.disguises.push(letter.to_string()),
            _ => {}
        }
        letter.len_utf8()
    }

    fn between_figures(&self, following: Option<char>) -> bool {
        let digit = |letter: char| letter.is_ascii_digit();
        self.last.is_some_and(digit) && following.is_some_and(digit)
    }

    fn name(&mut self, index: u32) {
        let bearers = usize::try_from(index).ok().and_then(|index| self.names.get(index));
        self.sheet.pieces.extend(bearers.map(|(_, products)| Piece::Name(products.clone())));
    }

    /// A dot ends a sentence, unless it abbreviates (`z. B.`) or joins.
    fn ends_sentence(&self, following: Option<char>) -> bool {
        let single = matches!(self.sheet.pieces.last(), Some(Piece::Word { folded, upper: false, .. }) if folded.chars().count() == 1);
        following.is_none_or(char::is_whitespace) && !single
    }

    fn end_sentence(&mut self, question: bool) {
        match self.sheet.pieces.last_mut() {
            None => {}
            Some(Piece::Break { question: before }) => *before |= question,
            Some(_) => self.sheet.pieces.push(Piece::Break { question }),
        }
    }

    fn word(&mut self, rest: &str) -> usize {
        let length = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..length];
        // `EUR49` is a currency and a number.
        let letters = word.find(|letter: char| letter.is_ascii_digit()).unwrap_or(length);
        if letters < length && Lexicon::get().is_currency_word(&fold(&word[..letters])) {
            self.push_word(&word[..letters], rest[letters..].chars().next());
            return letters;
        }
        self.push_word(word, rest[length..].chars().next());
        length
    }

    fn push_word(&mut self, word: &str, following: Option<char>) {
        if word.chars().any(|letter| letter.is_alphabetic() && !is_latin(letter)) {
            self.sheet.disguises.push(word.to_owned());
        }
        let clipped = self.last.is_some_and(is_apostrophe) || following.is_some_and(is_apostrophe);
        let upper = word.chars().all(|letter| !letter.is_lowercase());
        let hyphened = self.last == Some('-');
        self.sheet.pieces.push(Piece::Word { folded: fold(word), upper, clipped, hyphened });
    }

    fn number(&mut self, rest: &str) -> usize {
        let length = number_length(rest);
        let tail = &rest[length..];
        let letters = tail.find(|letter: char| !letter.is_alphabetic()).unwrap_or(tail.len());
        if letters > 0
            && !Lexicon::get().is_currency_word(&fold(&tail[..letters]))
            && rest[..length].bytes().all(|byte| byte.is_ascii_digit())
        {
            // `2XL` and `48h` are words.
            let end = tail.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(tail.len());
            self.push_word(&rest[..length + end], None);
            return length + end;
        }
        let dashed = [",-", ".-", ",–", ".–", ",—"].iter().any(|suffix| tail.starts_with(suffix));
        self.sheet.pieces.push(Piece::Number { text: rest[..length].to_owned(), dashed });
        length + if dashed { 1 } else { 0 }
    }
}

/// The currency of a dollar sign with letters before it; a word of money that is no currency where there is none.
fn code_of_prefix(letters: &str) -> &'static str {
    match letters {
        "us" | "usd" => "usd",
        "c" | "ca" | "cad" => "cad",
        "a" | "au" | "aud" => "aud",
        "nz" => "nzd",
        "hk" => "hkd",
        "s" | "sg" => "sgd",
        "mx" => "mxn",
        "r" => "brl",
        _ => "moneyunknown",
    }
}

/// Letters of the script that our languages are written in; a word with others cannot be judged.
const fn is_latin(letter: char) -> bool {
    matches!(letter, 'a'..='z' | 'A'..='Z' | 'ª' | 'º' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Digits, with single separators between digits; a space only before exactly three.
fn number_length(text: &str) -> usize {
    let digits = |text: &str| text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let mut length = digits(text);
    let mut group = length;
    while let Some(separator) = text[length..].chars().next() {
        let tail = &text[length + separator.len_utf8()..];
        let following = digits(tail);
        let joins = match separator {
            '.' | ',' => following > 0,
            '\u{202f}' | ' ' | '\'' | '’' => following == 3 && group <= 3,
            _ => false,
        };
        if !joins {
            break;
        }
        length += separator.len_utf8() + following;
        group = following;
    }
    length
}
