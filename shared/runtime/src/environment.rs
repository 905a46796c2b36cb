//! What a function is told by its environment.

use std::fmt;
use std::time::Duration;

use access::{Access, RepositoryPattern};
use storage::{Credentials, Policy};

use crate::Host;

/// A function's configuration.
#[derive(Clone)]
pub struct Environment {
    /// Where the data is.
    pub storage: storage::Config,
    /// Who is let in.
    pub access: Access,
    /// How clients reach it.
    pub host: Host,
    /// How long a token is valid, in seconds.
    pub token_lifetime: u64,
    /// A secret that lets whoever has it pull; None when there is none.
    pub pull_secret: Option<PullSecretConfig>,
    /// Where functions are started that work in the background.
    pub background: BackgroundConfig,
    /// Who is told what happens to images.
    pub events: EventsConfig,
    /// The registry's name in metrics; None when none are reported.
    pub metrics: Option<String>,
    /// How long the collector lets things be that nothing refers to.
    pub collection_grace: Duration,
}

/// Events on EventBridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsConfig {
    /// Name of the bus; None when there are no events.
    pub bus: Option<String>,
    /// Another endpoint for EventBridge than AWS's: an emulator.
    pub endpoint: Option<String>,
}

/// The secret that ECS task definitions name in `repositoryCredentials`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullSecretConfig {
    /// Name or ARN in Secrets Manager.
    pub id: String,
    /// What may be pulled with it.
    pub repositories: RepositoryPattern,
    /// Another endpoint for Secrets Manager than AWS's: the local stack or an emulator.
    pub endpoint: Option<String>,
}

/// How long a token is valid when nothing is said, in seconds.
pub const TOKEN_LIFETIME: u64 = 300;

/// The collector's grace period when nothing is said: a day, less an hour so that a daily run finds old enough what the one
/// before it marked.
pub const COLLECTION_GRACE: Duration = Duration::from_secs(23 * 60 * 60);

/// Functions that work in the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackgroundConfig {
    /// Name of the function that reads the layers of schema 1; None for functions that don't start it.
    pub schema1_upgrade: Option<String>,
    /// Name of the function that removes what nothing refers to; None for functions that don't start it.
    pub collector: Option<String>,
    /// Another endpoint for Lambda than AWS's: the local stack or an emulator.
    pub lambda_endpoint: Option<String>,
}

/// A variable that the function can't do without is missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingVariable {
    name: &'static str,
    reason: String,
}

impl fmt::Display for MissingVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable {} {}", self.name, self.reason)
    }
}

impl std::error::Error for MissingVariable {}

