//! `Content-Range` of a chunk.

use std::fmt;
use std::str::FromStr;

/// The range of a chunked upload: `<first>-<last>`, both inclusive (distribution specification, "Pushing a blob in
/// chunks"). The form of RFC 9110, `bytes <first>-<last>/<size>`, is taken as well, because some clients send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte.
    pub last: u64,
}

impl ContentRange {
    /// The number of bytes in the range.
    pub fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// The text isn't a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRange(pub String);

impl fmt::Display for InvalidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a Content-Range; one looks like 0-1023", self.0)
    }
}

impl std::error::Error for InvalidRange {}

impl FromStr for ContentRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let invalid = || InvalidRange(text.to_owned());
        let bounds = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches(['=', ' ']));
        let bounds = bounds.split('/').next().unwrap_or_default();
        let (first, last) = bounds.split_once('-').ok_or_else(invalid)?;
        let number = |digits: &str| match digits.bytes().all(|b| b.is_ascii_digit()) {
            true => digits.parse::<u64>().map_err(|_| invalid()),
            false => Err(invalid()),
        };
        let range = Self { first: number(first)?, last: number(last)? };
        if range.first <= range.last && range.last < u64::MAX { Ok(range) } else { Err(invalid()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        assert_eq!("0-9".parse(), Ok(ContentRange { first: 0, last: 9 }));
        assert_eq!("bytes 5-9/100".parse(), Ok(ContentRange { first: 5, last: 9 }));
        assert_eq!(ContentRange { first: 5, last: 9 }.length(), 5);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "5", "-", "9-5", "+1-2", "a-b", "1-", "0-18446744073709551615"] {
            assert!(bad.parse::<ContentRange>().is_err(), "{bad}");
        }
    }
}
