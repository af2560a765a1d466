//! The error frame of every raw dialect.

use std::time::Duration;

use domain::words::Fault;
use serde::Serialize;

use super::Mark;

/// `{"type":"error","code":…,"message":…,"ref":…?,"retryAfterMs":…?}`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "error")]
pub(crate) struct ErrorFrame<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<Mark<'a>>,
    #[serde(rename = "retryAfterMs", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl<'a> ErrorFrame<'a> {
    /// The answer to a refused request that carried `reference`, the text of one JSON value.
    pub(crate) fn new(fault: &'a Fault, reference: Option<&'a str>) -> Self {
        Self {
            code: fault.code.as_str(),
            message: &fault.message,
            reference: super::mark(reference),
            retry_after: fault.retry_after.map(milliseconds),
        }
    }
}

/// Whole milliseconds; rounded up, since a client that comes back early is refused again.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
