//! What is stored, as small as it can be, and what the writes of the code do to it.
//!
//! Marks and counts are unique in the code. Here they are nobody's: instead each actor knows of which marks and of which
//! count it has the value that is there now. That makes the number of states finite, however often things are marked.

use crate::actor::Actor;

/// Actors of a scenario at most.
pub(crate) const ACTORS: usize = 4;

/// One for each blob that is there from the beginning, and one for each actor, who uploads once.
pub(crate) const OBJECTS: usize = 2 + ACTORS;

/// Two, so that blobs are mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Repository {
    A,
    B,
}

/// The image's layer, and what a conversion makes beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Blob {
    Layer,
    Config,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Manifest {
    /// Refers to the layer.
    Image,
    /// Another one that does.
    Twin,
    /// Refers to the image.
    List,
    /// What the image is converted to: refers to the layer and the config.
    Derived,
}

/// An object of the bucket.
pub(crate) type Object = u8;

impl Repository {
    pub(crate) const ALL: [Self; 2] = [Self::A, Self::B];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl Blob {
    pub(crate) const ALL: [Self; 2] = [Self::Layer, Self::Config];

    pub(crate) fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Manifest {
    pub(crate) const ALL: [Self; 4] = [Self::Image, Self::Twin, Self::List, Self::Derived];

    pub(crate) fn bit(self) -> u8 {
        1 << self as u8
    }

    pub(crate) fn blobs(self) -> &'static [Blob] {
        match self {
            Self::Image | Self::Twin => &[Blob::Layer],
            Self::List => &[],
            Self::Derived => &[Blob::Layer, Blob::Config],
        }
    }

    pub(crate) fn child(self) -> Option<Self> {
        (self == Self::List).then_some(Self::Image)
    }
}

/// Something that can be marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    Blob(Repository, Blob),
    Manifest(Repository, Manifest),
    Orphan(Object),
}

impl Item {
    fn bit(self) -> u32 {
        match self {
            Self::Blob(repository, blob) => 1 << (8 * repository as u32 + blob as u32),
            Self::Manifest(repository, manifest) => 1 << (8 * repository as u32 + 2 + manifest as u32),
            Self::Orphan(object) => 1 << (16 + u32::from(object)),
        }
    }
}

/// A mark, with those who were at something when it was set, one bit each: pushes between asking and naming, collectors
/// between looking and taking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    pub(crate) during: u8,
}

/// `BLOB#<digest>` of a repository, and `LINK#<name>` of the blob: no write touches one without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Right {
    pub(crate) object: Object,
    pub(crate) mark: Option<Mark>,
}

/// `MANIFEST#<digest>`, and the bytes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) derived: bool,
    pub(crate) mark: Option<Mark>,
}

/// `OBJECT` of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Known {
    pub(crate) object: Object,
    pub(crate) revision: u8,
}

/// `ORPHAN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Orphan {
    pub(crate) blob: Blob,
    pub(crate) mark: Option<Mark>,
    pub(crate) forgotten: bool,
}

/// `UPLOAD#<uuid>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Session {
    pub(crate) repository: Repository,
    pub(crate) blob: Blob,
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Open,
    Finished,
    Cancelled,
}

/// What is in the partition of a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Contents {
    pub(crate) blobs: [Option<Right>; 2],
    pub(crate) manifests: [Option<Record>; 4],
    /// Manifests that have a tag.
    pub(crate) tagged: u8,
    /// `PARENT#<image>#<list>`.
    pub(crate) way_back: bool,
    /// That the image came to the derived manifest, from either side.
    pub(crate) conversion: bool,
    /// The collector found nothing left, and nothing was marked since.
    pub(crate) clean: bool,
    /// Manifests whose push was answered, and that nobody asked to delete since.
    pub(crate) acknowledged: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) repositories: [Contents; 2],
    pub(crate) known: [Option<Known>; 2],
    pub(crate) orphans: [Option<Orphan>; OBJECTS],
    /// Who opened it is its place.
    pub(crate) sessions: [Option<Session>; ACTORS],
    /// Objects, one bit each.
    pub(crate) bucket: u8,
}

/// The world and everybody in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) actors: [Actor; ACTORS],
}

impl World {
    pub(crate) fn contents(&self, repository: Repository) -> &Contents {
        &self.repositories[repository as usize]
    }

    pub(crate) fn right(&self, repository: Repository, blob: Blob) -> Option<Right> {
        self.contents(repository).blobs[blob as usize]
    }

    pub(crate) fn record(&self, repository: Repository, manifest: Manifest) -> Option<Record> {
        self.contents(repository).manifests[manifest as usize]
    }

    pub(crate) fn has_object(&self, object: Object) -> bool {
        self.bucket & (1 << object) != 0
    }

    /// The mark on an item that is there.
    pub(crate) fn mark(&self, item: Item) -> Option<Mark> {
        match item {
            Item::Blob(repository, blob) => self.right(repository, blob)?.mark,
            Item::Manifest(repository, manifest) => self.record(repository, manifest)?.mark,
            Item::Orphan(object) => self.orphans[usize::from(object)]?.mark,
        }
    }

