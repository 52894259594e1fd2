//! The chart: a bar for each program in each situation, with its median and its spread.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::record::Row;

const WIDTH: i32 = 900;
const HEIGHT: i32 = 480;
const OURS: RGBColor = RGBColor(0, 114, 178);
const THEIRS: RGBColor = RGBColor(150, 150, 150);

/// Programs that take longer than this many of isobar's medians are left out: they would press
/// everything else against the axis. The figures have them.
const FARTHEST: f64 = 4.0;

/// Draws the rows, grouped by situation.
pub(crate) fn write(rows: &[Row], path: &Path) -> Result<()> {
    draw(rows, path).map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))
}

fn draw(rows: &[Row], path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let longest = rows
        .iter()
        .filter(|row| row.name == "isobar")
        .map(|row| row.figures.median_ms * FARTHEST)
        .fold(0.0, f64::max);
    let shown: Vec<&Row> = rows.iter().filter(|row| row.figures.median_ms <= longest).collect();
    let top = shown.iter().map(|row| row.figures.p90_ms).fold(0.0, f64::max) * 1.15;
    let area =
        SVGBackend::new(path, (WIDTH.unsigned_abs(), HEIGHT.unsigned_abs())).into_drawing_area();
    area.fill(&WHITE)?;
    let slots = i32::try_from(shown.len())?;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "start to exit of `true`, ms: median, and to the 90th percentile",
            ("sans-serif", 18),
        )
        .margin(12)
        .x_label_area_size(64)
        .y_label_area_size(44)
        .build_cartesian_2d(0..slots, 0.0..top)?;
    let label = |at: &i32| {
        let row = usize::try_from(*at).ok().and_then(|at| shown.get(at));
        row.map_or_else(String::new, |row| row.name.to_owned())
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(shown.len())
        .x_label_formatter(&label)
        .x_label_offset(20)
        .y_desc("ms")
        .draw()?;
    for (at, row) in (0..slots).zip(&shown) {
        let colour = if row.name == "isobar" { OURS } else { THEIRS };
        let (median, p90) = (row.figures.median_ms, row.figures.p90_ms);
        let mut bar = Rectangle::new([(at, 0.0), (at + 1, median)], colour.filled());
        bar.set_margin(0, 0, 4, 4);
        let mut spread = Rectangle::new([(at, median), (at + 1, p90)], colour.mix(0.3).filled());
        spread.set_margin(0, 0, 4, 4);
        chart.draw_series([bar, spread])?;
        let situation = format!("{}, {} ms idle", row.who, row.idle_ms);
        let text = Text::new(format!("{median:.2}"), (at, p90 + top * 0.02), ("sans-serif", 11));
        chart.draw_series([text])?;
        if row.name == "bare" {
            let style = ("sans-serif", 12).into_font();
            area.draw_text(
                &situation,
                &style.into_text_style(&area),
                (60 + at * (WIDTH - 80) / slots.max(1), HEIGHT - 26),
            )?;
        }
    }
    area.present()?;
    Ok(())
}
