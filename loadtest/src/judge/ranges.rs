//! A set of sequence numbers as sorted, merged ranges: one range in a healthy run, whatever its length.

#[derive(Debug, Clone, Default)]
pub(crate) struct Ranges {
    /// Inclusive, ascending, never touching each other.
    runs: Vec<(u64, u64)>,
    len: u64,
}

impl Ranges {
    /// Adds a number; false if it was there already.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        if let Some(last) = self.runs.last_mut()
            && number == last.1 + 1
        {
            last.1 = number;
            self.len += 1;
            return true;
        }
        let after = self.runs.partition_point(|run| run.0 <= number);
        if after > 0 && self.runs[after - 1].1 >= number {
            return false;
        }
        self.insert_new(after, number);
        self.len += 1;
        true
    }

    fn insert_new(&mut self, after: usize, number: u64) {
        let joins_left = after > 0 && self.runs[after - 1].1 + 1 == number;
        let joins_right = after < self.runs.len() && self.runs[after].0 == number + 1;
        match (joins_left, joins_right) {
            (true, true) => {
                self.runs[after - 1].1 = self.runs[after].1;
                self.runs.remove(after);
            }
            (true, false) => self.runs[after - 1].1 = number,
            (false, true) => self.runs[after].0 = number,
            (false, false) => self.runs.insert(after, (number, number)),
        }
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.covers(number, number)
    }

    /// Whether every number from `first` to `last` (inclusive) is in the set.
    pub(crate) fn covers(&self, first: u64, last: u64) -> bool {
        let after = self.runs.partition_point(|run| run.0 <= first);
        first > last || (after > 0 && self.runs[after - 1].1 >= last)
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_merge_into_one_range() {
        let mut ranges = Ranges::default();
        for number in [5, 1, 3, 2, 9, 4, 8, 7, 6] {
            assert!(ranges.insert(number), "{number}");
        }
        assert_eq!(ranges.runs, [(1, 9)]);
        assert_eq!(ranges.len(), 9);
        assert!((1..=9).all(|number| !ranges.insert(number)));
    }

    #[test]
    fn coverage_sees_a_single_missing_number() {
        let mut ranges = Ranges::default();
        for number in (1..=10).filter(|number| *number != 6) {
            ranges.insert(number);
        }
        assert!(ranges.covers(1, 5) && ranges.covers(7, 10) && ranges.covers(4, 3));
        assert!(!ranges.covers(5, 7) && !ranges.contains(6) && !ranges.contains(0) && !ranges.contains(11));
    }
}
