//! Pages of listings.

use crate::table::{Item, Wanted};
use crate::{Error, Storage};

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it, in order.
    pub items: Vec<T>,
    /// Whether there is another.
    pub more: bool,
}

impl Storage {
    /// A page of a partition. One item more than asked is read, so that `more` is never a promise of an empty page.
    pub(crate) async fn listing<T>(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        wanted: Wanted,
        read: impl Fn(&Item) -> Result<T, Error>,
    ) -> Result<Page<T>, Error> {
        let (items, _) = self.table.page(pk, prefix, after, limit.saturating_add(1), wanted).await?;
        let more = items.len() > limit;
        let items = items.iter().take(limit).map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, more })
    }
}
