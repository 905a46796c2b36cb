//! What a client does next. All chance is here: what comes of a step draws nothing more, so answers change no decision.

use crate::chance::Chance;
use crate::history::{Blob, Manifest, Repository, Tag};
use crate::things::Things;

/// How a blob gets to the registry that isn't there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// In one request.
    Whole,
    /// A session, a PATCH and a PUT.
    Pieces,
    /// From another repository, or in one request if that doesn't have it.
    Mount(Repository),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// An image or a list, with everything that it names; without a tag by its digest.
    Push {
        manifest: Manifest,
        tag: Option<Tag>,
        way: Way,
    },
    /// By tag, with all blobs if it is an image.
    Pull {
        tag: Tag,
        as_docker: bool,
    },
    /// The same by digest.
    PullDigest {
        manifest: Manifest,
    },
    /// HEAD of a manifest by its digest.
    Ask {
        manifest: Manifest,
    },
    /// The list of tags.
    List,
    /// The referrers of a manifest.
    Referrers {
        subject: Manifest,
    },
    Untag {
        tag: Tag,
    },
    Delete {
        manifest: Manifest,
    },
    DropBlob {
        blob: Blob,
    },
}

impl Step {
    /// And where.
    pub(crate) fn draw(things: &Things, chance: &mut Chance) -> (Repository, Self) {
        let repository = things.repository(chance);
        let manifest = chance.below(things.manifests.len());
        let tag = things.tag(chance);
        let subject = things.subject(chance);
        let step = match chance.below(24) {
            0..6 => {
                let way = match chance.below(3) {
                    0 => Way::Whole,
                    1 => Way::Pieces,
                    _ => Way::Mount(things.repository(chance)),
                };
                Self::Push { manifest, tag: (!chance.once_in(4)).then_some(tag), way }
            }
            6..9 => Self::Pull { tag, as_docker: chance.once_in(2) },
            9..11 => Self::PullDigest { manifest },
            11 => Self::Ask { manifest },
            12 => Self::Untag { tag },
            13..18 => Self::Delete { manifest },
            18..20 => Self::List,
            20..22 => Self::Referrers { subject },
            _ => Self::DropBlob { blob: chance.below(things.blobs.len()) },
        };
        (repository, step)
    }
}
