//! Fields that mean the same in every dialect: which values they take, and the words of a refusal.

use domain::words::{ClientId, Fault};

use super::{LARGEST, Value, invalid, text, whole};

/// `clientId`: the sender's own name for a command.
pub(crate) fn client_id(value: Option<Value<'_>>) -> Result<Option<ClientId>, Fault> {
    let Some(value) = value.filter(|value| *value != Value::Null) else { return Ok(None) };
    let id = text(Some(value), "clientId must be a string")?;
    ClientId::parse(&id).map(Some).map_err(|error| invalid(error.0))
}

/// `since`: the number of the last event that the client has.
pub(crate) fn since(value: Option<&Value<'_>>) -> Result<Option<u64>, Fault> {
    whole(value, 0..=LARGEST, "since must be a whole number, 0 or more")
}

/// `epoch`: the epoch of `since`.
pub(crate) fn epoch(value: Option<&Value<'_>>) -> Result<Option<u64>, Fault> {
    whole(value, 1..=LARGEST, "epoch must be a whole number, 1 or more")
}
