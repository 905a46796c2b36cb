//! Repositories: how they come into being, and what they let happen.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use protocol::{ApiError, Digest, ErrorCode, RepositoryName, Tag, TagMutability};

use crate::guards::Guard;
use crate::push::PutError;
use crate::table::{Item, Update, Wanted, flag, item, n, now, number, parsed, s};
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether its manifests may be sparse; None for what the registry says.
    pub sparse_manifests: Option<bool>,
    /// Which tags may move.
    pub tag_mutability: TagMutability,
    /// Whether the collector takes manifests that have no tag, belong to no list and refer to no subject.
    pub collect_untagged: bool,
}

/// A tag points to another manifest already, and the repository's tags don't move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagIsImmutable {
    /// The tag.
    pub tag: Tag,
    /// Where it points.
    pub digest: Digest,
}

impl From<TagIsImmutable> for ApiError {
    /// The code is ECR's.
    fn from(TagIsImmutable { tag, digest }: TagIsImmutable) -> Self {
        let message = format!(
            "the tag {tag} points to {digest} and is immutable in this repository: \
             push under another tag, or delete this one first"
        );
        ApiError::new(ErrorCode::TagInvalid, message)
    }
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
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) exists: bool,
    settings: Settings,
    /// How often something was marked for deletion in it that manifests refer to.
    deletions: u64,
}

impl Found {
    pub(crate) fn read(item: Option<&Item>) -> Result<Self, Error> {
        let settings = item.map(Settings::read).transpose()?.unwrap_or_default();
        let deletions = item.filter(|item| item.contains_key("deletions")).map(|item| number(item, "deletions"));
        Ok(Self { exists: item.is_some(), settings, deletions: deletions.transpose()?.unwrap_or(0) })
    }

    /// Whether a tag, as it was found, may point to `digest`.
    pub(crate) fn allows_moving(&self, tag: &Tag, found: Option<&Item>, digest: &Digest) -> Result<(), PutError> {
        let Some(item) = found else { return Ok(()) };
        let current: Digest = parsed(item, "digest")?;
        if current == *digest || self.settings.tag_mutability.allows_moving(tag) {
            return Ok(());
        }
        Err(TagIsImmutable { tag: tag.clone(), digest: current }.into())
    }
}

impl Settings {
    fn read(item: &Item) -> Result<Self, Error> {
        let filters = item.get("tag_exclusions").and_then(|value| value.as_l().ok()).map(Vec::as_slice);
        let filters = filters.unwrap_or_default().iter().filter_map(|filter| filter.as_s().ok());
        let tag_mutability = match item.contains_key("tag_mutability") {
            true => TagMutability::new(parsed(item, "tag_mutability")?, filters)
                .map_err(|error| Error::Corrupt(format!("tag mutability: {error}")))?,
            false => TagMutability::default(),
        };
        Ok(Self {
            sparse_manifests: flag(item, "sparse_manifests"),
            tag_mutability,
            collect_untagged: flag(item, "collect_untagged").unwrap_or(false),
        })
    }

    /// The update that writes them. Pushes that have read others read again, as after a deletion.
    fn update(&self) -> (String, Vec<(&'static str, AttributeValue)>) {
        let mut set = vec!["tag_mutability = :mode", "collect_untagged = :untagged"];
        let mut remove = Vec::new();
        let mut values = vec![
            (":mode", s(self.tag_mutability.mode().as_str())),
            (":untagged", AttributeValue::Bool(self.collect_untagged)),
            (":one", n(1)),
        ];
        match self.sparse_manifests {
            Some(sparse) => {
                set.push("sparse_manifests = :sparse");
                values.push((":sparse", AttributeValue::Bool(sparse)));
            }
            None => remove.push("sparse_manifests"),
        }
        match self.tag_mutability.exclusions() {
            [] => remove.push("tag_exclusions"),
            filters => {
                set.push("tag_exclusions = :filters");
                let filters = filters.iter().map(|filter| s(filter.to_string())).collect();
                values.push((":filters", AttributeValue::L(filters)));
            }
        }
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        (format!("SET {}{remove} ADD deletions :one", set.join(", ")), values)
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
        self.table.get(keys::settings(name)).await?.as_ref().map(Settings::read).transpose()
    }

    /// Changes a repository's own settings. False when it doesn't exist.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn set_settings(&self, name: &RepositoryName, settings: &Settings) -> Result<bool, Error> {
        let (update, values) = settings.update();
        let done = self.table.update_if(keys::settings(name), &update, "attribute_exists(pk)", values).await?;
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
                Ok(self.table.transact(self.new_repository(name)?.to_vec()).await?.map(|()| true))
            })
            .await
    }

    /// A repository, and the count of what was marked in it, for who is about to read what a manifest refers to
    /// ([`Guard::CountFirst`]). One read.
    pub(crate) async fn found(&self, name: &RepositoryName) -> Result<Found, Error> {
        Found::read(self.table.get(keys::settings(name)).await?.as_ref())
    }

    /// Whether pushes to a repository are taken: it exists, or the push may create it. Says whether it exists. One read.
    pub(crate) async fn takes_pushes(&self, name: &RepositoryName) -> Result<Result<bool, NoRepository>, Error> {
        let exists = self.repository_exists(name).await?;
        Ok(if exists || self.policy.create_on_push { Ok(exists) } else { Err(NoRepository(name.clone())) })
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

    /// The write that goes along with a mark on something that manifests refer to.
    pub(crate) fn count_deletion(&self, name: &RepositoryName) -> Result<TransactWriteItem, Error> {
        let update = self.table.update(keys::settings(name), "ADD deletions :one").when("attribute_exists(pk)");
        update.value(":one", n(1)).build()
    }

    /// Holds a manifest's transaction back when something was marked since its references were looked up: what was
    /// there then may be going. One condition for any number of references.
    pub(crate) fn nothing_marked_since(
        &self,
        name: &RepositoryName,
        found: &Found,
    ) -> Result<TransactWriteItem, Error> {
        let (condition, seen) = unmarked_since(found.deletions);
        let check = self.table.check(keys::settings(name), condition);
        seen.into_iter().fold(check, |check, (name, value)| check.value(name, value)).build()
    }
}

/// The condition on a repository's settings that nothing was marked since they counted so many marks, with its value: one
/// in which nothing was ever marked counts none.
pub(crate) fn unmarked_since(deletions: u64) -> (&'static str, Option<(&'static str, AttributeValue)>) {
    match deletions {
        0 => ("attribute_exists(pk) AND attribute_not_exists(deletions)", None),
        seen => (Guard::NothingMarkedSince.condition(), Some((":seen", n(seen)))),
    }
}
