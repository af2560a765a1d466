//! The child wrapper: what it hears, what it breaks, and that nothing stays behind.

use std::path::Path;
use std::time::Duration;
use testkit::{Folder, Process};

const SOON: Duration = Duration::from_secs(20);

/// Set for the copy of this test binary that is to be killed.
const VICTIM: &str = "TESTKIT_VICTIM";

fn shell(script: &str) -> Process {
    Process::launch("sh").args(["-c", script]).start()
}

#[tokio::test]
async fn a_line_is_heard_while_the_program_goes_on() {
    let mut process = shell("echo first; echo second address=7 >&2; exec sleep 1000");
    assert_eq!(process.wait_for_line("address=", SOON).await, "second address=7");
    assert!(process.is_running());
    assert_eq!(process.output(), "first\nsecond address=7\n");
}

#[tokio::test]
async fn the_process_id_is_the_program_s_own() {
    let mut process = shell("echo pid $$.; exec sleep 1000");
    let line = process.wait_for_line("pid", SOON).await;
    assert_eq!(line, format!("pid {}.", process.pid()));
}

#[tokio::test]
async fn arguments_and_variables_arrive_unchanged() {
    let launch =
        Process::launch("sh").args(["-c", r#"printf '%s|' "$1" "$2" "$WORD""#, "sh", "a  b", "$c'\""]);
    let mut process = launch.env("WORD", " x y ").start();
    assert_eq!(process.wait(SOON).await, 0);
    assert_eq!(process.output(), "a  b|$c'\"| x y |");
}

#[tokio::test]
async fn the_exit_code_is_told_also_for_a_death_by_signal() {
    assert_eq!(shell("exit 7").wait(SOON).await, 7);
    let mut process = shell("echo up; exec sleep 1000");
    process.wait_for_line("up", SOON).await;
    process.terminate();
    assert_eq!(process.wait(SOON).await, 128 + 15);
    let mut process = shell("exec sleep 1000");
    process.kill9().await;
    assert_eq!(process.wait(SOON).await, 128 + 9);
}

#[tokio::test]
async fn a_missing_program_ends_with_127() {
    let mut process = Process::launch("/no/such/program").start();
    assert_eq!(process.wait(SOON).await, 127);
}

#[tokio::test]
#[should_panic(expected = "the reason why")]
async fn a_program_that_ends_early_panics_with_its_output() {
    shell("echo the reason why; exit 3").wait_for_line("ready", SOON).await;
}

#[tokio::test]
async fn a_drop_kills_the_program_and_its_group() {
    let mut process = shell("sleep 1000 & echo child $!; wait");
    let line = process.wait_for_line("child", SOON).await;
    let child: u32 = line.rsplit(' ').next().unwrap().parse().unwrap();
    let leader = process.pid();
    drop(process);
    assert!(!runs(leader));
    gone(child).await;
}

#[tokio::test]
async fn nothing_outlives_a_test_process_that_is_killed() {
    if std::env::var_os(VICTIM).is_some() {
        return be_the_victim().await;
    }
    let name = "nothing_outlives_a_test_process_that_is_killed";
    let launch = Process::launch(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
    let mut victim = launch.env(VICTIM, "1").start();
    let line = victim.wait_for_line("orphan ", SOON).await;
    let mut words = line.split("orphan ").nth(1).unwrap().split(' ');
    let (orphan, folder) = (words.next().unwrap().parse().unwrap(), words.next().unwrap());
    assert!(runs(orphan) && Path::new(folder).exists());
    victim.kill9().await;
    gone(orphan).await;
    wait_until(|| !Path::new(folder).exists()).await;
}

async fn be_the_victim() {
    let mut orphan = shell("trap '' TERM INT HUP; echo up; while :; do sleep 1000; done");
    orphan.wait_for_line("up", SOON).await;
    let folder = Folder::new();
    println!("orphan {} {}", orphan.pid(), folder.path().display());
    std::future::pending().await
}

async fn gone(pid: u32) {
    wait_until(|| !runs(pid)).await;
}

/// A zombie has ended: whoever is its parent now has not looked yet.
fn runs(pid: u32) -> bool {
    let state = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(line) => line.rsplit(") ").next().map(str::to_owned),
        Err(_) if Path::new("/proc/self").exists() => None,
        Err(_) => {
            let ps = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
            Some(String::from_utf8_lossy(&ps.expect("systems without /proc have ps").stdout).into_owned())
        }
    };
    state.is_some_and(|state| !state.trim().is_empty() && !state.starts_with('Z'))
}

async fn wait_until(condition: impl Fn() -> bool) {
    let looking = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, looking).await.expect("it should have happened by now");
}
