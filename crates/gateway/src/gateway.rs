//! What every handler of one node's edge shares.

use std::sync::Arc;

use domain::node::{Door, Node};

use crate::auth::Authenticator;
use crate::health::Readiness;

/// One node's edge.
pub struct Gateway {
    pub(crate) node: Arc<Node>,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) rooms: Arc<Door>,
    pub(crate) readiness: Readiness,
}

impl Gateway {
    /// The edge of `node`; `rooms` is the door at `/`.
    pub fn new(node: Arc<Node>, authenticator: Arc<Authenticator>, rooms: Arc<Door>) -> Arc<Self> {
        let readiness = Readiness::new(Arc::clone(&node));
        Arc::new(Self { node, authenticator, rooms, readiness })
    }
}
