//! The key that is signed with: made on first use, replaced every thirty days.

use std::sync::Arc;

use access::{Claims, Secret, SigningKey};
use protocol::ApiError;
use runtime::now;
use storage::{PrivateKey, PublicKey, Storage};
use tokio::sync::Mutex;

use crate::internal;

const DAY: u64 = 24 * 60 * 60;
/// How long a key signs, in seconds.
const SIGNS_FOR: u64 = 30 * DAY;
/// How long it is verified with: it may sign a password of twelve hours at its end, and its successor is let be seen first.
const VERIFIES_FOR: u64 = SIGNS_FOR + 2 * DAY;
/// How long a new key lies there before it signs, unless there is no other: in this time every function that meets an
/// unknown key may read the keys again, however recently it did.
const SEEN_AFTER: u64 = 60;
/// How long the key counts as read. An operator may have taken it away.
const READ_FOR: u64 = 300;

pub(crate) struct Signer {
    storage: Arc<Storage>,
    current: Mutex<Option<Current>>,
}

struct Current {
    key: PrivateKey,
    read_at: u64,
}

impl Signer {
    pub(crate) fn new(storage: Arc<Storage>) -> Self {
        Self { storage, current: Mutex::new(None) }
    }

    pub(crate) async fn sign(&self, claims: &Claims) -> Result<Secret, ApiError> {
        let now = now();
        let mut current = self.current.lock().await;
        let known =
            current.take().filter(|known| now < known.read_at + READ_FOR && now < known.key.created_at + SIGNS_FOR);
        let key = match known {
            Some(known) => current.insert(known),
            None => current.insert(Current { key: self.read(now).await?, read_at: now }),
        };
        let invalid = |error: access::InvalidKey| internal("the key that tokens are signed with", &error);
        let signs = signs_at(&key.key, now);
        SigningKey::from_pkcs8(&signs.id, &signs.key).and_then(|key| key.sign(claims)).map_err(invalid)
    }

    /// The key in the table. Of several functions that find none, or one that has signed long enough, one makes the next.
    async fn read(&self, now: u64) -> Result<PrivateKey, ApiError> {
        loop {
            let found = self.storage.private_key().await?;
            let previous = match found {
                Some(key) if now < key.created_at + SIGNS_FOR => return Ok(key),
                Some(key) => Some(Box::new(PrivateKey { previous: None, ..key })),
                None => None,
            };
            let fresh = SigningKey::generate().map_err(|error| internal("a new key can't be made", &error))?;
            let (id, key) = (fresh.id().to_owned(), fresh.pkcs8().to_vec());
            let private = PrivateKey { id: id.clone(), key, created_at: now, previous };
            let public = PublicKey { id, key: fresh.public().to_vec(), expires_at: now + VERIFIES_FOR };
            if self.storage.replace_private_key(&private, &public).await? {
                tracing::info!(key = %private.id, "tokens are signed with a new key");
                return Ok(private);
            }
        }
    }
}

/// A new key, or the one before it while others may not have seen the new one. The one before isn't used when it has
/// lain there for so long that nobody verifies with it any more.
fn signs_at(key: &PrivateKey, now: u64) -> &PrivateKey {
    match &key.previous {
        Some(previous) if now < key.created_at + SEEN_AFTER && now < previous.created_at + SIGNS_FOR + DAY => previous,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, created_at: u64, previous: Option<PrivateKey>) -> PrivateKey {
        PrivateKey { id: id.to_owned(), key: Vec::new(), created_at, previous: previous.map(Box::new) }
    }

    #[test]
    fn a_new_key_lets_the_one_before_sign_until_everybody_has_seen_it() {
        let made = SIGNS_FOR + 5;
        let new = key("new", made, Some(key("old", 0, None)));
        assert_eq!(signs_at(&new, made + SEEN_AFTER - 1).id, "old");
        assert_eq!(signs_at(&new, made + SEEN_AFTER).id, "new");
        assert_eq!(signs_at(&key("first", made, None), made).id, "first");
    }

    #[test]
    fn a_key_that_is_not_verified_with_any_more_does_not_sign() {
        let made = VERIFIES_FOR + DAY;
        let new = key("new", made, Some(key("old", 0, None)));
        assert_eq!(signs_at(&new, made).id, "new");
        // What it signs at the very end is valid for half a day.
        const { assert!(SIGNS_FOR + DAY + DAY / 2 < VERIFIES_FOR) };
    }
}
