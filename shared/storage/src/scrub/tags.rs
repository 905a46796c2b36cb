//! Tags and the ways back to them.

use protocol::{Digest, MediaType, RepositoryName, Tag};

use super::Look;
use crate::guards::Guard;
use crate::keys;
use crate::manifests::TagRecord;
use crate::table::{Update, item, parsed, s, text};
use crate::{Error, Storage};

/// A tag, as its records tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRecords {
    /// Where it points, and the type it says that has.
    pub tag: TagRecord,
    /// The manifest's type; None when there is no such manifest.
    pub manifest_type: Option<MediaType>,
    /// Whether there is a way back from the manifest.
    pub has_way_back: bool,
}

impl Storage {
    /// A tag and what belongs to it; None when there is no such tag.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn tag_records(&self, name: &RepositoryName, tag: &Tag, look: Look) -> Result<Option<TagRecords>, Error> {
        let key = keys::tag(name, tag);
        self.table
            .retry("a tag", || async {
                let Some(found) = self.table.get(key.clone()).await? else { return Ok(Some(None)) };
                let seen = TagRecord::read(&found)?;
                let (manifest, way) = (keys::manifest(name, &seen.digest), keys::tagged(name, &seen.digest, tag));
                let found = self.look(look, vec![key.clone(), manifest.clone(), way.clone()], Vec::new()).await?;
                let Some(record) = found.get(&key).map(TagRecord::read).transpose()? else { return Ok(Some(None)) };
                if record != seen {
                    // It moved.
                    return Ok(None);
                }
                let manifest_type = found.get(&manifest).map(|item| text(item, "media_type")).transpose()?;
                Ok(Some(Some(TagRecords {
                    tag: record,
                    manifest_type: manifest_type.map(|text| MediaType::from(text.as_str())),
                    has_way_back: found.contains_key(&way),
                })))
            })
            .await
    }

    /// Whether the way back from a manifest leads to a tag that points elsewhere, or isn't there.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn is_stray_way_to_tag(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        tag: &Tag,
        look: Look,
    ) -> Result<bool, Error> {
        let (way, key) = (keys::tagged(name, digest, tag), keys::tag(name, tag));
        let found = self.look(look, vec![way.clone(), key.clone()], Vec::new()).await?;
        let points_to: Option<Digest> = found.get(&key).map(|item| parsed(item, "digest")).transpose()?;
        Ok(found.contains_key(&way) && points_to.as_ref() != Some(digest))
    }

    /// Makes the way back from a manifest to a tag. False when the tag doesn't point to it, or it is gone.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_way_to_tag(&self, name: &RepositoryName, digest: &Digest, tag: &Tag) -> Result<bool, Error> {
        let points = self.table.check(keys::tag(name, tag), "digest = :digest");
        // A deletion that has looked for tags already mustn't go on.
        let spare = self.table.update(keys::manifest(name, digest), "REMOVE doomed").when(Guard::Spared.condition());
        self.mend(vec![
            points.value(":digest", s(digest.to_string())).build()?,
            spare.build()?,
            self.table.put(item(keys::tagged(name, digest, tag), [])).build()?,
        ])
        .await
    }

    /// Removes the way back to a tag that doesn't point there.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn remove_way_to_tag(&self, name: &RepositoryName, digest: &Digest, tag: &Tag) -> Result<(), Error> {
        self.drop_strays(name, &[(tag.clone(), digest.clone())]).await
    }

    /// Has a tag say the type of the manifest that it points to. False when it points elsewhere by now.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_tag_type(
        &self,
        name: &RepositoryName,
        tag: &Tag,
        digest: &Digest,
        media_type: &MediaType,
    ) -> Result<bool, Error> {
        let values = vec![(":digest", s(digest.to_string())), (":type", s(media_type.as_str()))];
        let update = "SET media_type = :type";
        let done = self.table.update_if(keys::tag(name, tag), update, "digest = :digest", values).await?;
        Ok(matches!(done, Update::Done(_)))
    }
}
