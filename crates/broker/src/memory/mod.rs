//! Memory behind the ports.
