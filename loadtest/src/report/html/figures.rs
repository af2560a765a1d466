//! The figures that the plots are drawn from. A long run is thinned: more points than a plot has pixels only make the
//! page heavy. Owns thinning; it keeps what matters, the slow and the dropped.

use serde_json::{Value, json};

use crate::report::result::{Moment, NodePoint, NodeSeries, Report};

/// Points per curve, at most.
const POINTS: usize = 900;

pub(super) fn plotted(report: &Report) -> Value {
    let every = report.series.len().div_ceil(POINTS).max(1);
    let threads: f64 = report.generators.iter().map(|generator| generator.threads).sum();
    json!({
        "every": every,
        "series": report.series.chunks(every).map(thinned).collect::<Vec<_>>(),
        "nodes": report.nodes.iter().map(|node| thinned_node(node, every)).collect::<Vec<_>>(),
        "marks": report.marks,
        "curve": report.curve,
        "threads": threads,
    })
}

fn thinned(moments: &[Moment]) -> Moment {
    let mean = |part: fn(&Moment) -> f64| moments.iter().map(part).sum::<f64>() / moments.len() as f64;
    let highest = |part: fn(&Moment) -> Option<f64>| moments.iter().filter_map(part).reduce(f64::max);
    let last = moments.last();
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    Moment {
        at: rounded(last.map_or(0.0, |moment| moment.at)),
        connections: last.map_or(0, |moment| moment.connections),
        delivered: rounded(mean(|moment| moment.delivered)),
        sent: rounded(mean(|moment| moment.sent)),
        acknowledged: rounded(mean(|moment| moment.acknowledged)),
        errors: rounded(mean(|moment| moment.errors)),
        reconnects: rounded(mean(|moment| moment.reconnects)),
        p50: highest(|moment| moment.p50),
        p90: highest(|moment| moment.p90),
        p99: highest(|moment| moment.p99),
        max: highest(|moment| moment.max),
        generator_cores: rounded(mean(|moment| moment.generator_cores)),
    }
}

fn thinned_node(node: &NodeSeries, every: usize) -> NodeSeries {
    let points = node.points.chunks(every).map(|points| {
        let highest = |part: fn(&NodePoint) -> Option<f64>| points.iter().filter_map(part).reduce(f64::max);
        let known: Vec<f64> = points.iter().filter_map(|point| point.cores).collect();
        let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
        NodePoint {
            at: rounded(points.last().map_or(0.0, |point| point.at)),
            cores: (!known.is_empty()).then(|| rounded(known.iter().sum::<f64>() / known.len() as f64)),
            rss_kib: highest(|point| point.rss_kib),
            connections: highest(|point| point.connections),
            queued: highest(|point| point.queued),
            dropped: highest(|point| point.dropped),
        }
    });
    NodeSeries { name: node.name.clone(), points: points.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_thinned_and_its_slowest_second_is_kept() {
        let moment = |at: u32| Moment { at: at.into(), p99: Some(1.0), delivered: 10.0, ..Moment::default() };
        let mut series: Vec<Moment> = (1..=86_400).map(moment).collect();
        series[40_000].p99 = Some(777.0);
        let figures = plotted(&Report { series, ..Report::default() });
        let plotted = figures["series"].as_array().unwrap();
        assert!(plotted.len() <= POINTS, "{}", plotted.len());
        assert!(plotted.iter().any(|moment| moment["p99"] == 777.0));
        assert!(plotted.iter().all(|moment| moment["delivered"] == 10.0));
        assert_eq!(plotted.last().unwrap()["at"], 86_400.0);
    }
}
