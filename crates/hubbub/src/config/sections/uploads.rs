//! `uploads`: which files are taken.

use crate::config::effective::Effective;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "uploads",
    doc: "Files that people share in rooms. Their bytes are kept in the database.",
    settings: &[setting(
        "uploads.max_size",
        Kind::Size(Bounds::between(1, 1024 * 1024 * 1024)),
        "10MiB",
        "The largest file that is taken; whoever sends more is told so as soon as it is passed.",
    )],
};

/// Which files are taken.
#[derive(Debug, Clone)]
pub struct UploadsConfig {
    /// Largest file, in bytes.
    pub max_size: u64,
}

impl UploadsConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self { max_size: from.number("uploads.max_size") }
    }
}
