//! Times as Go reads and writes them.

/// Go's zero time, which stands for a missing one.
pub(super) const ZERO: &str = "0001-01-01T00:00:00Z";

/// A time (RFC 3339) in the spelling that Go gives it after reading it: at most nine digits of fraction and no zero at
/// their end, the zone offset kept unless it is nought. None when it isn't a time.
pub(super) fn in_go(text: &str) -> Option<String> {
    let (seconds, rest) = text.split_at_checked("2006-01-02T15:04:05".len())?;
    check_seconds(seconds)?;
    let zone_at = rest.find(['Z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone_at);
    let zone = match zone {
        "Z" | "+00:00" | "-00:00" => "Z",
        other => check_offset(other)?,
    };
    let fraction = match fraction.strip_prefix('.') {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits[..digits.len().min(9)].trim_end_matches('0')
        }
        None if fraction.is_empty() => "",
        _ => return None,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{seconds}{point}{fraction}{zone}"))
}

/// The same time without its fraction.
pub(super) fn whole_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, rest)) => format!("{seconds}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())),
        None => time.to_owned(),
    }
}

/// `2006-01-02T15:04:05`, each number in its range.
fn check_seconds(text: &str) -> Option<()> {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let bytes = text.as_bytes();
    let in_place = separators.iter().all(|(at, separator)| bytes.get(*at) == Some(separator));
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?);
    let (hour, minute, second) = (number(text, 11, 13)?, number(text, 14, 16)?, number(text, 17, 19)?);
    let leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap_year => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    (in_place && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60).then_some(())
}

/// `+07:00` or `-07:00`.
fn check_offset(text: &str) -> Option<&str> {
    let well_formed = text.len() == 6 && text.as_bytes().get(3) == Some(&b':');
    (well_formed && number(text, 1, 3)? < 24 && number(text, 4, 6)? < 60).then_some(text)
}

fn number(text: &str, from: usize, to: usize) -> Option<u32> {
    let digits = text.get(from..to)?;
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_as_go_spells_them() {
        for (text, expected) in [
            ("2016-09-23T18:08:50.537223822Z", "2016-09-23T18:08:50.537223822Z"),
            ("2016-09-23T18:08:50.500Z", "2016-09-23T18:08:50.5Z"),
            ("2016-09-23T18:08:50.000Z", "2016-09-23T18:08:50Z"),
            ("2016-09-23T18:08:50.1234567899+02:00", "2016-09-23T18:08:50.123456789+02:00"),
            ("2016-09-23T18:08:50+00:00", "2016-09-23T18:08:50Z"),
            ("2016-02-29T18:08:50-09:30", "2016-02-29T18:08:50-09:30"),
            ("0001-01-01T00:00:00Z", ZERO),
        ] {
            assert_eq!(in_go(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2016-09-23",
            "2016-09-23T18:08:50",
            "2016-09-23T18:08:60Z",
            "2016-02-30T18:08:50Z",
            "1900-02-29T18:08:50Z",
            "2016-13-01T18:08:50Z",
            "2016-09-23T24:08:50Z",
            "2016-09-23T18:08:50.Z",
            "2016-09-23T18:08:50.5.5Z",
            "2016-09-23T18:08:50+2:00",
            "2016-09-23T18:08:50+02:00Z",
            "２016-09-23T18:08:50Z",
            "2016-09-23T18:08:+5Z",
            "2016-09-23t18:08:50z",
        ] {
            assert_eq!(in_go(text), None, "{text}");
        }
    }

    #[test]
    fn the_fraction_can_be_left_out() {
        assert_eq!(whole_seconds("2016-09-23T18:08:50.5Z"), "2016-09-23T18:08:50Z");
        assert_eq!(whole_seconds("2016-09-23T18:08:50.5-02:00"), "2016-09-23T18:08:50-02:00");
        assert_eq!(whole_seconds("2016-09-23T18:08:50+02:00"), "2016-09-23T18:08:50+02:00");
    }
}
