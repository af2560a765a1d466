//! `swarm run`: one scenario, its report on the terminal and in files, and what an earlier run did beside it.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use swarm::Verdict;

use crate::cli::{
    Stop,
    call::Call,
    compare::{self, Tolerance},
    files, verdict,
};

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    call: Call,
    /// Writes the report as one self-contained page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Holds the run against what was kept under this name
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Where baselines are kept
    #[arg(long, value_name = "FOLDER", default_value = compare::BASELINES)]
    baselines: PathBuf,
    /// How much worse than the baseline a figure may be
    #[arg(long, default_value = compare::TOLERANCE)]
    tolerance: Tolerance,
}

impl Run {
    pub(crate) fn start(&self) -> Result<ExitCode, Stop> {
        self.call.scenario()?;
        // A baseline that is not there is better known before the run than after it.
        let baseline =
            self.baseline.as_ref().map(|name| compare::baseline(&self.baselines, name)).transpose()?;
        let report = self.call.report()?;
        print!("{report}");
        if let Some(path) = &self.call.json {
            files::write_json(&report, path)?;
        }
        if let Some(path) = &self.html {
            files::write_html(&report, path)?;
        }
        let passed = report.verdict == Verdict::Passed;
        let kept_up = baseline.is_none_or(|baseline| compare::hold_against(baseline, report, self.tolerance));
        Ok(verdict(passed && kept_up))
    }
}
