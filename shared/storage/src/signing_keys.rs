//! Keys that tokens are signed with. The private half lies in a partition of its own, because that is what IAM's
//! leading-key conditions can keep apart: only the function that signs may read it.

use std::fmt;

use crate::table::{Wanted, b, bytes, item, n, number, s, text};
use crate::{Error, Storage, keys};

/// The public half of a key. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name, which tokens carry.
    pub id: String,
    /// The key.
    pub key: Vec<u8>,
    /// When nothing that it signed is valid any more.
    pub expires_at: u64,
}

/// The private half. `Debug` doesn't show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey {
    /// Its name.
    pub id: String,
    /// The key.
    pub key: Vec<u8>,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// The one before it, which signs until everybody has had time to see this one.
    pub previous: Option<Box<PrivateKey>>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.id)
    }
}

impl Storage {
    /// Every public key whose time isn't over at `now`. One query.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn public_keys(&self, now: u64) -> Result<Vec<PublicKey>, Error> {
        let (items, _) = self.table.page(keys::KEY_PUBLIC, "", None, usize::MAX, Wanted::Items).await?;
        let read = items.iter().map(|item| {
            let expires_at = number(item, "expires_at")?;
            Ok(PublicKey { id: text(item, "sk")?, key: bytes(item, "public_key")?, expires_at })
        });
        // DynamoDB removes what has expired within days, not at once.
        Ok(read.collect::<Result<Vec<_>, Error>>()?.into_iter().filter(|key| key.expires_at > now).collect())
    }

    /// The key that is signed with now; None when none was made yet. One read.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn private_key(&self) -> Result<Option<PrivateKey>, Error> {
        let Some(item) = self.table.get(keys::private_key()).await? else { return Ok(None) };
        let previous = match item.contains_key("previous_id") {
            true => Some(Box::new(PrivateKey {
                id: text(&item, "previous_id")?,
                key: bytes(&item, "previous_key")?,
                created_at: number(&item, "previous_created_at")?,
                previous: None,
            })),
            false => None,
        };
        Ok(Some(PrivateKey {
            id: text(&item, "key_id")?,
            key: bytes(&item, "private_key")?,
            created_at: number(&item, "created_at")?,
            previous,
        }))
    }

    /// Makes a key the current one, if the one before is still its `previous`, or there is none: of several that try, one
    /// wins. The public halves of former keys stay until they expire. False when somebody else was faster.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn replace_private_key(&self, private: &PrivateKey, public: &PublicKey) -> Result<bool, Error> {
        let replaces = private.previous.as_ref().map(|previous| previous.id.as_str());
        let mut current = item(
            keys::private_key(),
            [
                ("key_id", s(&private.id)),
                ("private_key", b(private.key.clone())),
                ("created_at", n(private.created_at)),
            ],
        );
        if let Some(previous) = &private.previous {
            let attributes = [
                ("previous_id", s(&previous.id)),
                ("previous_key", b(previous.key.clone())),
                ("previous_created_at", n(previous.created_at)),
            ];
            current.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
        }
        let current = self.table.put(current);
        let current = match replaces {
            Some(id) => current.when("key_id = :replaces").value(":replaces", s(id)),
            None => current.when("attribute_not_exists(pk)"),
        };
        let half = item(
            keys::public_key(&public.id),
            [("public_key", b(public.key.clone())), ("expires_at", n(public.expires_at))],
        );
        let writes = vec![current.build()?, self.table.put(half).build()?];
        self.table
            .retry("the signing key", || async {
                if self.table.transact(writes.clone()).await?.is_some() {
                    return Ok(Some(true));
                }
                let now = self.private_key().await?.map(|key| key.id);
                let unchanged = now.as_deref() == replaces;
                Ok(if unchanged { None } else { Some(now.as_deref() == Some(&private.id)) })
            })
            .await
    }
}
