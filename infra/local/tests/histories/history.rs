//! What clients saw: which operation, when, and what the answer said.

/// Places in [`Universe`] and among repositories and tags.
pub(crate) type Repository = usize;
pub(crate) type Manifest = usize;
pub(crate) type Blob = usize;
pub(crate) type Tag = usize;

/// What a manifest refers to.
#[derive(Clone, Debug, Default)]
pub(crate) struct References {
    pub(crate) blobs: Vec<Blob>,
    pub(crate) children: Vec<Manifest>,
    /// What it says something about. Need not be there, and doesn't keep it from being deleted.
    pub(crate) subject: Option<Manifest>,
}

/// Everything that clients push.
#[derive(Clone, Debug)]
pub(crate) struct Universe {
    pub(crate) manifests: Vec<References>,
    /// The tag that mustn't move, and where.
    pub(crate) immutable: (Repository, Tag),
}

impl Universe {
    /// Those that say something about a manifest.
    pub(crate) fn referrers(&self, subject: Manifest) -> impl Iterator<Item = Manifest> {
        (0..self.manifests.len()).filter(move |manifest| self.manifests[*manifest].subject == Some(subject))
    }
}

/// Some of the tags, or of the manifests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(u32);

impl Set {
    pub(crate) fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }

    pub(crate) fn is_in(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

impl FromIterator<usize> for Set {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        Self(places.into_iter().fold(0, |set, place| set | (1 << place)))
    }
}

/// When something happened, in microseconds since the clients began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Interval {
    /// Whether it was over before the other one began.
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.end < other.start
    }
}

/// What came of a request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Acknowledged.
    Done,
    /// 429 or 5xx: it may have been done, all or in part, or not. It is over all the same: nothing is done after the answer.
    Unknown,
    /// 404: it isn't there.
    Absent,
    /// 405: something refers to it.
    Referred,
    /// 400 MANIFEST_BLOB_UNKNOWN: what it refers to isn't there.
    Missing,
    /// 400 TAG_INVALID: the tag points to something else, and mustn't move.
    Immutable,
}

/// One request, by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// PUT of a manifest, under a tag or by its digest.
    Push { manifest: Manifest, tag: Option<Tag>, outcome: Outcome },
    /// DELETE of a tag.
    Untag { tag: Tag, outcome: Outcome },
    /// DELETE of a manifest.
    Delete { manifest: Manifest, outcome: Outcome },
    /// GET by tag; None when there is no such tag.
    Tagged { tag: Tag, manifest: Option<Manifest> },
    /// GET of the list of tags.
    Listed { tags: Set },
    /// GET of the referrers of a manifest.
    Referrers { subject: Manifest, listed: Set },
    /// GET or HEAD by digest.
    Found { manifest: Manifest, there: bool },
    /// An upload or a mount.
    Store { blob: Blob, outcome: Outcome },
    /// DELETE of a blob.
    Drop { blob: Blob, outcome: Outcome },
    /// GET of a blob with its bytes.
    Fetched { blob: Blob, there: bool },
    /// HEAD of a blob, as before a push: it stays for the grace period then.
    Wanted { blob: Blob, there: bool },
    /// A pull by tag was answered with a conversion of this manifest.
    Converted { source: Manifest },
    /// What the conversion came to, by its digest.
    Derived { source: Manifest, there: bool },
    /// An answer with bytes that aren't those of its digest, or a status that fits nothing.
    Garbled,
}

/// An event, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) client: usize,
    pub(crate) repository: Repository,
    pub(crate) at: Interval,
    pub(crate) event: Event,
}
