//! `hubbub keys rotate`: seals every old message with the first key. It may be stopped and started again at any time,
//! beside gateways and persisters at work.

use std::time::{Duration, Instant};

use domain::rotation::{Rotated, rotate};

use super::{ids, vault};
use crate::cli::RotateArguments;
use crate::command::print;
use crate::config::Config;
use crate::exit::Exit;
use crate::wiring::{self, options};

/// Between two lines of progress.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Rotates until nothing is left to do.
pub(super) async fn run(config: Config, arguments: RotateArguments) -> Result<(), Exit> {
    let Some(first) = ids(&config).into_iter().next() else {
        return Err(Exit::Usage("seal.keys is not set: there is no key to seal with".to_owned()));
    };
    let url = wiring::needed(config.database.url.as_ref(), "database.url")?;
    let (vault, sealer) = (vault(&config).await?, options::sealer(&config));
    let mut told = Instant::now();
    let progress = |done: Rotated| {
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            tracing::info!(sealed = done.sealed, unreadable = done.unreadable, "rotating");
        }
    };
    let rotated = rotate(&*vault, &*sealer, &first, usize::from(arguments.batch), progress).await;
    let done = rotated.map_err(|error| wiring::dependency("the database", url, &error))?;
    let Rotated { sealed, overtaken, unreadable } = done;
    print(&format!("sealed {sealed}, changed meanwhile {overtaken}, unreadable {unreadable}\n"))?;
    if unreadable > 0 {
        let words = "no configured key opens these messages: put the missing key behind the first one";
        return Err(Exit::failure(format!("{unreadable} messages are left as they were"), words));
    }
    Ok(())
}
