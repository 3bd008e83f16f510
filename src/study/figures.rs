//! The figures: metrics over the share of the data (arXiv 2401.07324, Figure 4), over the model's size, and over the share of
//! compute that the global stage has; and the arrangements beside each other.

use glpft_eval::plot::{Axis, Number, Plot, PlotError, Point, Series};

use super::arrangement::Compared;
use super::budget::Budget;
use super::measure::Measure;
use super::metric::StudyMetric;
use super::table::{Estimate, Row};
use crate::Error;

/// A figure's size.
const SIZE: (u32, u32) = (560, 320);
/// The width of the figure of arrangements, whose names stand beside each other.
const WIDE: u32 = 680;
/// How far apart what belongs to one arrangement stands; arrangements are 1 apart.
const APART: f64 = 0.14;

/// A file of a study's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    /// Its path in the study's directory.
    pub path: String,
    /// Where it stands in the report.
    pub place: Place,
    /// The drawing.
    pub svg: String,
}

/// Where a figure stands in the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Beside a base's arrangements.
    Arrangements(String),
    /// Beside a base's splits.
    Split(String),
    /// Beside a base's shares of the data.
    Shares(String),
    /// Beside the sizes of all bases.
    Sizes,
}

/// Every figure of which there is more than one value. Bands and whiskers are 95 % intervals where tasks were played, else the
/// mean ± the standard deviation over the seeds.
///
/// # Errors
/// A plot cannot be drawn.
pub(super) fn draw(rows: &[Row]) -> Result<Vec<Figure>, Error> {
    let mut figures = Figures(Vec::new());
    let mut bases: Vec<&str> = Vec::new();
    for row in rows {
        if !bases.contains(&row.base.as_str()) {
            bases.push(&row.base);
        }
    }
    for &base in &bases {
        let of_base: Vec<&Row> = rows.iter().filter(|row| row.base == base).collect();
        let largest = on_the_most_data(&of_base);
        for measure in Measure::passed(&largest) {
            let path = format!("figures/arrangements.{}.{base}.svg", measure.key());
            let place = Place::Arrangements(base.to_owned());
            figures.add(path, place, arrangements(&largest, measure))?;
        }
        let path = format!("figures/split.{base}.svg");
        figures.add(path, Place::Split(base.to_owned()), split(&largest))?;
        for budget in [Budget::Stages, Budget::Tokens] {
            for measure in Measure::all(&of_base) {
                let path = format!("curves/{base}.{}{}.svg", measure.key(), budget.suffix());
                let axis = Axis::new("share of the training data").log();
                let plot = curves(&of_base, measure, budget, axis, |row| row.fraction);
                figures.add(path, Place::Shares(base.to_owned()), plot)?;
            }
        }
    }
    let largest: Vec<&Row> = bases
        .iter()
        .flat_map(|&base| {
            let of_base: Vec<&Row> = rows.iter().filter(|row| row.base == base).collect();
            on_the_most_data(&of_base)
        })
        .collect();
    for budget in [Budget::Stages, Budget::Tokens] {
        let mut measures = Measure::passed(&largest);
        measures.push(Measure::Metric(StudyMetric::PlanEm));
        for measure in measures {
            let path = format!("figures/size.{}{}.svg", measure.key(), budget.suffix());
            let axis = Axis::new("parameters of the model").log();
            let plot = curves(&largest, measure, budget, axis, |row| row.parameters as f64);
            figures.add(path, Place::Sizes, plot)?;
        }
    }
    Ok(figures.0)
}

struct Figures(Vec<Figure>);

impl Figures {
    /// Draws a plot, where there is one with something in it.
    fn add(&mut self, path: String, place: Place, plot: Option<Plot>) -> Result<(), Error> {
        match plot.map(|plot| plot.svg_file()) {
            None | Some(Err(PlotError::Nothing)) => Ok(()),
            Some(svg) => {
                let svg = svg?;
                self.0.push(Figure { path, place, svg });
                Ok(())
            }
        }
    }
}

