//! A private Redis server: append-only file, fsync every second, loopback only.
//!
//! Owns one server, its port and its data folder. Invariant: the port and the folder stay the same over kills and
//! restarts, so what a client sees is a server that went away and came back.

use crate::port::free_port;
use crate::process::Process;
use crate::programs::run;
use crate::watchdog::Folder;
use std::path::Path;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The settings of the product's own Redis. The output buffer is raised because the default (8 MiB for a minute) silently
/// disconnects a node that is slow for a moment.
const SETTINGS: &str = "bind 127.0.0.1
save \"\"
appendonly yes
appendfsync everysec
client-output-buffer-limit pubsub 256mb 64mb 60
";

/// Longest start, loading of the append-only file included.
const START: Duration = Duration::from_secs(60);

/// How often another port is tried when somebody else was faster.
const ATTEMPTS: usize = 5;

/// One running, paused or killed server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    process: Process,
    folder: Folder,
}

impl Redis {
    /// Starts a server on a free port with an empty data folder; returns when it answers.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// One server for all tests of a test binary; none of them may break or flush it.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Redis> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// The same with further lines of `redis.conf`.
    pub async fn start_with(settings: &str) -> Self {
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            let (port, folder) = (free_port(), Folder::new());
            let text = format!("{SETTINGS}port {port}\ndir \"{}\"\n{settings}\n", folder.path().display());
            std::fs::write(folder.join("redis.conf"), text).expect("our own temporary folder is writable");
            match launch(&folder).await {
                Ok(process) => return Self { port, process, folder },
                Err(reason) => failure = reason,
            }
        }
        panic!("{failure}");
    }

    /// `redis://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its data folder, with `appendonlydir` and `redis.conf` in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it by SIGKILL and waits until it is gone.
    pub async fn kill9(&mut self) {
        self.process.kill9().await;
    }

    /// Ends it in an orderly way (SIGTERM) and waits until it is gone.
    pub async fn stop(&mut self) {
        self.resume();
        self.process.terminate();
        self.process.wait(START).await;
    }

    /// Starts it again on the same port and data, ending it first where it still runs; returns when it answers and has
    /// loaded its data.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.process = launch(&self.folder).await.unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Freezes it (SIGSTOP): connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.process.signal("STOP");
    }

    /// Lets a frozen server go on (SIGCONT).
    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Runs one command by redis-cli and returns what it prints. Panics on an error reply.
    pub async fn command(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        let answer = run("redis-cli", ["-e", "-h", "127.0.0.1", "-p", &port].iter().chain(words)).await;
        assert!(!answer.starts_with("(error)"), "{answer}");
        answer
    }
}

/// The line comes after the data is loaded and the port is open, from the very server that was started.
async fn launch(folder: &Folder) -> Result<Process, String> {
    let mut process =
        Process::launch("redis-server").arg(folder.join("redis.conf")).current_dir(folder.path()).start();
    process.line("Ready to accept connections", START).await.map(|_| process)
}
