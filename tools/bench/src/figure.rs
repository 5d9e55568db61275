//! Figures: rows of results.json that have `figure`, `series`, `x` and `y`, drawn as SVG.

use std::collections::BTreeMap;

use anyhow::anyhow;
use plotters::prelude::*;

use crate::results::{Results, Row};

/// The machine whose points are drawn; results.json has those of all.
const MACHINE: &str = "DEC5000/125";

/// What is written about a figure.
struct Caption {
    id: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
}

/// Figures that the paper does not have.
const CAPTIONS: [Caption; 1] = [Caption {
    id: "environments",
    title: "Cost beside other environments, DEC5000/125",
    x: "environments alive",
    y: "µs for each operation",
}];

/// The names of the figures that there are points of.
#[must_use]
pub fn ids(results: &Results) -> Vec<String> {
    let mut ids: Vec<String> = results.rows.iter().filter_map(|r| text(r, "figure")).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn text(row: &Row, key: &str) -> Option<String> {
    row.other.get(key)?.as_str().map(str::to_owned)
}

fn number(row: &Row, key: &str) -> Option<f64> {
    row.other.get(key)?.as_f64()
}

/// A figure as SVG.
///
/// # Errors
/// When there is nothing to draw, or it cannot be drawn.
pub fn svg(results: &Results, id: &str) -> anyhow::Result<String> {
    let mut curves: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let wanted = |r: &&Row| r.machine == MACHINE && text(r, "figure").as_deref() == Some(id);
    for row in results.rows.iter().filter(wanted) {
        if let (Some(series), Some(x), Some(y)) = (text(row, "series"), number(row, "x"), number(row, "y")) {
            curves.entry(series).or_default().push((x, y));
        }
    }
    anyhow::ensure!(!curves.is_empty(), "no points of {id} on {MACHINE}");
    let points = || curves.values().flatten();
    let right = points().map(|p| p.0).fold(1.0, f64::max);
    let top = points().map(|p| p.1).fold(1.0, f64::max);
    let bottom = points().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let unknown = Caption { id: "", title: "", x: "", y: "" };
    let caption = CAPTIONS.iter().find(|c| c.id == id).unwrap_or(&unknown);
    let mut out = String::new();
    draw(&mut out, caption, &curves, right * 1.2, (bottom / 2.0)..(top * 2.0)).map_err(|e| anyhow!("{e}"))?;
    Ok(out)
}

fn draw(
    out: &mut String,
    caption: &Caption,
    curves: &BTreeMap<String, Vec<(f64, f64)>>,
    right: f64,
    y: std::ops::Range<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(out, (760, 440)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(caption.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((0.9..right).log_scale(), y.log_scale())?;
    let plain = |x: &f64| if *x < 10.0 { format!("{x:.1}") } else { format!("{x:.0}") };
    chart
        .configure_mesh()
        .x_desc(caption.x)
        .y_desc(caption.y)
        .x_label_formatter(&plain)
        .y_label_formatter(&plain)
        .draw()?;
    for (index, (name, points)) in curves.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(series: &str, x: u64, y: f64, machine: &str) -> Row {
        let mut row = Row { machine: machine.into(), system: "Aegis".into(), ..Row::default() };
        row.other.insert("figure".into(), "environments".into());
        row.other.insert("series".into(), series.into());
        row.other.insert("x".into(), x.into());
        row.other.insert("y".into(), y.into());
        row
    }

    #[test]
    fn a_figure_has_its_curves() {
        let rows = vec![
            point("STLB hit", 1, 1.2, MACHINE),
            point("STLB hit", 200, 1.25, MACHINE),
            point("create", 1, 400.0, MACHINE),
            point("elsewhere", 1, 30.0, "malta"),
        ];
        let results = Results { rows, ..Results::default() };
        assert_eq!(ids(&results), ["environments"]);
        let picture = svg(&results, "environments").expect("draws");
        assert!(picture.contains("STLB hit") && picture.contains("environments alive"));
        assert!(!picture.contains("elsewhere"));
        assert!(svg(&results, "other").is_err());
    }
}
