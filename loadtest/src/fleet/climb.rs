//! Where to look for the highest value that holds: raise by a factor until something breaks, then bisect.
//!
//! Pure arithmetic; running a step and judging it is `capacity.rs`. Invariant: the answer lies between the highest value
//! that held and the lowest that broke, and those come within the wanted share of one another.

/// The search ends when the broken value is at most this much above the good one.
const WITHIN: f64 = 1.05;

/// A search under way.
#[derive(Debug, Clone)]
pub(super) struct Climb {
    rising: std::vec::IntoIter<f64>,
    good: Option<f64>,
    bad: Option<f64>,
    /// Values are whole numbers: users.
    whole: bool,
}

impl Climb {
    /// `values` are the first ones to try, rising; the last of them is the most that is tried at all.
    pub(super) fn new(values: Vec<f64>, whole: bool) -> Self {
        Self { rising: values.into_iter(), good: None, bad: None, whole }
    }

    /// The next value to try; absent when the answer is known.
    pub(super) fn next(&mut self) -> Option<f64> {
        match (self.good, self.bad) {
            (_, None) => self.rising.next().map(|value| self.fit(value)),
            // Nothing held: what lies below the first value was not asked for.
            (None, Some(_)) => None,
            (Some(good), Some(bad)) => {
                let middle = self.fit((good * bad).sqrt());
                (bad / good > WITHIN && middle > good && middle < bad).then_some(middle)
            }
        }
    }

    /// What became of it.
    pub(super) fn tell(&mut self, value: f64, held: bool) {
        let end = if held { &mut self.good } else { &mut self.bad };
        *end = Some(value);
    }

    fn fit(&self, value: f64) -> f64 {
        if self.whole { value.round() } else { (value * 10.0).round() / 10.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches with servers that bear this much.
    fn climb(values: &[f64], whole: bool, bears: f64) -> (Vec<f64>, Climb) {
        let mut climb = Climb::new(values.to_vec(), whole);
        let mut tried = Vec::new();
        while let Some(value) = climb.next() {
            tried.push(value);
            climb.tell(value, value <= bears);
        }
        (tried, climb)
    }

    #[test]
    fn the_answer_is_found_within_a_twentieth() {
        for bears in [101.0, 150.0, 399.9, 555.5, 799.0] {
            let (tried, climb) = climb(&[100.0, 200.0, 400.0, 800.0], false, bears);
            let (good, bad) = (climb.good.unwrap(), climb.bad.unwrap());
            assert!(good <= bears && bears < bad && bad / good <= 1.05, "{bears}: {tried:?}");
            assert!(tried.len() <= 9, "{bears}: {tried:?}");
        }
    }

    #[test]
    fn nothing_is_tried_beyond_the_last_value_or_below_the_first() {
        let (tried, above) = climb(&[1.0, 2.0, 3.0], true, 1e9);
        assert_eq!((tried, above.bad), (vec![1.0, 2.0, 3.0], None));
        let (tried, below) = climb(&[10.0, 20.0], true, 5.0);
        assert_eq!((tried, below.good), (vec![10.0], None));
    }

    #[test]
    fn users_are_whole_and_neighbours_end_the_search() {
        let (tried, climb) = climb(&[1.0, 8.0], true, 5.0);
        assert_eq!((climb.good, climb.bad), (Some(5.0), Some(6.0)));
        assert!(tried.iter().all(|value| value.fract() == 0.0), "{tried:?}");
    }
}
