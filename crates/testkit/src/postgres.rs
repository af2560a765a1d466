//! A private Postgres server: fresh cluster, trust authentication, loopback only, fsync on.
//!
//! Owns one server, its port and its data folder. Knows no schema. Invariants: port and data stay the same over stops and
//! kills; every database that it hands out is new.

use crate::port::free_port;
use crate::process::{Process, until};
use crate::programs::{program, run, run_command};
use crate::watchdog::Folder;
use std::os::unix::fs::{MetadataExt, chown};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// Longest start, crash recovery included, and longest orderly stop.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often a start is tried again: a port was lost to somebody else, or children of a killed server are still ending.
const ATTEMPTS: usize = 5;

/// Small and quick to start, but as durable as a real one.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'
shared_buffers = 16MB
max_connections = 200
fsync = on
synchronous_commit = on
max_wal_size = 256MB
logging_collector = off
lc_messages = 'C'
timezone = 'UTC'
";

/// One running, stopped or killed server.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    process: Process,
    folder: Folder,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes a fresh cluster and starts it on a free port; returns when it answers. About two seconds.
    pub async fn start() -> Self {
        let folder = Folder::new();
        initialise(&folder).await;
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            let port = free_port();
            match launch(&folder, port).await {
                Ok(process) => return Self { port, process, folder, databases: AtomicU32::new(0) },
                Err(reason) => failure = reason,
            }
        }
        panic!("{failure}");
    }

    /// One server for all tests of a test binary, each with a database of its own; none of them may break it.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// `postgres://postgres@127.0.0.1:PORT/DATABASE`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the server's first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Creates an empty database that nobody else uses and returns its url.
    pub async fn create_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.query("postgres", &format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Runs one statement by psql in this database and returns its rows, one a line, columns divided by `|`.
    pub async fn query(&self, database: &str, statement: &str) -> String {
        let url = self.url(database);
        run("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", statement]).await
    }

    /// Ends it in an orderly way without waiting for clients (a "fast" stop) and waits until it is gone.
    pub async fn stop(&mut self) {
        self.process.signal("CONT");
        self.process.signal("INT");
        self.process.wait(DEADLINE).await;
    }

    /// Kills its first process by SIGKILL; the others then end by themselves. Waits until the first is gone.
    pub async fn kill9(&mut self) {
        self.process.kill9().await;
    }

    /// Starts it again on the same port and data after a stop or a kill; returns when it answers.
    pub async fn start_again(&mut self) {
        assert!(!self.process.is_running(), "stop or kill it first");
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            match launch(&self.folder, self.port).await {
                Ok(process) => {
                    self.process = process;
                    return;
                }
                Err(reason) => failure = reason,
            }
            // Children of a killed server hold its shared memory until they notice; nothing announces their end.
            until::<()>(Duration::from_millis(500), || None).await;
        }
        panic!("{failure}");
    }

    /// Stops it and starts it again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Freezes its first process (SIGSTOP): nobody new gets in; connections that exist go on being served.
    pub fn pause(&self) {
        self.process.signal("STOP");
    }

    /// Lets a frozen server go on (SIGCONT).
    pub fn resume(&self) {
        self.process.signal("CONT");
    }
}

async fn initialise(folder: &Folder) {
    let mut command = Command::new(program("initdb"));
    command.current_dir(folder.path()).env("LC_ALL", "C").kill_on_drop(true);
    command
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(folder.join("data"));
    if let Some((user, group)) = other_identity(folder).await {
        chown(folder.path(), Some(user), Some(group)).expect("root may give its folder away");
        command.uid(user).gid(group);
    }
    run_command("initdb", &mut command).await;
    let sockets = format!("unix_socket_directories = '{}'\n", folder.path().display());
    let file = folder.join("data").join("postgresql.auto.conf");
    std::fs::write(file, format!("{SETTINGS}{sockets}")).expect("our own temporary folder is writable");
}

async fn launch(folder: &Folder, port: u16) -> Result<Process, String> {
    let data = folder.join("data");
    let mut launch = Process::launch("postgres").arg("-D").arg(&data).args(["-p", &port.to_string()]);
    launch = launch.env("LC_ALL", "C").current_dir(folder.path());
    let owner = std::fs::metadata(&data).expect("initdb made it");
    if owner.uid() != 0 {
        launch = launch.identity(owner.uid(), owner.gid());
    }
    let mut process = launch.start();
    process.line("database system is ready to accept connections", DEADLINE).await.map(|_| process)
}

/// Postgres refuses to run as root: user and group to use instead, or nothing where we are somebody else already.
async fn other_identity(folder: &Folder) -> Option<(u32, u32)> {
    let owner = std::fs::metadata(folder.path()).expect("our own temporary folder exists").uid();
    if owner != 0 {
        return None;
    }
    let mut numbers = [0; 2];
    for (number, flag) in numbers.iter_mut().zip(["-u", "-g"]) {
        *number = run("id", [flag, "postgres"]).await.parse().expect("id prints a number");
    }
    Some((numbers[0], numbers[1]))
}
