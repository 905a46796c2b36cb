//! What is pushed: images that share layers, and lists that share images.

use protocol::{Digest, MutabilityMode, TagMutability};
use storage::{Settings, Storage};

use crate::chance::Chance;
use crate::history::{References, Repository, Tag, Universe};
use crate::image::Image;

const REPOSITORIES: usize = 3;
const TAGS: usize = 3;
const BASES: usize = 3;
const IMAGES: usize = 9;

/// The images of each list.
const LISTS: [[usize; 2]; 3] = [[0, 1], [1, 5], [7, 8]];

/// What each signature is of: images and a list.
const SUBJECTS: [usize; 4] = [0, 0, 2, IMAGES];

/// The tag that mustn't move, and where.
const IMMUTABLE: (Repository, Tag) = (0, 0);

pub(crate) struct Things {
    /// Names of repositories.
    pub(crate) repositories: Vec<String>,
    /// Images, then lists, then signatures.
    pub(crate) manifests: Vec<Image>,
    pub(crate) blobs: Vec<(Digest, Vec<u8>)>,
    pub(crate) universe: Universe,
}

impl Things {
    /// Other repositories and other bytes in every round.
    pub(crate) fn new(round: u64) -> Self {
        let image = |number| Image::new(&format!("{round}-{number}"), &format!("{round}-{}", number % BASES), None);
        let mut manifests: Vec<Image> = (0..IMAGES).map(image).collect();
        let mut referring = vec![References::default(); IMAGES];
        for children in LISTS {
            manifests.push(Image::index(&children.map(|child| &manifests[child])));
            referring.push(References { children: children.to_vec(), ..References::default() });
        }
        for (number, subject) in SUBJECTS.into_iter().enumerate() {
            let name = format!("{round}-signature-{number}");
            manifests.push(Image::new(&name, &format!("{round}-{}", number % BASES), Some(&manifests[subject])));
            referring.push(References { subject: Some(subject), ..References::default() });
        }
        let mut blobs = Vec::<(Digest, Vec<u8>)>::new();
        for (manifest, references) in manifests.iter().zip(&mut referring) {
            for blob in &manifest.blobs {
                let digest = Digest::sha256(blob);
                let place = blobs.iter().position(|(known, _)| *known == digest).unwrap_or(blobs.len());
                if place == blobs.len() {
                    blobs.push((digest, blob.clone()));
                }
                references.blobs.push(place);
            }
        }
        let repositories = (0..REPOSITORIES).map(|number| format!("round-{round}/{number}")).collect();
        Self { repositories, manifests, blobs, universe: Universe { manifests: referring, immutable: IMMUTABLE } }
    }

    /// Makes the tag that mustn't move immutable.
    pub(crate) async fn prepare(&self, storage: &Storage) {
        let (repository, tag) = self.universe.immutable;
        let name = self.repositories[repository].parse().unwrap();
        assert!(storage.create(&name).await.unwrap());
        let but_for = [tag_name(tag)];
        let tag_mutability = TagMutability::new(MutabilityMode::MutableWithExclusion, but_for).unwrap();
        let settings = Settings { tag_mutability, ..Settings::default() };
        assert!(storage.set_settings(&name, &settings).await.unwrap());
    }

    pub(crate) fn repository(&self, chance: &mut Chance) -> Repository {
        chance.below(self.repositories.len())
    }

    pub(crate) fn tag(&self, chance: &mut Chance) -> Tag {
        chance.below(TAGS)
    }

    /// A manifest that something else says something about.
    pub(crate) fn subject(&self, chance: &mut Chance) -> usize {
        SUBJECTS[chance.below(SUBJECTS.len())]
    }

    pub(crate) fn manifest_of(&self, digest: &str) -> Option<usize> {
        self.manifests.iter().position(|manifest| manifest.digest.to_string() == digest)
    }
}

pub(crate) fn tag_name(tag: Tag) -> String {
    format!("tag-{tag}")
}

pub(crate) fn tag_of(name: &str) -> Option<Tag> {
    (0..TAGS).find(|tag| tag_name(*tag) == name)
}
