//! One connection's place in one room: what it may be shown next. Pure.

use crate::words::Position;

/// What to do with an event that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the next one: show it.
    Send,
    /// A replay is running: keep it until that ends.
    Hold,
    /// It was seen already.
    Drop,
    /// Something between is missing: hold it, and replay from the cursor's place.
    Heal,
}

/// A place in a room. Every verdict follows from it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    place: Position,
    live: bool,
}

impl Cursor {
    /// A cursor that holds everything back until [`Self::go_live`]. `place`: what was seen so far.
    pub fn holding(place: Position) -> Self {
        Self { place, live: false }
    }

    /// The last position that was shown or skipped.
    pub fn place(&self) -> Position {
        self.place
    }

    /// Whether events are held back.
    pub fn is_holding(&self) -> bool {
        !self.live
    }

    /// Judges the event at `position`; a verdict of `Send` moves the cursor onto it, `Heal` stops the live flow.
    pub fn judge(&mut self, position: Position) -> Verdict {
        if !self.live {
            return Verdict::Hold;
        }
        if position <= self.place {
            return Verdict::Drop;
        }
        if position == self.place.next() {
            self.place = position;
            return Verdict::Send;
        }
        self.live = false;
        Verdict::Heal
    }

    /// A new epoch is announced: the order goes on behind `position`. Says whether the client must be told.
    pub fn rebase(&mut self, position: Position) -> Verdict {
        if !self.live {
            return Verdict::Hold;
        }
        if position <= self.place {
            return Verdict::Drop;
        }
        self.place = position;
        Verdict::Send
    }

    /// Moves forward to `position`, which a replay has shown.
    pub fn advance(&mut self, position: Position) {
        self.place = self.place.max(position);
    }

    /// Everything up to the cursor's place has been shown: the live flow begins behind it.
    pub fn go_live(&mut self) {
        self.live = true;
    }

    /// A replay begins: hold the live flow back.
    pub fn hold(&mut self) {
        self.live = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(epoch: u64, seq: u64) -> Position {
        Position { epoch, seq }
    }

    fn live(place: Position) -> Cursor {
        let mut cursor = Cursor::holding(place);
        cursor.go_live();
        cursor
    }

    #[test]
    fn the_table_of_verdicts() {
        let table = [
            (at(1, 5), at(1, 6), Verdict::Send),
            (at(1, 5), at(1, 5), Verdict::Drop),
            (at(1, 5), at(1, 1), Verdict::Drop),
            (at(1, 5), at(1, 7), Verdict::Heal),
            (at(1, 5), at(2, 6), Verdict::Heal),
            (at(2, 5), at(1, 6), Verdict::Drop),
            (at(1, 0), at(1, 1), Verdict::Send),
        ];
        for (place, next, verdict) in table {
            assert_eq!(live(place).judge(next), verdict, "{place} then {next}");
            assert_eq!(Cursor::holding(place).judge(next), Verdict::Hold);
        }
    }

    #[test]
    fn an_announced_epoch_goes_on_behind_its_base() {
        let mut cursor = live(at(1, 5));
        assert_eq!(cursor.rebase(at(2, 100)), Verdict::Send);
        assert_eq!(cursor.judge(at(2, 101)), Verdict::Send);
        assert_eq!(cursor.rebase(at(2, 100)), Verdict::Drop);
    }

    proptest! {
        /// Whatever is repeated, lost or reordered on the way, what is shown is 1, 2, 3 … without a gap or a repeat,
        /// when every `Heal` is followed by a replay of the room's true order.
        #[test]
        fn what_is_shown_is_contiguous_whatever_arrives(arrivals in prop::collection::vec(1u64..60, 0..200)) {
            let mut cursor = live(at(1, 0));
            let mut shown = Vec::new();
            for seq in arrivals {
                match cursor.judge(at(1, seq)) {
                    Verdict::Send => shown.push(seq),
                    Verdict::Drop => {}
                    Verdict::Heal => {
                        while cursor.place().seq < seq {
                            cursor.advance(cursor.place().next());
                            shown.push(cursor.place().seq);
                        }
                        cursor.go_live();
                    }
                    Verdict::Hold => prop_assert!(false, "nothing holds here"),
                }
            }
            let expected: Vec<u64> = (1..=shown.len() as u64).collect();
            prop_assert_eq!(shown, expected);
        }
    }
}
