//! Two or more sides beside one another: medians, spread, ratios to the first side, and what got worse.
//!
//! Owns the judgement. Pure: reading files is the program's. A side is one run or several of the same thing.

use std::collections::BTreeSet;

use crate::report::{
    compare_table,
    figures::{self, Better},
    judged::Unit,
    result::Report,
};

/// Runs of the same thing.
#[derive(Debug, Clone)]
pub struct Side {
    /// What the table calls it.
    pub name: String,
    /// At least one.
    pub reports: Vec<Report>,
}

/// All sides beside the first one.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The names of the sides; the first is what the others are held against.
    pub names: Vec<String>,
    /// One figure each.
    pub rows: Vec<Row>,
    /// What should be known before anything is concluded: untrustworthy runs, different scenarios.
    pub warnings: Vec<String>,
    /// The share by which a figure may get worse.
    pub tolerance: f64,
}

/// One figure of all sides.
#[derive(Debug, Clone)]
pub struct Row {
    /// The figure.
    pub name: String,
    /// Of its values.
    pub unit: Unit,
    /// One cell per side; absent where that side did not measure it.
    pub cells: Vec<Option<Cell>>,
}

/// One figure of one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Of all runs of the side.
    pub median: f64,
    /// The least of them.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// To the first side's median; absent for the first side and where it has none or zero.
    pub ratio: Option<f64>,
    /// Worse than the first side by more than the tolerance.
    pub worse: bool,
}

/// Sets all sides beside the first.
pub fn compare(sides: &[Side], tolerance: f64) -> Comparison {
    let mut rows: Vec<Row> = Vec::new();
    for (name, unit, better) in names(sides) {
        let cells = cells(sides, &name, better, tolerance);
        // Zero everywhere says nothing.
        if cells.iter().flatten().any(|cell| cell.most != 0.0) {
            rows.push(Row { name, unit, cells });
        }
    }
    let names = sides.iter().map(|side| side.name.clone()).collect();
    Comparison { names, rows, warnings: warnings(sides), tolerance }
}

impl Comparison {
    /// The names of the figures that got worse, each with the side.
    pub fn worse(&self) -> Vec<String> {
        let mut worse = Vec::new();
        for row in &self.rows {
            for (cell, side) in row.cells.iter().zip(&self.names) {
                if cell.is_some_and(|cell| cell.worse) {
                    worse.push(format!("{} of {side}", row.name));
                }
            }
        }
        worse
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        compare_table::write(self, to)
    }
}

/// All figures of all sides, in the order of the first report that has them.
fn names(sides: &[Side]) -> Vec<(String, Unit, Better)> {
    let mut names: Vec<(String, Unit, Better)> = Vec::new();
    for figure in sides.iter().flat_map(|side| &side.reports).flat_map(figures::figures) {
        if !names.iter().any(|(name, _, _)| *name == figure.name) {
            names.push((figure.name, figure.unit, figure.better));
        }
    }
    names
}

fn cells(sides: &[Side], name: &str, better: Better, tolerance: f64) -> Vec<Option<Cell>> {
    let spreads: Vec<Option<Cell>> = sides.iter().map(|side| spread(side, name)).collect();
    let base = spreads.first().copied().flatten();
    let held = |(index, cell): (usize, Option<Cell>)| {
        let cell = cell?;
        match base {
            Some(base) if index > 0 => Some(against(cell, base, better, tolerance)),
            Some(_) | None => Some(cell),
        }
    };
    spreads.into_iter().enumerate().map(held).collect()
}

fn spread(side: &Side, name: &str) -> Option<Cell> {
    let of = |report: &Report| figures::figures(report).into_iter().find(|figure| figure.name == name);
    let mut values: Vec<f64> = side.reports.iter().filter_map(of).map(|figure| figure.value).collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    Some(Cell { median: median(&values), least, most, ratio: None, worse: false })
}

/// Of sorted values, at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

