//! What is pushed to both registries.

use crate::image::Image;
use crate::index::{Content, Index};
use crate::schema1::Schema1;
use crate::types::{SCHEMA1, SCHEMA1_UNSIGNED};

/// Something to push under a tag, and how.
pub(crate) struct Specimen {
    pub(crate) name: String,
    pub(crate) manifest: Manifest,
    /// The header of the push; None when it has none.
    pub(crate) content_type: Option<String>,
    /// Why this registry doesn't let it in, in words of the answer.
    pub(crate) refused: Option<&'static str>,
}

pub(crate) enum Manifest {
    Image(Image),
    Index(Index),
    Schema1(Schema1),
}

impl Specimen {
    pub(crate) fn new(name: impl Into<String>, manifest: Manifest) -> Self {
        let content_type = Some(manifest.media_type().to_owned());
        Self { name: name.into(), manifest, content_type, refused: None }
    }
}

impl Manifest {
    pub(crate) fn media_type(&self) -> &'static str {
        match self {
            Self::Image(image) => image.format.media_type(),
            Self::Index(index) => index.media_type(),
            Self::Schema1(schema1) if schema1.signed => SCHEMA1,
            Self::Schema1(_) => SCHEMA1_UNSIGNED,
        }
    }

    /// The image that a client gets which knows no lists.
    pub(crate) fn default_image(&self) -> Option<&Image> {
        fn of_index(index: &Index) -> Option<&Image> {
            match index.default_child().map(|child| &child.content) {
                Some(Content::Image(image)) => Some(image),
                Some(Content::Index(index)) => of_index(index),
                Some(Content::Blob(..)) => None,
                None => index.nested().find_map(of_index),
            }
        }
        match self {
            Self::Image(image) => Some(image),
            Self::Index(index) => of_index(index),
            Self::Schema1(_) => None,
        }
    }

    /// What has to be uploaded before it.
    pub(crate) fn blobs(&self) -> Vec<&[u8]> {
        fn of_index(index: &Index) -> Vec<&[u8]> {
            let blobs = index.children.iter().map(|child| match &child.content {
                Content::Image(image) => image.blobs(),
                Content::Index(index) => of_index(index),
                Content::Blob(_, bytes) => vec![bytes.as_slice()],
            });
            blobs.flatten().collect()
        }
        match self {
            Self::Image(image) => image.blobs(),
            Self::Index(index) => of_index(index),
            Self::Schema1(schema1) => schema1.blobs(),
        }
    }

    /// The manifests that it refers to, each after those that it refers to itself.
    pub(crate) fn children(&self) -> Vec<(&'static str, &[u8])> {
        fn of_index(index: &Index) -> Vec<(&'static str, &[u8])> {
            let children = index.children.iter().map(|child| match &child.content {
                Content::Image(image) => vec![(image.format.media_type(), image.manifest.as_slice())],
                Content::Index(nested) => {
                    let mut manifests = of_index(nested);
                    manifests.push((nested.media_type(), &nested.manifest));
                    manifests
                }
                Content::Blob(..) => Vec::new(),
            });
            children.flatten().collect()
        }
        match self {
            Self::Index(index) => of_index(index),
            Self::Image(_) | Self::Schema1(_) => Vec::new(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Image(image) => &image.manifest,
            Self::Index(index) => &index.manifest,
            Self::Schema1(schema1) => &schema1.manifest,
        }
    }
}