    pub(crate) fn is_there(&self, item: Item) -> bool {
        match item {
            Item::Blob(repository, blob) => self.right(repository, blob).is_some(),
            Item::Manifest(repository, manifest) => self.record(repository, manifest).is_some(),
            Item::Orphan(object) => self.orphans[usize::from(object)].is_some(),
        }
    }

    pub(crate) fn is_linked(&self, blob: Blob) -> bool {
        Repository::ALL.into_iter().any(|repository| self.right(repository, blob).is_some())
    }

    fn each_mark(&mut self) -> impl Iterator<Item = &mut Mark> {
        let contents = self.repositories.iter_mut().flat_map(|contents| {
            let blobs = contents.blobs.iter_mut().flatten().filter_map(|right| right.mark.as_mut());
            blobs.chain(contents.manifests.iter_mut().flatten().filter_map(|record| record.mark.as_mut()))
        });
        contents.chain(self.orphans.iter_mut().flatten().filter_map(|orphan| orphan.mark.as_mut()))
    }
}

impl State {
    pub(crate) fn contents(&mut self, repository: Repository) -> &mut Contents {
        &mut self.world.repositories[repository as usize]
    }

    /// From here on a mark that is set is younger than what `who` is at.
    pub(crate) fn begins(&mut self, who: usize) {
        self.ends(who);
        self.actors[who].busy = true;
    }

    pub(crate) fn ends(&mut self, who: usize) {
        self.actors[who].busy = false;
        for mark in self.world.each_mark() {
            mark.during &= !(1 << who);
        }
    }

    /// `who` has read the mark on an item.
    pub(crate) fn learns_mark(&mut self, who: usize, item: Item) {
        self.actors[who].marks |= item.bit();
    }

    /// Whether the mark that `who` knows is the one that is there.
    pub(crate) fn knows_mark(&self, who: usize, item: Item) -> bool {
        self.actors[who].marks & item.bit() != 0
    }

    /// Sets a new mark, over another one if there is one.
    pub(crate) fn put_mark(&mut self, who: usize, item: Item) {
        let during = (0..ACTORS).filter(|&actor| self.actors[actor].busy).fold(0, |bits, actor| bits | 1 << actor);
        self.write_mark(item, Some(Mark { during }));
        self.learns_mark(who, item);
        if let Item::Manifest(repository, manifest) = item {
            self.contents(repository).acknowledged &= !manifest.bit();
        }
    }

    pub(crate) fn take_mark_away(&mut self, item: Item) {
        self.write_mark(item, None);
    }

    fn write_mark(&mut self, item: Item, mark: Option<Mark>) {
        self.mark_changes(item);
        match item {
            Item::Blob(repository, blob) => {
                if let Some(right) = &mut self.contents(repository).blobs[blob as usize] {
                    right.mark = mark;
                }
            }
            Item::Manifest(repository, manifest) => {
                if let Some(record) = &mut self.contents(repository).manifests[manifest as usize] {
                    record.mark = mark;
                }
            }
            Item::Orphan(object) => {
                if let Some(orphan) = &mut self.world.orphans[usize::from(object)] {
                    orphan.mark = mark;
                }
            }
        }
    }

    fn mark_changes(&mut self, item: Item) {
        for actor in &mut self.actors {
            actor.marks &= !item.bit();
        }
    }

    /// What goes along with each marking of what manifests refer to.
    pub(crate) fn count_deletion(&mut self, repository: Repository) {
        self.contents(repository).clean = false;
        for actor in &mut self.actors {
            if actor.counted == Some(repository) {
                actor.counted = None;
            }
        }
    }

    pub(crate) fn put_right(&mut self, repository: Repository, blob: Blob, object: Object) {
        self.mark_changes(Item::Blob(repository, blob));
        self.contents(repository).blobs[blob as usize] = Some(Right { object, mark: None });
    }

    pub(crate) fn delete_right(&mut self, repository: Repository, blob: Blob) {
        self.mark_changes(Item::Blob(repository, blob));
        self.contents(repository).blobs[blob as usize] = None;
    }

    /// Stores a manifest without a mark.
    pub(crate) fn put_record(&mut self, repository: Repository, manifest: Manifest, derived: bool) {
        self.mark_changes(Item::Manifest(repository, manifest));
        self.contents(repository).manifests[manifest as usize] = Some(Record { derived, mark: None });
    }

    pub(crate) fn delete_record(&mut self, repository: Repository, manifest: Manifest) {
        self.mark_changes(Item::Manifest(repository, manifest));
        self.contents(repository).manifests[manifest as usize] = None;
    }

    pub(crate) fn put_orphan(&mut self, object: Object, blob: Blob) {
        self.mark_changes(Item::Orphan(object));
        let mark = Some(Mark::default());
        self.world.orphans[usize::from(object)] = Some(Orphan { blob, mark, forgotten: false });
    }

    pub(crate) fn delete_orphan(&mut self, object: Object) {
        self.mark_changes(Item::Orphan(object));
        self.world.orphans[usize::from(object)] = None;
    }

    /// A client's deletion took something away: a push that asked for it before has no reason to complain.
    pub(crate) fn excuse(&mut self, item: Item) {
        for actor in &mut self.actors {
            actor.excused |= actor.busy && actor.task.is_some_and(|task| task.asks_for(item));
        }
    }
}