impl Environment {
    /// Reads `REGISTRY_TABLE`, `REGISTRY_BUCKET`, `REGISTRY_ACCESS` (login when absent), `REGISTRY_TOKEN_LIFETIME`
    /// (seconds), `REGISTRY_PULL_SECRET` with `REGISTRY_PULL_PATTERN`, `REGISTRY_HOST`, `REGISTRY_PLAIN_HTTP`,
    /// `REGISTRY_CREATE_ON_PUSH` and `REGISTRY_SPARSE_MANIFESTS` (false when absent), `REGISTRY_SCHEMA1_UPGRADE`,
    /// `REGISTRY_COLLECTOR`, `REGISTRY_GRACE` (seconds), `REGISTRY_EVENT_BUS`, `REGISTRY_METRICS`, the role's keys and region as Lambda sets them, and
    /// `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`
    /// and `AWS_ENDPOINT_URL_EVENTBRIDGE` for emulators.
    ///
    /// # Errors
    /// When one that is needed is missing, or one is malformed.
    pub fn from_variables(read: impl Fn(&str) -> Option<String>) -> Result<Self, MissingVariable> {
        let optional = |name| read(name).filter(|value| !value.is_empty());
        let needed =
            |name: &'static str| optional(name).ok_or(MissingVariable { name, reason: "is missing".to_owned() });
        let endpoint = |service| optional(service).or_else(|| optional("AWS_ENDPOINT_URL"));
        let flag = |name: &'static str| match optional(name).as_deref() {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(other) => Err(MissingVariable { name, reason: format!("is malformed: {other:?}; use true or false") }),
        };
        let access = match optional("REGISTRY_ACCESS") {
            Some(text) => text.parse().map_err(|error: access::InvalidAccess| MissingVariable {
                name: "REGISTRY_ACCESS",
                reason: format!("is malformed: {error}"),
            })?,
            None => Access::default(),
        };
        let malformed = |name: &'static str, reason: &dyn fmt::Display| MissingVariable {
            name,
            reason: format!("is malformed: {reason}"),
        };
        let token_lifetime = match optional("REGISTRY_TOKEN_LIFETIME") {
            Some(text) => match text.parse() {
                Ok(seconds @ 1..=86_400) => seconds,
                _ => return Err(malformed("REGISTRY_TOKEN_LIFETIME", &"use a number of seconds, at most a day")),
            },
            None => TOKEN_LIFETIME,
        };
        let collection_grace = match optional("REGISTRY_GRACE") {
            Some(text) => {
                let seconds = text.parse().map_err(|_| malformed("REGISTRY_GRACE", &"use a number of seconds"))?;
                Duration::from_secs(seconds)
            }
            None => COLLECTION_GRACE,
        };
        let pull_secret = match optional("REGISTRY_PULL_SECRET") {
            Some(id) => {
                let repositories = needed("REGISTRY_PULL_PATTERN")?.parse();
                Some(PullSecretConfig {
                    id,
                    repositories: repositories.map_err(|error| malformed("REGISTRY_PULL_PATTERN", &error))?,
                    endpoint: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
                })
            }
            None => None,
        };
        Ok(Self {
            storage: storage::Config {
                table: needed("REGISTRY_TABLE")?,
                bucket: needed("REGISTRY_BUCKET")?,
                region: needed("AWS_REGION")?,
                credentials: Credentials {
                    access_key_id: needed("AWS_ACCESS_KEY_ID")?,
                    secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?,
                    session_token: optional("AWS_SESSION_TOKEN"),
                },
                dynamodb_endpoint: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
                s3_endpoint: endpoint("AWS_ENDPOINT_URL_S3"),
                policy: Policy {
                    create_on_push: flag("REGISTRY_CREATE_ON_PUSH")?,
                    sparse_manifests: flag("REGISTRY_SPARSE_MANIFESTS")?,
                },
                s3_attempt_timeout: None,
                observer: None,
            },
            access,
            host: Host { name: optional("REGISTRY_HOST"), is_plain_http: flag("REGISTRY_PLAIN_HTTP")? },
            token_lifetime,
            pull_secret,
            background: BackgroundConfig {
                schema1_upgrade: optional("REGISTRY_SCHEMA1_UPGRADE"),
                collector: optional("REGISTRY_COLLECTOR"),
                lambda_endpoint: endpoint("AWS_ENDPOINT_URL_LAMBDA"),
            },
            events: EventsConfig {
                bus: optional("REGISTRY_EVENT_BUS"),
                endpoint: endpoint("AWS_ENDPOINT_URL_EVENTBRIDGE"),
            },
            metrics: optional("REGISTRY_METRICS"),
            collection_grace,
        })
    }
}

