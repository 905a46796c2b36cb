//! Grants as people write them.

use std::collections::BTreeMap;

use access::{IamGrant, Permission, RepositoryPattern, UserName};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::error::GrantsError;
use crate::moment::Moment;

/// A file of grants. A section that isn't there is left as it is; one that is there is the whole truth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The registry's users.
    #[serde(default, deserialize_with = "section", skip_serializing_if = "Option::is_none")]
    pub(crate) users: Option<BTreeMap<UserName, UserTerms>>,
    /// Principals of IAM.
    #[serde(default, deserialize_with = "section", skip_serializing_if = "Option::is_none")]
    pub(crate) iam: Option<Vec<IamGrant>>,
    /// What may be pulled without a password.
    #[serde(default, deserialize_with = "section", skip_serializing_if = "Option::is_none")]
    pub(crate) anonymous: Option<Vec<RepositoryPattern>>,
}

/// What a user may do, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserTerms {
    /// What.
    pub(crate) grants: Vec<Permission>,
    /// When the user ends; never when it isn't there. Not a duration: the file means the same whenever it is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Moment>,
}

/// Why a file can't be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It isn't YAML, or says what nobody understands. The library says where.
    #[error("\n{0}")]
    Yaml(Box<serde_saphyr::Error>),
    /// It says nothing: more likely something went wrong on the way than that nothing was meant.
    #[error("it has none of the sections users, iam and anonymous")]
    Empty,
    /// A grant that grants nothing: more likely something was forgotten.
    #[error("a grant of {0} names no repositories or no actions")]
    Idle(String),
}

