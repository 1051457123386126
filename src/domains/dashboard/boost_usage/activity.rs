//! How lively the use of a library is: the figures of metric G, from its usages by year.

use std::collections::BTreeMap;

use crate::config::Settings;

/// The score of a library that nobody is known to use.
pub const UNUSED: f64 = -10.0;
/// Years before the running one that are recent.
const RECENT_YEARS: i32 = 5;
/// How much faster than the year before it a year counts towards the momentum.
const MOMENTUM_GROWTH: f64 = 0.3;

/// Usages of a library in one year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Year {
    /// In repositories that were created in it.
    pub created: i64,
    /// In files last committed in it.
    pub committed: i64,
}

/// Usages of a library by year; a year without any is not in it.
pub type Years = BTreeMap<i32, Year>;

/// What each component of the score counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of the growth from year to year.
    pub derivation: f64,
    /// Of the regression line.
    pub trend: f64,
    /// Of the latest growth.
    pub momentum: f64,
}

impl Weights {
    /// The weights that the settings say.
    pub fn of(settings: &Settings) -> Self {
        Self {
            derivation: settings.activity_derivation_weight,
            trend: settings.activity_trend_weight,
            momentum: settings.activity_momentum_weight,
        }
    }
}

/// The usage of a library over the years, in a few figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity {
    /// Usages in repositories of all years that count.
    pub total: i64,
    /// Those of the five years before the running one.
    pub recent: i64,
    /// Those of the years before.
    pub past: i64,
    /// The greater, the livelier; [`UNUSED`] without any.
    pub score: f64,
}

impl Activity {
    /// The activity as of the year `running`, which counts only if there is no earlier one.
    pub fn of(years: &Years, running: i32, weights: &Weights) -> Self {
        let earlier = years.range(..running);
        let counted: Vec<(i32, i64)> = if earlier.clone().next().is_some() {
            earlier.map(created).collect()
        } else {
            years.iter().map(created).collect()
        };
        let threshold = running.saturating_sub(RECENT_YEARS);
        let sum = |recent: bool| -> i64 {
            let side = counted.iter().filter(|(year, _)| (*year >= threshold) == recent);
            side.map(|(_, usages)| usages).sum()
        };
        let (recent, past) = (sum(true), sum(false));
        let total = recent + past;
        if total == 0 {
            return Self { total, recent, past, score: UNUSED };
        }
        let points: Vec<Point> = counted
            .iter()
            .map(|&(year, usages)| Point {
                x: f64::from(year) - f64::from(threshold),
                rate: float(usages) / float(total),
            })
            .collect();
        let scale = (float(total) + 1.0).log10();
        let score = weights.derivation * (scale * derivation(&points))
            + weights.trend * (scale * trend(&points))
            + weights.momentum * (scale * momentum(&points));
        Self { total, recent, past, score }
    }
}

fn created((year, usages): (&i32, &Year)) -> (i32, i64) {
    (*year, usages.created)
}

/// A year: its distance from the first recent one, and its share of all usages.
struct Point {
    x: f64,
    rate: f64,
}

/// The growth from year to year, later years counting more.
fn derivation(points: &[Point]) -> f64 {
    let growth = |(index, pair): (usize, &[Point])| {
        (pair[1].rate - pair[0].rate) / (pair[1].x - pair[0].x) * count(index + 1)
    };
    points.windows(2).enumerate().map(growth).sum()
}

/// The slope of the regression line, damped by the mean.
fn trend(points: &[Point]) -> f64 {
    let n = count(points.len());
    let sum = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).sum::<f64>();
    let (x, rate) = (sum(&|point| point.x), sum(&|point| point.rate));
    let denominator = n * sum(&|point| point.x * point.x) - x * x;
    if points.len() < 2 || denominator == 0.0 {
        return 0.0;
    }
    let slope = (n * sum(&|point| point.x * point.rate) - x * rate) / denominator;
    slope / (rate / n + 1.0)
}

