//! What a registry answers when somebody signs in, and what its refusals mean.

use std::time::{Duration, SystemTime};

use access::IAM_USER;
use bytes::Bytes;
use http::header::DATE;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;

use super::{LoginError, Password};
use crate::Registry;

/// From here on a clock that is off explains a refusal: signatures are good for five minutes, and some go by on the way.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(4 * 60);

/// What was asked.
pub(super) struct Context<'a> {
    pub(super) registry: &'a Registry,
    /// That the request was signed for.
    pub(super) region: &'a str,
    /// Of the key that signed it.
    pub(super) access_key_id: &'a str,
}

#[derive(Deserialize)]
struct Success {
    username: String,
    #[serde(flatten)]
    password: Password,
}

/// An error of the gateway, or of the registry.
#[derive(Deserialize)]
#[serde(untagged)]
enum Failure {
    Gateway { message: String },
    Registry { errors: Vec<RegistryError> },
}

#[derive(Deserialize)]
struct RegistryError {
    message: String,
}

/// The password, or why there is none; `now` is when the answer came.
pub(super) fn read(context: &Context<'_>, answer: &Response<Bytes>, now: SystemTime) -> Result<Password, LoginError> {
    let (status, registry) = (answer.status(), context.registry.to_string());
    let not_a_registry = |registry| LoginError::NotARegistry { registry, status };
    if status == StatusCode::OK {
        let success = serde_json::from_slice::<Success>(answer.body()).ok();
        let success = success.filter(|success| success.username == IAM_USER && success.password.is_sound());
        return success.map(|success| success.password).ok_or_else(|| not_a_registry(registry));
    }
    // A path that isn't there, in the words of whoever doesn't have it.
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
        return Err(not_a_registry(registry));
    }
    let failure = serde_json::from_slice::<Failure>(answer.body()).ok();
    Err(match (status, failure) {
        (StatusCode::FORBIDDEN, Some(Failure::Gateway { message })) => match clock(answer.headers(), now) {
            Some((seconds, direction)) => LoginError::Clock { registry, seconds, direction },
            None => forbidden(context, &message),
        },
        (_, Some(Failure::Gateway { message })) => LoginError::Refused { registry, status, message: plain(&message) },
        (_, Some(Failure::Registry { errors })) => {
            let messages: Vec<_> = errors.iter().map(|error| plain(&error.message)).collect();
            LoginError::Refused { registry, status, message: messages.join("; ") }
        }
        // In front of a registry there may be others who don't answer in JSON.
        (_, None) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            let message = "it can't answer at the moment; try again".to_owned();
            LoginError::Refused { registry, status, message }
        }
        (_, None) => not_a_registry(registry),
    })
}

fn forbidden(context: &Context<'_>, message: &str) -> LoginError {
    let (api, region) = context.registry.api().unwrap_or(("<API id>", context.region));
    let partition = match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    LoginError::Forbidden {
        registry: context.registry.to_string(),
        access_key_id: context.access_key_id.to_owned(),
        message: plain(message),
        resource: format!("arn:{partition}:execute-api:{region}:<account>:{api}/$default/POST/login"),
        region: context.region.to_owned(),
    }
}

/// How many seconds this machine's clock is off, and in which direction, if that is too much.
fn clock(headers: &HeaderMap, now: SystemTime) -> Option<(u64, &'static str)> {
    let there = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let (off, direction) = match now.duration_since(there) {
        Ok(fast) => (fast, "fast"),
        Err(slow) => (slow.duration(), "slow"),
    };
    (off > CLOCK_TOLERANCE).then_some((off.as_secs(), direction))
}

