//! Figures: rows of results.json that have `figure`, `series`, `x` and `y`, drawn as SVG.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use crate::published::Published;
use crate::results::Results;
use crate::stride::{self, End, Stride};

/// The machine whose points are drawn; results.json has those of all.
const MACHINE: &str = "DEC5000/125";
/// A figure's size in pixels, without what is written under it.
const SIZE: (u32, u32) = (760, 440);
/// The width of the names of curves beside one.
const NAMES: u32 = 230;
/// The height of a line of text.
const LINE: u32 = 20;

/// Colours of curves, in their order: dark enough on white, and apart for those who see red and green alike.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 90, 181),
    RGBColor(220, 50, 32),
    RGBColor(0, 120, 80),
    RGBColor(150, 80, 170),
    RGBColor(190, 120, 0),
    RGBColor(90, 90, 90),
];

fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// What is written about a figure.
struct Caption<'a> {
    id: &'a str,
    title: &'a str,
    x: &'a str,
    y: &'a str,
    /// Whether the vertical axis is logarithmic, too: the horizontal one of these always is.
    log: bool,
}

/// Figures that the paper does not have.
const CAPTIONS: [Caption<'static>; 4] = [
    Caption {
        id: "environments",
        title: "Cost beside other environments",
        x: "environments alive",
        y: "µs for each operation",
        log: true,
    },
    Caption {
        id: "processes",
        title: "Context switch against processes",
        x: "processes alive",
        y: "µs for each switch",
        log: false,
    },
    Caption {
        id: "prot",
        title: "Protecting N pages at once, and back",
        x: "pages",
        y: "µs for all of them, both ways",
        log: true,
    },
    Caption {
        id: "lookup",
        title: "Looking a page up, by page table",
        x: "pages mapped",
        y: "µs for each lookup",
        log: false,
    },
];