fn against(cell: Cell, base: Cell, better: Better, tolerance: f64) -> Cell {
    let (now, then) = (cell.median, base.median);
    let worse = match better {
        // From nothing to something is worse whatever the tolerance.
        Better::Lower => now > then * (1.0 + tolerance),
        Better::Higher => now < then * (1.0 - tolerance),
        Better::Neither => false,
    };
    Cell { ratio: (then != 0.0).then(|| now / then), worse, ..cell }
}

fn warnings(sides: &[Side]) -> Vec<String> {
    let mut warnings = Vec::new();
    for side in sides {
        let doubtful = side.reports.iter().filter(|report| !report.trustworthy).count();
        if doubtful > 0 {
            let all = side.reports.len();
            warnings.push(format!("{}: {doubtful} of {all} runs are not trustworthy", side.name));
        }
    }
    let what = |report: &Report| {
        let Report { scenario, users, rooms, rate, .. } = report;
        format!("{scenario}: {users} users, {rooms} rooms, {rate}/s")
    };
    let asked: BTreeSet<String> = sides.iter().flat_map(|side| &side.reports).map(what).collect();
    if asked.len() > 1 {
        let asked: Vec<String> = asked.into_iter().collect();
        warnings.push(format!("the runs were not asked for the same: {}", asked.join("; ")));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::distribution::Percentiles;

    fn run(p99: f64, delivered: f64, lost: u64) -> Report {
        let mut report = Report {
            trustworthy: true,
            latency: Percentiles {
                count: 100_000,
                p50: 1.0,
                p99,
                max: 500.0 / p99,
                ..Percentiles::default()
            },
            delivered_per_second: delivered,
            ..Report::default()
        };
        report.counters.lost = lost;
        report
    }

    fn side(name: &str, reports: Vec<Report>) -> Side {
        Side { name: name.into(), reports }
    }

    #[test]
    fn medians_are_compared_and_only_the_wrong_direction_is_worse() {
        let old = side("old", vec![run(10.0, 100.0, 0), run(90.0, 100.0, 0), run(11.0, 100.0, 0)]);
        let new = side("new", vec![run(12.0, 95.0, 0), run(12.2, 150.0, 0)]);
        let comparison = compare(&[old.clone(), new.clone()], 0.1);
        assert_eq!(comparison.worse(), Vec::<String>::new(), "12.1 is not 10 % more than 11: {comparison}");
        let strict = compare(&[old, new], 0.05);
        assert_eq!(strict.worse(), ["latency p99 of new"], "{strict}");
        let p99 = strict.rows.iter().find(|row| row.name == "latency p99").unwrap();
        let cell = p99.cells[1].unwrap();
        assert_eq!((cell.least, cell.most), (12.0, 12.2));
        assert!((cell.ratio.unwrap() - 1.1).abs() < 1e-9);
    }

    #[test]
    fn fewer_deliveries_and_the_first_loss_are_worse_and_a_slow_maximum_is_not() {
        let comparison =
            compare(&[side("a", vec![run(10.0, 100.0, 0)]), side("b", vec![run(5.0, 50.0, 1)])], 0.5);
        assert_eq!(comparison.worse(), ["lost of b"], "half is just allowed: {comparison}");
        let comparison =
            compare(&[side("a", vec![run(10.0, 100.0, 0)]), side("b", vec![run(5.0, 49.0, 0)])], 0.5);
        assert_eq!(comparison.worse(), ["delivered of b"], "{comparison}");
    }

    #[test]
    fn what_makes_a_comparison_doubtful_is_said() {
        let doubtful = Report { trustworthy: false, ..run(1.0, 1.0, 0) };
        let other = Report { rate: 7.0, ..run(1.0, 1.0, 0) };
        let comparison = compare(&[side("a", vec![doubtful]), side("b", vec![other])], 0.1);
        assert_eq!(comparison.warnings.len(), 2, "{:?}", comparison.warnings);
        assert!(comparison.rows.iter().all(|row| row.name != "gaps"), "zero everywhere is not shown");
    }
}
