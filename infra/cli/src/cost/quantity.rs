//! Sizes and shares as people write them.

use std::fmt;
use std::str::FromStr;

/// Bytes of what AWS calls a GB.
pub(crate) const GB: f64 = 1_073_741_824.0;

/// A number of bytes, at most 2^53.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Size(pub(crate) f64);

/// A part of a whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Share(pub(crate) f64);

/// How much of what is pulled leaves AWS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Egress {
    /// A share of it.
    Share(Share),
    /// So many bytes.
    Bytes(Size),
}

/// The text isn't what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidQuantity {
    #[error("{0:?} isn't a size: 250MB, 1.5GB, 512MiB")]
    Size(String),
    #[error("{0:?} isn't a share: 60%")]
    Share(String),
    #[error("{0:?} is neither a share like 10% nor a size like 50GB")]
    Egress(String),
}

const UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KIB", 1_024.0),
    ("MIB", 1_048_576.0),
    ("GIB", GB),
    ("TIB", 1_024.0 * GB),
];
const MOST: f64 = 9_007_199_254_740_992.0;

impl FromStr for Size {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let unit = unit.trim().to_ascii_uppercase();
        let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| bytes);
        let bytes = number.parse::<f64>().ok().zip(unit).map(|(number, unit)| number * unit);
        bytes.filter(|bytes| *bytes <= MOST).map(Self).ok_or_else(|| InvalidQuantity::Size(text.to_owned()))
    }
}

impl fmt::Display for Size {
    /// In the largest decimal unit that leaves a whole number before the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fitting = UNITS[..5].iter().rev().find(|(_, bytes)| self.0 >= *bytes).unwrap_or(&UNITS[0]);
        let number = format!("{:.1}", self.0 / fitting.1);
        write!(f, "{} {}", number.trim_end_matches(".0"), fitting.0)
    }
}

impl FromStr for Share {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
        percent.map(|percent| Self(percent / 100.0)).ok_or_else(|| InvalidQuantity::Share(text.to_owned()))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = format!("{:.1}", self.0 * 100.0);
        write!(f, "{}%", number.trim_end_matches(".0"))
    }
}

impl FromStr for Egress {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let share = text.parse().map(Self::Share);
        share.or_else(|_| text.parse().map(Self::Bytes)).map_err(|_| InvalidQuantity::Egress(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        for (text, bytes) in
            [("250MB", 250e6), ("1.5GB", 1.5e9), ("1GiB", GB), ("10 kb", 10e3), ("0B", 0.0), ("2TiB", 2_048.0 * GB)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for bad in ["", "MB", "-1MB", "1e3MB", "1.2.3MB", "250", "250XB", "nanMB", "infGB", "1000000TB"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_fits() {
        let shown = [0.0, 999.0, 1_500.0, 250e6, 12.34e9, 5e15].map(|bytes| Size(bytes).to_string());
        assert_eq!(shown, ["0 B", "999 B", "1.5 KB", "250 MB", "12.3 GB", "5000 TB"]);
    }

    #[test]
    fn a_share_is_a_percentage() {
        assert_eq!("60%".parse(), Ok(Share(0.6)));
        assert_eq!(("0%".parse(), "100%".parse()), (Ok(Share(0.0)), Ok(Share(1.0))));
        assert_eq!([Share(0.6), Share(0.125), Share(1.0)].map(|share| share.to_string()), ["60%", "12.5%", "100%"]);
        for bad in ["", "%", "60", "0.6", "101%", "-1%", "nan%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_leaves_aws_is_a_share_or_a_size() {
        assert_eq!("10%".parse(), Ok(Egress::Share(Share(0.1))));
        assert_eq!("50GB".parse(), Ok(Egress::Bytes(Size(50e9))));
        assert_eq!("much".parse::<Egress>(), Err(InvalidQuantity::Egress("much".to_owned())));
    }
}
