//! What keeps a deletion from taking something that somebody refers to.
//!
//! A deletion marks, looks for references, and deletes while the mark is still there. Whoever refers to something that is
//! marked takes the mark away first. No lock is held, no request waits for another, and any of them may die anywhere.
//!
//! ```text
//! deletion   mark X, count it ──► who refers to X? ──► delete X            if the mark is still there
//! push       read the count ──► read X ──► take X's mark away ──► store the manifest   if the count is still the same
//! ```
//!
//! A push that read X before the mark fails on the count, and reads again. One that read X after it takes the mark away,
//! and the deletion fails. One that was stored before the mark is found by the look. `tests/model` walks through every
//! order of every step, and shows for each guard what would be lost without it.

/// A guard. Every one has a place in the code that asks for its condition, and a step in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// A deletion takes a thing only while its mark is there.
    StillMarked,
    /// A manifest is stored only if nothing in its repository was marked since its references were read.
    NothingMarkedSince,
    /// The count is read before the references, never together with them: DynamoDB reads the items of a batch at different
    /// moments.
    CountFirst,
    /// Whoever refers to a marked thing takes the mark away, and it has to be there then.
    Spared,
    /// References are looked for after the mark was set, never before.
    LookAfterMark,
    /// The collector lets a marked thing be for longer than a push takes from asking for it to naming it.
    Grace,
    /// The way back from a child to a list that isn't there yet is written only while the child is there and nobody deletes
    /// it.
    ChildStays,
    /// A repository lets go of the object that its right names, and of no other.
    SameObject,
    /// A repository gets a blob only while the registry has the object that it is in.
    ObjectStays,
    /// The registry forgets an object only if no repository got its blob since they were counted.
    NotLinkedSince,
    /// The note of an object that was let go of is changed only while it is the one that was read: nobody let go of the
    /// object again, and nobody is removing it already.
    SameOrphan,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::StillMarked,
        Self::NothingMarkedSince,
        Self::CountFirst,
        Self::Spared,
        Self::LookAfterMark,
        Self::Grace,
        Self::ChildStays,
        Self::SameObject,
        Self::ObjectStays,
        Self::NotLinkedSince,
        Self::SameOrphan,
    ];

    /// What a write asks of an item; empty for those that are about when something is done.
    pub(crate) const fn condition(self) -> &'static str {
        match self {
            Self::StillMarked => "doomed = :mark",
            Self::NothingMarkedSince => "deletions = :seen",
            Self::Spared => "attribute_exists(pk)",
            Self::ChildStays => "attribute_exists(pk) AND attribute_not_exists(doomed)",
            Self::SameObject | Self::ObjectStays => "object_key = :object",
            Self::NotLinkedSince => "revision = :seen",
            Self::SameOrphan => "doomed = :mark AND attribute_not_exists(phase)",
            Self::CountFirst | Self::LookAfterMark | Self::Grace => "",
        }
    }
}
