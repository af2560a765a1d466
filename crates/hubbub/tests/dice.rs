//! The program of the how-to: the real thing with one message type more, spoken to over a real WebSocket.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::client::Client;
use support::{PATIENCE, SECRET, token};
use tempfile::TempDir;
use testkit::Process;

/// The example, which `cargo test -p hubbub` builds beside the program.
fn dice() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_hubbub")).with_file_name("examples").join("dice");
    assert!(program.exists(), "build it first: cargo build -p hubbub --example dice");
    program
}

/// The example in development mode, and where it listens.
async fn start(folder: &TempDir) -> (Process, u16) {
    let launch =
        Process::launch(dice()).arg("dev").args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let launch = launch.env("HUBBUB_AUTH__JWT_SECRET", SECRET).current_dir(folder.path());
    let mut process = launch.start();
    let line = process.wait_for_line("  Hub ", PATIENCE).await;
    let port = line.split_once("ws://127.0.0.1:").unwrap().1.split_once("/ws").unwrap().0.parse().unwrap();
    (process, port)
}

async fn hub(port: u16, user: &str) -> Client {
    let mut client = Client::connect(port, &format!("/ws?token={}", token::of(user))).await;
    client.until("welcome").await;
    client
}

/// What the client is answered to this request, passing over what it did not ask for.
async fn answer(client: &mut Client, request: &Value) -> Value {
    client.send(request).await;
    loop {
        let frame = client.next().await;
        if frame["ref"] == request["ref"] {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_type_of_ones_own_is_answered_and_speaks_in_a_room_by_the_rules_of_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, port) = start(&folder).await;
    let (mut anna, mut bob) = (hub(port, "anna").await, hub(port, "bob").await);

    let rolled = answer(&mut anna, &json!({ "type": "roll", "sides": 6, "ref": 1 })).await;
    assert_eq!(rolled["type"], "rolled", "{rolled}");
    assert!((1..=6).contains(&rolled["value"].as_u64().unwrap()), "{rolled}");

    for (request, code) in [
        (json!({ "type": "roll", "sides": 1, "ref": 2 }), "invalid_message"),
        (json!({ "type": "roll", "ref": 3 }), "invalid_message"),
        (json!({ "type": "roll", "sides": 6, "roomId": "a b", "ref": 4 }), "invalid_room"),
        (json!({ "type": "roll", "sides": 6, "roomId": "table", "ref": 5 }), "not_in_room"),
        (json!({ "type": "rol", "ref": 6 }), "unknown_type"),
    ] {
        let refused = answer(&mut anna, &request).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!(code)), "{request}");
    }

    for client in [&mut anna, &mut bob] {
        let joined = answer(client, &json!({ "type": "join_room", "roomId": "table", "ref": 7 })).await;
        assert_eq!(joined["type"], "joined", "{joined}");
    }
    anna.send(&json!({ "type": "roll", "sides": 100, "roomId": "table", "ref": 8 })).await;
    let said = bob.until("chat").await;
    let rolled = anna.until("rolled").await;
    assert_eq!(said["message"], format!("rolled {} of 100", rolled["value"]), "{said}");
    assert_eq!((&said["userId"], &said["roomId"]), (&json!("anna"), &json!("table")), "{said}");
}
