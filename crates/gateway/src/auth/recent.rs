//! A map of bounded size that forgets what was touched longest ago, half of itself at a time.
//!
//! Invariant: never more than `capacity` entries, whatever keys clients invent; every step is O(1).

use std::collections::HashMap;
use std::hash::Hash;

/// The map.
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (capacity / 2).max(1) }
    }

    /// The value under `key`, which becomes the youngest.
    pub(super) fn touch(&mut self, key: &K) -> Option<&mut V> {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.put(key, value);
        }
        self.young.get_mut(key)
    }

    /// Puts a value under `key`. When half of the room is taken by younger ones, all older ones go.
    pub(super) fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    /// Forgets `key`.
    pub(super) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_outgrows_its_capacity_and_keeps_the_youngest() {
        let mut recent = Recent::new(8);
        for key in 0..1000 {
            recent.put(key, key);
            assert!(recent.young.len() + recent.old.len() <= 8);
        }
        for key in 996..1000 {
            assert_eq!(recent.touch(&key), Some(&mut { key }));
        }
        assert_eq!(recent.touch(&0), None);
    }

    #[test]
    fn what_is_touched_stays() {
        let mut recent = Recent::new(8);
        recent.put(0, "kept");
        for key in 1..1000 {
            recent.put(key, "passing");
            assert_eq!(recent.touch(&0), Some(&mut "kept"), "{key}");
        }
        recent.remove(&0);
        assert_eq!(recent.touch(&0), None);
    }
}
