//! Who is online, for welcomes: however many clients ask at once, one look at a time answers all who asked before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex as Gate;

use crate::ports::{Attendance, PortError, Presence};

#[derive(Default)]
struct Latest {
    look: u64,
    found: Attendance,
}

/// The list of who is online, as this node last saw it.
pub(super) struct Attendances {
    presence: Arc<dyn Presence>,
    shown: usize,
    begun: AtomicU64,
    // Held across the look: whoever waits for it wants its answer, and nothing else stands behind it.
    latest: Gate<Latest>,
}

impl Attendances {
    pub(super) fn new(presence: Arc<dyn Presence>, shown: usize) -> Self {
        Self { presence, shown, begun: AtomicU64::new(0), latest: Gate::default() }
    }

    /// Who is online, as of a look that began after this was asked.
    pub(super) async fn look(&self) -> Result<Attendance, PortError> {
        let begun = self.begun.load(Ordering::Acquire);
        let mut latest = self.latest.lock().await;
        if latest.look > begun {
            return Ok(latest.found.clone());
        }
        let look = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let found = self.presence.attendance(self.shown).await?;
        *latest = Latest { look, found: found.clone() };
        Ok(found)
    }
}
