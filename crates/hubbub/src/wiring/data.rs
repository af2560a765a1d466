//! The data folder of the embedded mode: the SQLite file, and whether the last run ended in order.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use broker::memory::Numbering;
use domain::Timestamp;
use domain::ports::Store;
use store::Opened;

use super::options;
use crate::config::Config;
use crate::exit::Exit;

/// A data folder in use.
pub(crate) struct DataFolder {
    path: PathBuf,
    // Locked as long as it is open: two processes would number the same rooms apart.
    _lock: File,
}

impl DataFolder {
    pub(crate) fn open(path: &Path) -> Result<Self, Exit> {
        fs::create_dir_all(path)
            .map_err(|error| Exit::failure(format!("cannot make the folder {}", path.display()), error))?;
        let lock = File::create(path.join("lock"))
            .map_err(|error| Exit::failure(format!("cannot write in {}", path.display()), error))?;
        lock.try_lock().map_err(|error| {
            Exit::failure(format!("{} is in use by another process", path.display()), error)
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The SQLite file, brought to the newest schema.
    pub(crate) async fn database(&self, config: &Config) -> Result<Opened, Exit> {
        let file = self.path.join("hubbub.db");
        let url = format!("sqlite://{}", file.display());
        let failed = |error| Exit::failure(format!("cannot use {}", file.display()), error);
        store::migrate(&url).await.map_err(failed)?;
        store::open(&url, options::store(config)).await.map_err(failed)
    }

    /// Where numbers go on. Only a run that wrote everything it accepted may be continued as if nothing had happened;
    /// the sign of it is taken away until this run has ended as well.
    pub(crate) async fn numbering(&self, store: &dyn Store) -> Result<Numbering, Exit> {
        let unread = |error| Exit::failure("cannot read the history", error);
        let heads = store.heads().await.map_err(unread)?;
        let in_order = fs::remove_file(self.sign()).is_ok();
        if in_order || heads.is_empty() && !self.was_used() {
            return Ok(Numbering::resumed(heads));
        }
        let epoch = heads.iter().map(|(_, head)| head.epoch).max().unwrap_or(0);
        Ok(Numbering::fenced(epoch, Timestamp::now()))
    }

    /// Everything accepted is written.
    pub(crate) fn ended_in_order(&self) {
        if let Err(error) = fs::write(self.sign(), "everything accepted was written\n") {
            tracing::warn!(%error, "the data folder could not be signed, the next run begins a new epoch");
        }
    }

    /// A run before this one may have accepted something.
    fn was_used(&self) -> bool {
        let mark = self.path.join("used");
        let used = mark.exists();
        // Without the mark the next unclean start of an empty history would be taken for a first one.
        if let Err(error) = fs::write(&mark, "") {
            tracing::warn!(%error, "the data folder could not be marked");
        }
        used
    }

    fn sign(&self) -> PathBuf {
        self.path.join("clean")
    }
}
