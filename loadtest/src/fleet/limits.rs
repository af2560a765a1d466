//! What the system lets a generator have: open files and ports.
//!
//! Owns raising the first and spreading over source addresses where the second would bind. A connection is one file,
//! and one port per source address and target; Linux hands out about 28,000 of those.

use crate::scenario::{load::Scenario, phase::Phase};

/// Part of the port range that is taken at most: what others have, and what is still closing, needs some too.
const TAKEN_AT_MOST: f64 = 0.8;
/// Linux' default.
const PORTS: (u32, u32) = (32_768, 60_999);

/// Raises the limit of open files to the hard limit and says what it is now; absent where there is no such limit.
pub(crate) fn raise_open_files() -> Option<u64> {
    rlimit::increase_nofile_limit(u64::MAX).ok()
}

/// How many loopback source addresses a scenario needs; 0 leaves the choice to the system.
pub(crate) fn source_addresses(scenario: &Scenario) -> u8 {
    if scenario.source_addresses > 0 {
        return scenario.source_addresses;
    }
    let (least, most) = port_range().unwrap_or(PORTS);
    needed(scenario, f64::from(most.saturating_sub(least) + 1) * TAKEN_AT_MOST)
}

fn needed(scenario: &Scenario, ports: f64) -> u8 {
    let storms = scenario.phases.iter().any(|phase| matches!(phase, Phase::Storm { .. }));
    // Who was cut and is back may hold two ports for a while.
    let connections = scenario.users as f64 * if storms { 2.0 } else { 1.0 };
    if connections / scenario.targets.len().max(1) as f64 <= ports {
        return 0;
    }
    // An address that is chosen before the target is known gives each port away once, not once per target.
    let addresses = (connections / ports).ceil();
    addresses.clamp(1.0, f64::from(u8::MAX - 2)) as u8
}

fn port_range() -> Option<(u32, u32)> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(users: usize, targets: usize) -> Scenario {
        let targets = (0..targets).map(|port| format!("127.0.0.1:{}", 9_000 + port)).collect();
        Scenario { users, targets, rooms: 100, ..Scenario::default() }
    }

    #[test]
    fn the_system_chooses_until_one_target_has_too_many_connections() {
        assert_eq!(needed(&crowd(20_000, 1), 22_000.0), 0);
        assert_eq!(needed(&crowd(40_000, 2), 22_000.0), 0);
        assert_eq!(needed(&crowd(50_000, 2), 22_000.0), 3);
    }

    #[test]
    fn a_storm_needs_twice_the_ports_and_a_wish_is_obeyed() {
        let storm = "users = 15000\nrooms = 10\n[[phases]]\nkind = \"storm\"\nduration = \"9s\"";
        let storm = Scenario::from_toml(storm, &[]).unwrap();
        assert_eq!(needed(&storm, 22_000.0), 2);
        assert_eq!(source_addresses(&Scenario { source_addresses: 7, ..storm }), 7);
    }
}
