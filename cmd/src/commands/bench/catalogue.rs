//! A made-up catalogue, the same on every machine: a Shopify export written row by row, and what shoppers ask of it.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

const HEAD: &str = "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,\
Option2 Name,Option2 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,\
Variant Price,Variant Compare At Price,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,Status\n";

const NOUNS: [&str; 48] = [
    "shirt", "dress", "trousers", "jacket", "coat", "sweater", "cardigan", "skirt", "blouse", "scarf", "hat", "gloves",
    "boots", "sneakers", "sandals", "belt", "bag", "backpack", "wallet", "necklace", "bracelet", "earrings", "ring",
    "watch", "candle", "vase", "bowl", "mug", "plate", "teapot", "blanket", "pillow", "curtain", "rug", "lamp",
    "mirror", "basket", "apron", "towel", "robe", "pyjamas", "socks", "tights", "vest", "hoodie", "jeans", "shorts",
    "swimsuit",
];
const MATERIALS: [&str; 16] = [
    "linen", "cotton", "wool", "cashmere", "silk", "leather", "denim", "velvet", "bamboo", "hemp", "ceramic", "oak",
    "brass", "silver", "suede", "jersey",
];
const KINDS: [&str; 24] = [
    "classic",
    "relaxed",
    "slim",
    "oversized",
    "cropped",
    "pleated",
    "quilted",
    "ribbed",
    "striped",
    "embroidered",
    "vintage",
    "minimal",
    "handmade",
    "lightweight",
    "warm",
    "waterproof",
    "padded",
    "wrap",
    "fitted",
    "floral",
    "checked",
    "printed",
    "knitted",
    "woven",
];
const COLOURS: [&str; 12] =
    ["black", "white", "navy", "red", "green", "beige", "grey", "brown", "pink", "blue", "yellow", "purple"];
const SIZES: [&str; 5] = ["XS", "S", "M", "L", "XL"];
const SYLLABLES: [&str; 24] = [
    "ka", "lo", "mi", "ra", "ven", "tor", "sel", "ny", "bri", "dan", "fe", "gus", "hol", "jor", "lin", "mar", "nor",
    "pel", "quin", "ros", "sti", "tav", "ul", "wen",
];
/// Further words of descriptions, made of syllables; the first ones are frequent, the last ones rare, as in any text.
const FILLERS: u64 = 6_000;
/// Words of a description.
const DESCRIPTION_WORDS: u64 = 40;

