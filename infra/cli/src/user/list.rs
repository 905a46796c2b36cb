//! `lambda-registry user list`.

use std::collections::BTreeMap;

use access::{Permission, User, UserName, UserSecret};
use lambda_registry::Deployment;
use serde::Serialize;

use super::error::UserError;
use crate::console::print;
use crate::kept::{self, Kept};
use crate::moment::Moment;

/// What is shown of a user. Times are seconds since 1970.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a UserName,
    state: &'static str,
    created_at: u64,
    expires_at: Option<u64>,
    /// Those that are valid, newest first; of each only when.
    secrets: Vec<Period>,
    grants: &'a [Permission],
}

#[derive(Serialize)]
struct Period {
    created_at: u64,
    expires_at: Option<u64>,
}

/// Prints every user, as a table or as JSON.
pub(super) async fn run(deployment: &Deployment, json: bool) -> Result<(), UserError> {
    let storage = deployment.open().await.map_err(UserError::Deployment)?;
    let users = kept::users(&storage).await?;
    let now = Moment::now();
    let rows = rows(&users, now);
    if rows.is_empty() && !json {
        eprintln!("there are no users; lambda-registry user create makes one");
        return Ok(());
    }
    let shown = if json { as_json(&rows)? } else { as_table(&rows, now) };
    print(&shown).map_err(UserError::Output)
}

fn rows(users: &BTreeMap<UserName, Kept<User>>, now: Moment) -> Vec<Row<'_>> {
    users.iter().map(|(name, kept)| Row::new(name, &kept.value, now.seconds())).collect()
}

impl<'a> Row<'a> {
    fn new(name: &'a UserName, user: &'a User, now: u64) -> Self {
        let state = match user.expires_at {
            _ if !user.enabled => "disabled",
            Some(at) if at <= now => "expired",
            _ => "enabled",
        };
        let period = |secret: &UserSecret| Period { created_at: secret.created_at, expires_at: secret.expires_at };
        let secrets = user.secrets.iter().filter(|secret| secret.is_valid(now)).map(period).collect();
        Self { name, state, created_at: user.created_at, expires_at: user.expires_at, secrets, grants: &user.grants }
    }
}

fn as_json(rows: &[Row<'_>]) -> Result<String, UserError> {
    let json = serde_json::to_string_pretty(rows).map_err(|error| UserError::Output(error.into()))?;
    Ok(format!("{json}\n"))
}

fn as_table(rows: &[Row<'_>], now: Moment) -> String {
    let mut lines = vec![["NAME", "STATE", "EXPIRES", "SECRETS", "GRANTS"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| cells(row, now)));
    // The last column is as wide as it is.
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let [name, state, expires, secrets] = [0, 1, 2, 3].map(width);
    let line = |[a, b, c, d, e]: &[String; 5]| format!("{a:name$}  {b:state$}  {c:expires$}  {d:secrets$}  {e}\n");
    lines.iter().map(line).collect()
}

fn cells(row: &Row<'_>, now: Moment) -> [String; 5] {
    let expires = row.expires_at.map_or_else(|| "never".to_owned(), |at| Moment::at(at).to_string());
    let secret = |secret: &Period| {
        let until = secret.expires_at.map_or_else(String::new, |at| format!(" until {}", Moment::at(at)));
        format!("{} old{until}", Moment::at(secret.created_at).age(now))
    };
    let secrets = or_none(row.secrets.iter().map(secret).collect::<Vec<_>>().join(", "));
    let grant = |grant: &Permission| {
        let patterns: Vec<_> = grant.repositories.iter().map(|pattern| pattern.as_str()).collect();
        format!("{}: {}", grant.actions, patterns.join(" "))
    };
    let grants = or_none(row.grants.iter().map(grant).collect::<Vec<_>>().join("; "));
    [row.name.to_string(), row.state.to_owned(), expires, secrets, grants]
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use access::Secret;

    use super::*;

    fn user(expires_at: Option<u64>) -> User {
        let grants = r#"[{"repositories": ["team/*", "x"], "actions": ["push", "pull"]}, {"repositories": ["base"], "actions": ["pull"]}]"#;
        let grants = serde_json::from_str(grants).unwrap_or_else(|error| panic!("{error}"));
        User::new(&Secret::new("lr_one"), grants, expires_at, 0)
    }

    fn users() -> BTreeMap<UserName, Kept<User>> {
        let mut rotated = user(None);
        rotated.rotate(&Secret::new("lr_two"), 86_400, 3 * 86_400);
        let disabled = User { enabled: false, grants: Vec::new(), ..user(Some(86_400)) };
        let users = [("ci", rotated), ("long-name", disabled), ("old", user(Some(2 * 86_400)))];
        let kept = |(name, value): (&str, User)| {
            (name.parse().unwrap_or_else(|error| panic!("{error}")), Kept { value, revision: 1 })
        };
        users.into_iter().map(kept).collect()
    }

    #[test]
    fn a_table_has_every_user_with_what_still_works() {
        let now = Moment::at(3 * 86_400 + 7_200);
        let grants = "pull,push: team/* x; pull: base";
        let expected = [
            "NAME       STATE     EXPIRES     SECRETS                          GRANTS".to_owned(),
            format!("ci         enabled   never       2h old, 3d old until 1970-01-05  {grants}"),
            "long-name  disabled  1970-01-02  3d old                           none".to_owned(),
            format!("old        expired   1970-01-03  3d old                           {grants}"),
        ];
        let users = users();
        assert_eq!(as_table(&rows(&users, now), now).lines().collect::<Vec<_>>(), expected);
        let later = as_table(&rows(&users, Moment::at(5 * 86_400)), now);
        assert!(!later.contains("until 1970-01-05"), "what is over isn't shown: {later}");
    }

    #[test]
    fn json_has_the_same_and_no_hash() {
        let users = users();
        let json = as_json(&rows(&users, Moment::at(3 * 86_400))).unwrap_or_else(|error| panic!("{error}"));
        let shown: serde_json::Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(shown[0]["secrets"][1], serde_json::json!({"created_at": 0, "expires_at": 4 * 86_400}));
        assert_eq!(shown[1]["state"], "disabled");
        assert_eq!(
            shown[2]["grants"][0],
            serde_json::json!({"repositories": ["team/*", "x"], "actions": ["pull", "push"]})
        );
        assert!(!json.contains("hash"), "{json}");
    }
}
