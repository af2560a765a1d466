//! `swarm compare`, and holding a run against a baseline.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use clap::Args;
use swarm::{Comparison, Report, Side};

use crate::cli::{Stop, files, verdict};

/// Where baselines are kept, seen from the root of the repository.
pub(crate) const BASELINES: &str = "loadtest/baselines";
pub(crate) const TOLERANCE: &str = "10%";

#[derive(Args)]
pub(crate) struct Compare {
    /// The first is what the others are held against; several runs of a side are a folder, or files with commas
    #[arg(required = true, num_args = 2.., value_name = "FILE|FOLDER")]
    sides: Vec<String>,
    /// How much worse a figure may get
    #[arg(long, default_value = TOLERANCE)]
    tolerance: Tolerance,
}

/// A share: `10%` or `0.1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tolerance(f64);

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
        let share = number.trim().parse::<f64>().ok().map(|number| number / whole);
        let share = share.filter(|share| (0.0..=10.0).contains(share));
        share.map(Self).ok_or_else(|| format!("`{text}` is not a share such as 10% or 0.1"))
    }
}

impl Compare {
    pub(crate) fn start(&self) -> Result<ExitCode, Stop> {
        let sides: Vec<Side> = self.sides.iter().map(|side| files::side(side)).collect::<Result<_, _>>()?;
        let comparison = swarm::compare(&sides, self.tolerance.0);
        print!("{comparison}");
        Ok(verdict(comparison.worse().is_empty()))
    }
}

/// What was kept under a name.
pub(crate) fn baseline(folder: &Path, name: &str) -> Result<Side, Stop> {
    let kept: PathBuf = folder.join(name);
    if !kept.is_dir() {
        return Err(Stop::broken(format!("there is no baseline `{name}` in {}", folder.display())));
    }
    files::side(&kept.to_string_lossy())
}

/// Prints a run beside its baseline; false if it got worse.
pub(crate) fn hold_against(baseline: Side, report: Report, tolerance: Tolerance) -> bool {
    let run = Side { name: "this run".into(), reports: vec![report] };
    let comparison: Comparison = swarm::compare(&[baseline, run], tolerance.0);
    print!("\n{comparison}");
    comparison.worse().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_share_or_a_percentage() {
        assert_eq!("10%".parse(), Ok(Tolerance(0.1)));
        assert_eq!("0.25".parse(), Ok(Tolerance(0.25)));
        for text in ["", "%", "ten", "-1%", "NaN", "1001%"] {
            assert!(text.parse::<Tolerance>().is_err(), "{text}");
        }
    }
}
