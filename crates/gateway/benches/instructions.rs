//! How many instructions the node spends on a message, and on each delivery of it. `make bench-instructions`.
//!
//! Instructions hardly depend on what else the machine does, where times differ by a third. The program runs itself under
//! valgrind, with few and many members, and few and many messages; the differences leave out the start. The kernel's
//! part is not seen. What a delivery takes repeats within a few percent. What a message takes is what is left, and tells
//! no more than the order of magnitude: how often a thread looks for work differs from run to run.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must stop")]

#[path = "../tests/allocations/client.rs"]
mod client;
#[path = "../tests/allocations/edge.rs"]
mod edge;
#[path = "../tests/allocations/plain.rs"]
mod plain;

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use client::BURST;
use edge::{Edge, Speech};
use plain::Members;

/// Members of the room in the two runs.
const MEMBERS: [usize; 2] = [10, 40];
/// Messages in the two runs.
const MESSAGES: [usize; 2] = [64, 192];
/// Messages before, so that both runs have the same start.
const WARM_UP: usize = 64;

/// What is measured: a name, and how many messages come at once.
const CASES: [(&str, usize); 7] = [
    ("plain", 1),
    ("rooms", 1),
    ("rooms", BURST),
    ("hub", 1),
    ("socketio", 1),
    ("socketio", BURST),
    ("chats", 1),
];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [case, members, messages, burst] => {
            run(case, members.parse().unwrap(), messages.parse().unwrap(), burst.parse().unwrap());
        }
        // As `cargo bench` calls it.
        _ => measure(),
    }
}

fn run(case: &str, members: usize, messages: usize, burst: usize) {
    let edge = Edge::start();
    if case == "plain" {
        return run_plain(&edge, members, messages);
    }
    let speech = match case {
        "rooms" => Speech::Rooms,
        "hub" => Speech::Hub,
        "socketio" => Speech::SocketIo,
        "chats" => Speech::Chats,
        other => panic!("no such case: {other}"),
    };
    let mut clients = edge.members(speech, members);
    for burst in [BURST; WARM_UP / BURST].into_iter().chain(vec![burst; messages / burst]) {
        clients[0].say(burst);
        clients.iter_mut().for_each(|client| client.hear(burst));
    }
}

/// The members' transports only count; one client at the door of raw rooms speaks.
fn run_plain(edge: &Edge, members: usize, messages: usize) {
    let plain = Members::join(edge, members);
    plain.hear(1);
    let mut sender = edge.client(Speech::Rooms, members);
    for _ in 0..WARM_UP + messages {
        sender.say(1);
        sender.hear(1);
        plain.hear(1);
    }
}

fn measure() {
    println!("instructions on the server's threads        per delivery    per message");
    for (case, burst) in CASES {
        let by_message = MEMBERS.map(|members| {
            let [few, many] = MESSAGES.map(|messages| instructions(case, members, messages, burst));
            (many as f64 - few as f64) / (MESSAGES[1] - MESSAGES[0]) as f64
        });
        let per_delivery = (by_message[1] - by_message[0]) / (MEMBERS[1] - MEMBERS[0]) as f64;
        let per_message = by_message[0] - per_delivery * MEMBERS[0] as f64;
        let name = if burst > 1 { format!("{case}, {burst} at once") } else { case.to_owned() };
        println!("{name:40}    {per_delivery:12.0}   {per_message:12.0}");
    }
}

/// Runs one case under valgrind. The first thread is the clients', all others are the server's.
fn instructions(case: &str, members: usize, messages: usize, burst: usize) -> u64 {
    let folder = TempDir::new().unwrap();
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--separate-threads=yes", "--fair-sched=yes", "--quiet"])
        .arg(format!("--callgrind-out-file={}", folder.path().join("out").display()))
        .arg(std::env::current_exe().unwrap())
        .args([case.to_owned(), members.to_string(), messages.to_string(), burst.to_string()])
        .stdout(Stdio::null())
        .status()
        .expect("valgrind is installed");
    assert!(status.success(), "{case} runs under valgrind");
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| is_server_thread(file)).map(|file| total(&file)).sum()
}

/// Files are called `out-01` and so on, one for each thread.
fn is_server_thread(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_str().unwrap();
    name.strip_prefix("out-").is_some_and(|thread| thread != "01")
}

fn total(file: &Path) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
    totals.map(|total| total.trim().parse::<u64>().unwrap()).sum()
}