/// A storage that nobody answers for, for tests that need none.
#[cfg(test)]
pub(crate) fn unreachable() -> storage::Config {
    let known = |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:9".to_owned()),
        "REGISTRY_TABLE" | "REGISTRY_BUCKET" | "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => {
            Some(name.to_lowercase())
        }
        _ => None,
    };
    Environment::from_variables(known).map(|environment| environment.storage).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        let known = ["REGISTRY_TABLE", "REGISTRY_BUCKET", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        known.contains(&name).then(|| name.to_lowercase())
    }

    #[test]
    fn a_function_asks_for_a_login_unless_its_environment_says_otherwise() {
        let login = Environment::from_variables(variables).map(|environment| environment.access);
        assert_eq!(login, Ok(Access::Login));
        let open = |name: &str| if name == "REGISTRY_ACCESS" { Some("open".into()) } else { variables(name) };
        assert_eq!(Environment::from_variables(open).map(|environment| environment.access), Ok(Access::Open));
    }

    #[test]
    fn a_registry_is_strict_unless_its_environment_says_otherwise() {
        let policy = |value: Option<&'static str>| {
            let read = move |name: &str| match name {
                "REGISTRY_CREATE_ON_PUSH" | "REGISTRY_SPARSE_MANIFESTS" => value.map(str::to_owned),
                _ => variables(name),
            };
            Environment::from_variables(read).map(|environment| environment.storage.policy)
        };
        let all = |allowed| Policy { create_on_push: allowed, sparse_manifests: allowed };
        assert_eq!((policy(None), policy(Some("false"))), (Ok(all(false)), Ok(all(false))));
        assert_eq!(policy(Some("true")), Ok(all(true)));
        assert!(policy(Some("1")).is_err());
    }

    #[test]
    fn a_pull_secret_says_what_may_be_pulled_with_it() {
        let with = |pattern: Option<&'static str>| {
            let read = move |name: &str| match name {
                "REGISTRY_PULL_SECRET" => Some("secret".to_owned()),
                "REGISTRY_PULL_PATTERN" => pattern.map(str::to_owned),
                _ => variables(name),
            };
            Environment::from_variables(read).map(|environment| environment.pull_secret)
        };
        let secret = with(Some("team/*")).ok().flatten();
        assert_eq!(secret.map(|secret| secret.repositories.to_string()), Some("team/*".to_owned()));
        assert!(with(None).is_err() && with(Some("Team")).is_err());
    }

    #[test]
    fn a_token_lives_for_a_number_of_seconds() {
        let lifetime = |text: &'static str| {
            let read =
                move |name: &str| if name == "REGISTRY_TOKEN_LIFETIME" { Some(text.into()) } else { variables(name) };
            Environment::from_variables(read).map(|environment| environment.token_lifetime)
        };
        assert_eq!((lifetime("60"), lifetime("")), (Ok(60), Ok(TOKEN_LIFETIME)));
        for bad in ["0", "-1", "1h", "86401"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_grace_period_is_a_number_of_seconds_and_a_day_when_nothing_is_said() {
        let grace = |text: &'static str| {
            let read = move |name: &str| if name == "REGISTRY_GRACE" { Some(text.into()) } else { variables(name) };
            Environment::from_variables(read).map(|environment| environment.collection_grace)
        };
        assert_eq!((grace("3600"), grace("")), (Ok(Duration::from_secs(3600)), Ok(COLLECTION_GRACE)));
        for bad in ["-1", "1h", "a day"] {
            assert!(grace(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn events_and_metrics_are_asked_for() {
        let told = |value: &'static str| {
            let read = move |name: &str| match name {
                "REGISTRY_EVENT_BUS" | "REGISTRY_METRICS" => Some(value.to_owned()),
                _ => variables(name),
            };
            Environment::from_variables(read).map(|environment| (environment.events.bus, environment.metrics))
        };
        assert_eq!(told("name"), Ok((Some("name".to_owned()), Some("name".to_owned()))));
        assert_eq!(told(""), Ok((None, None)));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Environment::from_variables(|_| None).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable REGISTRY_TABLE is missing");
    }

    #[test]
    fn a_malformed_access_opens_nothing() {
        let odd = |name: &str| if name == "REGISTRY_ACCESS" { Some("yes".into()) } else { variables(name) };
        assert!(Environment::from_variables(odd).is_err());
    }
}
