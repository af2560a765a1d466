//! Message types: each one is a row with its name, what it takes, how that is read, who may send it, and what it costs.
//!
//! Owns the shape of a row and the way from a name to a request. Every door's dialect has one table of rows beside its
//! readers; whatever it understands stands there, and nothing else is understood. Types of an embedder's own are rows
//! of the same shape: see [`Registry`].

mod custom;
mod field;
pub(crate) mod fields;
mod registry;

use domain::dialect::{Misread, Reference, Request};
use domain::words::{Code, Command, Fault, Role};

pub use custom::{CustomHandler, Object};
pub use field::{Field, Shape};
pub use registry::{AlreadyRegistered, Registry};

use crate::json::{self, Frame};

/// What is known of a message type without reading one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Its name: what stands in `type`, or the event's name.
    pub name: &'static str,
    /// The least role that may send it.
    pub role: Role,
    /// How many commands it counts as.
    pub cost: u32,
    /// What it takes.
    pub fields: &'static [Field],
}

/// A message type and how it is read.
#[derive(Debug, Clone)]
pub struct Handler<R> {
    pub(crate) spec: Spec,
    pub(crate) read: R,
}

/// Reads a frame of a raw door.
pub(crate) type ReadFrame = for<'a> fn(Frame<'a>) -> Result<Command, Fault>;

impl<R> Handler<R> {
    /// A type that everybody may send, and that counts as one command.
    pub(crate) const fn new(name: &'static str, fields: &'static [Field], read: R) -> Self {
        Self { spec: Spec { name, role: Role::User, cost: 1, fields }, read }
    }

    /// The same type, for this role and those above it.
    #[must_use]
    pub const fn for_role(mut self, role: Role) -> Self {
        self.spec.role = role;
        self
    }

    /// What is known of it without reading one.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// A request of this type.
    pub(crate) fn request(&self, command: Command, reference: Option<Reference>) -> Request {
        Request { command, reference, role: self.spec.role, cost: self.spec.cost }
    }
}

/// The type called `name`. A handful of short names: looking at each is quicker than hashing.
pub(crate) fn find<'h, R>(handlers: &'h [Handler<R>], name: &str) -> Option<&'h Handler<R>> {
    handlers.iter().find(|handler| handler.spec.name == name)
}

/// Reads a frame whose types are all built in.
pub(crate) fn request(frame: Frame<'_>, handlers: &[Handler<ReadFrame>]) -> Result<Request, Misread> {
    let (name, reference) = head(&frame)?;
    let Some(handler) = find(handlers, name) else {
        return Err(Misread { fault: unknown(handlers.iter().map(Handler::spec)), reference });
    };
    match (handler.read)(frame) {
        Ok(command) => Ok(handler.request(command, reference)),
        Err(fault) => Err(Misread { fault, reference }),
    }
}

/// A frame's type and mark.
pub(crate) fn head<'f>(frame: &'f Frame<'_>) -> Result<(&'f str, Option<Reference>), Misread> {
    let reference = json::read_mark(frame.mark).map_err(|fault| Misread { fault, reference: None })?;
    match &frame.name {
        Some(json::Value::Text(name)) => Ok((name, reference)),
        None | Some(_) => {
            Err(Misread { fault: json::invalid("type must be there and must be a string"), reference })
        }
    }
}

/// A type that is none of these.
pub(crate) fn unknown<'s>(specs: impl Iterator<Item = &'s Spec>) -> Fault {
    let mut names: Vec<&str> = specs.map(|spec| spec.name).collect();
    let last = names.pop().unwrap_or("registered");
    let rule = match names.is_empty() {
        true => format!("type must be {last}"),
        false => format!("type must be {} or {last}", names.join(", ")),
    };
    Fault::new(Code::UnknownType, rule)
}
