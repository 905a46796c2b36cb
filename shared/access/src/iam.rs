//! IAM principals and patterns of them.

use std::fmt;
use std::str::FromStr;

use protocol::glob;
use serde::{Deserialize, Serialize};

/// Whom IAM says a request comes from: the ARN of a user, of the session of an assumed role, of a federated user, or of
/// an account's root (IAM user guide, "IAM identifiers").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IamPrincipal(Arn);

/// `arn:<partition>:<service>:<region>:<account>:<resource>`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Arn {
    partition: String,
    service: String,
    account: String,
    resource: String,
}

/// Why an ARN is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidArn {
    arn: String,
    reason: &'static str,
}

impl fmt::Display for InvalidArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no IAM principal: {}", self.arn, self.reason)
    }
}

impl std::error::Error for InvalidArn {}

/// The longest ARN, in characters: a path of 512 and two names of 64 fit.
const MAX_LENGTH: usize = 1024;

impl Arn {
    fn parse(text: &str) -> Result<Self, InvalidArn> {
        let invalid = |reason| InvalidArn { arn: text.chars().take(MAX_LENGTH).collect(), reason };
        if text.len() > MAX_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("an ARN has at most 1,024 printable characters"));
        }
        // The resource may contain colons: paths of IAM may.
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (arn, partition, service, region, account, resource) = (next(), next(), next(), next(), next(), next());
        let partition_is_one = partition.starts_with("aws") && !partition.contains('*');
        if arn != "arn" || !partition_is_one || !region.is_empty() || resource.is_empty() {
            return Err(invalid("it has to be like arn:aws:iam::123456789012:role/name"));
        }
        if !matches!(service, "iam" | "sts") {
            return Err(invalid("principals belong to the services iam and sts"));
        }
        let owned = str::to_owned;
        Ok(Self {
            partition: owned(partition),
            service: owned(service),
            account: owned(account),
            resource: owned(resource),
        })
    }

    fn has_an_account(&self) -> bool {
        self.account.len() == 12 && self.account.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The role behind a session of it: sessions name it without its path.
    fn role(&self) -> Option<Self> {
        let (role, _) = self.resource.strip_prefix("assumed-role/")?.split_once('/')?;
        Some(Self { service: "iam".to_owned(), resource: format!("role/{role}"), ..self.clone() })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:{}::{}:{}", self.partition, self.service, self.account, self.resource)
    }
}

impl IamPrincipal {
    /// Who it is, whatever the session: of an assumed role the role, else the principal itself.
    pub fn identity(&self) -> String {
        self.0.role().as_ref().unwrap_or(&self.0).to_string()
    }
}

impl fmt::Display for IamPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for IamPrincipal {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let invalid = |reason| Err(InvalidArn { arn: text.to_owned(), reason });
        let arn = Arn::parse(text)?;
        if !arn.has_an_account() {
            return invalid("an account has 12 digits");
        }
        if arn.resource.contains('*') {
            return invalid("this is a pattern, not somebody");
        }
        Ok(Self(arn))
    }
}

/// Which IAM principals a grant is for: an ARN in which `*` may stand for an account, and for any run of characters of
/// the resource.
///
/// A role, `arn:aws:iam::123456789012:role/name`, means every session of it. A single session is
/// `arn:aws:sts::123456789012:assumed-role/name/session`: whoever may assume the role chooses that name, so it is for
/// telling sessions apart and not for keeping them out, unless the role's trust policy fixes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IamPattern(String);

impl IamPattern {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of those. Parts of an ARN are compared each for itself, so that a star can't reach over a colon.
    pub fn matches(&self, principal: &IamPrincipal) -> bool {
        let Ok(pattern) = Arn::parse(&self.0).map(without_path) else { return false };
        let is = |arn: &Arn| {
            pattern.partition == arn.partition
                && pattern.service == arn.service
                && glob::matches(&pattern.account, &arn.account)
                && glob::matches(&pattern.resource, &arn.resource)
        };
        is(&principal.0) || principal.0.role().as_ref().is_some_and(is)
    }
}

/// A role's name is unique in its account, whatever its path, and its sessions don't say the path.
fn without_path(arn: Arn) -> Arn {
    match arn.resource.strip_prefix("role/").and_then(|role| role.rsplit_once('/')) {
        Some((_, name)) => Arn { resource: format!("role/{name}"), ..arn },
        None => arn,
    }
}

