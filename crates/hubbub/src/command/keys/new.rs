//! `hubbub keys new`: one fresh key, ready to be put in front of `seal.keys`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::KeyId;
use time::OffsetDateTime;

use crate::cli::NewKeyArguments;
use crate::command::print;
use crate::exit::Exit;

/// Prints `id:base64key`.
pub(super) fn run(arguments: &NewKeyArguments) -> Result<(), Exit> {
    let id = match &arguments.id {
        Some(id) => id.clone(),
        None => fresh_id(),
    };
    if KeyId::parse(&id).is_err() || id.contains([',', ':']) {
        return Err(Exit::Usage("--id has 1 to 63 characters of A-Z a-z 0-9 _ - .".to_owned()));
    }
    print(&format!("{id}:{}\n", STANDARD.encode(rand::random::<[u8; 32]>())))
}

/// By the second, so that keys sort by age.
fn fresh_id() -> String {
    let now = OffsetDateTime::now_utc();
    let (date, time) = (now.date(), now.time());
    format!(
        "k{:04}{:02}{:02}-{:02}{:02}{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
