//! What a client does, and how often it has done it.

use std::fmt;

use fastrand::Rng;

/// What a client may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An image of its own into its own repository, under a new tag.
    Push,
    /// An image that every client pushes, into the shared repository; its tag moves.
    PushShared,
    /// The shared image into its own repository, its blobs by mount.
    Mount,
    /// One of its own tags to another of its own images.
    MoveTag,
    /// An image of its own, whole.
    Pull,
    /// Whatever a tag of the shared repository points to, whole.
    PullShared,
    /// The tags of its own repository, page by page.
    List,
    /// One of its own tags.
    DeleteTag,
    /// One of its own images with every tag of it.
    DeleteImage,
}

const ALL: [Kind; 9] = [
    Kind::Push,
    Kind::PushShared,
    Kind::Mount,
    Kind::MoveTag,
    Kind::Pull,
    Kind::PullShared,
    Kind::List,
    Kind::DeleteTag,
    Kind::DeleteImage,
];

impl Kind {
    /// The one that a client of this number begins with.
    pub(crate) fn of(number: u64) -> Self {
        ALL[usize::try_from(number).unwrap_or_default() % ALL.len()]
    }

    /// More pulls than pushes, and few deletes.
    pub(crate) fn any(random: &mut Rng) -> Self {
        match random.u8(0..20) {
            0..4 => Self::Push,
            4..6 => Self::PushShared,
            6 => Self::Mount,
            7..9 => Self::MoveTag,
            9..13 => Self::Pull,
            13..16 => Self::PullShared,
            16..18 => Self::List,
            18 => Self::DeleteTag,
            _ => Self::DeleteImage,
        }
    }
}

/// How often each was done, and the bytes of blobs that passed.
#[derive(Default)]
pub(crate) struct Work {
    times: [u64; ALL.len()],
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Work {
    pub(crate) fn count(&mut self, kind: Kind) {
        self.times[kind as usize] += 1;
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.times.iter_mut().zip(other.times).for_each(|(here, there)| *here += there);
        Self { times: self.times, sent: self.sent + other.sent, received: self.received + other.received }
    }

    /// A load that leaves something out proves nothing about it.
    #[track_caller]
    pub(crate) fn expect_some_of_everything(&self) {
        assert!(self.times.iter().all(|&times| times > 0), "{self}");
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, times) in ALL.iter().zip(self.times) {
            write!(f, "{kind:?} {times}, ")?;
        }
        write!(f, "{} MB sent, {} MB received", self.sent / 1_000_000, self.received / 1_000_000)
    }
}
