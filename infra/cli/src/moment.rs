//! Points in time and durations, as people write them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};

/// A point in time, to the second. As text a date, which means the beginning of that day in UTC, or a time of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Moment(u64);

/// The text is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no point in time; use a date like 2027-01-31 (its beginning, in UTC) or a time like 2027-01-31T18:00:00Z"
)]
pub(crate) struct InvalidMoment(String);

/// The text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no duration; use whole seconds, minutes, hours, days or weeks like 30m, 12h, 90d, 1w 12h")]
pub(crate) struct InvalidDuration(String);

/// A point in time, or how long from now until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Then.
    At(Moment),
    /// In so many seconds.
    In(u64),
}

/// The text is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a duration like 90d or 12h nor a date like 2027-01-31 nor a time like 2027-01-31T18:00:00Z")]
pub(crate) struct InvalidWhen(String);

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

impl Moment {
    /// That many seconds after 1970 began.
    pub(crate) fn at(seconds: u64) -> Self {
        Self(seconds)
    }

    /// By this machine's clock.
    pub(crate) fn now() -> Self {
        Self(u64::try_from(Timestamp::now().as_second()).unwrap_or_default())
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> u64 {
        self.0
    }

    /// How long ago it was, in its largest unit: `3d`.
    pub(crate) fn age(self, now: Self) -> String {
        match now.0.saturating_sub(self.0) {
            seconds @ 0..60 => format!("{seconds}s"),
            seconds @ 60..3_600 => format!("{}m", seconds / 60),
            seconds @ 3_600..SECONDS_A_DAY => format!("{}h", seconds / 3_600),
            seconds => format!("{}d", seconds / SECONDS_A_DAY),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.0).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        match time {
            Some(time) if self.0.is_multiple_of(SECONDS_A_DAY) => time.to_zoned(TimeZone::UTC).date().fmt(f),
            Some(time) => time.fmt(f),
            None => f.write_str("after the year 9999"),
        }
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let day = || Date::strptime("%Y-%m-%d", text)?.to_zoned(TimeZone::UTC).map(|day| day.timestamp());
        let time = text.parse::<Timestamp>().or_else(|_| day()).map_err(|_| InvalidMoment(text.to_owned()))?;
        u64::try_from(time.as_second()).map(Self).map_err(|_| InvalidMoment(text.to_owned()))
    }
}

impl TryFrom<String> for Moment {
    type Error = InvalidMoment;

    fn try_from(text: String) -> Result<Self, InvalidMoment> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl When {
    /// The point in time, seen from `now`.
    pub(crate) fn from(self, now: Moment) -> Moment {
        match self {
            Self::At(moment) => moment,
            Self::In(seconds) => Moment(now.0.saturating_add(seconds)),
        }
    }
}

impl FromStr for When {
    type Err = InvalidWhen;

    fn from_str(text: &str) -> Result<Self, InvalidWhen> {
        let moment = || text.parse().map(Self::At);
        duration(text).map(Self::In).or_else(|_| moment()).map_err(|_| InvalidWhen(text.to_owned()))
    }
}

/// Reads a duration like `90d` or `1w 12h`, in seconds. A day has 24 hours; months and years have no length.
///
/// # Errors
/// When it isn't one, is negative, or has a part of a second.
pub(crate) fn duration(text: &str) -> Result<u64, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let span: Span = text.parse().map_err(|_| invalid())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid())?;
    let seconds = u64::try_from(duration.as_secs()).map_err(|_| invalid())?;
    if duration.subsec_nanos() == 0 { Ok(seconds) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        text.parse().ok().map(Moment::seconds)
    }

    #[test]
    fn dates_are_the_beginning_of_their_day_and_times_may_have_an_offset() {
        assert_eq!(seconds("1970-01-02"), Some(86_400));
        assert_eq!(seconds("2027-01-31"), Some(1_801_353_600));
        assert_eq!(seconds("2027-01-31T00:00:00Z"), Some(1_801_353_600));
        assert_eq!(seconds("2027-01-31T01:30:00+01:30"), Some(1_801_353_600));
        assert_eq!(seconds("2028-02-29"), Some(1_835_395_200));
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for bad in [
            "",
            "2027-02-29",
            "2027-13-01",
            "2027-1",
            "31.01.2027",
            "2027-01-31T18:00:00",
            "2027-01-31 18:00",
            "2027-01-31x",
            "1969-12-31",
            "1801353600",
            "tomorrow",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn points_in_time_are_read_back_as_they_were_written() {
        for text in ["2027-01-31", "2027-01-31T18:00:00Z", "1970-01-01", "9999-12-30"] {
            assert_eq!(text.parse::<Moment>().map(|moment| moment.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Moment(u64::MAX).to_string(), "after the year 9999");
    }

    #[test]
    fn durations_are_whole_seconds_and_months_have_no_length() {
        for (text, seconds) in
            [("90d", 7_776_000), ("12h", 43_200), ("1w 12h", 648_000), ("30m", 1_800), ("0s", 0), ("P1D", 86_400)]
        {
            assert_eq!(duration(text), Ok(seconds), "{text}");
        }
        for bad in ["", "90", "-1h", "1h ago", "1mo", "1y", "500ms", "1.5s", "d", "99999999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_expiry_is_a_duration_or_a_point_in_time() {
        let now = Moment(1_000);
        assert_eq!("90s".parse::<When>().map(|when| when.from(now)), Ok(Moment(1_090)));
        assert_eq!("1970-01-02".parse::<When>().map(|when| when.from(now)), Ok(Moment(86_400)));
        assert!("soon".parse::<When>().is_err());
    }

    #[test]
    fn an_age_has_one_unit() {
        let ages = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 40 * 86_400].map(|age| Moment(0).age(Moment(age)));
        assert_eq!(ages, ["0s", "59s", "1m", "59m", "1h", "23h", "1d", "40d"]);
        assert_eq!(Moment(10).age(Moment(0)), "0s", "clocks differ");
    }
}
