//! What a process is called where nobody named it: the host name and a random part.
//!
//! Invariant: the name fits the rules of a configured name, and two processes on one host differ.

/// The configured name, or a fresh one. Ask once per process (or per node of `dev`): every call makes another name.
pub fn node_name(configured: Option<&str>) -> String {
    configured.map_or_else(fresh, str::to_owned)
}

fn fresh() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let host = plain(host.as_deref().unwrap_or_default());
    format!("{host}-{:06x}", rand::random::<u32>() & 0x00ff_ffff)
}

/// The first label of a host name, without what a name may not hold.
fn plain(host: &str) -> String {
    let label = host.trim().split('.').next().unwrap_or_default();
    let kept: String =
        label.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(40).collect();
    if kept.is_empty() { "node".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_name_is_kept_and_fresh_ones_differ() {
        assert_eq!(node_name(Some("eu-1")), "eu-1");
        assert_ne!(node_name(None), node_name(None));
        assert!(node_name(None).len() <= 63);
    }

    #[test]
    fn a_host_name_is_cut_to_what_a_name_may_hold() {
        for (host, name) in
            [("web-1.example.org\n", "web-1"), ("", "node"), ("h_o{s}t", "host"), ("ä", "node")]
        {
            assert_eq!(plain(host), name);
        }
        assert_eq!(plain(&"h".repeat(64)).len(), 40);
    }
}
