//! Fewer points that look the same.

use super::Point;

/// At most `2 · buckets + 2` of the points: the lowest and the highest of each of `buckets` equal parts, in their order,
/// and the first and the last. No peak is lost.
pub fn thin(points: &[Point], buckets: usize) -> Vec<Point> {
    let buckets = buckets.max(1);
    if points.len() <= 2 * buckets + 2 {
        return points.to_vec();
    }
    let mut kept = vec![0, points.len() - 1];
    for bucket in 0..buckets {
        let part = bucket * points.len() / buckets..(bucket + 1) * points.len() / buckets;
        let by_height = |one: &usize, other: &usize| points[*one].1.total_cmp(&points[*other].1);
        // What is not finite is no extreme: it would hide one.
        let finite = || part.clone().filter(|&index| points[index].1.is_finite());
        kept.extend(finite().min_by(by_height));
        kept.extend(finite().max_by(by_height));
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| points[index]).collect()
}

/// The mean of each point's neighbourhood: itself and up to `reach` points on either side. Values that are not finite do
/// not count.
pub fn smooth(points: &[Point], reach: usize) -> Vec<Point> {
    let mut sums = vec![(0.0, 0usize)];
    for &(_, y) in points {
        let &(sum, count) = sums.last().unwrap_or(&(0.0, 0));
        sums.push(match y.is_finite() {
            true => (sum + y, count + 1),
            false => (sum, count),
        });
    }
    let mean = |index: usize| {
        let from = sums[index.saturating_sub(reach)];
        let to = sums[index.saturating_add(reach).min(points.len() - 1) + 1];
        (points[index].0, (to.0 - from.0) / (to.1 - from.1) as f64)
    };
    (0..points.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_and_ends_stay() {
        let mut points: Vec<Point> = (0..100_000).map(|x| (f64::from(x), 1.0)).collect();
        points[54_321].1 = 9.0;
        points[54_322].1 = -9.0;
        points[70_000].1 = f64::NAN;
        let thinned = thin(&points, 300);
        assert!(thinned.len() <= 602, "{}", thinned.len());
        assert!(thinned.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for point in [points[0], points[54_321], points[54_322], points[99_999]] {
            assert!(thinned.contains(&point), "{point:?}");
        }
        assert_eq!(thin(&points[..500], 300), points[..500]);
        assert_eq!(thin(&[], 300), []);
    }

    #[test]
    fn neighbourhoods_end_where_the_points_end() {
        let points: Vec<Point> = [1.0, 2.0, 6.0, f64::NAN, 4.0]
            .into_iter()
            .enumerate()
            .map(|(x, y)| (x as f64, y))
            .collect();
        let expected = [(0.0, 1.5), (1.0, 3.0), (2.0, 4.0), (3.0, 5.0), (4.0, 4.0)];
        assert_eq!(smooth(&points, 1), expected);
        assert_eq!(smooth(&points, usize::MAX)[3], (3.0, 3.25));
        assert_eq!(smooth(&[], 9), []);
    }
}