/// A section that is only begun could mean that all is to go, or that nobody got round to it.
fn section<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let section = Option::<T>::deserialize(deserializer)?;
    let empty = "this section is empty; leave the line out to keep what is in force, or write {} for users, [] for iam \
                 and anonymous, to take everything away";
    section.map(Some).ok_or_else(|| D::Error::custom(empty))
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// When it isn't one, to the letter: unknown and repeated keys are refused.
    pub(crate) fn parse(text: &str) -> Result<Self, FileError> {
        let file: Self = serde_saphyr::from_str(text).map_err(|error| FileError::Yaml(Box::new(error)))?;
        if file == Self::default() {
            return Err(FileError::Empty);
        }
        let users = file.users.iter().flatten().map(|(name, terms)| (name.as_str(), &terms.grants));
        let iam = file.iam.iter().flatten().map(|grant| (grant.principal.as_str(), &grant.grants));
        let is_idle = |permission: &Permission| permission.repositories.is_empty() || permission.actions.is_empty();
        match users.chain(iam).find(|(_, grants)| grants.iter().any(is_idle)) {
            Some((who, _)) => Err(FileError::Idle(who.to_owned())),
            None => Ok(file),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the library can't.
    pub(crate) fn to_yaml(&self) -> Result<String, GrantsError> {
        serde_saphyr::to_string(self).map_err(|error| GrantsError::Yaml(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        File::parse(text).err().unwrap_or_else(|| panic!("this was understood: {text}")).to_string()
    }

    const WHOLE: &str = r#"
users:
  ci:
    grants:
      - repositories: [team/*]
        actions: [pull, push]
    expires: 2027-01-31
iam:
  - principal: arn:aws:iam::123456789012:role/deploy
    grants:
      - repositories: ["*"]
        actions: [pull]
anonymous: [public/*]
"#;

    #[test]
    fn a_file_says_who_may_do_what() {
        let file = File::parse(WHOLE).unwrap_or_else(|error| panic!("{error}"));
        let json = serde_json::json!({
            "users": {"ci": {
                "grants": [{"repositories": ["team/*"], "actions": ["pull", "push"]}],
                "expires": "2027-01-31",
            }},
            "iam": [{
                "principal": "arn:aws:iam::123456789012:role/deploy",
                "grants": [{"repositories": ["*"], "actions": ["pull"]}],
            }],
            "anonymous": ["public/*"],
        });
        assert_eq!(serde_json::to_value(&file).ok(), Some(json));
    }

    #[test]
    fn a_section_is_there_or_not() {
        let file = File::parse("anonymous: []").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(file, File { anonymous: Some(Vec::new()), ..File::default() });
        for half in ["users:", "users: ~", "iam:\n# nothing yet\n", "anonymous: null"] {
            assert!(refused(half).contains("this section is empty; leave the line out"), "{half}");
        }
        for nothing in ["", "# nothing\n", "{}"] {
            assert_eq!(refused(nothing), "it has none of the sections users, iam and anonymous", "{nothing:?}");
        }
    }

    #[test]
    fn what_nobody_understands_is_refused_with_its_line() {
        for (text, line, message) in [
            ("users: {}\nuser: {}", 2, "unknown field `user`"),
            ("users:\n  ci:\n    grants: []\n    enabled: no", 4, "unknown field `enabled`"),
            ("iam:\n- principal: arn:aws:iam::123456789012:role/x\n  grant: []", 3, "unknown field `grant`"),
            ("users:\n  ci: {grants: []}\n  ci: {grants: []}", 3, "duplicate mapping key: ci"),
            ("users: {}\niam: []\nusers: {}", 3, "duplicate mapping key: users"),
            ("users:\n\tci: {grants: []}", 2, "tabs"),
            ("users:\n  ci:\n    grants:\n    - repositories: team/*\n      actions: [pull]", 4, "sequence"),
            ("users:\n  ci:\n    grants:\n    - {repositories: [x], actions: [paint]}", 4, "is no action"),
            ("users:\n  ci:\n    grants:\n    - {repositories: [Team], actions: [pull]}", 4, "is no pattern"),
            ("anonymous:\n- [public]", 2, "expected"),
            ("anonymous:\n- *", 2, "alias"),
            ("anonymous:\n- null", 2, "null"),
            ("users: []", 1, "mapping"),
            ("users:\n  ecs: {grants: []}", 2, "reserved"),
            ("users:\n  CI: {grants: []}", 2, "lower-case"),
            ("users:\n  ci: {grants: [], expires: 90d}", 2, "is no point in time"),
            ("iam:\n- {principal: someone, grants: []}", 2, "arn:aws:iam"),
            ("anonymous: []\n---\nanonymous: []", 3, "multiple YAML documents"),
            ("users:\n  ci: {grants: []", 2, "unclosed"),
            ("grants", 1, "mapping"),
        ] {
            let said = refused(text);
            assert!(said.contains(message) && said.contains(&format!("line {line} ")), "{text}\n{said}");
        }
    }

    #[test]
    fn a_grant_of_nothing_is_refused() {
        for (grant, who) in [("repositories: [], actions: [pull]", "ci"), ("repositories: [x], actions: []", "ci")] {
            let said = refused(&format!("users: {{ci: {{grants: [{{{grant}}}]}}}}"));
            assert_eq!(said, format!("a grant of {who} names no repositories or no actions"));
        }
        assert!(File::parse("users: {ci: {grants: []}}").is_ok(), "somebody who may do nothing yet");
    }

    #[test]
    fn anchors_save_words_and_cannot_be_made_to_explode() {
        let shared = "users:\n  a: &same\n    grants: [{repositories: [x], actions: [pull]}]\n  b: *same";
        let users = File::parse(shared).unwrap_or_else(|error| panic!("{error}")).users.unwrap_or_default();
        assert!(users.len() == 2 && users.values().all(|terms| terms.grants.len() == 1));

        // Ten times as many in each line.
        let mut laughs = "anonymous:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let again = vec![format!("*a{}", n - 1); 10].join(", ");
            laughs.push_str(&format!("- &a{n} [{again}]\n"));
        }
        refused(&laughs);
        let long = format!(
            "anonymous: [{}]",
            vec!["&x team/app", "*x"].into_iter().chain(vec!["*x"; 2_000_000]).collect::<Vec<_>>().join(",")
        );
        assert!(refused(&long).contains("alias"));
        refused(&"[".repeat(100_000));
    }
}
