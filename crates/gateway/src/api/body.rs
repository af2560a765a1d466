//! Request bodies: one JSON object, read field by field.
//!
//! Owns the line between what is not JSON (400), what is too large (413), and JSON that breaks a rule
//! (422, which names the field). Invariant: a field is either missing, or of its type.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use domain::words::{Code, UserId};
use serde_json::{Map, Number, Value};
use tokio::time::timeout;

use crate::problem::Problem;

/// Time for a whole body to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a request. Its content type is not asked for: it is JSON or it is not.
pub(crate) struct Body(pub(crate) Fields);

/// A JSON object. A field that is `null` is not there.
pub(crate) struct Fields(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = timeout(PATIENCE, Bytes::from_request(request, state)).await;
        let bytes =
            bytes.map_err(|_| malformed(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"))?;
        let bytes = bytes.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::of(Code::TooLarge, "the body is too large"),
            _ => malformed(StatusCode::BAD_REQUEST, "the body did not arrive"),
        })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self(Fields(fields))),
            Ok(_) => Err(Problem::of(Code::InvalidMessage, "the body is a JSON object")),
            Err(_) => Err(malformed(StatusCode::BAD_REQUEST, "the body is not JSON")),
        }
    }
}

fn malformed(status: StatusCode, detail: &'static str) -> Problem {
    Problem::new(status, Code::InvalidMessage.as_str(), detail)
}

/// A field that breaks its rule.
pub(crate) fn broken(field: &str, rule: &str) -> Problem {
    Problem::of(Code::InvalidMessage, format!("{field}: {rule}"))
}

impl Fields {
    /// Whether the field stands there, be it as `null`.
    pub(crate) fn names(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// The whole object, the same text whatever space stood in it.
    pub(crate) fn canonical(&self) -> String {
        serde_json::to_string(&self.0).expect("what was read as JSON is written as JSON")
    }

    /// A whole number that may be there; one above 2^53 is none, since not every JSON implementation can hold it.
    pub(crate) fn optional_whole(&self, field: &str) -> Result<Option<u64>, Problem> {
        let value =
            self.get(field).map(|value| whole(value).ok_or_else(|| broken(field, "is a whole number")));
        value.transpose()
    }

    /// A whole number that must be there, be it as a text of digits.
    pub(crate) fn whole_or_digits(&self, field: &str) -> Result<u64, Problem> {
        let value = self.get(field).ok_or_else(|| broken(field, "is needed"))?;
        let number = value.as_str().map_or_else(|| whole(value), digits);
        number.ok_or_else(|| broken(field, "is a whole number"))
    }

    /// A text that must be there.
    pub(crate) fn text(&self, field: &str) -> Result<&str, Problem> {
        self.optional_text(field)?.ok_or_else(|| broken(field, "is needed"))
    }

    /// A text that may be there.
    pub(crate) fn optional_text(&self, field: &str) -> Result<Option<&str>, Problem> {
        let value = self.get(field).map(|value| value.as_str().ok_or_else(|| broken(field, "is a text")));
        value.transpose()
    }

    /// A yes or no; missing is no.
    pub(crate) fn flag(&self, field: &str) -> Result<bool, Problem> {
        let value =
            self.get(field).map(|value| value.as_bool().ok_or_else(|| broken(field, "is true or false")));
        value.unwrap_or(Ok(false))
    }

    /// A user id that must be there.
    pub(crate) fn user(&self, field: &str) -> Result<UserId, Problem> {
        user(self.get(field).ok_or_else(|| broken(field, "is needed"))?, field)
    }

    /// A list of at most `most` user ids that must be there.
    pub(crate) fn users(&self, field: &str, most: usize) -> Result<Vec<UserId>, Problem> {
        let list = self.get(field).ok_or_else(|| broken(field, "is needed"))?;
        let list = list.as_array().ok_or_else(|| broken(field, "is a list of user ids"))?;
        if list.len() > most {
            return Err(broken(field, &format!("has at most {most} entries")));
        }
        list.iter().map(|value| user(value, field)).collect()
    }
}

/// The number in a text of digits, written the one way in which it is written.
pub(crate) fn digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// `7` and `7.0` are one number.
fn whole(value: &Value) -> Option<u64> {
    let pointed =
        || value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=LARGEST_POINTED).contains(number));
    let number = value.as_u64().or_else(|| pointed().map(|number| number as u64));
    number.filter(|number| *number <= 1 << 53)
}

/// Up to here a number that is written with a point is never taken for its neighbour, although the parser may miss the
/// nearest one by a little: it then has a fraction.
const LARGEST_POINTED: f64 = (1_u64 << 50) as f64;

/// `-7` and `-7.0` are one number.
fn integer(number: &Number) -> Option<i64> {
    let pointed = || {
        number.as_f64().filter(|id| id.fract() == 0.0 && (-LARGEST_POINTED..=LARGEST_POINTED).contains(id))
    };
    number.as_i64().or_else(|| pointed().map(|id| id as i64))
}

fn user(value: &Value, field: &str) -> Result<UserId, Problem> {
    let user = match value {
        Value::String(text) => UserId::text(text).ok(),
        Value::Number(number) => integer(number).and_then(|id| UserId::number(id).ok()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    user.ok_or_else(|| broken(field, "a user id is a text of 1 to 128 characters or an integer within ±2^53"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Option<String> {
        user(value, "userId").ok().map(|user| user.as_str().to_owned())
    }

    #[test]
    fn a_user_id_is_a_text_or_a_whole_number_however_it_is_written() {
        for (value, expected) in [
            (json!("7"), "7"),
            (json!(-7), "-7"),
            (json!(7.0), "7"),
            (json!(-0.0), "0"),
            (json!(1_u64 << 53), "9007199254740992"),
            (json!((1_u64 << 50) as f64), "1125899906842624"),
        ] {
            assert_eq!(read(&value).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_whole_number_or_could_be_its_neighbour_is_no_user_id() {
        let neighbour = ((1_u64 << 50) + 1) as f64;
        for value in
            [json!(7.5), json!((1_u64 << 53) + 1), json!(neighbour), json!(f64::MAX), json!(""), json!([7])]
        {
            assert_eq!(read(&value), None, "{value}");
        }
    }
}