/// The rows of the largest share of the data.
pub(super) fn on_the_most_data<'r>(rows: &[&'r Row]) -> Vec<&'r Row> {
    let largest = rows.iter().map(|row| row.fraction).fold(0.0, f64::max);
    let of_largest = rows.iter().filter(|row| row.fraction >= largest);
    of_largest.copied().collect()
}

fn percent() -> Axis {
    Axis::new("").numbers(Number::Percent)
}

/// A measure of each arrangement over something that bases or shares have, by one budget; none where that has one value
/// alone.
fn curves(
    rows: &[&Row],
    measure: Measure<'_>,
    budget: Budget,
    axis: Axis,
    x: impl Fn(&Row) -> f64,
) -> Option<Plot> {
    let rows: Vec<(&Row, &Estimate)> = rows
        .iter()
        .filter(|row| row.budget == budget)
        .filter_map(|row| Some((*row, measure.of(row)?)))
        .collect();
    let first = x(rows.first()?.0);
    if rows.iter().all(|(row, _)| x(row) == first) {
        return None;
    }
    let title = format!("{}{budget}", measure.title());
    let mut plot = Plot::new(axis, percent()).title(title).size(SIZE.0, SIZE.1);
    for (colour, compared) in Compared::ALL.into_iter().enumerate() {
        let of = rows.iter().filter(|(row, _)| row.arrangement == compared);
        let mut of: Vec<(f64, &Estimate)> = of.map(|&(row, one)| (x(row), one)).collect();
        of.sort_by(|one, other| one.0.total_cmp(&other.0));
        if !of.is_empty() {
            plot = plot.series(line(compared.title(), &of).colour(colour));
        }
    }
    Some(plot)
}

/// Estimates as a line with a band.
fn line(name: impl Into<String>, estimates: &[(f64, &Estimate)]) -> Series {
    let points = estimates.iter().map(|&(x, one)| (x, one.mean));
    let band = estimates.iter().filter_map(|&(x, one)| {
        let [low, high] = one.range()?;
        Some((x, low, high))
    });
    let band = band.collect();
    Series::new(name, points.collect()).marks().band(band)
}

/// What each arrangement passes, with its uncertainty: a dot for each budget. None of one row alone.
fn arrangements(rows: &[&Row], measure: Measure<'_>) -> Option<Plot> {
    let split = |row: &&&Row| matches!(row.budget, Budget::Split(_));
    let rows: Vec<&Row> = rows.iter().filter(|row| !split(row)).copied().collect();
    if rows.len() < 2 {
        return None;
    }
    let mut names: Vec<Compared> = rows.iter().map(|row| row.arrangement).collect();
    names.sort_unstable();
    names.dedup();
    let budgets: Vec<Budget> = [Budget::Stages, Budget::Tokens]
        .into_iter()
        .filter(|&budget| rows.iter().any(|row| row.budget == budget))
        .collect();
    let axis = Axis::new("").names(names.iter().map(|one| one.title()));
    let mut plot = Plot::new(axis, percent().from_zero())
        .title(measure.title())
        .size(WIDE, SIZE.1);
    for (index, &budget) in budgets.iter().enumerate() {
        let beside = APART * (index as f64 - (budgets.len() - 1) as f64 / 2.0);
        let of: Vec<(f64, &Estimate)> = rows
            .iter()
            .filter(|row| row.budget == budget)
            .filter_map(|row| {
                let place = names.iter().position(|one| *one == row.arrangement)?;
                Some((place as f64 + beside, measure.of(row)?))
            })
            .collect();
        let name = match budget {
            Budget::Stages => "the recipe's epochs",
            _ => "as many tokens as GLPFT",
        };
        let points: Vec<Point> = of.iter().map(|&(x, one)| (x, one.mean)).collect();
        let whiskers = of.iter().filter_map(|&(x, one)| {
            let [low, high] = one.range()?;
            Some((x, low, high))
        });
        let series = Series::new(name, points).dots();
        plot = plot.series(series.whiskers(whiskers.collect()));
    }
    Some(plot)
}

