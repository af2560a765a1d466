//! A run under way in words: one line for a log, or a few lines that a terminal redraws in place.
//!
//! Owns the words. Pure: where the figures come from and when they are shown is `progress.rs`.

use crate::{
    measure::{distribution::Percentiles, marks::Mark, record::Second, tally::Counters},
    report::judged::{figure, thousands},
};

/// Cells of a bar.
const BAR: usize = 24;
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is known of a run at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Glimpse {
    pub(crate) scenario: String,
    pub(crate) stage: &'static str,
    /// Seconds since the run began.
    pub(crate) elapsed: f64,
    pub(crate) users: usize,
    pub(crate) connections: u64,
    pub(crate) counters: Counters,
    pub(crate) errors: u64,
    /// The last seconds, oldest first.
    pub(crate) lately: Vec<Second>,
    pub(crate) mark: Option<Mark>,
}

/// Rates over the last few seconds.
struct Rates {
    sent: f64,
    acknowledged: f64,
    delivered: f64,
    errors: f64,
    cores: f64,
    latency: Percentiles,
}

/// Rates and percentiles are of the last this many seconds.
const RECENT: usize = 5;

impl Glimpse {
    fn rates(&self) -> Rates {
        let recent = &self.lately[self.lately.len().saturating_sub(RECENT)..];
        let span = recent.iter().map(|second| second.span).sum::<f64>().max(f64::EPSILON);
        let rate = |part: fn(&Second) -> u64| recent.iter().map(part).sum::<u64>() as f64 / span;
        let mut latency = crate::measure::distribution::Distribution::default();
        recent.iter().for_each(|second| latency.merge(&second.latency));
        Rates {
            sent: rate(|second| second.sent),
            acknowledged: rate(|second| second.acknowledged),
            delivered: rate(|second| second.delivered),
            errors: rate(|second| second.errors),
            cores: recent.iter().map(|second| second.generator_cpu).sum::<f64>() / span,
            latency: latency.percentiles(),
        }
    }

    fn out_of_order(&self) -> u64 {
        self.counters.gaps + self.counters.disordered
    }

    /// One plain line.
    pub(crate) fn line(&self) -> String {
        let (rates, counters) = (self.rates(), &self.counters);
        let phase = self.mark.as_ref().map_or(String::new(), |mark| format!(" [{}]", mark.label));
        format!(
            "{:>5.0}s {:<8}{phase} connected {}/{} sent {:.0}/s acknowledged {:.0}/s delivered {:.0}/s p50 {:.1} p99 {:.1} ms \
             reconnects {} errors {} out-of-order {} repeated {} generator {:.2} cores",
            self.elapsed,
            self.stage,
            self.connections,
            self.users,
            rates.sent,
            rates.acknowledged,
            rates.delivered,
            rates.latency.p50,
            rates.latency.p99,
            counters.reconnects,
            self.errors,
            self.out_of_order(),
            counters.repeated,
            rates.cores,
        )
    }

    /// A few lines of at most 100 cells.
    pub(crate) fn screen(&self) -> Vec<String> {
        let (rates, counters) = (self.rates(), &self.counters);
        let phase = self.mark.as_ref().map_or(String::new(), |mark| format!(" · {}", mark.label));
        let breaches = self.out_of_order() + counters.repeated;
        vec![
            format!("{BOLD}{}{PLAIN}  {}{phase}  {}", self.scenario, self.stage, clock(self.elapsed)),
            format!(
                "  connected   {}  {} of {}",
                bar(self.connections as f64 / self.users.max(1) as f64),
                thousands(self.connections as f64),
                thousands(self.users as f64)
            ),
            format!(
                "  rates       sent {}/s · acknowledged {}/s · delivered {}/s",
                figure(rates.sent),
                figure(rates.acknowledged),
                figure(rates.delivered)
            ),
            format!(
                "  latency     p50 {} · p99 {} ms  {CALM}{}{PLAIN}",
                figure(rates.latency.p50),
                figure(rates.latency.p99),
                self.sparkline()
            ),
            format!(
                "  judged      {}out of order {} · repeated {}{PLAIN} · reconnects {}",
                alarm(breaches > 0),
                self.out_of_order(),
                counters.repeated,
                counters.reconnects
            ),
            format!(
                "  errors      {}{} ({}/s){PLAIN}",
                alarm(rates.errors > 0.0),
                self.errors,
                figure(rates.errors)
            ),
            format!("  generator   {} cores", figure(rates.cores)),
        ]
    }

    /// The p99 of each of the last seconds, the tallest being the slowest.
    fn sparkline(&self) -> String {
        let each: Vec<u64> = self.lately.iter().map(|second| second.latency.quantile(0.99)).collect();
        let slowest = each.iter().copied().max().unwrap_or(0).max(1);
        let spark = |micros: &u64| SPARKS[(micros * (SPARKS.len() as u64 - 1) / slowest) as usize];
        each.iter().map(spark).collect()
    }
}

const BOLD: &str = "\x1b[1m";
const CALM: &str = "\x1b[36m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

fn alarm(raised: bool) -> &'static str {
    if raised { RED } else { "" }
}

fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    format!("{CALM}{}{PLAIN}{}", "█".repeat(full), "░".repeat(BAR - full))
}

fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glimpse() -> Glimpse {
        let second = Second { span: 1.0, delivered: 500, sent: 50, generator_cpu: 0.25, ..Second::default() };
        Glimpse {
            scenario: "office".into(),
            stage: "sending",
            elapsed: 65.0,
            users: 40,
            connections: 20,
            lately: vec![Second { span: 1.0, ..Second::default() }, second.clone(), second],
            ..Glimpse::default()
        }
    }

    #[test]
    fn rates_are_of_the_last_seconds() {
        let line = glimpse().line();
        assert!(line.contains("delivered 333/s") && line.contains("connected 20/40"), "{line}");
    }

    #[test]
    fn a_screen_has_a_bar_and_turns_red_only_over_a_breach() {
        let calm = glimpse().screen().join("\n");
        assert!(calm.contains(&"█".repeat(12)) && calm.contains("1:05") && !calm.contains(RED), "{calm}");
        let counters = Counters { gaps: 1, ..Counters::default() };
        assert!(Glimpse { counters, ..glimpse() }.screen().join("\n").contains(RED));
    }

    #[test]
    fn before_the_first_second_everything_is_zero() {
        let early = Glimpse { lately: Vec::new(), ..glimpse() };
        assert!(early.line().contains("p99 0.0") && early.screen().len() == 7);
    }
}
