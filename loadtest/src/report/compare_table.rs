//! A comparison as a table for the terminal. Owns the words and the columns.

use std::fmt::{self, Formatter};

use crate::report::{
    compare::{Cell, Comparison, Row},
    judged::Unit,
};

pub(crate) fn write(comparison: &Comparison, to: &mut Formatter<'_>) -> fmt::Result {
    comparison.warnings.iter().try_for_each(|warning| writeln!(to, "  warning: {warning}"))?;
    let mut table = vec![heading(comparison)];
    table.extend(comparison.rows.iter().map(line));
    let columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| table.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for line in &table {
        let cells = line.iter().zip(&widths).enumerate();
        let padded: Vec<String> = cells.map(|(column, (text, width))| pad(column, text, *width)).collect();
        writeln!(to, "  {}", padded.join("  ").trim_end())?;
    }
    let percent = comparison.tolerance * 100.0;
    match comparison.worse().as_slice() {
        [] => writeln!(to, "nothing got worse by more than {percent:.0} %"),
        worse => writeln!(to, "WORSE by more than {percent:.0} %: {}", worse.join(", ")),
    }
}

/// Names to the left, figures to the right.
fn pad(column: usize, text: &str, width: usize) -> String {
    if column == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") }
}

fn heading(comparison: &Comparison) -> Vec<String> {
    let mut heading = vec![String::new()];
    for (index, name) in comparison.names.iter().enumerate() {
        heading.push(name.clone());
        if index > 0 {
            heading.push("ratio".into());
        }
    }
    heading
}

fn line(row: &Row) -> Vec<String> {
    let mut line = vec![row.name.clone()];
    for (index, cell) in row.cells.iter().enumerate() {
        line.push(cell.map_or("–".into(), |cell| text(cell, row.unit)));
        if index > 0 {
            // Nothing to hold it against.
            let held = cell.filter(|_| row.cells.first().is_some_and(Option::is_some));
            line.push(held.map_or(String::new(), ratio));
        }
    }
    line
}

fn text(cell: Cell, unit: Unit) -> String {
    let median = unit.text(cell.median);
    if cell.least == cell.most {
        return median;
    }
    format!("{median} ({} to {})", unit.bare(cell.least), unit.bare(cell.most))
}

fn ratio(cell: Cell) -> String {
    let sign = if cell.worse { " ✗" } else { "  " };
    match cell.ratio {
        Some(ratio) => format!("{ratio:.2}×{sign}"),
        None if cell.median == 0.0 => format!("={sign}"),
        None => format!("from 0{sign}"),
    }
}
