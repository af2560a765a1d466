//! The tables of the page: limits first, then everything in figures. Each is empty text where there is nothing to say.

use crate::{
    measure::{
        distribution::Percentiles,
        storms::{Storm, StormCost},
    },
    report::{
        html::text::escape,
        judged::{Judged, figure, thousands},
        result::{ProcessCost, Report},
    },
};

/// A heading over a table whose first row is `heading`; cells are markup already.
fn table(title: &str, heading: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heading: String = heading.iter().map(|text| format!("<th scope=\"col\">{text}</th>")).collect();
    let heading = if heading.is_empty() { heading } else { format!("<tr>{heading}</tr>") };
    let row = |cells: &Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        format!("<tr>{cells}</tr>")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<section><h2>{title}</h2><div class=\"card\"><table>{heading}{rows}</table></div></section>\n")
}

pub(super) fn thresholds(report: &Report) -> String {
    let row = |judged: &Judged| {
        let (class, sign) = if judged.passed { ("kept", "✓") } else { ("broken", "✗") };
        format!(
            "<tr class=\"{class}\"><td class=\"sign\">{sign}</td><td class=\"words\">{}</td>\
             <td class=\"value\">{}</td><td>{}</td></tr>",
            escape(&judged.name),
            escape(&judged.value_text()),
            escape(&judged.limit_text())
        )
    };
    let rows: String = report.thresholds.iter().map(row).collect();
    format!(
        "<section><h2>Limits</h2><div class=\"card limits\"><table><tr><th></th><th scope=\"col\"></th>\
         <th scope=\"col\">value</th><th scope=\"col\">limit</th></tr>{rows}</table></div></section>\n"
    )
}

pub(super) fn findings(report: &Report) -> String {
    if report.findings.is_empty() {
        return String::new();
    }
    let items: String = report.findings.iter().map(|text| format!("<li>{}</li>", escape(text))).collect();
    format!(
        "<section><h2>Breaches, for example</h2><div class=\"card\"><ul class=\"findings\">{items}</ul></div></section>\n"
    )
}

pub(super) fn times(report: &Report) -> String {
    let mut all: Vec<(String, &Percentiles)> = vec![
        ("delivery, from due".into(), &report.latency),
        ("delivery, from sending".into(), &report.latency_from_send),
        ("delivery, recovered".into(), &report.latency_recovered),
        ("connect".into(), &report.connect),
        ("reconnect".into(), &report.reconnect),
    ];
    all.extend(report.latency_of_acts.iter().map(|(act, times)| (escape(act), times)));
    all.push(("late sends of the generator".into(), &report.generator_lag));
    let row = |(name, times): (String, &Percentiles)| {
        let Percentiles { count, p50, p90, p99, p999, max, .. } = times;
        let mut row = vec![name, thousands(*count as f64)];
        row.extend([p50, p90, p99, p999, max].map(|millis| figure(*millis)));
        row
    };
    let rows: Vec<Vec<String>> = all.into_iter().filter(|(_, times)| times.count > 0).map(row).collect();
    let heading = ["", "count", "p50", "p90", "p99", "p99.9", "max"];
    table("Times in ms", &heading, &rows).replacen("<section>", "<section class=\"wide\">", 1)
}

pub(super) fn storms(report: &Report) -> String {
    let unknown = |value: Option<f64>| value.map_or("–".into(), figure);
    let row = |cost: &StormCost| {
        let Storm { at, cut, back, longest, .. } = cost.storm;
        vec![
            format!("at {} s", figure(at)),
            thousands(cut as f64),
            thousands(back as f64),
            figure(longest),
            unknown(cost.cpu_seconds),
            unknown(cost.reconnects_per_cpu_second),
        ]
    };
    let rows: Vec<Vec<String>> = report.storms.iter().map(row).collect();
    let heading = ["", "cut", "back", "all back after, s", "CPU s", "back per CPU s"];
    table("Storms", &heading, &rows)
}

