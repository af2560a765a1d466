//! Any program as a child of a test: started, listened to, broken on purpose, ended.
//!
//! Owns one child and the file that holds what it prints. Does not know what the program is. Invariants: the child is
//! killed when its `Process` is dropped or the test process ends, and it is tied to no runtime, so a static may hold it.

use crate::programs::program;
use crate::watchdog::{self, Folder};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Waits for the line that says "the watchdog knows you" and becomes the program, keeping the process id. Where the test
/// process dies in between, `read` fails and the program never runs.
const GATE: &str = r#"read -r line || exit 126; exec "$@" </dev/null"#;

/// How often a condition is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Lines of output that a panic shows.
const TAIL_LINES: usize = 40;

/// What to start; made by [`Process::launch`].
#[derive(Debug)]
pub struct Launch {
    program: PathBuf,
    command: Command,
}

impl Launch {
    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets one variable; all others are inherited.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes one inherited variable away.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Starts it in this folder; otherwise in the test's own.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Starts it as another user (needs root), without that user's further groups.
    #[must_use]
    pub(crate) fn identity(mut self, user: u32, group: u32) -> Self {
        self.command.uid(user).gid(group);
        self
    }

    /// Starts it. A program that cannot be run is seen as one that ended with 126 or 127.
    #[must_use]
    pub fn start(mut self) -> Process {
        let folder = Folder::new();
        let output = File::options().create(true).append(true).open(folder.join("output"));
        let output = output.expect("our own temporary folder is writable");
        let second = output.try_clone().expect("one more descriptor");
        self.command.stdin(Stdio::piped()).stdout(output).stderr(second).process_group(0);
        let mut child = self.command.spawn().expect("every Unix has /bin/sh, and the working folder exists");
        watchdog::watch(child.id());
        let mut gate = child.stdin.take().expect("standard input was asked for");
        gate.write_all(b"go\n").expect("the shell waits for this line");
        Process { program: self.program, child, exit: None, folder }
    }
}

/// A running (or ended) child.
#[derive(Debug)]
pub struct Process {
    program: PathBuf,
    child: Child,
    /// Set once the child has been waited for; from then on its number may belong to somebody else.
    exit: Option<i32>,
    folder: Folder,
}

impl Process {
    /// Prepares a program: a path, or a name that is looked up like a command's.
    #[must_use]
    pub fn launch(name: impl AsRef<Path>) -> Launch {
        let name = name.as_ref();
        let single = name.components().count() == 1;
        let path = if single { program(&name.to_string_lossy()) } else { name.to_path_buf() };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GATE, "launch"]).arg(&path);
        Launch { program: path, command }
    }

    /// The process id of the program itself.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has printed so far, on both streams.
    #[must_use]
    pub fn output(&self) -> String {
        let bytes = std::fs::read(self.folder.join("output")).expect("the file lives as long as this value");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.look().is_none()
    }

    /// Waits until it has printed a complete line that contains `text` and returns that line. Panics, showing the
    /// output's tail, where the program ends or the time is over first.
    pub async fn wait_for_line(&mut self, text: &str, timeout: Duration) -> String {
        self.line(text, timeout).await.unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// The same, for callers that can try again: the error is what a person should read.
    pub(crate) async fn line(&mut self, text: &str, timeout: Duration) -> Result<String, String> {
        let found = until(timeout, || {
            let ended = self.look();
            let line = self.complete_line(text);
            line.map(Ok).or_else(|| ended.map(Err))
        });
        match found.await {
            Some(Ok(line)) => Ok(line),
            Some(Err(code)) => Err(self.complaint(&format!("ended with {code} before it printed {text:?}"))),
            None => Err(self.complaint(&format!("did not print {text:?} within {timeout:?}"))),
        }
    }

    /// Waits until it ends by itself and returns its exit code, or 128 + the signal that ended it. Panics where the time
    /// is over first.
    pub async fn wait(&mut self, timeout: Duration) -> i32 {
        match until(timeout, || self.look()).await {
            Some(code) => code,
            None => panic!("{}", self.complaint(&format!("did not end within {timeout:?}"))),
        }
    }

    /// Sends SIGTERM and returns at once; [`Process::wait`] waits.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends any signal by its name without `SIG`, as in `INT`. Nothing happens where the program has ended.
    pub fn signal(&self, name: &str) {
        if self.exit.is_none() {
            send(name, &self.pid().to_string());
        }
    }

    /// Kills it and its process group by SIGKILL and waits until it is gone.
    pub async fn kill9(&mut self) {
        self.kill_now();
        self.wait(Duration::from_secs(10)).await;
    }

    fn kill_now(&mut self) {
        if self.exit.is_none() {
            // The group first: once the leader is waited for, the group's number is not ours any more.
            send("KILL", &format!("-{}", self.pid()));
            let _ = self.child.kill();
        }
    }

    fn look(&mut self) -> Option<i32> {
        if self.exit.is_none() {
            let status = self.child.try_wait().expect("it is our child");
            self.ended(status?);
        }
        self.exit
    }

    fn ended(&mut self, status: ExitStatus) {
        watchdog::forget(self.child.id());
        self.exit = Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()));
    }

    fn complete_line(&self, text: &str) -> Option<String> {
        let output = self.output();
        let complete = &output[..output.rfind('\n')?];
        complete.lines().find(|line| line.contains(text)).map(str::to_owned)
    }

    fn complaint(&self, what: &str) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        format!("{} {what}; its output ends with:\n{tail}", self.program.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_now();
        if self.exit.is_none()
            && let Ok(status) = self.child.wait()
        {
            self.ended(status);
        }
    }
}

/// Looks until there is something or the time is over. The deadline is on the real clock: children know no paused time.
pub(crate) async fn until<T>(timeout: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + timeout;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Through the shell's own `kill`: the standard library offers no signal but SIGKILL without unsafe code.
fn send(signal: &str, target: &str) {
    let arguments: [OsString; 5] = ["-c", r#"kill -s "$1" -- "$2""#, "kill", signal, target].map(Into::into);
    let mut command = Command::new("/bin/sh");
    // A target that has just ended by itself is no mistake, so the result does not matter.
    let _ = command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).status();
}
