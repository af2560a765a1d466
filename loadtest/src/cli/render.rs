//! `swarm report`: an earlier report again.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use crate::cli::{Stop, files};

#[derive(Args)]
pub(crate) struct Render {
    /// The report as JSON
    report: PathBuf,
    /// Writes it as one self-contained page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Render {
    pub(crate) fn start(&self) -> Result<ExitCode, Stop> {
        let report = files::read_report(&self.report)?;
        print!("{report}");
        self.html.iter().try_for_each(|path| files::write_html(&report, path))?;
        Ok(ExitCode::SUCCESS)
    }
}