impl fmt::Display for IamPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IamPattern {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let invalid = |reason| Err(InvalidArn { arn: text.to_owned(), reason });
        let arn = Arn::parse(text)?;
        if arn.account != "*" && !arn.has_an_account() {
            return invalid("an account has 12 digits; * stands for every account");
        }
        let role_with_path = arn.resource.strip_prefix("role/").is_some_and(|role| role.contains('/'));
        if role_with_path && arn.resource.contains('*') {
            return invalid("sessions of a role don't say its path, so a pattern can't either: use role/<name> with *");
        }
        let kind = arn.resource.split('/').next().unwrap_or_default();
        let known = match arn.service.as_str() {
            "iam" => ["user", "role", "root", "*"].contains(&kind),
            _ => ["assumed-role", "federated-user", "*"].contains(&kind),
        };
        if !known {
            return invalid("use iam with user/…, role/… or root, or sts with assumed-role/… or federated-user/…");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for IamPattern {
    type Error = InvalidArn;

    fn try_from(text: String) -> Result<Self, InvalidArn> {
        text.parse()
    }
}

impl From<IamPattern> for String {
    fn from(pattern: IamPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, principal: &str) -> bool {
        let pattern: IamPattern = pattern.parse().unwrap_or_else(|error| panic!("{error}"));
        pattern.matches(&principal.parse().unwrap_or_else(|error| panic!("{error}")))
    }

    const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/Deploy/run-7";
    const ALICE: &str = "arn:aws:iam::123456789012:user/team/alice";

    #[test]
    fn a_role_means_all_of_its_sessions() {
        assert!(matches("arn:aws:iam::123456789012:role/Deploy", SESSION));
        assert!(matches("arn:aws:iam::123456789012:role/path/of/it/Deploy", SESSION), "sessions don't say the path");
        assert!(matches("arn:aws:iam::123456789012:role/Dep*", SESSION));
        assert!(matches("arn:aws:sts::123456789012:assumed-role/Deploy/*", SESSION));
        assert!(matches("arn:aws:sts::123456789012:assumed-role/Deploy/run-7", SESSION));
        for other in [
            "arn:aws:iam::123456789012:role/Deploy2",
            "arn:aws:iam::210987654321:role/Deploy",
            "arn:aws-cn:iam::123456789012:role/Deploy",
            "arn:aws:sts::123456789012:assumed-role/Deploy/run-8",
            "arn:aws:iam::123456789012:user/Deploy",
        ] {
            assert!(!matches(other, SESSION), "{other}");
        }
    }

    #[test]
    fn a_session_cannot_pass_for_a_role_by_its_name() {
        let odd = "arn:aws:sts::123456789012:assumed-role/Guest/Deploy";
        assert!(!matches("arn:aws:iam::123456789012:role/Deploy", odd));
        assert!(!matches("arn:aws:iam::123456789012:role/*Deploy", odd));
    }

    #[test]
    fn users_and_accounts_can_be_patterns() {
        assert!(matches("arn:aws:iam::123456789012:user/team/*", ALICE));
        assert!(matches("arn:aws:iam::*:user/team/alice", ALICE));
        assert!(!matches("arn:aws:iam::123456789012:user/alice", ALICE), "users do say their path");
        assert!(!matches("arn:aws:iam::123456789012:role/*", ALICE));
    }

    #[test]
    fn a_star_does_not_reach_over_a_colon() {
        // A path of IAM may contain colons.
        let odd = "arn:aws:iam::999999999999:user/x:role/Deploy";
        assert!(!matches("arn:aws:iam::*:role/Deploy", odd));
    }

    #[test]
    fn patterns_that_would_promise_too_much_are_refused() {
        for bad in [
            "*",
            "arn:aws:iam::123456789012:role/team/*",
            "arn:aws:iam::1234:role/x",
            "arn:aws:iam::1234*:role/x",
            "arn:aws:s3:::bucket",
            "arn:*:iam::123456789012:role/x",
            "arn:aws:iam:us-east-1:123456789012:role/x",
            "arn:aws:sts::123456789012:role/x",
            "arn:aws:iam::123456789012:",
        ] {
            assert!(bad.parse::<IamPattern>().is_err(), "{bad}");
        }
        assert!("arn:aws:iam::123456789012:role/*".parse::<IamPrincipal>().is_err());
    }
}
