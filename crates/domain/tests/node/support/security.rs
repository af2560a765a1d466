//! The security log, as an operator would read it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use domain::security::TARGET;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

type Lines = Arc<Mutex<Vec<String>>>;

/// What this test's nodes tell the security log, from now on.
pub(crate) struct SecurityLog {
    lines: Lines,
    _guard: DefaultGuard,
}

impl SecurityLog {
    pub(crate) fn begin() -> Self {
        let lines = Lines::default();
        let guard = tracing::subscriber::set_default(Listener(lines.clone()));
        Self { lines, _guard: guard }
    }

    /// What was told and not been looked at yet, each as `refused user role_denied`; whoever acts by a connection is named
    /// with it in the log.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

struct Listener(Lines);

#[derive(Default)]
struct Line {
    message: String,
    user: String,
    reason: String,
    session: bool,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}").trim_matches('"').to_owned();
        match field.name() {
            "message" => self.message = value,
            "user.id" => self.user = value,
            "reason" => self.reason = value,
            "session.id" => self.session = true,
            _ => {}
        }
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        assert!(line.session, "every incident here is a connection's");
        self.0.lock().unwrap().push(format!("{} {} {}", line.message, line.user, line.reason));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
