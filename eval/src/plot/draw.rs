//! From a plot to SVG.

use std::fmt::Write;

use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::{
    ChartBuilder, ChartContext, Circle, DrawingArea, IntoDrawingArea, PathElement, Polygon,
    SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, ShapeStyle, TRANSPARENT, TextStyle};

use super::colour::{AXIS, Colour, GRID, LABEL, PAGE, TEXT};
use super::frame::{LINE, SAMPLE, TEXT_HEIGHT, TITLE_HEIGHT, UNIT, legend, width};
use super::scale::Scale;
use super::series::{Look, Series};
use super::{Plot, PlotError};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

/// The plot as an `svg` element, `inner` first in it.
pub(super) fn svg(plot: &Plot, inner: &str) -> Result<String, PlotError> {
    let (width, height) = (plot.size.0 * UNIT, plot.size.1 * UNIT);
    let mut drawn = String::new();
    {
        let area = SVGBackend::with_string(&mut drawn, (width, height)).into_drawing_area();
        draw(plot, &area)?;
        area.present().map_err(failed)?;
    }
    // The element's own head: how large it is shown is not how finely it was drawn.
    let body = drawn.split_once('>').map_or("", |(_, body)| body);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {width} {height}\" width=\"{}\" \
         height=\"{}\" role=\"img\" aria-label=\"{}\">\n{inner}{}",
        plot.size.0,
        plot.size.1,
        escaped(&plot.description()),
        body.trim_start(),
    ))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    // Writing to a string does not fail.
    let _ = maud::Escaper::new(&mut escaped).write_str(text);
    escaped
}

fn failed(error: impl std::fmt::Display) -> PlotError {
    PlotError::Drawing(error.to_string())
}

fn draw(plot: &Plot, area: &Area<'_>) -> Result<(), PlotError> {
    let (x, y) = scales(plot).ok_or(PlotError::Nothing)?;
    let head = draw_head(plot, area)?;
    let y_room = y.texts.iter().map(|text| width(text, TEXT_HEIGHT)).max();
    let foot_line = vec![(x.low, y.low), (x.high, y.low)];
    let mut chart: Chart<'_, '_> = ChartBuilder::on(area)
        .margin_top((head + 8) * UNIT)
        .margin_right(14 * UNIT)
        .margin_left(2 * UNIT)
        .margin_bottom(LINE * UNIT)
        .x_label_area_size(18 * UNIT)
        .y_label_area_size((y_room.unwrap_or(0) + 14) * UNIT)
        .build_cartesian_2d(x, y)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(line(GRID))
        .axis_style(TRANSPARENT)
        .set_all_tick_mark_size(UNIT as i32 * 2)
        .label_style(text(TEXT_HEIGHT, LABEL))
        .draw()
        .map_err(failed)?;
    let foot_line = PathElement::new(foot_line, line(AXIS));
    chart.draw_series([foot_line]).map_err(failed)?;
    let right = text(TEXT_HEIGHT, LABEL).pos(Pos::new(HPos::Right, VPos::Bottom));
    let corner = at(plot.size.0 - 14, plot.size.1 - 2);
    write(area, plot.x.label(), right, corner)?;
    // What is faint lies behind.
    for faint in [true, false] {
        for (index, series) in plot.series.iter().enumerate() {
            if (series.look == Look::Faint) == faint {
                draw_series(plot, series, colour(series, index), &mut chart)?;
            }
        }
    }
    Ok(())
}

fn scales(plot: &Plot) -> Option<(Scale, Scale)> {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for (x, y) in plot.series.iter().flat_map(all_points) {
        if plot.x.place(x).is_some() && plot.y.place(y).is_some() {
            xs.push(x);
            ys.push(y);
        }
    }
    let lines = (plot.size.1 / 40).clamp(2, 6) as usize;
    let columns = (plot.size.0 / 75).clamp(2, 8) as usize;
    Some((
        plot.x.scale(&xs, columns)?.widened(0.01),
        plot.y.scale(&ys, lines)?.widened(0.04),
    ))
}

fn all_points(series: &Series) -> impl Iterator<Item = (f64, f64)> + '_ {
    let ends = |&(x, low, high): &(f64, f64, f64)| [(x, low), (x, high)];
    let ranges = series.band.iter().chain(&series.whiskers);
    series.points.iter().copied().chain(ranges.flat_map(ends))
}

fn colour(series: &Series, index: usize) -> Colour {
    Colour::of_series(series.colour.unwrap_or(index))
}

