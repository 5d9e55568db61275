//! What Figure 3 shows (section 7.3): how evenly a stride scheduler gives out the processor to shares of 3:2:1.
//!
//! Each dot is one quantum, at its number, and at what the counter of the process that ran then came to. The ideal of a
//! process is what it would have counted if every quantum it ran were like the average one; the paper's ideal lines are
//! the same (48.05 thousand iterations for each quantum run). Its measure is how far the end of a curve is from that.

use crate::published::Published;
use crate::results::Results;

/// The figure, as results.json names it.
pub const FIGURE: &str = "3";

/// One process.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its share.
    pub share: u32,
    /// Quantum and cumulative iterations, at the quanta that it ran.
    pub points: Vec<(f64, f64)>,
}

/// The end of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct End {
    /// The share.
    pub share: u32,
    /// The last quantum that it ran.
    pub x: f64,
    /// What it had counted then.
    pub measured: f64,
    /// What it should have counted.
    pub ideal: f64,
}

impl End {
    /// How far it is from its ideal, in percent.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        (self.measured / self.ideal - 1.0) * 100.0
    }
}

/// The largest deviation of an end, in percent, without its sign.
#[must_use]
pub fn dispersion(ends: &[End]) -> Option<f64> {
    ends.iter().map(|end| end.deviation().abs()).reduce(f64::max)
}

/// The figure on one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Stride {
    /// The processes, the smallest share first.
    pub curves: Vec<Curve>,
    /// Iterations of the average quantum.
    pub each: f64,
}

impl Stride {
    /// From the results of a machine; `None` if it has not been run there.
    #[must_use]
    pub fn of(results: &Results, machine: &str) -> Option<Self> {
        let mut curves: Vec<Curve> = Vec::new();
        let there = results.rows.iter().filter(|r| r.machine == machine);
        for row in there.filter(|r| r.text("figure").as_deref() == Some(FIGURE)) {
            let (x, y) = (row.number("x")?, row.number("y")?);
            let share = share(&row.text("series")?)?;
            match curves.iter_mut().find(|curve| curve.share == share) {
                Some(curve) => curve.points.push((x, y)),
                None => curves.push(Curve { share, points: vec![(x, y)] }),
            }
        }
        curves.sort_by_key(|curve| curve.share);
        for curve in &mut curves {
            curve.points.sort_by(|a, b| a.0.total_cmp(&b.0));
            // A counter that did not move is that of a process that waited.
            let mut last = 0.0;
            curve.points.retain(|point| std::mem::replace(&mut last, point.1) < point.1);
        }
        curves.retain(|curve| !curve.points.is_empty());
        let total: f64 = curves.iter().filter_map(|curve| curve.points.last()).map(|p| p.1).sum();
        let quanta: usize = curves.iter().map(|curve| curve.points.len()).sum();
        #[allow(clippy::cast_precision_loss)]
        let each = total / quanta as f64;
        (quanta > 0).then_some(Self { curves, each })
    }

    /// The ends of its curves.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn ends(&self) -> Vec<End> {
        let end = |curve: &Curve| {
            let (x, measured) = *curve.points.last()?;
            Some(End { share: curve.share, x, measured, ideal: self.each * curve.points.len() as f64 })
        };
        self.curves.iter().filter_map(end).collect()
    }

    /// By how many quanta a process was ever ahead of its share or behind it. The paper's order of quanta comes to one.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn lag(&self) -> f64 {
        let shares: u32 = self.curves.iter().map(|curve| curve.share).sum();
        let mut quanta: Vec<f64> = self.curves.iter().flat_map(|c| &c.points).map(|p| p.0).collect();
        quanta.sort_by(f64::total_cmp);
        let mut most: f64 = 0.0;
        for (index, quantum) in quanta.iter().enumerate() {
            for curve in &self.curves {
                let ran = curve.points.iter().filter(|p| p.0 <= *quantum).count() as f64;
                let due = (index + 1) as f64 * f64::from(curve.share) / f64::from(shares);
                most = most.max((ran - due).abs());
            }
        }
        most
    }
}

/// The share in the name of a curve: `share 3`, or as the published ones are called, `... share 3 of 6`.
fn share(series: &str) -> Option<u32> {
    series.split("share ").nth(1)?.split(' ').next()?.parse().ok()
}

