//! Repositories and their places in the catalog.

use protocol::RepositoryName;

use super::Look;
use crate::keys;
use crate::table::{item, n, now};
use crate::{Error, Storage};

impl Storage {
    /// Shows every repository that isn't in the catalog, or wasn't a moment ago. Reads the whole table.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn each_unlisted(&self, show: &mut (dyn FnMut(RepositoryName) + Send)) -> Result<(), Error> {
        let mut start = None;
        loop {
            let (partitions, next) = self.table.partitions_with(keys::SETTINGS, start).await?;
            let names: Vec<RepositoryName> = partitions
                .iter()
                .filter_map(|partition| partition.strip_prefix(keys::REPOSITORY)?.parse().ok())
                .collect();
            let listed = self.table.get_all(names.iter().map(keys::catalog).collect()).await?;
            names.into_iter().filter(|name| !listed.contains_key(&keys::catalog(name))).for_each(&mut *show);
            match next {
                Some(_) => start = next,
                None => return Ok(()),
            }
        }
    }

    /// Whether a repository has settings, without which it doesn't exist, and a place in the catalog.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn has_settings_and_place(&self, name: &RepositoryName, look: Look) -> Result<(bool, bool), Error> {
        let (settings, place) = (keys::settings(name), keys::catalog(name));
        let found = self.look(look, vec![settings.clone(), place.clone()], Vec::new()).await?;
        Ok((found.contains_key(&settings), found.contains_key(&place)))
    }

    /// Gives a repository its place in the catalog. False when there is no such repository.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_place(&self, name: &RepositoryName) -> Result<bool, Error> {
        let place = item(keys::catalog(name), [("created_at", n(now()))]);
        self.mend(vec![
            self.table.check(keys::settings(name), "attribute_exists(pk)").build()?,
            self.table.put(place).build()?,
        ])
        .await
    }

    /// Gives a repository of the catalog settings, those of a new one. False when it has some, or isn't in the catalog.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_settings(&self, name: &RepositoryName) -> Result<bool, Error> {
        let settings = item(keys::settings(name), [("created_at", n(now()))]);
        self.mend(vec![
            self.table.check(keys::catalog(name), "attribute_exists(pk)").build()?,
            self.table.put(settings).when("attribute_not_exists(pk)").build()?,
        ])
        .await
    }
}
