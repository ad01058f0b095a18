//! Products that searches have read lately, kept in memory until their catalogue changes.
//!
//! Shoppers ask for the same products again and again, while every commit in a tenant's file (each message, each turn) empties
//! the page caches of its readers: without the shelf each question reads two hundred texts anew.

use std::{
    mem::size_of,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashlink::LruCache;

use crate::domain::{product::Product, search::PreparedText};

/// Memory of what is kept over all tenants (bytes): the products of some twenty thousand, or the words of twice as many.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// What an entry costs beside its texts (bytes): keys, places, counters, the allocator's rounding.
const ENTRY_BYTES: usize = 256;

/// What is kept, over all tenants; what was used longest ago goes first. Clones share it.
#[derive(Clone)]
pub(in crate::store) struct Shelf(Arc<Mutex<Kept>>);

struct Kept {
    products: LruCache<(Edition, i64), Arc<Product>>,
    words: LruCache<(Edition, i64), Words>,
    bytes: usize,
    bytes_max: usize,
    /// Editions given out so far.
    editions: u64,
}

/// One state of one tenant's catalogue; no two are alike, over all tenants.
type Edition = u64;

/// What the ranking looks at.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) available: bool,
    pub(super) text: Arc<PreparedText>,
}

impl Shelf {
    pub(in crate::store) fn new() -> Self {
        Self::with_bytes(BYTES_MAX)
    }

    fn with_bytes(bytes_max: usize) -> Self {
        let (products, words) = (LruCache::new_unbounded(), LruCache::new_unbounded());
        Self(Arc::new(Mutex::new(Kept { products, words, bytes: 0, bytes_max, editions: 0 })))
    }

