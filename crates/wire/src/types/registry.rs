//! The types that the hub understands: the built-in ones, and those that an embedder adds at start.

use domain::dialect::{Misread, Request};

use super::{CustomHandler, Handler, ReadFrame, Spec, find, head, unknown};
use crate::hub;
use crate::json::Frame;

/// All types of the hub. A name is registered once: what is built in is never replaced.
#[derive(Debug, Clone)]
pub struct Registry {
    built_in: &'static [Handler<ReadFrame>],
    custom: Vec<CustomHandler>,
}

/// Two types of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyRegistered(pub &'static str);

impl std::fmt::Display for AlreadyRegistered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a message type called {} is registered already", self.0)
    }
}
impl std::error::Error for AlreadyRegistered {}

impl Default for Registry {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Registry {
    /// The built-in types alone.
    pub fn built_in() -> Self {
        Self { built_in: hub::TYPES, custom: Vec::new() }
    }

    /// These and one more.
    pub fn with(mut self, handler: CustomHandler) -> Result<Self, AlreadyRegistered> {
        let name = handler.spec.name;
        if self.specs().any(|spec| spec.name == name) {
            return Err(AlreadyRegistered(name));
        }
        self.custom.push(handler);
        Ok(self)
    }

    /// Every type, the built-in ones first.
    pub fn specs(&self) -> impl Iterator<Item = &Spec> {
        self.built_in.iter().map(Handler::spec).chain(self.custom.iter().map(Handler::spec))
    }

    /// Reads a frame, which was read from `text`.
    pub(crate) fn request(&self, frame: Frame<'_>, text: &str) -> Result<Request, Misread> {
        let (name, reference) = head(&frame)?;
        if let Some(handler) = find(self.built_in, name) {
            return match (handler.read)(frame) {
                Ok(command) => Ok(handler.request(command, reference)),
                Err(fault) => Err(Misread { fault, reference }),
            };
        }
        let Some(handler) = find(&self.custom, name) else {
            return Err(Misread { fault: unknown(self.specs()), reference });
        };
        match handler.command(text) {
            Ok(command) => Ok(handler.request(command, reference)),
            Err(fault) => Err(Misread { fault, reference }),
        }
    }
}
