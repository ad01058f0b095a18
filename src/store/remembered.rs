//! What was read from the store, kept in memory until it changes. This process alone changes the files.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Values by key. Clones share them.
pub struct Remembered<K, V> {
    state: Arc<Mutex<State<K, V>>>,
    /// Values at most; when there are more, all are read anew.
    values_max: usize,
}

struct State<K, V> {
    values: HashMap<K, V>,
    /// Counts changes: what was read before one is not remembered after it.
    changes: u64,
}

impl<K, V> Clone for Remembered<K, V> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), values_max: self.values_max }
    }
}

/// Shows no value: some are secrets.
impl<K, V> fmt::Debug for Remembered<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").field("values_max", &self.values_max).finish_non_exhaustive()
    }
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Nothing yet, and never more than `values_max`.
    #[must_use]
    pub fn new(values_max: usize) -> Self {
        Self { state: Arc::new(Mutex::new(State { values: HashMap::new(), changes: 0 })), values_max }
    }

    /// The value.
    ///
    /// # Errors
    /// When it has to be read: the number of changes so far, for [`keep`](Self::keep).
    pub fn get(&self, key: &K) -> Result<V, u64> {
        let state = self.state();
        state.values.get(key).cloned().ok_or(state.changes)
    }

    /// Remembers what was read after so many changes, if none has come since.
    pub fn keep(&self, key: K, value: V, changes: u64) {
        let mut state = self.state();
        if state.changes == changes {
            if state.values.len() >= self.values_max {
                state.values.clear();
            }
            state.values.insert(key, value);
        }
    }

    /// Forgets the values of these keys; called after every change of them.
    pub fn forget(&self, changed: impl Fn(&K) -> bool) {
        let mut state = self.state();
        state.changes += 1;
        state.values.retain(|key, _| !changed(key));
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let remembered = Remembered::new(2);
        let early = remembered.get(&1).expect_err("nothing yet");
        remembered.forget(|_| true);
        remembered.keep(1, "old", early);
        let late = remembered.get(&1).expect_err("it came too late");
        remembered.keep(1, "new", late);
        remembered.keep(2, "other", late);
        assert_eq!((remembered.get(&1), remembered.get(&2)), (Ok("new"), Ok("other")));
        remembered.forget(|key| *key == 1);
        assert_eq!((remembered.get(&1).is_err(), remembered.get(&2)), (true, Ok("other")));
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let remembered = Remembered::new(2);
        for key in 0..5 {
            remembered.keep(key, (), 0);
        }
        assert_eq!((0..5).filter(|key| remembered.get(key).is_ok()).count(), 1);
    }
}