    /// The place of a catalogue whose file was just opened.
    pub(in crate::store) fn catalogue(&self) -> Shelved {
        let edition = self.kept().next_edition();
        Shelved { shelf: self.clone(), state: Arc::new(Mutex::new(State { edition, changing: 0 })) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn next_edition(&mut self) -> Edition {
        self.editions += 1;
        self.editions
    }

    fn make_room(&mut self) {
        while self.bytes > self.bytes_max {
            // Products are read for a few of the candidates, words for all: the words are what is worth keeping.
            let bytes = match self.products.remove_lru() {
                Some((_, product)) => bytes_of_product(&product),
                None => match self.words.remove_lru() {
                    Some((_, words)) => bytes_of_words(&words),
                    None => return,
                },
            };
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

/// One catalogue's place on the shelf. Clones share it.
#[derive(Clone)]
pub(in crate::store) struct Shelved {
    shelf: Shelf,
    state: Arc<Mutex<State>>,
}

struct State {
    edition: Edition,
    /// Writes that are changing the catalogue.
    changing: u32,
}

impl Shelved {
    /// The catalogue is being changed, until the guard is dropped: nothing is taken from the shelf or put on it meanwhile,
    /// and what was put on it before is not used again. To be dropped after the commit.
    pub(in crate::store) fn change(&self) -> Changing {
        self.state().changing += 1;
        Changing(self.clone())
    }

    /// What may be used by a reader. To be asked before its snapshot is taken, and [`Reading::still_holds`] after.
    pub(super) fn reading(&self) -> Option<Reading> {
        let state = self.state();
        (state.changing == 0).then(|| Reading { shelved: self.clone(), edition: state.edition })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change of the catalogue that is not durable yet.
pub(in crate::store) struct Changing(Shelved);

impl Drop for Changing {
    fn drop(&mut self) {
        let edition = self.0.shelf.kept().next_edition();
        let mut state = self.0.state();
        state.edition = edition;
        state.changing = state.changing.saturating_sub(1);
    }
}

/// What one reader may use: the products of its snapshot.
pub(super) struct Reading {
    shelved: Shelved,
    edition: Edition,
}

impl Reading {
    /// Whether the snapshot that was taken meanwhile is of the same state.
    pub(super) fn still_holds(&self) -> bool {
        let state = self.shelved.state();
        state.changing == 0 && state.edition == self.edition
    }

    /// Products' words, where they are kept, in the order of `ids`.
    pub(super) fn words(&self, ids: impl Iterator<Item = i64>) -> Vec<Option<Words>> {
        let mut kept = self.shelved.shelf.kept();
        ids.map(|id| kept.words.get(&(self.edition, id)).cloned()).collect()
    }

    pub(super) fn keep_words(&self, read: Vec<(i64, Words)>) {
        let mut kept = self.shelved.shelf.kept();
        for (id, words) in read {
            kept.bytes += bytes_of_words(&words);
            if let Some(old) = kept.words.insert((self.edition, id), words) {
                kept.bytes = kept.bytes.saturating_sub(bytes_of_words(&old));
            }
        }
        kept.make_room();
    }

    /// A product, where it is kept.
    pub(super) fn product(&self, id: i64) -> Option<Arc<Product>> {
        self.shelved.shelf.kept().products.get(&(self.edition, id)).cloned()
    }

    pub(super) fn keep_product(&self, id: i64, product: Arc<Product>) {
        let mut kept = self.shelved.shelf.kept();
        kept.bytes += bytes_of_product(&product);
        if let Some(old) = kept.products.insert((self.edition, id), product) {
            kept.bytes = kept.bytes.saturating_sub(bytes_of_product(&old));
        }
        kept.make_room();
    }
}

fn bytes_of_words(words: &Words) -> usize {
    ENTRY_BYTES + size_of::<PreparedText>() + words.text.columns().into_iter().map(str::len).sum::<usize>()
}

fn bytes_of_product(product: &Product) -> usize {
    let texts = product.title.len() + product.description.len() + product.url.as_ref().map_or(0, String::len);
    let variants: usize = product
        .variants
        .iter()
        .map(|variant| {
            let options = variant.options.iter().map(|option| ENTRY_BYTES / 4 + option.name.len() + option.value.len());
            size_of_val(variant) + options.sum::<usize>()
        })
        .sum();
    let images: usize = product.images.iter().map(|image| size_of_val(image) + image.url.len()).sum();
    ENTRY_BYTES + size_of::<Product>() + texts + variants + images
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words { available: true, text: Arc::new(PreparedText { title: text.to_owned(), ..PreparedText::default() }) }
    }

    fn titles(reading: &Reading, ids: &[i64]) -> Vec<Option<String>> {
        reading.words(ids.iter().copied()).into_iter().map(|kept| kept.map(|words| words.text.title.clone())).collect()
    }

    #[test]
    fn what_was_read_is_kept_for_its_own_catalogue_alone() {
        let shelf = Shelf::new();
        let (one, other) = (shelf.catalogue(), shelf.catalogue());
        one.reading().expect("nothing changes").keep_words(vec![(7, words("linen shirt"))]);
        assert_eq!(titles(&one.reading().expect("nothing changes"), &[7, 8]), [Some("linen shirt".into()), None]);
        assert_eq!(titles(&other.reading().expect("nothing changes"), &[7]), [None]);
    }

    #[test]
    fn nothing_is_taken_or_kept_while_the_catalogue_changes_and_nothing_old_after_it() {
        let catalogue = Shelf::new().catalogue();
        let before = catalogue.reading().expect("nothing changes");
        before.keep_words(vec![(7, words("linen shirt"))]);
        let (first, second) = (catalogue.change(), catalogue.change());
        assert!(catalogue.reading().is_none() && !before.still_holds());
        drop(first);
        assert!(catalogue.reading().is_none(), "the second change goes on");
        drop(second);
        assert!(!before.still_holds(), "its snapshot is of the state before");
        before.keep_words(vec![(8, words("read by the one before"))]);
        assert_eq!(titles(&catalogue.reading().expect("nothing changes"), &[7, 8]), [None, None]);
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let shelf = Shelf::with_bytes(3 * bytes_of_words(&words("shirt")));
        let reading = shelf.catalogue().reading().expect("nothing changes");
        reading.keep_words((1..=3).map(|id| (id, words("shirt"))).collect());
        assert!(titles(&reading, &[1])[0].is_some());
        reading.keep_words(vec![(4, words("shirt"))]);
        assert_eq!(
            titles(&reading, &[1, 2, 3, 4]).iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, false, true, true]
        );
        reading.keep_words((5..=100).map(|id| (id, words("shirt"))).collect());
        let kept = shelf.kept();
        assert!(kept.bytes <= kept.bytes_max);
        assert_eq!(kept.words.len(), 3);
    }
}