/// A product, found again from its number.
struct Product {
    title: String,
    words: [String; 4],
    brand: String,
    colours: [&'static str; 2],
    price_cents: u64,
    random: Random,
}

fn product(number: u64) -> Product {
    let mut random = Random::of(number);
    let (kind, material, noun) = (random.pick(&KINDS), random.pick(&MATERIALS), random.pick(&NOUNS));
    let (name, brand) = (name(random.below(3_000)), name(50_000 + random.below(200)));
    let first = random.below(COLOURS.len() as u64) as usize;
    Product {
        title: format!("{} {kind} {material} {noun}", capital(&name)),
        words: [name, kind.into(), material.into(), noun.into()],
        brand: capital(&brand),
        colours: [COLOURS[first], COLOURS[(first + 5) % COLOURS.len()]],
        price_cents: 900 + random.below(24_000),
        random,
    }
}

/// Writes products until there are `products` of them and the file has `bytes`. Returns how many, and the file's size.
pub fn write(path: &Path, products: u64, bytes: u64) -> io::Result<(u64, u64)> {
    let mut file = BufWriter::with_capacity(1024 * 1024, File::create(path)?);
    let mut written = HEAD.len() as u64;
    file.write_all(HEAD.as_bytes())?;
    let mut number = 0;
    let mut rows = String::new();
    while number < products || written < bytes {
        rows.clear();
        push_product(&mut rows, number);
        file.write_all(rows.as_bytes())?;
        written += rows.len() as u64;
        number += 1;
    }
    file.flush()?;
    Ok((number, written))
}

/// One to five variants, three on average.
fn push_product(rows: &mut String, number: u64) {
    let Product { title, words, brand, colours, price_cents, mut random } = product(number);
    let [name, kind, material, noun] = &words;
    let handle = format!("{name}-{kind}-{material}-{noun}-{number}");
    let mut body = format!("<p>{title} by {brand} in {} and {}.", colours[0], colours[1]);
    for _ in 0..DESCRIPTION_WORDS {
        // The square makes the first words frequent and the last ones rare.
        let rare = random.below(1_000) * random.below(1_000) * FILLERS / 1_000_000;
        body.push(' ');
        body.push_str(&self::name(100_000 + rare));
    }
    body.push_str(".</p>");
    for variant in 0..=random.below(5) {
        let (colour, size) = (colours[variant as usize % 2], SIZES[(number + variant) as usize % SIZES.len()]);
        let head = if variant == 0 {
            format!("{title},\"{body}\",{brand},Apparel & Accessories,{noun},\"{kind}, {material}\",true")
        } else {
            ",,,,,,".into()
        };
        let image = if variant == 0 { format!("https://shop.example/{handle}.jpg,1,{title}") } else { ",,".into() };
        let quantity = random.below(20);
        let (whole, cents) = (price_cents / 100, price_cents % 100);
        rows.push_str(&format!(
            "{handle},{head},Color,{colour},Size,{size},SKU-{number}-{variant},shopify,{quantity},deny,{whole}.{cents:02},,,\
             {image},false,active\n"
        ));
    }
}

/// What a shopper asks: one to four words of a product, some with a slip, a price, a colour, a size.
pub fn question(number: u64, products: u64) -> String {
    let mut random = Random::of(number ^ 0x5eed_0000_0000);
    let product = product(random.below(products.max(1)));
    let count = 1 + random.below(4) as usize;
    let mut words: Vec<String> = product.words[product.words.len() - count..].to_vec();
    if random.below(4) == 0 {
        let slip = random.below(words.len() as u64) as usize;
        words[slip] = misspelt(&words[slip]);
    }
    if random.below(4) == 0 {
        words.insert(0, product.colours[0].into());
    }
    if random.below(5) == 0 {
        words.push(format!("in {}", random.pick(&SIZES)));
    }
    if random.below(4) == 0 {
        words.push(format!("under {}", product.price_cents / 100 + 10));
    }
    words.join(" ")
}

/// Swaps two letters in the middle of a word that is long enough for it.
fn misspelt(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() >= 5 {
        let at = letters.len() / 2;
        letters.swap(at, at + 1);
    }
    letters.into_iter().collect()
}

/// A made-up word, another for each number.
fn name(number: u64) -> String {
    let mut random = Random::of(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    (0..2 + random.below(2)).map(|_| random.pick(&SYLLABLES)).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// SplitMix64: the same numbers for the same seed, on every machine.
pub struct Random(u64);

impl Random {
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, without `end`.
    const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_same_every_time_and_each_row_has_every_column() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let write_to = |name: &str| {
            let path = dir.path().join(name);
            assert_eq!(write(&path, 50, 0).expect("written").0, 50);
            std::fs::read_to_string(path).expect("readable")
        };
        let text = write_to("one.csv");
        assert_eq!(text, write_to("two.csv"));
        // Commas inside quotes: two fields of a product's first row.
        let commas = |line: &str| line.split('"').step_by(2).map(|part| part.matches(',').count()).sum::<usize>();
        let columns = commas(HEAD);
        assert!(text.lines().all(|line| commas(line) == columns), "{text}");
    }

    #[test]
    fn questions_are_the_same_every_time_and_differ_from_each_other() {
        let questions: Vec<_> = (0..20).map(|number| question(number, 1_000)).collect();
        assert_eq!(questions, (0..20).map(|number| question(number, 1_000)).collect::<Vec<_>>());
        let distinct: std::collections::BTreeSet<_> = questions.iter().collect();
        assert!(distinct.len() > 15, "{questions:?}");
    }
}