pub(super) fn counts(report: &Report) -> String {
    let counters = &report.counters;
    let mut all = vec![
        ("messages intended", report.intended),
        ("sent", counters.sent),
        ("sent again", counters.resent),
        ("acknowledged", counters.acknowledged),
        ("deliveries", counters.delivered),
        ("of them recovered", counters.recovered),
        ("connections lost", counters.cuts),
        ("connections regained", counters.reconnects),
        ("resumed completely", counters.recovered_true),
        ("resumed from the history", counters.recovered_false),
        ("new epochs announced", counters.resyncs),
    ];
    if report.database_audited {
        all.push(("rows in the database", counters.rows_in_database));
    }
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| vec![name.into(), thousands(count as f64)])
        .collect();
    table("Counted", &[], &rows)
}

pub(super) fn servers(report: &Report) -> String {
    let Some(servers) = &report.servers else { return String::new() };
    let mut rows: Vec<Vec<String>> = servers.processes.iter().map(process).collect();
    rows.push(vec!["all but those beside".into(), figure(servers.cpu_seconds), String::new(), String::new()]);
    table("Servers", &["", "CPU s", "MiB before", "MiB after"], &rows)
}

fn process(cost: &ProcessCost) -> Vec<String> {
    let mib = |kib: Option<u64>| kib.map_or("–".into(), |kib| figure(kib as f64 / 1024.0));
    let beside = if cost.beside { " (beside)" } else { "" };
    let cpu = cost.cpu_seconds.map_or("gone".into(), figure);
    vec![
        format!("{} {}{beside}", escape(&cost.role), cost.pid),
        cpu,
        mib(cost.rss_kib_before),
        mib(cost.rss_kib_after),
    ]
}

pub(super) fn idle(report: &Report) -> String {
    let Some(idle) = &report.idle else { return String::new() };
    let row = |name: &str, value: f64, unit: &str| vec![name.into(), format!("{} {unit}", figure(value))];
    let mut rows = vec![
        vec!["connections".into(), thousands(idle.connections as f64)],
        row("memory of each", idle.kib_per_connection, "KiB"),
        row("CPU of each per second", idle.cpu_micros_per_connection_second, "µs"),
    ];
    let mib = |kib: Option<u64>| figure(kib.unwrap_or(0) as f64 / 1024.0);
    rows.extend(idle.processes.iter().map(|cost| {
        let grown = format!("{} → {} MiB", mib(cost.rss_kib_before), mib(cost.rss_kib_after));
        vec![format!("{} {}", escape(&cost.role), cost.pid), grown]
    }));
    table("Silent connections", &[], &rows)
}

pub(super) fn errors(report: &Report) -> String {
    let rows: Vec<Vec<String>> =
        report.errors.iter().map(|(code, count)| vec![escape(code), thousands(*count as f64)]).collect();
    table("Errors", &[], &rows)
}

pub(super) fn acts(report: &Report) -> String {
    let rows: Vec<Vec<String>> =
        report.acts.iter().map(|(act, count)| vec![escape(act), thousands(*count as f64)]).collect();
    table("What clients did besides", &[], &rows)
}

pub(super) fn generators(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .generators
        .iter()
        .map(|each| {
            let cores = each.cpu_seconds / each.seconds.max(f64::EPSILON);
            let share = format!("{} of {}", figure(cores), figure(each.threads));
            vec![each.pid.to_string(), share, figure(each.lag_p99), figure(each.delay_p99)]
        })
        .collect();
    table("The generator itself", &["process", "cores", "late sends, p99 ms", "event loop, p99 ms"], &rows)
}

pub(super) fn marks(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .marks
        .iter()
        .map(|mark| vec![escape(&mark.label), escape(&mark.kind), format!("{} s", figure(mark.at))])
        .collect();
    table("Marks", &["", "kind", "at"], &rows)
}
