//! Loopback ports that are free now and stay free while a server restarts.
//!
//! Owns the choice only; whoever binds a port must still cope with having lost the race for it. Invariant: one test
//! process never hands out the same port twice.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 and up elsewhere): a port from
/// there could be taken by some client's socket while the server that owns it is down.
const CHOICE: Range<u32> = 15_000..32_000;

/// Steps from one process' first candidate to the next process': neighbours by process id rarely meet.
const STRIDE: u32 = 131;

static HANDED_OUT: AtomicU32 = AtomicU32::new(0);

/// A port of 127.0.0.1 on which nobody listens. Panics when none of the range is free.
#[must_use]
pub fn free_port() -> u16 {
    let size = CHOICE.end - CHOICE.start;
    let first = std::process::id().wrapping_mul(STRIDE) % size;
    for _ in 0..size {
        let step = HANDED_OUT.fetch_add(1, Ordering::Relaxed);
        assert!(step < size, "every port from {CHOICE:?} was handed out or is in use");
        let candidate = CHOICE.start + (first + step) % size;
        let port = u16::try_from(candidate).expect("the range ends below 65536");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port in {CHOICE:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_port_is_free_and_never_handed_out_twice() {
        let ports: Vec<u16> = (0..50).map(|_| free_port()).collect();
        let listeners: Vec<_> =
            ports.iter().map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).unwrap()).collect();
        assert_eq!(listeners.len(), ports.iter().collect::<HashSet<_>>().len());
    }
}
