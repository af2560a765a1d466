//! Reports in files and folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;
use swarm::{Report, Side};

use crate::cli::Stop;

pub(crate) fn write_json(report: &Report, path: &Path) -> Result<(), Stop> {
    write_value(report, path)
}

pub(crate) fn write_value(value: &impl Serialize, path: &Path) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Stop::broken(error.to_string()))?;
    write(&text, path)
}

pub(crate) fn write_html(report: &Report, path: &Path) -> Result<(), Stop> {
    write(&swarm::page(report), path)
}

fn write(text: &str, path: &Path) -> Result<(), Stop> {
    fs::write(path, text).map_err(|error| Stop::broken(format!("cannot write {}: {error}", path.display())))
}

pub(crate) fn read_report(path: &Path) -> Result<Report, Stop> {
    let wrong = |reason: String| Stop::broken(format!("{}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Report::from_json(&text).map_err(wrong)
}

/// One side of a comparison: a file, several separated by commas, or a folder with all `.json` files in it.
pub(crate) fn side(text: &str) -> Result<Side, Stop> {
    let mut reports = Vec::new();
    for part in text.split(',') {
        for file in files_of(Path::new(part))? {
            reports.push(read_report(&file)?);
        }
    }
    if reports.is_empty() {
        return Err(Stop::broken(format!("{text}: no reports there")));
    }
    Ok(Side { name: name_of(text), reports })
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(|error| Stop::broken(format!("{}: {error}", path.display())))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut reports: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "json")).collect();
    reports.sort();
    Ok(reports)
}

/// What the table calls a side: the last part of its path.
fn name_of(text: &str) -> String {
    let (first, others) = text.split_once(',').unwrap_or((text, ""));
    let stem = Path::new(first).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_else(|| first.to_owned());
    match others.split(',').filter(|other| !other.is_empty()).count() {
        0 => name,
        more => format!("{name} +{more}"),
    }
}
