//! What a server tells about itself in the Prometheus text format.
//!
//! Owns reading the text and knowing which names mean what. Never fails: a line that cannot be read is left out.

/// Gauges of client connections, of our servers and of others'.
const CONNECTIONS: [&str; 3] = ["hubbub_connections", "centrifugo_node_num_clients", "websocket_connections"];
/// Gauges of what waits.
const QUEUED: [&str; 2] = ["hubbub_persister_journal_length", "hubbub_outbound_queued"];
/// Counters of what was thrown away.
const DROPPED: [&str; 2] = ["hubbub_outbound_dropped_total", "hubbub_deliveries_lagged_total"];
const CPU_SECONDS: [&str; 1] = ["process_cpu_seconds_total"];
const RESIDENT_BYTES: [&str; 1] = ["process_resident_memory_bytes"];

/// What one scrape said; what the server does not tell is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Scraped {
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) rss_kib: Option<f64>,
    pub(crate) connections: Option<f64>,
    pub(crate) queued: Option<f64>,
    /// A counter, since the server began.
    pub(crate) dropped: Option<f64>,
}

pub(crate) fn read(text: &str) -> Scraped {
    let samples: Vec<(&str, f64)> = text.lines().filter_map(sample).collect();
    let sum = |names: &[&str]| {
        let mut values = samples.iter().filter(|(name, _)| names.contains(name)).map(|(_, value)| *value);
        values.next().map(|first| first + values.sum::<f64>())
    };
    Scraped {
        cpu_seconds: sum(&CPU_SECONDS),
        rss_kib: sum(&RESIDENT_BYTES).map(|bytes| bytes / 1024.0),
        connections: sum(&CONNECTIONS),
        queued: sum(&QUEUED),
        dropped: sum(&DROPPED),
    }
}

/// The name and value of one line; labels are passed over, because their samples are summed.
fn sample(line: &str) -> Option<(&str, f64)> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' '])?;
    // A label's value may hold anything, a `}` too; the value follows the last one.
    let rest = line.rfind('}').map_or(&line[end..], |brace| &line[brace + 1..]);
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    value.is_finite().then_some((&line[..end], value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_name_are_summed_whatever_their_labels() {
        let text = "# HELP hubbub_connections open\n# TYPE hubbub_connections gauge\n\
                    hubbub_connections{door=\"rooms\"} 12\nhubbub_connections{door=\"odd } 7\"} 30 1700000000\n\
                    process_cpu_seconds_total 1.5\nprocess_resident_memory_bytes 2.048e+06\n\
                    hubbub_outbound_dropped_total 4\nhubbub_outbound_dropped_total_more 900\n";
        let expected = Scraped {
            cpu_seconds: Some(1.5),
            rss_kib: Some(2000.0),
            connections: Some(42.0),
            queued: None,
            dropped: Some(4.0),
        };
        assert_eq!(read(text), expected);
    }

    #[test]
    fn what_is_no_sample_is_left_out() {
        for text in
            ["", "<html>", "hubbub_connections", "hubbub_connections NaN", "hubbub_connections{door=\"x\" 3"]
        {
            assert_eq!(read(text).connections.filter(|count| *count > 3.0), None, "{text}");
        }
    }
}
