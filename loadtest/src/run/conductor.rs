//! Conducts the phases: marks where each begins, runs the faults, tells how the herd came back.
//!
//! Owns what happens to a run from outside the clients. What a phase means to a client, the client finds in the plan by
//! itself. Every command has a deadline; one that fails is a finding and an error, because the fault that was to be
//! measured may not have happened.

use std::{process::Stdio, sync::Arc, time::Duration};

use tokio::{
    process::Command,
    task::JoinSet,
    time::{Instant, interval, sleep_until, timeout},
};

use crate::{run::world::World, scenario::plan::Planned};

/// What a command may say that failed.
const WORDS_KEPT: usize = 400;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Clients of one storm are cut within this time.
const STORM_BREAKS: Duration = Duration::from_millis(500);
/// Who is not back by then is not waited for.
const HERD_PATIENCE: Duration = Duration::from_secs(300);

/// Everything that will happen, each in its own task. It ends with this.
#[derive(Default)]
pub(crate) struct Conducted {
    marks: JoinSet<()>,
    faults: JoinSet<()>,
}

/// Begins what the plan says.
pub(crate) fn conduct(world: &Arc<World>, since: Instant) -> Conducted {
    let Conducted { mut marks, mut faults } = Conducted::default();
    for (moment, label) in world.plan.beginnings.clone() {
        let world = Arc::clone(world);
        marks.spawn(async move {
            sleep_until(since + moment).await;
            world.marks.add("phase", label);
        });
    }
    for fault in world.plan.faults.clone() {
        faults.spawn(make_fault(Arc::clone(world), since, fault));
    }
    for (storm, cut) in world.plan.cuts.iter().enumerate() {
        marks.spawn(watch_herd(Arc::clone(world), since + cut.at, storm));
    }
    Conducted { marks, faults }
}

impl Conducted {
    /// No new messages are due. Commands under way are waited for, unless somebody wanted an early end.
    pub(crate) async fn leave_off(&mut self, world: &World) {
        if world.control.is_finished() {
            self.faults.abort_all();
        }
        while self.faults.join_next().await.is_some() {}
    }
}

async fn make_fault(world: Arc<World>, since: Instant, planned: Planned) {
    sleep_until(since + planned.at).await;
    let Planned { fault, deadline, .. } = planned;
    let Some(command) = world.faults.get(&fault) else { return };
    world.marks.add("fault", fault.as_str());
    match timeout(deadline, shell(command)).await {
        Ok(Ok(())) => world.marks.add("fault done", fault.as_str()),
        Ok(Err(reason)) => complain(&world, &fault, &reason),
        Err(_) => complain(&world, &fault, &format!("not done after {deadline:?}")),
    }
}

fn complain(world: &World, fault: &str, reason: &str) {
    world.tally.error("fault failed");
    world.tally.finding(|| format!("fault {fault}: {reason}"));
}

/// Runs a command; what it says is told if it fails. It ends with this future.
async fn shell(command: &str) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).kill_on_drop(true);
    let output = shell.output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let words: String = String::from_utf8_lossy(&said).trim().chars().take(WORDS_KEPT).collect();
    Err(format!("{}: {words}", output.status))
}

/// Waits until everybody whom a storm cut is back.
async fn watch_herd(world: Arc<World>, at: Instant, storm: usize) {
    sleep_until(at).await;
    world.marks.add("storm", "cut");
    sleep_until(at + STORM_BREAKS).await;
    let mut looks = interval(LOOK_EVERY);
    while at.elapsed() < HERD_PATIENCE {
        let herd = world.herd.read(storm);
        if herd.back >= herd.cut {
            let label = format!("all {} back within {:.2} s", herd.back, herd.longest.as_secs_f64());
            return world.marks.add("back", label);
        }
        looks.tick().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_that_fails_tells_what_it_said() {
        assert_eq!(shell("true").await, Ok(()));
        let told = shell("echo out; echo err >&2; exit 3").await.unwrap_err();
        assert!(told.contains('3') && told.contains("out") && told.contains("err"), "{told}");
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_given_up() {
        assert!(timeout(Duration::from_millis(50), shell("exec sleep 60")).await.is_err());
    }
}
