//! Repositories: they come into being with the first thing that is stored in them.

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::RepositoryName;

use crate::table::{item, n, now, parsed};
use crate::{Error, Page, Storage, keys};

impl Storage {
    /// Whether anything was ever stored under the name.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn repository_exists(&self, name: &RepositoryName) -> Result<bool, Error> {
        Ok(self.table.get(keys::settings(name)).await?.is_some())
    }

    /// A page of the repositories' names, in order, after `after`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn catalog(&self, after: Option<&str>, limit: usize) -> Result<Page<RepositoryName>, Error> {
        self.listing(keys::CATALOG, "", after, limit, |item| parsed(item, "sk")).await
    }

    /// The writes that create a repository, for the transaction that stores the first thing in it.
    pub(crate) fn create_repository(&self, name: &RepositoryName) -> Result<[TransactWriteItem; 2], Error> {
        let settings = item(keys::settings(name), [("created_at", n(now()))]);
        let catalog = item(keys::catalog(name), [("created_at", n(now()))]);
        Ok([self.table.put(settings).when("attribute_not_exists(pk)").build()?, self.table.put(catalog).build()?])
    }
}
