//! Repositories: how they come into being, and what they let happen.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use protocol::{ApiError, ErrorCode, RepositoryName};

use crate::table::{Cancelled, Item, Update, Wanted, item, n, now, number, parsed};
use crate::{Error, Page, Storage, keys};

/// What a registry lets happen. Strict by default; a repository's own settings go before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The first push to a name creates the repository.
    pub create_on_push: bool,
    /// A manifest may refer to content that the repository doesn't have: an index to some of its images, for instance.
    pub sparse_manifests: bool,
}

/// A repository's own settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether its manifests may be sparse; None for what the registry says.
    pub sparse_manifests: Option<bool>,
}

/// There is no such repository, and pushes don't create any here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRepository(pub RepositoryName);

impl From<NoRepository> for ApiError {
    fn from(NoRepository(name): NoRepository) -> Self {
        let message = format!(
            "repository {name} does not exist, and a push to this registry creates none; \
             create it with: lambda-registry repository create {name}"
        );
        ApiError::new(ErrorCode::NameUnknown, message)
    }
}

/// A repository as a request found it.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) exists: bool,
    settings: Settings,
    /// How often something was deleted in it that manifests refer to.
    deletions: u64,
}

impl Found {
    pub(crate) fn read(item: Option<&Item>) -> Result<Self, Error> {
        let settings = item.map(Settings::read).unwrap_or_default();
        let deletions = item.filter(|item| item.contains_key("deletions")).map(|item| number(item, "deletions"));
        Ok(Self { exists: item.is_some(), settings, deletions: deletions.transpose()?.unwrap_or(0) })
    }
}

impl Settings {
    fn read(item: &Item) -> Self {
        let flag = item.get("sparse_manifests").and_then(|value| value.as_bool().ok());
        Self { sparse_manifests: flag.copied() }
    }
}

impl Storage {
    /// Whether the repository exists.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn repository_exists(&self, name: &RepositoryName) -> Result<bool, Error> {
        Ok(self.table.get(keys::settings(name)).await?.is_some())
    }

    /// A page of the repositories' names that begin with `prefix`, in order, after the name `after`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn catalog(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<RepositoryName>, Error> {
        let after = match after.map(|after| (after.strip_prefix(prefix), after > prefix)) {
            Some((None, true)) => return Ok(Page { items: Vec::new(), more: false }),
            Some((Some(rest), _)) => Some(rest),
            Some((None, false)) | None => None,
        };
        self.listing(keys::CATALOG, prefix, after, limit, Wanted::SortKeys, |item| parsed(item, "sk")).await
    }

    /// A repository's own settings; None when it doesn't exist.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn settings(&self, name: &RepositoryName) -> Result<Option<Settings>, Error> {
        Ok(self.table.get(keys::settings(name)).await?.as_ref().map(Settings::read))
    }

    /// Changes a repository's own settings. False when it doesn't exist.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn set_settings(&self, name: &RepositoryName, settings: Settings) -> Result<bool, Error> {
        let (update, values) = match settings.sparse_manifests {
            Some(sparse) => ("SET sparse_manifests = :sparse", vec![(":sparse", AttributeValue::Bool(sparse))]),
            None => ("REMOVE sparse_manifests", vec![]),
        };
        let done = self.table.update_if(keys::settings(name), update, "attribute_exists(pk)", values).await?;
        Ok(matches!(done, Update::Done(_)))
    }

    /// Creates an empty repository. False when there is one already, which stays as it is.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn create(&self, name: &RepositoryName) -> Result<bool, Error> {
        self.table
            .retry("creating a repository", || async {
                if self.repository_exists(name).await? {
                    return Ok(Some(false));
                }
                match self.table.transact(self.new_repository(name)?.to_vec()).await {
                    Ok(()) => Ok(Some(true)),
                    Err(Cancelled::Changed) => Ok(None),
                    Err(Cancelled::Failed(error)) => Err(error),
                }
            })
            .await
    }

    /// Whether pushes to a repository are taken: it exists, or the push may create it. No call is made when it may.
    pub(crate) async fn takes_pushes(&self, name: &RepositoryName) -> Result<Result<(), NoRepository>, Error> {
        let takes = self.policy.create_on_push || self.repository_exists(name).await?;
        Ok(if takes { Ok(()) } else { Err(NoRepository(name.clone())) })
    }

    /// Whether a manifest in the repository may be sparse.
    pub(crate) fn takes_sparse_manifests(&self, repository: &Found) -> bool {
        repository.settings.sparse_manifests.unwrap_or(self.policy.sparse_manifests)
    }

    /// The writes that create a repository which doesn't exist, for the transaction that stores the first thing in it.
    pub(crate) fn create_on_push(
        &self,
        name: &RepositoryName,
    ) -> Result<Result<[TransactWriteItem; 2], NoRepository>, Error> {
        match self.policy.create_on_push {
            true => self.new_repository(name).map(Ok),
            false => Ok(Err(NoRepository(name.clone()))),
        }
    }

    fn new_repository(&self, name: &RepositoryName) -> Result<[TransactWriteItem; 2], Error> {
        let settings = item(keys::settings(name), [("created_at", n(now()))]);
        let catalog = item(keys::catalog(name), [("created_at", n(now()))]);
        Ok([self.table.put(settings).when("attribute_not_exists(pk)").build()?, self.table.put(catalog).build()?])
    }

    /// The write that goes along with the deletion of something that manifests refer to.
    pub(crate) fn count_deletion(&self, name: &RepositoryName) -> Result<TransactWriteItem, Error> {
        let update = self.table.update(keys::settings(name), "ADD deletions :one").when("attribute_exists(pk)");
        update.value(":one", n(1)).build()
    }

    /// Holds a manifest's transaction back when something was deleted since its references were looked up: what was
    /// there then may be gone. One condition for any number of references.
    pub(crate) fn nothing_deleted_since(
        &self,
        name: &RepositoryName,
        found: &Found,
    ) -> Result<TransactWriteItem, Error> {
        let key = keys::settings(name);
        match found.deletions {
            0 => self.table.check(key, "attribute_exists(pk) AND attribute_not_exists(deletions)").build(),
            seen => self.table.check(key, "deletions = :seen").value(":seen", n(seen)).build(),
        }
    }
}
