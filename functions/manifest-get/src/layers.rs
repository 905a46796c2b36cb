//! What is in the layers of schema 1, which another function finds out.

use std::collections::BTreeMap;

use conversion::{LayerContent, Manifest, Refusal};
use protocol::{ApiError, Digest, RepositoryName};
use storage::LayerContent as Known;

use crate::ManifestGet;

/// The layers of an image by digest.
pub(crate) type Layers = BTreeMap<Digest, LayerContent>;

impl ManifestGet {
    /// The layers that a conversion of schema 1, stored under `digest`, has to know. When some haven't been read, as those of
    /// images that were pushed before anybody did, their reading is started.
    pub(crate) async fn layers(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        manifest: &Manifest,
    ) -> Result<Result<Layers, Refusal>, ApiError> {
        let digests = match manifest.schema1_layers() {
            Ok(digests) => digests,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut found = self.storage.layers(name, &digests).await?;
        let (mut layers, mut unread, mut unknown) = (Layers::new(), false, false);
        for digest in digests {
            let Some(layer) = found.remove(&digest) else {
                return Ok(Err(Refusal::UnreadableLayer { digest, problem: "is not in the repository".to_owned() }));
            };
            match layer.content {
                Known::Read { compression, diff_id } => {
                    layers.insert(digest, LayerContent { size: layer.blob.size, compression, diff_id });
                }
                Known::Unreadable { problem } => return Ok(Err(Refusal::UnreadableLayer { digest, problem })),
                Known::BeingRead => unread = true,
                Known::Unknown => (unread, unknown) = (true, true),
            }
        }
        if unknown {
            self.background.upgrade_schema1(name, digest).await;
        }
        Ok(if unread { Err(Refusal::Pending) } else { Ok(layers) })
    }
}
