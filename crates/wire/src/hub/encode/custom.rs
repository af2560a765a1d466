//! What the work of a custom type has to say, with the client's mark put in.

use bytes::Bytes;
use domain::words::{Code, Fault};

use crate::json::{self, ErrorFrame, SHORT, Value};

/// The object in `text` with this mark and no other. What is no object, or has no type, is not sent: that is a defect of
/// whoever wrote it, and its client is told that something went wrong here.
pub(super) fn custom(text: &str, reference: Option<&str>) -> Bytes {
    marked(text, reference).unwrap_or_else(|| {
        let fault = Fault::new(Code::Internal, "the answer cannot be told");
        json::frame(SHORT, &ErrorFrame::new(&fault, reference))
    })
}

fn marked(text: &str, reference: Option<&str>) -> Option<Bytes> {
    // Looked at whole: fields taken over raw must not hide anything that is no JSON.
    serde_json::from_str::<Value<'_>>(text).ok()?;
    let mut buffer = Vec::with_capacity(text.len() + reference.map_or(0, str::len) + 16);
    let mut has_type = false;
    let mut entry = |name: &str, value: &str| {
        buffer.push(if buffer.is_empty() { b'{' } else { b',' });
        json::write(&mut buffer, &name);
        buffer.push(b':');
        buffer.extend_from_slice(value.as_bytes());
    };
    let read = json::each_field(text, |name, value| {
        if name != "ref" {
            has_type |= name == "type" && value.get().starts_with('"');
            entry(&name, value.get());
        }
    });
    read.ok()?;
    if let Some(reference) = reference {
        entry("ref", reference);
    }
    buffer.push(b'}');
    has_type.then(|| buffer.into())
}