/// The names of the figures that can be drawn.
#[must_use]
pub fn ids(results: &Results) -> Vec<String> {
    let drawn = results.rows.iter().filter(|r| r.machine == MACHINE);
    let mut ids: Vec<String> = drawn.filter_map(|r| r.text("figure")).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// The file of a figure.
#[must_use]
pub fn file(id: &str) -> String {
    format!("figure-{id}.svg")
}

type Curves = BTreeMap<String, Vec<(f64, f64)>>;

/// A figure as SVG.
///
/// # Errors
/// When there is nothing to draw, or it cannot be drawn.
pub fn svg(results: &Results, published: &Published, id: &str) -> anyhow::Result<String> {
    let mut out = String::new();
    let drawn = if id == stride::FIGURE {
        let nothing = || format!("no points of figure {id} on {MACHINE}");
        let figure = Stride::of(results, MACHINE).with_context(nothing)?;
        draw_stride(&mut out, &figure, &stride::published_ends(published))
    } else {
        let curves = curves(results, id);
        anyhow::ensure!(!curves.is_empty(), "no points of {id} on {MACHINE}");
        draw_curves(&mut out, id, &curves)
    };
    drawn.map_err(|e| anyhow!("cannot draw figure {id}: {e}"))?;
    Ok(out)
}

fn curves(results: &Results, id: &str) -> Curves {
    let mut curves = Curves::new();
    let wanted = results.rows.iter().filter(|r| r.machine == MACHINE);
    for row in wanted.filter(|r| r.text("figure").as_deref() == Some(id)) {
        if let (Some(series), Some(x), Some(y)) = (row.text("series"), row.number("x"), row.number("y")) {
            curves.entry(series).or_default().push((x, y));
        }
    }
    for points in curves.values_mut() {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    curves
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw_curves(out: &mut String, id: &str, curves: &Curves) -> Drawn {
    let unknown = Caption { id: "", title: id, x: "", y: "", log: false };
    let caption = CAPTIONS.iter().find(|c| c.id == id).unwrap_or(&unknown);
    let points = || curves.values().flatten();
    let right = points().map(|p| p.0).fold(1.0, f64::max);
    let left = points().map(|p| p.0).fold(f64::INFINITY, f64::min).max(1.0);
    let top = points().map(|p| p.1).fold(0.0, f64::max);
    let bottom = points().map(|p| p.1).fold(f64::INFINITY, f64::min).max(0.001);
    let x = ((left * 0.9)..(right * 1.2)).log_scale();
    let root = SVGBackend::with_string(out, (SIZE.0 + NAMES, SIZE.1)).into_drawing_area();
    root.fill(&WHITE)?;
    let (picture, names) = root.split_horizontally(SIZE.0);
    if caption.log {
        plot(&picture, caption, curves, x, ((bottom / 2.0)..(top * 2.0)).log_scale())?;
    } else {
        plot(&picture, caption, curves, x, 0.0..(top * 1.25))?;
    }
    // Beside the picture, where no curve is in the way; the highest one first.
    let end = |name: &str| curves[name].last().map_or(0.0, |point| point.1);
    let mut order: Vec<(usize, &String)> = curves.keys().enumerate().collect();
    order.sort_by(|a, b| end(b.1).total_cmp(&end(a.1)));
    let style = ("sans-serif", 14).into_font().color(&BLACK);
    for (place, (index, name)) in (0..).zip(order) {
        let y = 60 + place * i32::try_from(LINE)?;
        names.draw(&PathElement::new([(0, y + 7), (18, y + 7)], colour(index).stroke_width(2)))?;
        names.draw_text(name, &style, (24, y))?;
    }
    root.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn plot<X, Y>(root: &Area, caption: &Caption, curves: &Curves, x: X, y: Y) -> Drawn
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(root)
        .caption(format!("{}, {MACHINE}", caption.title), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(x, y)?;
    let plain = |x: &f64| if *x < 10.0 { format!("{x:.1}") } else { format!("{x:.0}") };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(caption.x)
        .y_desc(caption.y)
        .x_label_formatter(&plain)
        .y_label_formatter(&plain)
        .draw()?;
    for (index, points) in curves.values().enumerate() {
        let colour = colour(index);
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    Ok(())
}

/// Figure 3, with what its curves come to, here and in the paper, written under it.
fn draw_stride(out: &mut String, figure: &Stride, paper: &[End]) -> Drawn {
    let ends = figure.ends();
    let text = stride_text(figure, paper);
    let height = SIZE.1 + LINE * u32::try_from(text.len())? + 12;
    let root = SVGBackend::with_string(out, (SIZE.0, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let (picture, below) = root.split_vertically(SIZE.1);
    let thousands = |iterations: f64| iterations / 1000.0;
    let right = ends.iter().map(|end| end.x).fold(1.0, f64::max) + 1.0;
    let top = ends.iter().map(|end| thousands(end.measured.max(end.ideal))).fold(0.0, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(&picture)
        .caption(format!("Figure 3: stride scheduler, shares 3:2:1, ExOS on {MACHINE}"), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    let whole = |x: &f64| format!("{x:.0}");
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("time (quanta)")
        .y_desc("cumulative iterations (thousands)")
        .x_label_formatter(&whole)
        .y_label_formatter(&whole)
        .draw()?;
    // The largest share on top of the legend, as it is of the picture.
    for (index, (curve, end)) in figure.curves.iter().zip(&ends).enumerate().rev() {
        let colour = colour(index);
        let dots = curve.points.iter().map(|(x, y)| Circle::new((*x, thousands(*y)), 3, colour.filled()));
        chart
            .draw_series(dots)?
            .label(format!("share {}, measured", curve.share))
            .legend(move |(x, y)| Circle::new((x + 9, y), 3, colour.filled()));
        // From what its first quantum should come to, to the end, as the paper draws it.
        let first = (curve.points[0].0, thousands(figure.each));
        chart
            .draw_series(LineSeries::new([first, (end.x, thousands(end.ideal))], colour.stroke_width(1)))?
            .label(format!("share {}, ideal", curve.share))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(1)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    let style = ("sans-serif", 14).into_font().color(&BLACK);
    for (index, line) in (0..).zip(&text) {
        below.draw_text(line, &style, (20, index * i32::try_from(LINE)?))?;
    }
    root.present()?;
    Ok(())
}

/// What is written under Figure 3.
fn stride_text(figure: &Stride, paper: &[End]) -> Vec<String> {
    let shown = |end: &End, unit: f64| {
        let (measured, ideal) = (end.measured / unit, end.ideal / unit);
        format!("{measured:.1} of {ideal:.1} thousand ({:+.2} %)", end.deviation())
    };
    let ends = figure.ends();
    let mut lines = Vec::new();
    for (curve, end) in figure.curves.iter().zip(&ends).rev() {
        let mut line =
            format!("share {}, {} quanta: {}", curve.share, curve.points.len(), shown(end, 1000.0));
        if let Some(paper) = paper.iter().find(|p| p.share == curve.share) {
            line += &format!("; in the paper {}", shown(paper, 1.0));
        }
        lines.push(line);
    }
    let percent = |ends| stride::dispersion(ends).map_or("not known".to_owned(), |d| format!("{d:.2} %"));
    lines.push(format!(
        "Largest deviation of an end from its ideal: {} here, {} in the paper (machine not stated).",
        percent(&ends),
        percent(paper)
    ));
    lines.push(format!("No process was ever further from its share than {:.2} quanta.", figure.lag()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Row;

    fn point(figure: &str, series: &str, x: u64, y: f64, machine: &str) -> Row {
        let mut row = Row { machine: machine.into(), system: "Aegis".into(), ..Row::default() };
        row.other.insert("figure".into(), figure.into());
        row.other.insert("series".into(), series.into());
        row.other.insert("x".into(), x.into());
        row.other.insert("y".into(), y.into());
        row
    }

    fn drawn(results: &Results, id: &str) -> anyhow::Result<String> {
        svg(results, &Published::load().expect("loads"), id)
    }

    #[test]
    fn a_figure_has_its_curves() {
        for id in ["environments", "processes", "prot", "lookup", "of nobody's"] {
            let rows = vec![
                point(id, "STLB hit", 1, 1.2, MACHINE),
                point(id, "STLB hit", 200, 1.25, MACHINE),
                point(id, "create", 1, 400.0, MACHINE),
                point(id, "elsewhere", 1, 30.0, "malta"),
            ];
            let results = Results { rows, ..Results::default() };
            assert_eq!(ids(&results), [id]);
            let picture = drawn(&results, id).expect("draws");
            assert!(picture.contains("STLB hit") && picture.contains(MACHINE), "{id}");
            assert!(CAPTIONS.iter().all(|c| c.id != id || picture.contains(c.x)), "{id}");
            assert!(!picture.contains("elsewhere"));
            assert!(drawn(&results, "other").is_err());
        }
        let elsewhere = Results { rows: vec![point("prot", "a", 1, 1.0, "malta")], ..Results::default() };
        assert!(ids(&elsewhere).is_empty());
    }

    #[test]
    fn figure_3_has_its_numbers_and_the_papers() {
        let results = stride::tests::sample(MACHINE, 36_600.0, 48_050.0);
        let picture = drawn(&results, "3").expect("draws");
        for text in [
            "share 3, measured",
            "share 1, ideal",
            "time (quanta)",
            "share 3, 51 quanta: 2439.1 of 2444.7 thousand (-0.23 %); in the paper 2445.0 of 2450.4 thousand (-0.22 %)",
            "0.24 % here, 0.22 % in the paper",
        ] {
            assert!(picture.contains(text), "{text}");
        }
        // A dot for each quantum, and one for each process in the legend.
        assert_eq!(picture.matches("<circle").count(), 103);
        assert_eq!(picture, drawn(&results, "3").expect("draws"), "the same bytes again");
        assert!(drawn(&stride::tests::sample("malta", 1.0, 1.0), "3").is_err());
    }
}
