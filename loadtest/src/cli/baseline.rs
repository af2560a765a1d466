//! `swarm baseline`: keeps reports under a name, small enough to be committed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use swarm::Report;

use crate::cli::{Stop, compare::BASELINES, files};

#[derive(Args)]
pub(crate) struct Baseline {
    #[command(subcommand)]
    command: Command,
    /// Where baselines are kept
    #[arg(long, value_name = "FOLDER", default_value = BASELINES, global = true)]
    baselines: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Keeps reports under a name, in place of what was kept there
    Save {
        /// Letters, digits, `-`, `_` and `.`
        #[arg(value_parser = plain_name)]
        name: String,
        /// Several runs of the same thing give a spread
        #[arg(required = true)]
        reports: Vec<PathBuf>,
    },
    /// Names what is kept
    List,
}

impl Baseline {
    pub(crate) fn start(&self) -> Result<ExitCode, Stop> {
        match &self.command {
            Command::Save { name, reports } => self.save(name, reports)?,
            Command::List => self.list()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn save(&self, name: &str, paths: &[PathBuf]) -> Result<(), Stop> {
        // All are read before anything is replaced.
        let reports: Vec<Report> =
            paths.iter().map(|path| files::read_report(path)).collect::<Result<_, _>>()?;
        let folder = self.baselines.join(name);
        empty(&folder).map_err(|error| Stop::broken(format!("{}: {error}", folder.display())))?;
        for (number, report) in (1..).zip(reports) {
            files::write_json(&small(report), &folder.join(format!("{number}.json")))?;
        }
        println!("{}: {} runs", folder.display(), paths.len());
        Ok(())
    }

    fn list(&self) -> Result<(), Stop> {
        let wrong = |error| Stop::broken(format!("{}: {error}", self.baselines.display()));
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(&self.baselines).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            if entry.path().is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        names.iter().for_each(|name| println!("{name}"));
        Ok(())
    }
}

/// The folder, without earlier reports; whatever else lies there stays.
fn empty(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "json") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What a comparison needs: no seconds, no plots.
fn small(report: Report) -> Report {
    Report { series: Vec::new(), nodes: Vec::new(), curve: Vec::new(), marks: Vec::new(), ..report }
}

fn plain_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.starts_with('.') || !text.chars().all(plain) {
        return Err("letters, digits, `-`, `_` and `.`, not beginning with a dot".into());
    }
    Ok(text.to_owned())
}
