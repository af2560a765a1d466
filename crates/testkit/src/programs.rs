//! Where the programs of this machine are, and running one of them to its end.
//!
//! Owns the search and the message for a missing one. Invariant: a missing program is a panic that names the command to
//! type, never a skipped test.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Folders outside `PATH` where distributions keep servers, `*` standing for a version: the newest wins.
const ELSEWHERE: [&str; 7] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/sbin",
    "/usr/local/sbin",
];

/// Longest that a helper program (redis-cli, psql, initdb) may take.
const RUN_DEADLINE: Duration = Duration::from_secs(60);

/// The path of a program, from `PATH` or the usual places. Panics with the command to type where it is missing.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    on_path
        .or_else(|| {
            ELSEWHERE
                .iter()
                .flat_map(|pattern| newest_first(pattern))
                .map(|f| f.join(name))
                .find(|f| f.is_file())
        })
        .unwrap_or_else(|| panic!("{name} is not installed; type: make services-install"))
}

/// The existing folders that a pattern with at most one `*` names, highest version first.
fn newest_first(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let parent = Path::new(before).parent().filter(|_| !before.ends_with('/')).unwrap_or(Path::new(before));
    let stem = before.rsplit('/').next().unwrap_or_default();
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(stem)?.split('.').next()?.parse().ok()?;
            Some((version, entry.path().join(after.trim_start_matches('/'))))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// Runs a program to its end and returns its standard output, trimmed. Panics where it fails or takes a minute.
pub(crate) async fn run<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let mut command = Command::new(program(name));
    command.args(arguments).kill_on_drop(true);
    run_command(name, &mut command).await
}

/// The same for a command that needs more than arguments.
pub(crate) async fn run_command(name: &str, command: &mut Command) -> String {
    let output =
        tokio::time::timeout(RUN_DEADLINE, command.stdin(std::process::Stdio::null()).output()).await;
    let output = output.unwrap_or_else(|_| panic!("{name} took more than {RUN_DEADLINE:?}"));
    let output = output.unwrap_or_else(|error| panic!("{name} did not start: {error}"));
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    assert!(output.status.success(), "{name} failed ({}): {stdout}\n{stderr}", output.status);
    stdout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_on_the_path_is_found() {
        assert!(program("sh").is_absolute());
    }

    #[test]
    #[should_panic(expected = "make services-install")]
    fn a_missing_program_names_the_command_to_type() {
        let _ = program("no-such-program-anywhere");
    }

    #[test]
    fn the_newest_version_is_tried_first() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "not-a-version", "14"] {
            std::fs::create_dir_all(root.path().join(version).join("bin")).unwrap();
        }
        let found = newest_first(&format!("{}/*/bin", root.path().display()));
        let names: Vec<_> = found.iter().map(|path| path.strip_prefix(root.path()).unwrap()).collect();
        assert_eq!(names, ["15/bin", "14/bin", "9/bin"].map(Path::new));
    }

    #[test]
    fn a_version_may_be_the_tail_of_a_folder_name() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("pgsql-16").join("bin")).unwrap();
        let found = newest_first(&format!("{}/pgsql-*/bin", root.path().display()));
        assert_eq!(found, [root.path().join("pgsql-16").join("bin")]);
    }
}
