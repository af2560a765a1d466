//! Message types that are not built in: a reader of the frame's object, which makes the work that the type wants.

use std::fmt;
use std::sync::Arc;

use domain::task::Task;
use domain::words::{Command, Custom, Fault, Role};
use serde_json::Value;

use super::{Field, Handler, Spec};
use crate::json::{self, invalid};

/// A frame's fields, `type` and `ref` among them. Bounded like every frame, in length and in depth.
pub type Object = serde_json::Map<String, Value>;

type Reader = dyn Fn(&Object) -> Result<Arc<dyn Task>, Fault> + Send + Sync;

/// How an object of a custom type is read.
#[derive(Clone)]
pub struct ReadObject(Arc<Reader>);

impl fmt::Debug for ReadObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadObject")
    }
}

/// A message type of an embedder's own.
pub type CustomHandler = Handler<ReadObject>;

impl CustomHandler {
    /// A type that everybody may send, and that counts as one command. `read` checks the fields and answers with the
    /// work, or with what is wrong with them; it must not wait for anything.
    pub fn custom(
        name: &'static str,
        fields: &'static [Field],
        read: impl Fn(&Object) -> Result<Arc<dyn Task>, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { spec: Spec { name, role: Role::User, cost: 1, fields }, read: ReadObject(Arc::new(read)) }
    }

    /// The same type, counting as so many commands.
    #[must_use]
    pub fn costing(mut self, cost: u32) -> Self {
        self.spec.cost = cost;
        self
    }

    /// Reads the frame in `text`, which has been read as one JSON object before.
    pub(crate) fn command(&self, text: &str) -> Result<Command, Fault> {
        (self.read.0)(&object(text)?).map(|task| Command::Custom(Custom(task)))
    }
}

/// All fields. One that stands there twice is refused, as in every type that is built in.
fn object(text: &str) -> Result<Object, Fault> {
    let mut object = Object::new();
    let mut sound = true;
    let read = json::each_field(text, |name, value| {
        let value = serde_json::from_str(value.get()).ok();
        sound &= value.is_some_and(|value| object.insert(name.into_owned(), value).is_none());
    });
    match (read, sound) {
        (Ok(()), true) => Ok(object),
        (Ok(()), false) | (Err(_), _) => Err(invalid("a field stands there twice, or cannot be read")),
    }
}
