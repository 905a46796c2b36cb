//! What a deployment keeps of users and grants, read and understood.

use std::collections::BTreeMap;

use access::{Grants, User, UserName};
use storage::{Document, DocumentName, Storage};

/// Something that is kept, in the version that was read.
#[derive(Clone, Debug)]
pub(crate) struct Kept<T> {
    /// What it says.
    pub(crate) value: T,
    /// The number of the version.
    pub(crate) revision: u64,
}

/// Why it can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    /// The table doesn't answer, or refuses.
    #[error("the deployment's table: {0}")]
    Storage(#[from] storage::Error),
    /// A document isn't what it has to be. A newer version may have written it.
    #[error("what is kept of {what} can't be understood: {why}; is there a newer lambda-registry?")]
    Unreadable {
        /// Whose document.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl<T> Kept<T> {
    fn read(what: &str, document: &Document, parse: fn(&str) -> serde_json::Result<T>) -> Result<Self, KeptError> {
        let value = parse(&document.text).map_err(|error| unreadable(what, &error))?;
        Ok(Self { value, revision: document.revision })
    }
}

fn unreadable(what: &str, why: &dyn std::fmt::Display) -> KeptError {
    KeptError::Unreadable { what: what.to_owned(), why: why.to_string() }
}

/// A user; None when there is no such user.
pub(crate) async fn user(storage: &Storage, name: &UserName) -> Result<Option<Kept<User>>, KeptError> {
    let document = storage.document(DocumentName::User(name.as_str())).await?;
    document.map(|document| Kept::read(name.as_str(), &document, User::from_json)).transpose()
}

/// Every user, by name.
pub(crate) async fn users(storage: &Storage) -> Result<BTreeMap<UserName, Kept<User>>, KeptError> {
    let read = |(name, document): (String, Document)| {
        let user = Kept::read(&name, &document, User::from_json)?;
        Ok((name.parse().map_err(|error| unreadable(&name, &error))?, user))
    };
    storage.users().await?.into_iter().map(read).collect()
}

/// The grants that aren't a user's own; None while none were ever written.
pub(crate) async fn grants(storage: &Storage) -> Result<Option<Kept<Grants>>, KeptError> {
    let document = storage.document(DocumentName::Grants).await?;
    document.map(|document| Kept::read("the grants", &document, Grants::from_json)).transpose()
}
