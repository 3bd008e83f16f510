use super::*;

fn plot() -> Plot {
    Plot::new(Axis::new("step"), Axis::new("loss"))
}

fn line() -> Series {
    Series::new("a", vec![(1.0, 3.0), (2.0, 2.0), (3.0, 1.5)])
}

fn drawn(plot: &Plot) -> String {
    plot.svg().unwrap_or_default()
}

/// The `points` of every line.
fn lines(svg: &str) -> Vec<Vec<(i32, i32)>> {
    let point = |text: &str| {
        let (x, y) = text.split_once(',')?;
        Some((x.parse().ok()?, y.parse().ok()?))
    };
    svg.lines()
        .filter(|line| line.starts_with("<polyline"))
        .filter_map(|line| line.split_once("points=\"")?.1.split_once('"'))
        .map(|(points, _)| points.split_whitespace().filter_map(point).collect())
        .collect()
}

#[test]
fn a_line_goes_where_its_values_are() {
    let svg = drawn(&plot().series(line()));
    let lines = lines(&svg);
    // The foot, the series.
    let [foot, series] = lines.as_slice() else {
        panic!("{svg}");
    };
    let [(x1, y1), (x2, y2), (x3, y3)] = series[..] else {
        panic!("{svg}");
    };
    assert!(x1 < x2 && x2 < x3 && (x3 - x2 - (x2 - x1)).abs() <= 1);
    // Downwards is larger; from 3 to 2 is twice as far as from 2 to 1.5.
    assert!(y1 < y2 && y2 < y3 && (y2 - y1 - 2 * (y3 - y2)).abs() <= 2);
    assert!(foot[0].1 > y3);
    for text in ["step", "loss", "1", "3", "1.5"] {
        assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}");
    }
}

#[test]
fn what_is_written_is_escaped() {
    let svg = plot()
        .title("<script>\"'&")
        .series(line())
        .series(Series::new("</text><b>", vec![(1.0, 2.0)]))
        .svg_file();
    let svg = svg.unwrap_or_default();
    assert!(svg.contains("&lt;script&gt;") && svg.contains("&lt;/text&gt;&lt;b&gt;"));
    assert!(!svg.contains("<script") && !svg.contains("<b>"));
}

#[test]
fn a_legend_names_several_series() {
    let one = drawn(&plot().series(line()));
    assert!(!one.contains(">\na\n</text>"));
    let two = drawn(
        &plot()
            .series(line())
            .series(Series::new("b", vec![(2.0, 1.0)]).marks()),
    );
    assert!(two.contains(">\na\n</text>") && two.contains(">\nb\n</text>"));
    assert!(two.contains("<circle") && !one.contains("<circle"));
}

#[test]
fn a_band_is_shaded() {
    let band = vec![(1.0, 2.0, 4.0), (3.0, 1.0, 2.0)];
    let svg = drawn(&plot().series(line().band(band)));
    assert_eq!(svg.matches("<polygon").count(), 1);
}

#[test]
fn whiskers_stand_over_their_points() {
    let whiskers = vec![(0.0, 1.0, 4.0), (1.0, 2.0, f64::NAN)];
    let dots = Series::new("a", vec![(0.0, 3.0), (1.0, 2.0)]).dots();
    let named = Plot::new(Axis::new("").names(["one", "other"]), Axis::new("loss"));
    let svg = drawn(&named.series(dots.whiskers(whiskers)));
    let lines = lines(&svg);
    let [_, whisker] = lines.as_slice() else {
        panic!("{svg}");
    };
    let [(x1, y1), (x2, y2)] = whisker[..] else {
        panic!("{svg}");
    };
    assert!(x1 == x2 && y1 > y2);
    for text in ["one", "other"] {
        assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}");
    }
}

#[test]
fn what_has_no_place_is_left_out() {
    let bad = Series::new(
        "bad",
        vec![(f64::NAN, 1.0), (1.0, f64::INFINITY), (2.0, f64::NAN)],
    );
    assert_eq!(plot().svg(), Err(PlotError::Nothing));
    assert_eq!(plot().series(bad.clone()).svg(), Err(PlotError::Nothing));
    let svg = drawn(&plot().series(bad).series(line()));
    assert_eq!(lines(&svg).iter().filter(|line| line.len() == 3).count(), 1);
    // Extremes of what numbers can be: no panic, whatever it looks like.
    for points in [
        vec![(0.0, f64::MAX), (1.0, f64::MIN)],
        vec![(0.0, f64::MIN_POSITIVE), (1.0, 0.0)],
        vec![(1e300, 1e-300), (1e-300, 1e300)],
    ] {
        let series = Series::new("extreme", points);
        let _ = plot().series(series.clone()).svg();
        let _ = Plot::new(Axis::new("").log(), Axis::new("").log().from_zero())
            .series(series)
            .svg();
    }
}
