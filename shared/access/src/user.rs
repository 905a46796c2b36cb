//! The registry's own users, for machines that IAM doesn't know.

use serde::{Deserialize, Serialize};

use crate::{Permission, Permissions, Secret, SecretHash};

/// A user. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// False while nobody may log in as this user.
    pub enabled: bool,
    /// When the user was made.
    pub created_at: u64,
    /// When the user ceases to be one; None for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// What the user may do.
    pub grants: Vec<Permission>,
    /// The secrets that are valid, newest first: one, or two while the older one is being replaced.
    pub secrets: Vec<UserSecret>,
}

/// What is kept of a user's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSecret {
    /// Its hash.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: u64,
    /// When it ceases to be valid; None for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

impl UserSecret {
    /// Whether its time isn't over.
    pub fn is_valid(&self, now: u64) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

impl User {
    /// A user with one secret.
    pub fn new(secret: &Secret, grants: Vec<Permission>, expires_at: Option<u64>, now: u64) -> Self {
        let secret = UserSecret { hash: SecretHash::of(secret), created_at: now, expires_at: None };
        Self { enabled: true, created_at: now, expires_at, grants, secrets: vec![secret] }
    }

    /// Reads what is kept of one.
    ///
    /// # Errors
    /// When it isn't that.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What is kept of one.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Gives the user a new secret. The one that was the newest stays valid for `overlap` seconds, older ones don't.
    pub fn rotate(&mut self, secret: &Secret, overlap: u64, now: u64) {
        let until = now.saturating_add(overlap);
        self.secrets.retain(|old| old.is_valid(now));
        self.secrets.truncate(1);
        for old in &mut self.secrets {
            old.expires_at = Some(old.expires_at.map_or(until, |at| at.min(until)));
        }
        self.secrets.retain(|old| old.is_valid(now));
        self.secrets.insert(0, UserSecret { hash: SecretHash::of(secret), created_at: now, expires_at: None });
    }

    /// Until when somebody with this secret may act as the user: None when the secret isn't the user's, or the user may
    /// not log in now; `u64::MAX` when there is no end.
    pub fn admits(&self, secret: &Secret, now: u64) -> Option<u64> {
        // Each is compared, so that it takes the same time whichever it is.
        let valid = self.secrets.iter().filter(|known| known.hash.is_of(secret)).filter_map(|known| {
            let until = known.expires_at.unwrap_or(u64::MAX).min(self.expires_at.unwrap_or(u64::MAX));
            (self.enabled && now < until).then_some(until)
        });
        valid.max()
    }

    /// What the user may do.
    pub fn permissions(&self) -> Permissions {
        self.grants.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[test]
    fn a_user_is_admitted_with_the_secret_until_the_end() {
        let mut user = User::new(&secret("one"), Vec::new(), Some(200), 100);
        assert_eq!(user.admits(&secret("one"), 100), Some(200));
        assert_eq!(user.admits(&secret("one"), 200), None);
        assert_eq!(user.admits(&secret("two"), 100), None);
        user.enabled = false;
        assert_eq!(user.admits(&secret("one"), 100), None);
    }

    #[test]
    fn rotation_leaves_the_last_secret_valid_for_a_while() {
        let mut user = User::new(&secret("one"), Vec::new(), None, 0);
        user.rotate(&secret("two"), 60, 100);
        assert_eq!(user.admits(&secret("one"), 159), Some(160));
        assert_eq!(user.admits(&secret("one"), 160), None);
        assert_eq!(user.admits(&secret("two"), 160), Some(u64::MAX));
        assert_eq!([159, 160].map(|now| user.secrets[1].is_valid(now)), [true, false]);
        user.rotate(&secret("three"), 60, 110);
        assert_eq!(user.admits(&secret("one"), 111), None, "two at a time");
        assert_eq!(user.admits(&secret("two"), 111), Some(170));
    }

    #[test]
    fn rotation_without_overlap_ends_the_old_secret_at_once() {
        let mut user = User::new(&secret("one"), Vec::new(), None, 0);
        user.rotate(&secret("two"), 0, 100);
        assert_eq!((user.admits(&secret("one"), 100), user.secrets.len()), (None, 1));
    }

    #[test]
    fn what_is_kept_of_a_user_has_no_secret() {
        let user = User::new(&secret("one"), Vec::new(), None, 0);
        let json = user.to_json();
        assert!(!json.contains("one\""));
        assert_eq!(User::from_json(&json).unwrap(), user);
    }
}
