//! What IAM principals may do, and what everybody may pull.

use serde::{Deserialize, Serialize};

use crate::{IamPattern, IamPrincipal, Permission, Permissions, RepositoryPattern};

/// The grants of a registry that aren't a user's own. Nothing is granted by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// For principals of IAM. One that several match has what any of them allows.
    #[serde(default)]
    pub iam: Vec<IamGrant>,
    /// Repositories that may be pulled without a password.
    #[serde(default)]
    pub anonymous: Vec<RepositoryPattern>,
}

/// What some principals of IAM may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IamGrant {
    /// Who.
    pub principal: IamPattern,
    /// What.
    pub grants: Vec<Permission>,
}

impl Grants {
    /// Reads what is kept of them.
    ///
    /// # Errors
    /// When it isn't that.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What is kept of them.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What a principal of IAM may do, beside what everybody may.
    pub fn of_iam(&self, principal: &IamPrincipal) -> Permissions {
        let matching = self.iam.iter().filter(|grant| grant.principal.matches(principal));
        matching.flat_map(|grant| grant.grants.iter().cloned()).collect()
    }

    /// What a principal of IAM may do in all: its own, and what everybody may.
    pub fn of_iam_and_everybody(&self, principal: &IamPrincipal) -> Permissions {
        self.of_iam(principal).and(self.of_everybody())
    }

    /// What may be done without a password.
    pub fn of_everybody(&self) -> Permissions {
        Permissions::pull(self.anonymous.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_has_what_any_matching_grant_allows() {
        let grants = Grants::from_json(
            r#"{"iam": [
                {"principal": "arn:aws:iam::123456789012:role/*", "grants": [{"repositories": ["*"], "actions": ["pull"]}]},
                {"principal": "arn:aws:iam::123456789012:role/Ci", "grants": [{"repositories": ["team/*"], "actions": ["push"]}]}
            ], "anonymous": ["public/*"]}"#,
        )
        .unwrap();
        let on = |arn: &str, name: &str| grants.of_iam(&arn.parse().unwrap()).on(&name.parse().unwrap()).to_string();
        assert_eq!(on("arn:aws:sts::123456789012:assumed-role/Ci/1", "team/app"), "pull,push");
        assert_eq!(on("arn:aws:sts::123456789012:assumed-role/Other/1", "team/app"), "pull");
        assert_eq!(on("arn:aws:iam::123456789012:user/alice", "team/app"), "");
        assert_eq!(grants.of_everybody().on(&"public/app".parse().unwrap()).to_string(), "pull");
        assert!(grants.of_everybody().on(&"team/app".parse().unwrap()).is_empty());
        assert_eq!(Grants::from_json(&grants.to_json()).unwrap(), grants);
    }

    #[test]
    fn nothing_is_granted_by_default() {
        let none = Grants::default();
        assert!(none.of_everybody().is_empty());
        assert!(none.of_iam(&"arn:aws:iam::123456789012:root".parse().unwrap()).is_empty());
    }
}
