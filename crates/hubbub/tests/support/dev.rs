//! `hubbub dev` for tests: one process with nothing beside it, in a folder of its own.

use std::path::PathBuf;

use tempfile::TempDir;
use testkit::{Process, free_port};

use super::{Part, SECRET};

/// Settings without a limit of commands, for tests that are about something else.
pub(crate) const UNHURRIED: [&str; 2] = ["limits.commands_per_second=0", "limits.commands_burst=0"];

/// A running `hubbub dev` and its data folder.
pub(crate) struct Dev {
    pub(crate) part: Part,
    folder: TempDir,
}

impl Dev {
    /// Starts it with these settings (`limits.text=10`) and waits until it is ready.
    pub(crate) async fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (public, admin) = (free_port(), free_port());
        let mut launch = program().arg("dev").arg("--data").arg(folder.path().join("data"));
        launch = launch.args(["--listen", &format!("127.0.0.1:{public}")]);
        launch = launch.args(["--admin", &format!("127.0.0.1:{admin}")]);
        for setting in settings {
            launch = launch.args(["--set", setting]);
        }
        let process = launch.env("HUBBUB_AUTH__JWT_SECRET", SECRET).start();
        let mut part = Part { name: "dev".to_owned(), public, admin, process };
        part.ready().await;
        Self { part, folder }
    }

    /// Where clients connect.
    pub(crate) fn public(&self) -> u16 {
        self.part.public
    }

    /// Where its history lies.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// The program, not started.
pub(crate) fn program() -> testkit::Launch {
    Process::launch(env!("CARGO_BIN_EXE_hubbub"))
}
