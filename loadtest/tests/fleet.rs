//! Several processes for one run: one verdict, named failures, one end for all.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use fake::{Fake, Habits, SECRET};
use tokio::{
    process::{Child, Command},
    time::{interval, timeout},
};

const SCENARIO: &str =
    "name = \"shared\"\nusers = 8\nrooms = 4\nrate = 100\nduration = \"500ms\"\nsettle = \"2s\"\n";
const PATIENCE: Duration = Duration::from_secs(30);

/// One call of the program with the small scenario; the folder holds its JSON report.
struct Call {
    folder: tempfile::TempDir,
    arguments: Vec<String>,
}

impl Call {
    fn new(fake: &Fake, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(file("shared.toml"), SCENARIO).unwrap();
        std::fs::write(file("secret"), SECRET).unwrap();
        let mut arguments = vec!["run".into(), file("shared.toml"), "--secret-file".into(), file("secret")];
        arguments.extend(["--json".into(), file("report.json")]);
        for target in &fake.targets {
            arguments.extend(["--target".into(), target.clone()]);
        }
        arguments.extend(more.iter().map(|more| (*more).to_owned()));
        Self { folder, arguments }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
        command.args(&self.arguments).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    async fn finish(child: Child) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } =
            timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        let words = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (status.code(), words(stdout), words(stderr))
    }

    async fn run(&self) -> (Option<i32>, String, String) {
        Self::finish(self.start()).await
    }

    fn report(&self) -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(self.folder.path().join("report.json")).unwrap())
            .unwrap()
    }
}

/// The processes that this one has started, once there are so many.
async fn children(of: u32, count: usize) -> Vec<u32> {
    let found = async {
        let mut looks = interval(Duration::from_millis(10));
        loop {
            looks.tick().await;
            let list = PathBuf::from(format!("/proc/{of}/task/{of}/children"));
            let text = std::fs::read_to_string(list).unwrap_or_default();
            let pids: Vec<u32> = text.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
            if pids.len() == count {
                return pids;
            }
        }
    };
    timeout(PATIENCE, found).await.unwrap()
}

async fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().await.unwrap().success());
}

#[tokio::test]
async fn a_run_in_several_processes_has_one_verdict_and_one_report_over_all_rooms() {
    let fake = Fake::start(Habits::default()).await;
    let call = Call::new(&fake, &["--processes", "3"]);
    let (code, told, errors) = call.run().await;
    assert_eq!(code, Some(0), "{told}{errors}");
    assert!(told.starts_with("PASSED shared: 8 users, 4 rooms"), "{told}");
    let report = call.report();
    assert_eq!(report["generators"].as_array().unwrap().len(), 3);
    assert_eq!(report["acknowledged"], report["intended"]);
    assert_eq!(report["delivered"].as_u64(), report["intended"].as_u64().map(|sent| sent * 2), "{report}");
}

#[tokio::test]
async fn a_breach_that_one_process_sees_fails_the_run() {
    let fake = Fake::start(Habits { repeats: Some(3), ..Habits::default() }).await;
    let (code, told, errors) = Call::new(&fake, &["--processes", "2"]).run().await;
    assert_eq!(code, Some(99), "{told}{errors}");
    assert!(told.contains("heard 3 a second time"), "{told}");
}

#[tokio::test]
async fn a_worker_that_dies_fails_the_run_by_name_and_takes_the_others_with_it() {
    let fake = Fake::start(Habits::default()).await;
    let call = Call::new(&fake, &["--processes", "2", "--duration", "60s"]);
    let child = call.start();
    let workers = children(child.id().unwrap(), 2).await;
    signal("-KILL", workers[1]).await;
    let (code, told, errors) = Call::finish(child).await;
    assert_eq!(code, Some(1), "{told}{errors}");
    assert!(errors.contains(&format!("worker 2 of 2 (process {})", workers[1])), "{errors}");
    let gone = async {
        let mut looks = interval(Duration::from_millis(10));
        while std::path::Path::new(&format!("/proc/{}", workers[0])).exists() {
            looks.tick().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn an_interrupt_ends_the_sending_of_all_and_a_fault_is_made_once() {
    let fake = Fake::start(Habits::default()).await;
    let mut call = Call::new(&fake, &["--processes", "2"]);
    let made = call.folder.path().join("made");
    let phases = "[[phases]]\nkind = \"fault\"\nfault = \"note\"\nduration = \"60s\"\n";
    std::fs::write(call.folder.path().join("shared.toml"), format!("{SCENARIO}{phases}")).unwrap();
    call.arguments.extend(["--fault".into(), format!("note=echo made >> {}", made.display())]);
    let child = call.start();
    let pid = child.id().unwrap();
    let note = async {
        let mut looks = interval(Duration::from_millis(10));
        while !made.exists() {
            looks.tick().await;
        }
    };
    timeout(PATIENCE, note).await.unwrap();
    signal("-INT", pid).await;
    let (code, told, errors) = Call::finish(child).await;
    assert_eq!(code, Some(0), "{told}{errors}");
    let report = call.report();
    assert!(report["seconds"].as_f64().unwrap() < 30.0);
    assert_eq!(report["acknowledged"], report["intended"]);
    assert_eq!(std::fs::read_to_string(made).unwrap(), "made\n");
}

#[tokio::test]
async fn the_secret_stands_on_no_command_line() {
    let fake = Fake::start(Habits::default()).await;
    let call = Call::new(&fake, &["--processes", "2", "--duration", "60s"]);
    let child = call.start();
    for pid in children(child.id().unwrap(), 2).await {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(!String::from_utf8_lossy(&line).contains(SECRET));
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(!String::from_utf8_lossy(&environment).contains(SECRET));
    }
}

#[tokio::test]
async fn a_scenario_that_cannot_be_divided_so_often_is_refused_by_its_key() {
    let fake = Fake::start(Habits::default()).await;
    let (code, told, errors) = Call::new(&fake, &["--processes", "5"]).run().await;
    assert_eq!(code, Some(2), "{told}{errors}");
    assert!(errors.contains("rooms: 4 rooms cannot be divided among 5 processes"), "{errors}");
}