/// The mean relative growth, the latest years counting most.
fn momentum(points: &[Point]) -> f64 {
    if points.len() < 2 {
        return 0.0;
    }
    let n = count(points.len());
    let (mut growth, mut weights) = (0.0, 0.0);
    for (index, pair) in points.windows(2).enumerate() {
        let weight = (MOMENTUM_GROWTH * (count(index + 1) - n)).exp();
        growth += weight * (pair[1].rate - pair[0].rate) / (pair[0].rate + 1.0);
        weights += weight;
    }
    growth / weights
}

#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
fn float(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a number of years")]
fn count(years: usize) -> f64 {
    years as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: Weights = Weights { derivation: 0.4, trend: 0.3, momentum: 0.3 };

    fn years(created: &[(i32, i64)]) -> Years {
        let year = |&(year, created): &(i32, i64)| (year, Year { created, committed: 1 });
        created.iter().map(year).collect()
    }

    #[track_caller]
    fn assert_near(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-12, "{one} is not {other}");
    }

    fn only(weights: [f64; 3], created: &[(i32, i64)]) -> f64 {
        let [derivation, trend, momentum] = weights;
        let weights = Weights { derivation, trend, momentum };
        Activity::of(&years(created), 2026, &weights).score
    }

    #[test]
    fn recent_and_past_part_five_years_before_the_running_one() {
        let years = years(&[(2019, 1), (2020, 2), (2021, 4), (2025, 8), (2026, 16)]);
        let activity = Activity::of(&years, 2026, &WEIGHTS);
        assert_eq!((activity.total, activity.recent, activity.past), (15, 12, 3));
    }

    #[test]
    fn the_running_year_counts_only_alone() {
        let activity = Activity::of(&years(&[(2026, 9)]), 2026, &WEIGHTS);
        assert_eq!((activity.total, activity.recent, activity.past), (9, 9, 0));
        // One year has neither growth nor slope.
        assert_near(activity.score, 0.0);
        // Beside an earlier year that has only commits, it does not: nothing is left.
        let activity = Activity::of(&years(&[(2020, 0), (2026, 9)]), 2026, &WEIGHTS);
        assert_eq!((activity.total, activity.recent, activity.past), (0, 0, 0));
        assert_near(activity.score, UNUSED);
    }

    #[test]
    fn nothing_is_unused() {
        let activity = Activity::of(&Years::new(), 2026, &WEIGHTS);
        assert_eq!(activity, Activity { total: 0, recent: 0, past: 0, score: UNUSED });
    }

    #[test]
    fn each_component_is_as_defined() {
        // Shares 1/9, 2/9 and 6/9 at x = 1, 2 and 4; log10(9 + 1) is 1.
        let created = [(2022, 1), (2023, 2), (2025, 6)];
        assert_near(only([1.0, 0.0, 0.0], &created), 1.0 / 9.0 + 4.0 / 9.0 / 2.0 * 2.0);
        // n = 3, sum x = 7, sum xx = 21, sum r = 1, sum xr = 29/9.
        let slope = (3.0 * 29.0 / 9.0 - 7.0) / (3.0 * 21.0 - 49.0);
        assert_near(only([0.0, 1.0, 0.0], &created), slope / (1.0 / 3.0 + 1.0));
        let (early, late) = ((-0.6_f64).exp(), (-0.3_f64).exp());
        let growth =
            early * (1.0 / 9.0) / (1.0 / 9.0 + 1.0) + late * (4.0 / 9.0) / (2.0 / 9.0 + 1.0);
        assert_near(only([0.0, 0.0, 1.0], &created), growth / (early + late));
    }

    #[test]
    fn years_without_repositories_count_as_years() {
        // Shares 1 and 0: the year of which there are only commits is a point, too.
        assert_near(only([1.0, 0.0, 0.0], &[(2024, 9), (2025, 0)]), -1.0);
    }
}