/// Title, legend and the name of the axis that stands; their height in units.
fn draw_head(plot: &Plot, area: &Area<'_>) -> Result<u32, PlotError> {
    let mut below = 4;
    if let Some(title) = &plot.title {
        let bold = (
            "sans-serif",
            size(TITLE_HEIGHT),
            plotters::style::FontStyle::Bold,
        );
        let style = bold.into_font().color(&TEXT.drawn());
        write(area, title, style, at(4, below))?;
        below += TITLE_HEIGHT + 8;
    }
    write(area, plot.y.label(), text(TEXT_HEIGHT, LABEL), at(4, below))?;
    below += LINE;
    if plot.series.len() < 2 {
        return Ok(below);
    }
    let names: Vec<&str> = plot.series.iter().map(Series::name).collect();
    let (places, rows) = legend(&names, plot.size.0 - 8);
    for ((index, series), (row, column)) in plot.series.iter().enumerate().zip(places) {
        let (column, row) = (column + 4, below + row * LINE);
        let style = line_style(series.look, colour(series, index));
        let middle = row + TEXT_HEIGHT / 2;
        if series.look == Look::Dots {
            let dot = colour(series, index).drawn().filled();
            let place = at(column + SAMPLE - 11, middle);
            area.draw(&Circle::new(place, 12, dot)).map_err(failed)?;
        } else {
            let ends = vec![at(column, middle), at(column + SAMPLE - 8, middle)];
            area.draw(&PathElement::new(ends, style)).map_err(failed)?;
        }
        write(
            area,
            series.name(),
            text(TEXT_HEIGHT, LABEL),
            at(column + SAMPLE - 3, row),
        )?;
    }
    Ok(below + rows * LINE)
}

fn draw_series(
    plot: &Plot,
    series: &Series,
    colour: Colour,
    chart: &mut Chart<'_, '_>,
) -> Result<(), PlotError> {
    let place = |x, y| Some((plot.x.place(x)?, plot.y.place(y)?));
    let upper = series
        .band
        .iter()
        .filter_map(|&(x, _, high)| place(x, high));
    let lower = series
        .band
        .iter()
        .rev()
        .filter_map(|&(x, low, _)| place(x, low));
    let outline: Vec<_> = upper.chain(lower).collect();
    if outline.len() > 2 {
        let shade = colour.drawn().mix(0.15).filled();
        let band = Polygon::new(outline, shade);
        chart.draw_series([band]).map_err(failed)?;
    }
    let points: Vec<_> = series
        .points
        .iter()
        .filter_map(|&(x, y)| place(x, y))
        .collect();
    let style = line_style(series.look, colour);
    for &(x, low, high) in &series.whiskers {
        let whisker = vec![(x, low), (x, high)];
        let ends: Vec<_> = whisker
            .into_iter()
            .filter_map(|(x, y)| place(x, y))
            .collect();
        if ends.len() == 2 {
            let whisker = PathElement::new(ends, style);
            chart.draw_series([whisker]).map_err(failed)?;
        }
    }
    let dots = matches!(series.look, Look::Marks | Look::Dots) || points.len() == 1;
    if points.len() > 1 && series.look != Look::Dots {
        let line = PathElement::new(points.clone(), style);
        chart.draw_series([line]).map_err(failed)?;
    }
    if dots {
        // A rim in the page's colour keeps a dot apart from the lines that it lies on.
        for (radius, colour) in [(15, PAGE), (12, colour)] {
            let dot = |&point| Circle::new(point, radius, colour.drawn().filled());
            chart.draw_series(points.iter().map(dot)).map_err(failed)?;
        }
    }
    Ok(())
}

fn line(colour: Colour) -> ShapeStyle {
    ShapeStyle::from(colour.drawn()).stroke_width(UNIT)
}

/// Pixels of a place in units.
fn at(column: u32, row: u32) -> (i32, i32) {
    ((column * UNIT) as i32, (row * UNIT) as i32)
}

fn line_style(look: Look, colour: Colour) -> ShapeStyle {
    match look {
        Look::Line | Look::Marks | Look::Dots => ShapeStyle::from(colour.drawn()).stroke_width(7),
        Look::Faint => ShapeStyle::from(colour.drawn().mix(0.45)).stroke_width(4),
    }
}

/// What the drawing library calls the size of a text of this height: it takes it for 1.24 times as large.
fn size(height: u32) -> f64 {
    f64::from(height * UNIT) * 1.24
}

fn text(height: u32, colour: Colour) -> TextStyle<'static> {
    ("sans-serif", size(height))
        .into_font()
        .color(&colour.drawn())
}

fn write(
    area: &Area<'_>,
    text: &str,
    style: TextStyle<'_>,
    at: (i32, i32),
) -> Result<(), PlotError> {
    area.draw(&Text::new(text.to_owned(), at, style))
        .map_err(failed)
}
