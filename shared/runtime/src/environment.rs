//! What a function is told by its environment.

use std::fmt;

use access::Access;
use storage::{Credentials, Policy};

/// A function's configuration.
#[derive(Clone)]
pub struct Environment {
    /// Where the data is.
    pub storage: storage::Config,
    /// Who is let in.
    pub access: Access,
    /// The registry's public host name, when it isn't the gateway's.
    pub host: Option<String>,
    /// Where functions are started that work in the background.
    pub background: BackgroundConfig,
}

/// Functions that work in the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackgroundConfig {
    /// Name of the function that reads the layers of schema 1; None for functions that don't start it.
    pub schema1_upgrade: Option<String>,
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
    /// Reads `REGISTRY_TABLE`, `REGISTRY_BUCKET`, `REGISTRY_ACCESS` (closed when absent), `REGISTRY_HOST`,
    /// `REGISTRY_CREATE_ON_PUSH` and `REGISTRY_SPARSE_MANIFESTS` (false when absent), `REGISTRY_SCHEMA1_UPGRADE`, the role's keys and region as Lambda sets them, and `AWS_ENDPOINT_URL_DYNAMODB`,
    /// `AWS_ENDPOINT_URL_S3` and `AWS_ENDPOINT_URL_LAMBDA` for emulators.
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
            host: optional("REGISTRY_HOST"),
            background: BackgroundConfig {
                schema1_upgrade: optional("REGISTRY_SCHEMA1_UPGRADE"),
                lambda_endpoint: endpoint("AWS_ENDPOINT_URL_LAMBDA"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        let known = ["REGISTRY_TABLE", "REGISTRY_BUCKET", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        known.contains(&name).then(|| name.to_lowercase())
    }

    #[test]
    fn a_function_is_closed_unless_its_environment_says_otherwise() {
        let closed = Environment::from_variables(variables).map(|environment| environment.access);
        assert_eq!(closed, Ok(Access::Closed));
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
