//! Whose clock says what.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::doctor::answer::Answer;
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;
use crate::doctor::token::Token;

/// What a clock may be off without anybody noticing, in seconds: `Date` has no fractions, and the answer was on its
/// way.
const NOTHING: u64 = 5;
/// From here on clients use tokens that have ended: tokens are said to end so many seconds before they do.
const TOO_MUCH: u64 = 60;

/// This machine's clock beside the deployment's; the request was sent and answered at these times.
pub(in crate::doctor) fn clock(base: &Answer, sent: SystemTime, answered: SystemTime) -> Finding {
    let date = base.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
    let Some(date) = date else {
        return Finding::warning(
            Check::Clock,
            "the answer has no Date",
            "nobody can tell whether clocks agree",
            "see that this machine's clock is set from the network, and that nothing before the gateway takes Date \
             away",
        );
    };
    let (off, direction) = offset(sent, answered, date);
    let observed = format!("this machine's clock is {off} s {direction} the deployment's");
    let remedy = "set the clock from the network (NTP), on this machine and on those that pull";
    match off {
        off if off <= NOTHING => Finding::ok(Check::Clock, "this machine's clock and the deployment's agree"),
        off if off < TOO_MUCH => Finding::warning(
            Check::Clock,
            observed,
            "from a minute on clients use tokens that have ended; AWS signatures end at five",
            remedy,
        ),
        _ => Finding::failure(
            Check::Clock,
            observed,
            "clients use tokens that have ended, or ask for a new one each time; AWS refuses signatures at five \
             minutes",
            remedy,
        ),
    }
}

/// How far outside of the interval between `sent` and `answered` a date is, in seconds. It stands for its whole second.
fn offset(sent: SystemTime, answered: SystemTime, date: SystemTime) -> (u64, &'static str) {
    if let Ok(behind) = date.duration_since(answered) {
        return (behind.as_secs(), "behind");
    }
    match sent.duration_since(date + Duration::from_secs(1)) {
        Ok(ahead) => (ahead.as_secs(), "ahead of"),
        Err(_) => (0, "with"),
    }
}

/// The times in a token beside those of the answer that brought it.
pub(in crate::doctor) fn token_clock(answer: &Answer, token: &Token, now: SystemTime) -> Finding {
    let Some(claims) = &token.claims else {
        return Finding::not_checked(Check::TokenClock, "the token can't be read: lambda-registry issues JWTs");
    };
    let lifetime = claims.exp.saturating_sub(claims.iat);
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if claims.exp <= now {
        return Finding::failure(
            Check::TokenClock,
            format!("a new token has ended {} s ago, by this machine's clock", now - claims.exp),
            "clients that look at the time ask for tokens again and again",
            "see the finding on the clock; if that is good, the functions' clock isn't: ask AWS",
        );
    }
    let date = answer.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
    let date = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()).map(|date| date.as_secs());
    if let Some(off) = date.map(|date| date.abs_diff(claims.iat)).filter(|off| *off > NOTHING) {
        return Finding::warning(
            Check::TokenClock,
            format!("a token says that it was issued {off} s before or after the Date of its answer"),
            "the functions and what answers for them don't agree on the time",
            "look whether something before the gateway keeps answers of /token: it must not",
        );
    }
    let announced = token.expires_in.unwrap_or(60);
    if announced > lifetime {
        return Finding::failure(
            Check::TokenClock,
            format!("a token is said to be valid for {announced} s and is for {lifetime} s"),
            "clients use it after its end",
            "look whether something before the gateway changes answers of /token",
        );
    }
    Finding::ok(Check::TokenClock, format!("a token is valid for {lifetime} s; clients are told {announced} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_date_stands_for_its_whole_second_and_for_any_time_the_answer_took() {
        for (sent, answered, date, expected) in [
            (10_000, 10_050, 10_000, (0, "with")),
            (10_990, 11_010, 10_000, (0, "with")),
            (10_000, 15_000, 14_000, (0, "with")),
            (10_000, 10_050, 75_000, (64, "behind")),
            (90_000, 90_050, 20_000, (69, "ahead of")),
        ] {
            assert_eq!(offset(at(sent), at(answered), at(date)), expected, "{sent} {answered} {date}");
        }
    }
}
