//! How much a request carries.

use http::StatusCode;

use super::unanswered;
use crate::doctor::answer::{Outcome, Voice, said};
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;

/// Header bytes that tokens need: one with all the scopes that it has room for has nearly 6 KB.
pub(in crate::doctor) const LONG_HEADER: usize = 7_000;
/// More than API Gateway takes as request line and headers together, which is 10,240 bytes.
pub(in crate::doctor) const OVERLONG_HEADER: usize = 11_000;

/// What the push helper sends at a time, and what every deployment passes, in bytes.
const PIECE: usize = 4_000_000;
/// What fits into an event of Lambda in base64, in bytes.
const DEPLOYMENT: usize = 4_400_000;
/// Bodies to try, in bytes, smallest first. The last one is over what the gateway takes.
pub(in crate::doctor) const BODIES: [usize; 5] = [PIECE, DEPLOYMENT, 5_000_000, 6_000_000, 10_600_000];

/// A request with a header of [`LONG_HEADER`] bytes, which should be answered like any other, and one with a header of
/// [`OVERLONG_HEADER`].
pub(in crate::doctor) fn header_size(usual: StatusCode, long: &Outcome, overlong: &Outcome) -> Finding {
    match long {
        Ok(answer) if answer.status == usual => {}
        _ => {
            return Finding::failure(
                Check::HeaderSize,
                format!("a header of {LONG_HEADER} bytes is answered with {}", said(long)),
                "tokens for many repositories at once don't get through: mounts and logins of such clients fail",
                "raise the limit of what stands before the gateway: API Gateway itself takes 10,240 bytes",
            );
        }
    }
    match overlong {
        Ok(answer) if answer.status == usual => {
            Finding::ok(Check::HeaderSize, format!("headers of {OVERLONG_HEADER} bytes pass"))
        }
        Ok(answer) if answer.status.is_client_error() => Finding::ok(
            Check::HeaderSize,
            format!("headers of {LONG_HEADER} bytes pass; {OVERLONG_HEADER} are answered with {}", answer.said()),
        ),
        _ => Finding::warning(
            Check::HeaderSize,
            format!("a header of {OVERLONG_HEADER} bytes is answered with {}", said(overlong)),
            "a client that sends too much doesn't learn what is wrong",
            "nothing, if it is the gateway that does so; else look at what stands before it",
        ),
    }
}

/// Bodies of these sizes, sent to an upload that doesn't exist: the registry says so itself, unless the body doesn't
/// get to it.
pub(in crate::doctor) fn body_size(tried: &[(usize, Outcome)]) -> Finding {
    let passes = |outcome: &Outcome| outcome.as_ref().is_ok_and(|answer| answer.is_registrys_error());
    let most = tried.iter().take_while(|(_, outcome)| passes(outcome)).map(|(size, _)| *size).last();
    let refused: Vec<_> = tried
        .iter()
        .filter(|(_, outcome)| !passes(outcome))
        .map(|(size, outcome)| format!("{size} bytes: {}", said(outcome)))
        .collect();
    let refused = if refused.is_empty() { "nothing was refused".to_owned() } else { refused.join("; ") };
    let proxy = "let nothing before the gateway refuse bodies that it takes; layers of any size go through \
                 lambda-registry proxy, which sends pieces of 4,000,000 bytes";
    match (most, tried.first()) {
        (None, Some((_, Err(reason)))) => unanswered(Check::BodySize, &format!("PATCH with {PIECE} bytes"), reason),
        (None, _) => Finding::failure(
            Check::BodySize,
            format!("not even {PIECE} bytes pass in one request; {refused}"),
            "clients can't push layers, and neither can lambda-registry proxy in pieces",
            proxy,
        ),
        (Some(most), _) if most < DEPLOYMENT => Finding::warning(
            Check::BodySize,
            format!("a request carries {most} bytes, not {DEPLOYMENT}; {refused}"),
            "API Gateway and Lambda carry about 4.4 MB: something else refuses more",
            proxy,
        ),
        (Some(most), _) => Finding::ok(Check::BodySize, format!("a request carries {most} bytes; {refused}")),
    }
}

/// Whether to try a larger body after this one.
pub(in crate::doctor) fn goes_on(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(|answer| matches!(answer.voice(), Voice::Registry(..)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::answer;
    use super::*;
    use crate::doctor::answer::Unanswered;
    use crate::doctor::finding::Verdict;

    fn tried(passing: usize) -> Vec<(usize, Outcome)> {
        let answers = BODIES.iter().enumerate().map(|(index, size)| {
            let passed = answer(401, &[], r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#);
            let refused = answer(413, &[], r#"{"message":"Request Entity Too Large"}"#);
            (*size, Ok(if index < passing { passed } else { refused }))
        });
        answers.collect()
    }

    #[test]
    fn the_largest_body_that_passes_is_told_as_a_number() {
        for (passing, verdict, number) in [
            (0, Verdict::Failure, "not even 4000000 bytes"),
            (
                1,
                Verdict::Warning,
                "4000000 bytes, not 4400000; 4400000 bytes: 413 (the gateway: Request Entity Too Large)",
            ),
            (2, Verdict::Ok, "4400000 bytes; 5000000 bytes: 413"),
            (4, Verdict::Ok, "6000000 bytes; 10600000 bytes: 413"),
            (5, Verdict::Ok, "10600000 bytes; nothing was refused"),
        ] {
            let finding = body_size(&tried(passing));
            assert!(finding.verdict == verdict && finding.observed.contains(number), "{finding:?}");
        }
    }

    #[test]
    fn a_body_that_is_cut_off_wasnt_taken() {
        let mut tried = tried(2);
        tried[2].1 = Err(Unanswered::BrokeOff("reset".to_owned()));
        let finding = body_size(&tried);
        assert!(finding.observed.contains("5000000 bytes: the connection broke off"), "{finding:?}");
    }
}
