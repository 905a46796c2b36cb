//! The tables.

use std::time::Duration;

use crate::measure::Samples;
use crate::stores::Connections;

/// Prints what was measured beside the first of them, the function that does nothing.
pub(crate) fn print(samples: &[Samples]) {
    let Some(minimal) = samples.first() else { return };
    println!(
        "\n{:<16} {:>12} {:>14} {:>14} {:>12} {:>14} {:>7}",
        "Function", "start, ms", "10th to 90th", "times minimal", "first, ms", "hundredth, ms", "ratio"
    );
    for samples in samples {
        let (start, first) = (middle(&samples.starts), middle(&samples.firsts));
        let hundredth = middle(&samples.hundredths);
        println!(
            "{:<16} {:>12.1} {:>14} {:>14.1} {:>12.2} {:>14.2} {:>7.1}",
            samples.function,
            ms(start),
            format!("{:.1}–{:.1}", ms(rank(&samples.starts, 10)), ms(rank(&samples.starts, 90))),
            ms(start) / ms(middle(&minimal.starts)),
            ms(first),
            ms(hundredth),
            ms(first) / ms(hundredth),
        );
    }
    println!(
        "\n{:<16} {:>16} {:>18} {:>20} {:>20} {:>20}",
        "Function", "MB after start", "after 100 requests", "connections: start", "first request", "the other 99"
    );
    for samples in samples {
        println!(
            "{:<16} {:>16.1} {:>18.1} {:>20} {:>20} {:>20}",
            samples.function,
            mb(middle(&samples.memory_after_start)),
            mb(middle(&samples.memory_after_requests)),
            most(&samples.opened_by_start),
            most(&samples.opened_by_first),
            most(&samples.opened_by_others),
        );
    }
}

/// The value in the middle.
fn middle<T: Copy + Ord>(values: &[T]) -> T {
    rank(values, 50)
}

/// The value below which so many of a hundred lie.
fn rank<T: Copy + Ord>(values: &[T], percent: usize) -> T {
    let mut values = values.to_vec();
    values.sort_unstable();
    values[(values.len() - 1) * percent / 100]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The most that were opened in any round.
fn most(rounds: &[Connections]) -> String {
    let table = rounds.iter().map(|opened| opened.table).max().unwrap_or_default();
    let bucket = rounds.iter().map(|opened| opened.bucket).max().unwrap_or_default();
    match (table, bucket) {
        (0, 0) => "none".to_owned(),
        (table, 0) => format!("{table} DynamoDB"),
        (0, bucket) => format!("{bucket} S3"),
        (table, bucket) => format!("{table} DynamoDB, {bucket} S3"),
    }
}