/// Without what would do something to a terminal.
fn plain(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// What an answer comes to, in words; it came an hour after 1970 began.
    fn outcome(host: &str, status: u16, date: Option<&str>, body: &str) -> String {
        let registry = host.parse().unwrap();
        let context = Context { registry: &registry, region: "eu-central-1", access_key_id: "AKIDEXAMPLE" };
        let mut answer = Response::builder().status(status);
        if let Some(date) = date {
            answer = answer.header(DATE, date);
        }
        let answer = answer.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        match read(&context, &answer, UNIX_EPOCH + Duration::from_secs(3600)) {
            Ok(password) => format!("{} until {}", password.password, password.expires_at),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_password_is_taken_only_from_an_answer_that_is_one() {
        let good = r#"{"username":"AWS","password":"a.b-c","expires_in":43200,"expires_at":46800,"principal":"arn"}"#;
        assert_eq!(outcome("localhost", 200, None, good), "a.b-c until 46800");
        for (status, body) in [
            (200, "<html>welcome</html>"),
            (200, ""),
            (200, r#"{"token":"a.b-c","expires_in":300}"#),
            (200, r#"{"username":"robot","password":"a.b-c","expires_at":46800}"#),
            (200, r#"{"username":"AWS","password":"","expires_at":46800}"#),
            (200, r#"{"username":"AWS","password":"two\nlines","expires_at":46800}"#),
            (201, good),
            (307, ""),
            (403, "<html>no</html>"),
            (404, r#"{"message":"Not Found"}"#),
            (404, r#"{"errors":[{"code":"UNSUPPORTED","message":"there is no /login"}]}"#),
            (405, r#"{"errors":[{"code":"UNSUPPORTED","message":"there is no POST /login"}]}"#),
        ] {
            let outcome = outcome("localhost", status, None, body);
            assert!(outcome.contains("no lambda-registry") && outcome.contains(&status.to_string()), "{outcome}");
        }
    }

    #[test]
    fn a_refusal_names_the_policy_that_would_help() {
        let body = r#"{"message":"Forbidden"}"#;
        for (host, resource) in [
            (
                "abc123.execute-api.eu-west-1.amazonaws.com",
                "arn:aws:execute-api:eu-west-1:<account>:abc123/$default/POST/login",
            ),
            (
                "abc123.execute-api.cn-north-1.amazonaws.com.cn",
                "arn:aws-cn:execute-api:cn-north-1:<account>:abc123/$default/POST/login",
            ),
            ("registry.example.com", "arn:aws:execute-api:eu-central-1:<account>:<API id>/$default/POST/login"),
        ] {
            let outcome = outcome(host, 403, None, body);
            for part in ["execute-api:Invoke", resource, "AKIDEXAMPLE", "403: Forbidden", "region eu-central-1"] {
                assert!(outcome.contains(part), "{part}: {outcome}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_off_is_named_and_one_that_isnt_isnt() {
        let at = |date| outcome("localhost", 403, Some(date), r#"{"message":"Forbidden"}"#);
        assert!(at("Thu, 01 Jan 1970 00:50:00 GMT").contains("600 s fast"));
        assert!(at("Thu, 01 Jan 1970 01:10:00 GMT").contains("600 s slow"));
        for date in ["Thu, 01 Jan 1970 00:57:00 GMT", "Thu, 01 Jan 1970 01:03:00 GMT", "yesterday"] {
            assert!(at(date).contains("execute-api:Invoke"), "{date}");
        }
    }

    #[test]
    fn other_failures_are_told_in_the_registrys_own_words() {
        let denied = r#"{"errors":[{"code":"DENIED","message":"nothing is granted to arn:aws:iam::1:user/a"}]}"#;
        for (status, body, expected) in [
            (403, denied, "nothing is granted to arn:aws:iam::1:user/a"),
            (429, r#"{"message":"Too Many Requests"}"#, "Too Many Requests"),
            (503, r#"{"message":"Service\u001b[31m Unavailable"}"#, "Service[31m Unavailable"),
            (502, "<html>", "try again"),
        ] {
            let outcome = outcome("localhost", status, None, body);
            assert!(outcome.contains(expected) && outcome.contains(&status.to_string()), "{outcome}");
        }
    }
}
