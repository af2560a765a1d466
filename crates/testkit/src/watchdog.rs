//! The watchdog: one small shell per test process that ends our children when the test process is gone.
//!
//! Owns the list of children and folders to clear away. It learns of the end by the end of its standard input, which the
//! system closes whatever the cause: return, panic, abort or SIGKILL. (The usual Linux call for this needs unsafe code.)
//! Invariant: a child is on the list before it runs its program, and off it before its number can name another process.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Names every folder of ours; the watchdog removes nothing else.
const PREFIX: &str = "hubbub-testkit-";

/// Reads `watch PID`, `ended PID` and `folder PATH` lines until end of file, then clears up.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
children=' '
while read -r word value; do
  case $word in
    watch) children="$children$value " ;;
    ended) children="${children%% $value *} ${children#* $value }" ;;
    folder) case $value in */hubbub-testkit-*) set -- "$@" "$value" ;; esac ;;
  esac
done
for child in $children; do kill -s KILL -- "-$child" "$child"; done
[ $# -eq 0 ] || rm -rf -- "$@" || { sleep 1; rm -rf -- "$@"; }
"#;

static WATCHDOG: OnceLock<Mutex<Child>> = OnceLock::new();

/// Has `pid` and its process group killed when this process ends.
pub(crate) fn watch(pid: u32) {
    tell(&format!("watch {pid}\n")).expect("the watchdog ignores signals and lives as long as this process");
}

/// Takes `pid` off the list: it has been waited for. A watchdog that is gone has nothing to forget.
pub(crate) fn forget(pid: u32) {
    let _ = tell(&format!("ended {pid}\n"));
}

fn tell(line: &str) -> std::io::Result<()> {
    // One whole line per lock, so lines of parallel tests never mix. A panic elsewhere leaves the pipe usable.
    let mut watchdog = WATCHDOG.get_or_init(start).lock().unwrap_or_else(PoisonError::into_inner);
    let pipe = watchdog.stdin.as_mut().expect("it was started with a pipe, which nobody takes out");
    pipe.write_all(line.as_bytes())
}

fn start() -> Mutex<Child> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "watchdog"]).current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Never waited for, on purpose: it ends after this process.
    Mutex::new(command.spawn().expect("every Unix has /bin/sh"))
}

/// A temporary folder that goes away with its value, or with the test process where the value is never dropped.
#[derive(Debug)]
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// A fresh, empty folder that only this user can read.
    #[must_use]
    pub fn new() -> Self {
        let folder =
            tempfile::Builder::new().prefix(PREFIX).tempdir().expect("the temporary folder is writable");
        tell(&format!("folder {}\n", folder.path().display()))
            .expect("the watchdog lives as long as this process");
        Self(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of an entry in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
