//! `swarm capacity`: the most that the servers bear, as a table and as JSON.

use std::process::ExitCode;

use clap::Args;

use crate::cli::{Stop, call::Call, files, verdict};

#[derive(Args)]
pub(crate) struct Search {
    #[command(flatten)]
    call: Call,
}

impl Search {
    pub(crate) fn start(&self) -> Result<ExitCode, Stop> {
        let ceiling = self.call.search()?;
        print!("{ceiling}");
        if let Some(path) = &self.call.json {
            files::write_value(&ceiling, path)?;
        }
        Ok(verdict(ceiling.last_good.is_some()))
    }
}
