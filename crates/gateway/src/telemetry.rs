//! The edge's own metrics: names in one place, written out here and nowhere else.

use domain::words::Profile;

/// Counts a connection that was accepted.
pub(crate) fn accepted() {
    metrics::counter!("hubbub_accepts_total").increment(1);
}

/// Counts a client that was sent away, by a reason from a closed list.
pub(crate) fn refused(reason: &'static str) {
    metrics::counter!("hubbub_refusals_total", "reason" => reason).increment(1);
}

/// Counts a request that was handed on to the node that holds its session.
pub(crate) fn handed_on(result: &'static str) {
    metrics::counter!("hubbub_peer_requests_total", "result" => result).increment(1);
}

/// Counts an answered request. `route` is the router's own pattern, never the path that a client chose.
pub(crate) fn answered(route: String, status: u16) {
    metrics::counter!("hubbub_http_requests_total", "route" => route, "status" => status.to_string())
        .increment(1);
}

/// Counts a password that was hashed, be it to be kept, to be compared, or for nothing.
pub(crate) fn password_hashed() {
    metrics::counter!("hubbub_password_hashes_total").increment(1);
}

/// One connection in the gauge of its door, until it is dropped.
pub(crate) struct Counted(&'static str);

impl Counted {
    pub(crate) fn at(profile: &Profile) -> Self {
        metrics::gauge!("hubbub_connections", "door" => profile.name).increment(1.0);
        Self(profile.name)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("hubbub_connections", "door" => self.0).decrement(1.0);
    }
}

/// Says what every series of the edge means.
pub(crate) fn describe() {
    metrics::describe_gauge!("hubbub_connections", "open client connections, by door");
    metrics::describe_counter!("hubbub_accepts_total", "connections accepted from the listeners");
    metrics::describe_counter!("hubbub_refusals_total", "clients sent away at the edge, by reason");
    metrics::describe_counter!(
        "hubbub_peer_requests_total",
        "requests handed on to the node of their session"
    );
    metrics::describe_counter!(
        "hubbub_password_hashes_total",
        "passwords hashed, for registrations and logins"
    );
    metrics::describe_counter!("hubbub_http_requests_total", "HTTP requests answered, by route and status");
}