/// What comes of one total of tokens by the share of it that the global stage has: from one-stage over GLPFT's splits, the
/// recipe's own among them, to Single-LLM.
fn split(rows: &[&Row]) -> Option<Plot> {
    let is_split = |row: &&Row| matches!(row.budget, Budget::Split(_));
    rows.iter().find(|row| is_split(row))?;
    let mut of_total: Vec<&Row> = rows
        .iter()
        .filter(|row| match (row.budget, row.arrangement) {
            (Budget::Split(_), _) => true,
            (Budget::Tokens, arrangement) => matches!(
                arrangement,
                Compared::OneStage | Compared::Single | Compared::Glpft
            ),
            // It is what totals are measured by.
            (Budget::Stages, arrangement) => arrangement == Compared::Glpft,
        })
        .copied()
        .collect();
    of_total.sort_by(|one, other| one.global_share.total_cmp(&other.global_share));
    of_total.dedup_by(|one, other| one.global_share.total_cmp(&other.global_share).is_eq());
    let axis = Axis::new("share of the tokens in the global stage").numbers(Number::Percent);
    let mut plot = Plot::new(axis, percent())
        .title("One total of tokens, divided")
        .size(SIZE.0, SIZE.1);
    let mut measures = Measure::passed(&of_total);
    measures.push(Measure::Metric(StudyMetric::PlanEm));
    for measure in measures {
        let of = of_total.iter();
        let of = of.filter_map(|row| Some((row.global_share, measure.of(row)?)));
        let of: Vec<(f64, &Estimate)> = of.collect();
        if !of.is_empty() {
            plot = plot.series(line(measure.title(), &of));
        }
    }
    Some(plot)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::study::table::PlayedRow;

    fn row(base: &str, fraction: f64, arrangement: Compared, budget: Budget, share: f64) -> Row {
        let estimate = Estimate::of(vec![0.4, 0.5]).unwrap();
        Row {
            base: base.to_owned(),
            parameters: base.len() as u64 * 1000,
            fraction,
            arrangement,
            budget,
            seeds: 2,
            queries: 10.0,
            steps: 5.0,
            tokens: 100.0,
            computed_tokens: 90.0,
            global_share: share,
            metrics: BTreeMap::from([("plan_em", estimate.clone())]),
            played: vec![PlayedRow {
                strategy: "react".to_owned(),
                tasks: 6,
                pass: estimate,
                solvable_pass: None,
                given_up: 0.0,
                rightly_given_up: 0.0,
                pass_above_single: None,
            }],
        }
    }

    fn paths(rows: &[Row]) -> Vec<String> {
        let figures = draw(rows).unwrap();
        assert!(figures.iter().all(|figure| figure.svg.starts_with("<svg")));
        figures.into_iter().map(|figure| figure.path).collect()
    }

    #[test]
    fn one_row_has_no_figure() {
        assert!(paths(&[row("a", 1.0, Compared::Glpft, Budget::Stages, 0.5)]).is_empty());
    }

    #[test]
    fn a_figure_shows_what_a_study_varies() {
        use Budget::{Split, Stages, Tokens};
        let arrangements = [
            row("a", 1.0, Compared::Single, Stages, 1.0),
            row("a", 1.0, Compared::Glpft, Stages, 0.5),
        ];
        assert_eq!(
            paths(&arrangements),
            ["figures/arrangements.passed-react.a.svg"]
        );
        let shares = [
            row("a", 0.5, Compared::Glpft, Stages, 0.5),
            row("a", 1.0, Compared::Glpft, Stages, 0.5),
        ];
        assert_eq!(
            paths(&shares),
            ["curves/a.plan_em.svg", "curves/a.passed-react.svg"]
        );
        let sizes = [
            row("a", 1.0, Compared::Glpft, Tokens, 0.5),
            row("bb", 1.0, Compared::Glpft, Tokens, 0.5),
        ];
        assert_eq!(
            paths(&sizes),
            [
                "figures/size.passed-react-equal-tokens.svg",
                "figures/size.plan_em-equal-tokens.svg"
            ]
        );
        let splits = [
            row("a", 1.0, Compared::OneStage, Tokens, 0.0),
            row("a", 1.0, Compared::Glpft, Split(25), 0.25),
        ];
        assert_eq!(paths(&splits), ["figures/split.a.svg"]);
    }
}
