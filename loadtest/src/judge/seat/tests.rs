//! Every rule of a seat, one at a time.

use super::*;
use crate::wire::message::{Author, Heard};

fn seat(last: u64) -> Seat {
    let mut seat = Seat::default();
    seat.take(0, 1);
    (1..=last).for_each(|seq| assert_eq!(seat.live(seq), Step::Next));
    seat
}

fn answer(seq: u64, epoch: u64, recovered: bool) -> Rejoined {
    Rejoined { seq, epoch, recovered }
}

#[test]
fn a_dropped_number_a_swap_and_a_repeat_are_told_apart() {
    let mut seat = seat(3);
    assert_eq!(seat.live(5), Step::Gap);
    assert_eq!(seat.live(4), Step::Late);
    assert_eq!(seat.live(4), Step::Repeat);
    assert_eq!(seat.live(6), Step::Next);
}

#[test]
fn a_complete_replay_is_no_breach_and_leaves_no_hole() {
    let mut seat = seat(3);
    assert_eq!(seat.rejoin(answer(5, 1, true), &[4, 5]), Breaches::default());
    assert!(seat.holes().is_empty());
    assert_eq!(seat.live(6), Step::Next);
}

#[test]
fn a_partial_replay_called_complete_is_a_gap() {
    for replayed in [&[4, 6][..], &[5, 6], &[4, 5], &[]] {
        let breaches = seat(3).rejoin(answer(6, 1, true), replayed);
        assert_eq!(breaches.gaps, 1, "{replayed:?}");
    }
}

#[test]
fn a_replay_of_what_was_received_is_a_repeat() {
    assert_eq!(seat(3).rejoin(answer(4, 1, true), &[3, 4]).repeated, 1);
}

#[test]
fn an_unrecovered_join_opens_a_hole_that_the_history_fills() {
    let mut seat = seat(3);
    assert_eq!(seat.rejoin(answer(9, 1, false), &[8, 9]), Breaches::default());
    assert_eq!(seat.holes(), [Hole { after: 3, upto: 9, sparse: false, walked: false }]);
    (4..=6).for_each(|seq| assert!(seat.fill(seq)));
    seat.walked(3, 9);
    seat.forget_filled(&Ledger::default());
    assert_eq!(seat.holes().len(), 1, "7 is missing");
    seat.fill(7);
    seat.forget_filled(&Ledger::default());
    assert!(seat.holes().is_empty());
    assert_eq!(seat.live(10), Step::Next);
}

#[test]
fn a_page_that_overlaps_is_no_repeat() {
    let mut seat = seat(3);
    assert_eq!(seat.rejoin(answer(4, 1, false), &[2, 3, 4]), Breaches::default());
    assert!(seat.holes().is_empty());
}

#[test]
fn a_new_epoch_may_skip_numbers_but_not_what_others_have() {
    let mut seat = seat(3);
    assert_eq!(seat.resync(2, 1000), Breaches::default());
    assert_eq!(seat.live(1001), Step::Next);
    let mut ledger = Ledger::default();
    let author = Some(Author { user: 1, number: 4 });
    let other = Heard { seq: 4, id: 4, author, stamp: None };
    ledger.witness(&other, Some(1));
    seat.walked(3, 1000);
    seat.forget_filled(&ledger);
    assert_eq!(seat.holes().len(), 1, "another member has 4");
    seat.fill(4);
    seat.forget_filled(&ledger);
    assert!(seat.holes().is_empty());
}

#[test]
fn a_position_that_falls_back_is_a_breach() {
    assert_eq!(seat(5).rejoin(answer(3, 1, false), &[]).disordered, 1);
    assert_eq!(seat(5).resync(2, 3).disordered, 1);
    let mut newer = seat(5);
    newer.resync(3, 5);
    assert_eq!(newer.rejoin(answer(6, 2, false), &[]).disordered, 1);
}

#[test]
fn what_was_there_before_the_first_join_is_not_expected() {
    let mut seat = Seat::default();
    seat.take(7, 1);
    assert!(!seat.fill(7) && !seat.lacks(7) && seat.lacks(8));
    assert_eq!(seat.live(8), Step::Next);
}

#[test]
fn who_is_not_told_of_changes_steps_over_their_numbers_and_lacks_only_messages() {
    let mut seat = Seat::new(Numbers::Untold);
    seat.take(0, 1);
    assert_eq!((seat.live(1), seat.live(3)), (Step::Next, Step::Skip));
    assert_eq!(seat.rejoin(answer(5, 1, true), &[4]), Breaches::default());
    let (mut ledger, author) = (Ledger::default(), |number| Some(Author { user: 1, number }));
    for seq in [1, 3, 4] {
        ledger.witness(&Heard { seq, id: seq.into(), author: author(seq as u32), stamp: None }, Some(1));
    }
    ledger.witness(&Heard { seq: 2, id: 1, author: None, stamp: None }, Some(1));
    assert!(seat.complete(&ledger), "2 and 5 are changes");
    ledger.witness(&Heard { seq: 5, id: 5, author: author(5), stamp: None }, Some(1));
    assert!(!seat.complete(&ledger) && seat.lacks(5), "5 is a message after all");
}

#[test]
fn who_is_told_of_changes_must_hear_every_number() {
    let mut seat = Seat::new(Numbers::Told);
    seat.take(0, 1);
    assert_eq!((seat.live(1), seat.live(3)), (Step::Next, Step::Gap));
    assert_eq!(seat.rejoin(answer(5, 1, true), &[4]).gaps, 1);
}

#[test]
fn a_hole_that_was_filled_as_far_as_was_known_is_looked_into_again_at_the_end() {
    let mut seat = Seat::new(Numbers::Untold);
    seat.take(0, 1);
    seat.rejoin(answer(4, 1, false), &[3, 4]);
    let mut ledger = Ledger::default();
    seat.walked(0, 4);
    seat.forget_filled(&ledger);
    assert!(seat.holes().is_empty(), "nobody knows of 1 and 2");
    assert!(!seat.sweep(&ledger));
    seat.rejoin(answer(9, 1, false), &[8, 9]);
    seat.walked(4, 9);
    seat.forget_filled(&ledger);
    let author = Some(Author { user: 1, number: 6 });
    ledger.witness(&Heard { seq: 6, id: 6, author, stamp: None }, None);
    assert!(seat.sweep(&ledger), "6 is known by now");
    assert_eq!((seat.holes()[0].after, seat.holes()[0].upto), (4, 9));
}

#[test]
fn who_is_gone_misses_nothing_that_came_later() {
    let mut seat = seat(3);
    seat.leave();
    assert!(!seat.lacks(4));
    let mut never_came = Seat::default();
    assert!(!never_came.complete(&Ledger::default()));
    never_came.leave();
    assert!(never_came.complete(&Ledger::default()));
}
