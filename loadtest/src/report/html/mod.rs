//! A report as one page that needs nothing else: no network, no file beside it.
//!
//! Owns the order of the page. Words and tables are made here and read without a script; the plots are drawn by
//! `page.js` from the figures in the page. Invariant: whatever a scenario, a server or an error is called, it cannot
//! become markup, and the page's own policy forbids it to load anything.

mod figures;
mod tables;
mod text;

use text::escape;

use crate::report::{
    judged::{figure, thousands},
    result::{Report, Verdict},
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Nothing is ever loaded, whatever the figures hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The whole page.
pub fn page(report: &Report) -> String {
    let word = verdict_word(report);
    let mut parts = vec![head(report, word), heading(report, word), tables::thresholds(report)];
    parts.push(tables::findings(report));
    parts.push("<section id=\"over-time\"><h2>Over time</h2><div id=\"plots\"></div></section>".into());
    parts.push("<div class=\"side\">".into());
    parts.push(tables::times(report));
    parts.push(tables::storms(report));
    parts.push(tables::counts(report));
    parts.push(tables::servers(report));
    parts.push(tables::idle(report));
    parts.push(tables::errors(report));
    parts.push(tables::acts(report));
    parts.push(tables::generators(report));
    parts.push(tables::marks(report));
    parts.push("</div>".into());
    parts.push(foot(report));
    parts.concat()
}

fn verdict_word(report: &Report) -> &'static str {
    match report.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
    }
}

fn head(report: &Report, word: &str) -> String {
    let name = escape(&report.scenario);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} {word}</title>\n<style>\n{STYLE}</style>\n</head>\n<body class=\"{word}\">\n<main>\n"
    )
}

fn heading(report: &Report, word: &str) -> String {
    let Report { users, rooms, seconds, .. } = report;
    format!(
        "<header><h1>{}</h1><span class=\"pill\">{}</span></header>\n<p class=\"what\">{} users in {} rooms, {}, \
         measured for {} s on {}<br>run {}, {}</p>\n{}{}",
        escape(&report.scenario),
        word.to_uppercase(),
        thousands(*users as f64),
        thousands(*rooms as f64),
        escape(&asked(report)),
        figure(*seconds),
        escape(&report.targets.join(", ")),
        escape(&report.run),
        text::utc(report.began),
        doubts(report),
        tiles(report),
    )
}

fn asked(report: &Report) -> String {
    if report.intended == 0 {
        "silent".into()
    } else {
        format!("{} messages per second", figure(report.rate))
    }
}

fn doubts(report: &Report) -> String {
    if report.trustworthy {
        return String::new();
    }
    let reasons: String =
        report.reasons.iter().map(|reason| format!("<li>{}</li>", escape(reason))).collect();
    format!(
        "<div class=\"doubt\" role=\"alert\"><strong>Results not trustworthy</strong>The generator was at its limit: \
         the figures tell of it, not of the servers.<ul>{reasons}</ul></div>\n"
    )
}

/// What people look for first.
fn tiles(report: &Report) -> String {
    let mut tiles: Vec<(&str, String, &str)> = Vec::new();
    if report.latency.count > 0 {
        tiles.push(("Latency p50", figure(report.latency.p50), "ms"));
        tiles.push(("Latency p99", figure(report.latency.p99), "ms"));
        tiles.push(("Delivered", figure(report.delivered_per_second), "per s"));
    }
    if let Some(servers) = report.servers.as_ref().filter(|servers| servers.deliveries_per_cpu_second > 0.0) {
        tiles.push(("Per server CPU second", figure(servers.deliveries_per_cpu_second), ""));
    }
    if let Some(idle) = &report.idle {
        tiles.push(("Memory per connection", figure(idle.kib_per_connection), "KiB"));
        tiles.push(("CPU per connection", figure(idle.cpu_micros_per_connection_second), "µs per s"));
    }
    if report.reconnect.count > 0 {
        tiles.push(("Back after p99", figure(report.reconnect.p99), "ms"));
    }
    tiles.push(("Lost", thousands(report.counters.lost as f64), "messages"));
    tiles.push(("Errors", thousands(report.errors.values().sum::<u64>() as f64), ""));
    let tile = |(name, value, unit): (&str, String, &str)| {
        format!("<div><dt>{name}</dt><dd>{value} <small>{unit}</small></dd></div>")
    };
    format!("<dl class=\"tiles\">{}</dl>\n", tiles.into_iter().map(tile).collect::<String>())
}

fn foot(report: &Report) -> String {
    let data = text::embedded(&figures::plotted(report));
    format!(
        "<footer>swarm {}. Latency runs from the moment a message was due to its receipt, so no stall can hide \
         it.</footer>\n</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    )
}
