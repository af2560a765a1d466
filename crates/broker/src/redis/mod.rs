//! Redis behind the ports.
