//! Shows a run to the person who waits: lines redrawn in place on a terminal, one plain line every five seconds
//! elsewhere. Owns the moments and the drawing; the words are `glimpse.rs`. Everything goes to stderr.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, interval_at},
};

use crate::{
    measure::recorder::Series,
    report::glimpse::Glimpse,
    run::{control::Stage, world::World},
};

const LINE_EVERY: Duration = Duration::from_secs(5);
const DRAW_EVERY: Duration = Duration::from_secs(1);
/// Seconds in the little curve.
const SHOWN: usize = 40;

/// Shows progress until the returned set is dropped.
pub(crate) fn start(world: Arc<World>, series: Series) -> JoinSet<()> {
    let began = Instant::now();
    show(move || glimpse(&world, &series, began))
}

/// Shows whatever `look` sees until the returned set is dropped.
pub(crate) fn show(look: impl Fn() -> Glimpse + Send + 'static) -> JoinSet<()> {
    let mut owner = JoinSet::new();
    if stderr().is_terminal() {
        owner.spawn(draw(look));
    } else {
        owner.spawn(print(look));
    }
    owner
}

async fn print(look: impl Fn() -> Glimpse) {
    let mut ticks = interval_at(Instant::now() + LINE_EVERY, LINE_EVERY);
    loop {
        ticks.tick().await;
        eprintln!("{}", look().line());
    }
}

async fn draw(look: impl Fn() -> Glimpse) {
    let mut ticks = interval_at(Instant::now() + DRAW_EVERY, DRAW_EVERY);
    let mut drawn = 0;
    loop {
        ticks.tick().await;
        let lines = look().screen();
        // A terminal that has gone away is no reason to end a run.
        let _ = stderr().lock().write_all(frame(&lines, drawn).as_bytes());
        drawn = lines.len();
    }
}

/// The bytes that replace the `drawn` lines above the cursor. Wrapping is off meanwhile: a wrapped line would be two,
/// and the next frame would be drawn a line too low.
fn frame(lines: &[String], drawn: usize) -> String {
    let mut text = String::from("\x1b[?7l");
    if drawn > 0 {
        text.push_str(&format!("\x1b[{drawn}A"));
    }
    for line in lines {
        text.push_str(&format!("\r\x1b[2K{line}\n"));
    }
    text.push_str("\x1b[?7h");
    text
}

fn glimpse(world: &World, series: &Series, began: Instant) -> Glimpse {
    Glimpse {
        scenario: world.scenario.name.clone(),
        stage: word(world.control.stage()),
        elapsed: began.elapsed().as_secs_f64(),
        users: world.scenario.users,
        connections: world.tally.standing(),
        counters: world.control.counters(),
        errors: world.control.errors().values().sum(),
        lately: series.last(SHOWN),
        mark: world.marks.last(),
    }
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Joining => "joining",
        Stage::Sending { .. } => "sending",
        Stage::Settling { .. } => "settling",
        Stage::Sweeping { .. } => "sweeping",
        Stage::Closing => "closing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_replaces_the_one_before_it() {
        let lines = ["one".to_owned(), "two".to_owned()];
        assert!(!frame(&lines, 0).contains("A\r"), "nothing to go back to");
        let next = frame(&lines, 2);
        assert!(
            next.starts_with("\x1b[?7l\x1b[2A\r\x1b[2Kone\n") && next.ends_with("two\n\x1b[?7h"),
            "{next:?}"
        );
    }
}
