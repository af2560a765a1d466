//! The secret that `hubbub dev` signs tokens with where none is configured: one file in its data folder.
//!
//! Invariant: whoever reads the file finds a whole secret or none, also while another process creates it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::Secret;
use crate::exit::Exit;

/// The data folder where nobody names another.
pub const DEFAULT_DATA: &str = "hubbub-data";
/// Characters below which the file is not what this program wrote.
const SHORTEST: usize = 32;

/// Where the secret of a data folder lies.
pub fn path(data: &Path) -> PathBuf {
    data.join("secret")
}

/// The secret of a data folder, if it has one.
pub fn read(data: &Path) -> Result<Option<Secret>, Exit> {
    let path = path(data);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= SHORTEST => Ok(Some(Secret::new(text.trim()))),
        Ok(_) => {
            Err(Exit::failure(path.display(), "too short for a secret; delete it to have a new one made"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Exit::failure(format!("cannot read {}", path.display()), error)),
    }
}

/// The secret of a data folder, made now if it has none yet.
pub fn read_or_create(data: &Path) -> Result<Secret, Exit> {
    if let Some(secret) = read(data)? {
        return Ok(secret);
    }
    let cannot = |error: io::Error| Exit::failure(format!("cannot write {}", path(data).display()), error);
    create(data).map_err(cannot)?;
    read(data)?.ok_or_else(|| cannot(io::ErrorKind::NotFound.into()))
}

/// Writes beside and links into place: the link fails where another process was first, whose secret then counts.
fn create(data: &Path) -> io::Result<()> {
    fs::create_dir_all(data)?;
    let draft = data.join(format!("secret.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path(data));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("fresh");
        assert_eq!(read(&data).unwrap(), None);
        let made = read_or_create(&data).unwrap();
        assert_eq!(made.expose().len(), 43);
        assert_eq!(read_or_create(&data).unwrap(), made);
        assert_eq!(read(&data).unwrap(), Some(made));
        assert_eq!(fs::metadata(path(&data)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_secret_that_another_process_made_first_counts() {
        let folder = tempfile::tempdir().unwrap();
        let first = read_or_create(folder.path()).unwrap();
        create(folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Some(first));
    }

    #[test]
    fn a_damaged_secret_is_an_error_and_not_a_weak_secret() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path()), "short\n").unwrap();
        let told = read_or_create(folder.path()).unwrap_err().to_string();
        assert!(told.contains("too short") && !told.contains("short\n"), "{told}");
    }
}
