//! The node's smallest steps: a cursor's judgement, a body's seal. `make bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must stop")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use domain::node::{Cursor, Verdict};
use domain::ports::Sealer;
use domain::seal::{Keyring, Unsealed};
use domain::words::{Content, KeyId, MessageId, Namespace, Position, RoomId};

const TEXT: &str =
    "a hundred bytes of small talk, as people write them to each other, with nothing to be escaped in it!";
/// Steps in one turn: a single one is too short for a clock.
const STEPS: u64 = 1000;

fn main() {
    divan::main();
}

fn at(seq: u64) -> Position {
    Position { epoch: 1, seq }
}

fn live(seq: u64) -> Cursor {
    let mut cursor = Cursor::holding(at(seq));
    cursor.go_live();
    cursor
}

/// Judges `STEPS` positions.
fn judge(bencher: Bencher<'_, '_>, next: impl Fn(u64) -> Position, verdict: Verdict) {
    bencher.counter(ItemsCount::new(STEPS)).bench_local(|| {
        let mut cursor = black_box(live(0));
        for step in 0..STEPS {
            let judged = cursor.judge(black_box(next(step)));
            debug_assert_eq!(judged, verdict, "{step}");
            if black_box(judged) == Verdict::Heal {
                cursor.go_live();
            }
        }
        cursor
    });
}

#[divan::bench]
fn cursor_advance(bencher: Bencher<'_, '_>) {
    judge(bencher, |step| at(step + 1), Verdict::Send);
}

#[divan::bench]
fn cursor_repeat(bencher: Bencher<'_, '_>) {
    judge(bencher, |_| at(0), Verdict::Drop);
}

#[divan::bench]
fn cursor_gap(bencher: Bencher<'_, '_>) {
    judge(bencher, |step| at(step + 2), Verdict::Heal);
}

fn room() -> RoomId {
    RoomId::new(Namespace::Room, "lounge").unwrap()
}

fn sealer(keys: &str) -> Box<dyn Sealer> {
    match keys {
        "no key" => Box::new(Unsealed),
        _ => Box::new(Keyring::new([(KeyId::parse("k1").unwrap(), [7; 32])]).unwrap()),
    }
}

const KEYS: [&str; 2] = ["no key", "a key"];

#[divan::bench(args = KEYS)]
fn seal(bencher: Bencher<'_, '_>, keys: &str) {
    let (sealer, room, id, plain) = (sealer(keys), room(), MessageId::new(), Content::text(TEXT).to_bytes());
    bencher.bench_local(|| sealer.seal(&room, id, black_box(&plain)));
}

#[divan::bench(args = KEYS)]
fn open(bencher: Bencher<'_, '_>, keys: &str) {
    let (sealer, room, id) = (sealer(keys), room(), MessageId::new());
    let sealed = sealer.seal(&room, id, &Content::text(TEXT).to_bytes());
    bencher.bench_local(|| sealer.open(&room, id, black_box(&sealed)).unwrap());
}

#[divan::bench]
fn content_to_bytes(bencher: Bencher<'_, '_>) {
    let content = Content::text(TEXT);
    bencher.bench_local(|| black_box(&content).to_bytes());
}

#[divan::bench]
fn content_from_bytes(bencher: Bencher<'_, '_>) {
    let bytes = Content::text(TEXT).to_bytes();
    bencher.bench_local(|| Content::from_bytes(black_box(&bytes)).unwrap());
}
