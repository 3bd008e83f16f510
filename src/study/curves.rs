//! The curves: each metric over the share of the data (arXiv 2401.07324, Figure 4).

use glpft_eval::plot::{Axis, Number, Plot, PlotError, Series};

use super::arrangement::Compared;
use super::markdown::curve_name;
use super::metric::StudyMetric;
use super::table::{Estimate, Row};
use crate::Error;

/// The files of `curves/`, by name: one for each metric of a base that was measured on more than one share. Bands are
/// the mean ± the standard deviation over the seeds.
///
/// # Errors
/// A plot cannot be drawn.
pub fn draw(rows: &[Row]) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    let mut bases: Vec<&str> = rows.iter().map(|row| row.base.as_str()).collect();
    bases.dedup();
    for base in bases {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.base == base).collect();
        for metric in StudyMetric::ALL {
            match plot(&rows, metric).map(|plot| plot.svg_file()) {
                None | Some(Err(PlotError::Nothing)) => {}
                Some(Ok(svg)) => files.push((curve_name(base, metric), svg)),
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
    Ok(files)
}

/// None where there is one share alone.
fn plot(rows: &[&Row], metric: StudyMetric) -> Option<Plot> {
    let shares = |row: &&&Row| row.metric(metric).is_some();
    let first = rows.iter().find(shares)?.fraction;
    if rows.iter().filter(shares).all(|row| row.fraction == first) {
        return None;
    }
    let title = match metric.lowest_is_best() {
        true => format!("{} (lower is better)", metric.title()),
        false => metric.title().to_owned(),
    };
    let mut plot = Plot::new(
        Axis::new("share of the training data").log(),
        Axis::new("").numbers(Number::Percent),
    )
    .title(title)
    .size(560, 320);
    for (colour, compared) in Compared::ALL.into_iter().enumerate() {
        let of: Vec<(f64, &Estimate)> = rows
            .iter()
            .filter(|row| row.arrangement == compared)
            .filter_map(|row| Some((row.fraction, row.metric(metric)?)))
            .collect();
        if of.is_empty() {
            continue;
        }
        let points = of.iter().map(|&(share, estimate)| (share, estimate.mean));
        let band = of.iter().filter_map(|&(share, estimate)| {
            let deviation = estimate.deviation?;
            let (low, high) = (estimate.mean - deviation, estimate.mean + deviation);
            Some((share, low, high))
        });
        let series = Series::new(compared.title(), points.collect());
        plot = plot.series(series.marks().band(band.collect()).colour(colour));
    }
    Some(plot)
}
