//! The log as a test reads it: every event of this thread, field by field.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// The target of the security log, as operators know it.
const SECURITY: &str = "hubbub::security";

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) target: String,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Line {
    /// A field's text; nothing where the event has no such field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}

/// Everything that was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Line>>>);

impl Log {
    /// Listens to this thread, at every level, until the guard is dropped.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::registry().with(log.clone());
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The security log.
    pub(crate) fn security(&self) -> Vec<Line> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| line.target == SECURITY).cloned().collect()
    }

    /// The one event of the security log with this reason.
    pub(crate) fn incident(&self, reason: &str) -> Line {
        let mut found = self.security();
        found.retain(|line| line.field("reason") == Some(reason));
        assert_eq!(found.len(), 1, "{reason}: {:?}", self.security());
        found.remove(0)
    }

    /// Asserts that this text stands nowhere, in whatever field of whatever event.
    pub(crate) fn never_says(&self, secret: &str) {
        for line in self.0.lock().unwrap().iter() {
            assert!(!line.fields.values().any(|value| value.contains(secret)), "{secret} in {line:?}");
        }
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line { target: event.metadata().target().to_owned(), ..Line::default() };
        event.record(&mut line);
        self.0.lock().unwrap().push(line);
    }
}
