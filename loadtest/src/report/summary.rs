//! A report in words for the terminal: the verdict first, then why, then the figures.

use std::fmt::{self, Display, Formatter};

use crate::{
    measure::distribution::Percentiles,
    measure::marks::Mark,
    measure::storms::{Storm, StormCost},
    measure::tally::Counters,
    report::judged::Judged,
    report::result::{IdleCost, Report, ServerCost, Verdict},
};

impl Display for Report {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Passed => "PASSED",
            Verdict::Failed => "FAILED",
        };
        let Report { scenario, users, rooms, seconds, targets, .. } = self;
        writeln!(
            to,
            "{word} {scenario}: {users} users, {rooms} rooms, {seconds:.1} s on {}",
            targets.join(", ")
        )?;
        self.reasons.iter().try_for_each(|reason| writeln!(to, "  RESULTS NOT TRUSTWORTHY: {reason}"))?;
        self.thresholds.iter().try_for_each(|judged| write_judged(judged, to))?;
        self.findings.iter().try_for_each(|finding| writeln!(to, "    {finding}"))?;
        write_messages(self, to)?;
        write_latency("latency, intended", &self.latency, to)?;
        write_latency("latency, from send", &self.latency_from_send, to)?;
        write_latency("latency, recovered", &self.latency_recovered, to)?;
        write_latency("connect", &self.connect, to)?;
        write_latency("reconnect", &self.reconnect, to)?;
        for (act, latency) in &self.latency_of_acts {
            write_latency(act, latency, to)?;
        }
        write_latency("generator lag", &self.generator_lag, to)?;
        writeln!(to, "  generator          {:.2} cores", self.generator_cores)?;
        self.storms.iter().try_for_each(|storm| write_storm(storm, to))?;
        self.marks.iter().try_for_each(|mark| write_mark(mark, to))?;
        self.servers.iter().try_for_each(|cost| write_servers(cost, to))?;
        self.idle.iter().try_for_each(|cost| write_idle(cost, to))
    }
}

fn write_judged(judged: &Judged, to: &mut Formatter<'_>) -> fmt::Result {
    let sign = if judged.passed { '✓' } else { '✗' };
    writeln!(to, "  {sign} {:<40} {:>16}   {}", judged.name, judged.value_text(), judged.limit_text())
}

fn write_storm(cost: &StormCost, to: &mut Formatter<'_>) -> fmt::Result {
    let Storm { at, cut, back, longest, .. } = cost.storm;
    write!(to, "  storm at {at:>5.1} s    {back} of {cut} back within {longest:.2} s")?;
    match (cost.cpu_seconds, cost.reconnects_per_cpu_second) {
        (Some(spent), Some(per)) => writeln!(to, " · {spent:.2} CPU s · {per:.0} reconnections per CPU s"),
        (Some(_) | None, _) => writeln!(to),
    }
}

/// Phases are in the scenario and storms have a line of their own; what else happened is told.
fn write_mark(mark: &Mark, to: &mut Formatter<'_>) -> fmt::Result {
    if matches!(mark.kind.as_str(), "phase" | "storm" | "back") {
        return Ok(());
    }
    writeln!(to, "  at {:>6.1} s        {}: {}", mark.at, mark.kind, mark.label)
}

fn write_messages(report: &Report, to: &mut Formatter<'_>) -> fmt::Result {
    let counters = &report.counters;
    writeln!(
        to,
        "  messages           intended {} · sent {} · resent {} · acknowledged {} ({:.1}/s)",
        report.intended,
        counters.sent,
        counters.resent,
        counters.acknowledged,
        report.acknowledged_per_second
    )?;
    writeln!(
        to,
        "  deliveries         {} ({:.1}/s), {} of them recovered",
        counters.delivered, report.delivered_per_second, counters.recovered
    )?;
    writeln!(
        to,
        "  judged             lost {} · repeated {} · disordered {} · gaps {} · unacknowledged {}",
        counters.lost, counters.repeated, counters.disordered, counters.gaps, counters.unacknowledged
    )?;
    if report.database_audited {
        write_database(counters, to)?;
    }
    writeln!(
        to,
        "  faults             cuts {} · reconnects {} · recovered true {} / false {} · resyncs {}",
        counters.cuts,
        counters.reconnects,
        counters.recovered_true,
        counters.recovered_false,
        counters.resyncs
    )?;
    let errors: Vec<String> = report.errors.iter().map(|(code, count)| format!("{code} {count}")).collect();
    writeln!(
        to,
        "  errors             {}",
        if errors.is_empty() { "none".into() } else { errors.join(" · ") }
    )
}

fn write_database(counters: &Counters, to: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        to,
        "  database           rows {} · missing {} · doubled {} · mismatched {} · unseen {} · holes {}",
        counters.rows_in_database,
        counters.missing_in_database,
        counters.doubled_in_database,
        counters.mismatched_in_database,
        counters.unseen_in_database,
        counters.holes_in_database
    )
}

fn write_latency(name: &str, latency: &Percentiles, to: &mut Formatter<'_>) -> fmt::Result {
    if latency.count == 0 {
        return Ok(());
    }
    let Percentiles { p50, p90, p99, p999, max, .. } = latency;
    writeln!(
        to,
        "  {name:<18} p50 {p50:.2} · p90 {p90:.2} · p99 {p99:.2} · p99.9 {p999:.2} · max {max:.2} ms"
    )
}

fn write_servers(cost: &ServerCost, to: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        to,
        "  servers            {:.2} CPU s · {:.0} deliveries per CPU s · {:.2} µs CPU per delivery",
        cost.cpu_seconds, cost.deliveries_per_cpu_second, cost.cpu_micros_per_delivery
    )?;
    for process in &cost.processes {
        let cpu = process.cpu_seconds.map_or_else(|| "gone".into(), |seconds| format!("{seconds:.2} CPU s"));
        let memory = process.rss_kib_after.map_or(0.0, |kib| kib as f64 / 1024.0);
        let beside = if process.beside { " (beside)" } else { "" };
        writeln!(to, "    {} {}{beside}: {cpu}, {memory:.1} MiB", process.role, process.pid)?;
    }
    Ok(())
}

fn write_idle(cost: &IdleCost, to: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        to,
        "  idle connections   {} · {:.2} KiB each · {:.2} µs CPU per connection and second",
        cost.connections, cost.kib_per_connection, cost.cpu_micros_per_connection_second
    )?;
    for process in &cost.processes {
        let mib = |kib: Option<u64>| kib.map_or(0.0, |kib| kib as f64 / 1024.0);
        let (before, after) = (mib(process.rss_kib_before), mib(process.rss_kib_after));
        writeln!(to, "    {} {}: {before:.1} → {after:.1} MiB", process.role, process.pid)?;
    }
    Ok(())
}
