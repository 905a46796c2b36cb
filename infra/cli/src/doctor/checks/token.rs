//! What gets somebody in.

use lambda_registry::LoginError;

use super::unanswered;
use crate::doctor::answer::{Answer, Outcome, said};
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;
use crate::doctor::token::Token;

/// A password for an AWS identity.
pub(in crate::doctor) fn login(outcome: &Result<u64, LoginError>) -> Finding {
    match outcome {
        Ok(seconds) => {
            Finding::ok(Check::Login, format!("signed in with AWS credentials, for {} h", seconds.div_ceil(3600)))
        }
        Err(error) => Finding::failure(
            Check::Login,
            error.to_string(),
            "nobody gets in with these AWS credentials, so what needs somebody who is logged in isn't checked",
            "what the message says; lambda-registry login-password tries nothing but this",
        ),
    }
}

/// The token endpoint, asked with credentials.
pub(in crate::doctor) fn token(outcome: &Outcome<Answer>) -> Result<Token, Finding> {
    let answer = outcome.as_ref().map_err(|reason| unanswered(Check::Token, "the token endpoint", reason))?;
    match answer.status.as_u16() {
        200 => Token::read(&answer.body).ok_or_else(|| {
            Finding::failure(
                Check::Token,
                "the token endpoint's answer has no token in it",
                "no login, push or pull works",
                "look whether this is the registry's own answer, and into the log of the function auth",
            )
        }),
        401 => Err(Finding::failure(
            Check::Token,
            format!("the token endpoint answers {}", answer.said()),
            "these credentials are no good here, or didn't get to the registry",
            "compare name and password; see that nothing before the gateway takes the header Authorization away; the \
             log of the function auth has the reason",
        )),
        _ => Err(Finding::failure(
            Check::Token,
            format!("the token endpoint answers {}", answer.said()),
            "no login, push or pull works",
            "look into the log of the function auth",
        )),
    }
}

/// The token endpoint, asked by nobody in particular.
pub(in crate::doctor) fn anonymous_token(outcome: &Outcome) -> Finding {
    match outcome {
        Err(reason) => unanswered(Check::Token, "the token endpoint", reason),
        Ok(answer) if answer.status == 200 && Token::read(&answer.body).is_some() => {
            Finding::ok(Check::Token, "the token endpoint gives anybody a token, for what everybody may pull")
        }
        Ok(answer) if answer.status == 401 && answer.is_registrys_error() => Finding::ok(
            Check::Token,
            "the token endpoint is there and wants a name and a password; with --login or --username it is asked for \
             a token",
        ),
        Ok(_) => Finding::failure(
            Check::Token,
            format!("the token endpoint answers {}", said(outcome)),
            "no login, push or pull works",
            "GET /token has to lead to the function auth, as in the template; look into its log",
        ),
    }
}

/// `GET /v2/` with the password of an AWS identity.
pub(in crate::doctor) fn password(outcome: &Outcome) -> Finding {
    match outcome {
        Err(reason) => unanswered(Check::Password, "GET /v2/", reason),
        Ok(answer) if answer.status == 200 => {
            Finding::ok(Check::Password, "GET /v2/ takes the password of the AWS identity as it is")
        }
        Ok(_) => Finding::failure(
            Check::Password,
            format!("GET /v2/ with the password of the AWS identity is answered with {}", said(outcome)),
            "clients that know no tokens can't log in",
            "see that nothing before the gateway takes the header Authorization away; the log of the function auth \
             has the reason",
        ),
    }
}