/// The ends of the paper's curves, in thousands of iterations.
#[must_use]
pub fn published_ends(published: &Published) -> Vec<End> {
    let rows = published.table("figure 3").map_or(&[][..], |table| &table.rows[..]);
    let last = |ideal: bool, wanted: u32| {
        let of = |series: &str| series.starts_with("ideal") == ideal && share(series) == Some(wanted);
        let there = rows.iter().filter(|n| n.series.as_deref().is_some_and(of));
        there.filter_map(|n| Some((n.x?, n.number()?))).max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let end = |share| {
        let ((x, measured), (_, ideal)) = (last(false, share)?, last(true, share)?);
        Some(End { share, x, measured, ideal })
    };
    [1, 2, 3].into_iter().filter_map(end).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::results::Row;

    /// A quantum after the other, in the paper's order, of so many iterations each but the first.
    #[must_use]
    pub(crate) fn sample(machine: &str, first: f64, each: f64) -> Results {
        let mut done = [0.0; 4];
        let mut rows = Vec::new();
        for quantum in 0_u32..100 {
            let share = [3, 2, 3, 3, 1, 2][quantum as usize % 6];
            done[share] += if quantum == 0 { first } else { each };
            let mut row = Row { machine: machine.into(), system: "ExOS".into(), ..Row::default() };
            row.other.insert("figure".into(), FIGURE.into());
            row.other.insert("series".into(), format!("share {share}").into());
            row.other.insert("x".into(), quantum.into());
            row.other.insert("y".into(), done[share].into());
            rows.push(row);
        }
        Results { rows, ..Results::default() }
    }

    #[test]
    fn equal_quanta_have_no_dispersion() {
        let figure = Stride::of(&sample("malta", 48_000.0, 48_000.0), "malta").expect("is there");
        assert_eq!(figure.curves.iter().map(|c| c.points.len()).collect::<Vec<_>>(), [16, 33, 51]);
        assert!(dispersion(&figure.ends()).expect("is there") < 1e-9);
        assert!((figure.lag() - 1.0).abs() < 1e-9, "{}", figure.lag());
        assert_eq!(Stride::of(&sample("malta", 1.0, 1.0), "DEC2100"), None);
    }

    #[test]
    fn a_short_quantum_shows() {
        // The paper's own: the first quantum is a quarter short.
        let figure = Stride::of(&sample("malta", 36_600.0, 48_050.0), "malta").expect("is there");
        let ends = figure.ends();
        assert!((figure.each - 47_935.5).abs() < 1e-6, "{}", figure.each);
        assert!((ends[2].measured - (36_600.0 + 50.0 * 48_050.0)).abs() < 1e-6);
        // 0.23 % more than the average for the others, 0.23 % less for the one.
        let deviations: Vec<String> = ends.iter().map(|end| format!("{:.2}", end.deviation())).collect();
        assert_eq!(deviations, ["0.24", "0.24", "-0.23"]);
    }

    #[test]
    fn counters_that_stand_still_are_no_quanta() {
        let mut results = sample("malta", 10.0, 10.0);
        // All three counters at every quantum.
        let mut done = [0.0; 4];
        let rows = std::mem::take(&mut results.rows);
        for row in rows {
            done[share(&row.text("series").expect("a curve")).expect("a share") as usize] =
                row.number("y").expect("a number");
            for (share, iterations) in done.iter().enumerate().skip(1) {
                let mut row = row.clone();
                row.other.insert("series".into(), format!("share {share}").into());
                row.other.insert("y".into(), (*iterations).into());
                results.rows.push(row);
            }
        }
        let all = Stride::of(&results, "malta");
        assert_eq!(all, Stride::of(&sample("malta", 10.0, 10.0), "malta"));
    }

    #[test]
    fn an_unfair_order_shows() {
        let mut results = sample("malta", 10.0, 10.0);
        // The last twelve quanta that were another's go to the largest share.
        for (index, row) in results.rows.iter_mut().skip(88).enumerate() {
            row.other.insert("series".into(), "share 3".into());
            row.other.insert("y".into(), (1000 + index).into());
        }
        assert!(Stride::of(&results, "malta").expect("is there").lag() > 5.0);
    }

    #[test]
    fn the_papers_ends() {
        let ends = published_ends(&Published::load().expect("loads"));
        assert_eq!(ends.iter().map(|end| end.x).collect::<Vec<_>>(), [94.0, 97.0, 99.0]);
        assert_eq!(format!("{:.2}", dispersion(&ends).expect("is there")), "0.22");
    }
}
