//! Who meets whom. Each begins in a small world, and goes through everything that can happen in it.

use storage::Guard;

use crate::actor::{Rules, Task};
use crate::checker::Scenario;
use crate::guards::InForce;
use crate::world::{Blob, Known, Manifest, Record, Repository, Right, World};

const PUSH: Task = push(Repository::A, Manifest::Image);
const PUSH_TWIN: Task = push(Repository::A, Manifest::Twin);
const PUSH_LIST: Task = push(Repository::A, Manifest::List);
const MOUNT: Task = Task::Push { repository: Repository::B, manifest: Manifest::Image, mounts: true };
const CONVERT: Task = Task::Convert { repository: Repository::A };
const DELETE_IMAGE: Task = Task::DeleteManifest { repository: Repository::A, manifest: Manifest::Image };
const DELETE_LIST: Task = Task::DeleteManifest { repository: Repository::A, manifest: Manifest::List };
const DELETE_LAYER: Task = Task::DeleteBlob { repository: Repository::A, blob: Blob::Layer };
const DELETE_CONFIG: Task = Task::DeleteBlob { repository: Repository::A, blob: Blob::Config };
const COLLECT: Task = Task::Collect;

const fn push(repository: Repository, manifest: Manifest) -> Task {
    Task::Push { repository, manifest, mounts: false }
}

/// With certain guards in force.
#[derive(Clone, Copy)]
pub(crate) struct Scenarios {
    rules: Rules,
}

impl Scenarios {
    pub(crate) fn with(guards: InForce) -> Self {
        let rules = Rules {
            guards,
            manifests: &[Manifest::Image],
            last: Repository::A,
            large_lists: false,
            collects_untagged: false,
            one_run: false,
        };
        Self { rules }
    }

    pub(crate) fn all(self) -> Vec<Scenario> {
        vec![
            self.a_push_and_the_deletion_of_its_layer(),
            self.a_push_and_the_deletion_of_the_same_image(),
            self.a_push_of_a_twin_and_deletions(),
            self.a_mount_and_deletions(),
            self.a_list_and_the_deletion_of_its_child(),
            self.a_large_list_and_the_deletion_of_its_child(),
            self.deletions_of_a_list_and_its_child(),
            self.a_conversion_and_the_deletion_of_its_source(),
            self.a_conversion_and_the_deletion_of_its_config(),
            self.untagged_manifests(),
            self.two_collectors(),
        ]
    }

    /// One in which something is lost without the guard.
    pub(crate) fn that_needs(self, guard: Guard) -> Scenario {
        match guard {
            Guard::StillMarked
            | Guard::NothingMarkedSince
            | Guard::CountFirst
            | Guard::Spared
            | Guard::LookAfterMark => self.a_push_and_the_deletion_of_its_layer(),
            Guard::Grace => self.a_push_and_the_deletion_of_the_same_image(),
            Guard::ChildStays => self.a_large_list_and_the_deletion_of_its_child(),
            Guard::SameObject => self.a_push_of_a_twin_and_deletions(),
            Guard::ObjectStays | Guard::NotLinkedSince => self.a_mount_and_deletions(),
            Guard::SameOrphan => self.two_collectors(),
        }
    }

    fn a_push_and_the_deletion_of_its_layer(self) -> Scenario {
        Scenario::new(
            "a push and the deletion of its layer",
            World::default(),
            &[PUSH, DELETE_LAYER, COLLECT],
            self.rules,
        )
    }

    fn a_push_and_the_deletion_of_the_same_image(self) -> Scenario {
        Scenario::new("a push and the deletion of the same image", image(), &[PUSH, DELETE_IMAGE, COLLECT], self.rules)
    }

    /// The twin has the image's layer.
    fn a_push_of_a_twin_and_deletions(self) -> Scenario {
        let rules = Rules { manifests: &[Manifest::Image, Manifest::Twin], ..self.rules };
        let tasks = &[PUSH_TWIN, DELETE_IMAGE, DELETE_LAYER, COLLECT];
        Scenario::new("a push of a twin and deletions", image(), tasks, rules)
    }

    fn a_mount_and_deletions(self) -> Scenario {
        let rules = Rules { last: Repository::B, ..self.rules };
        Scenario::new("a mount and deletions", layer(), &[MOUNT, DELETE_LAYER, COLLECT], rules)
    }

    fn a_list_and_the_deletion_of_its_child(self) -> Scenario {
        let rules = Rules { manifests: &[Manifest::Image, Manifest::List], ..self.rules };
        Scenario::new("a list and the deletion of its child", image(), &[PUSH_LIST, DELETE_IMAGE, COLLECT], rules)
    }

    fn a_large_list_and_the_deletion_of_its_child(self) -> Scenario {
        let rules = Rules { manifests: &[Manifest::Image, Manifest::List], large_lists: true, ..self.rules };
        Scenario::new("a large list and the deletion of its child", image(), &[PUSH_LIST, DELETE_IMAGE, COLLECT], rules)
    }

    fn deletions_of_a_list_and_its_child(self) -> Scenario {
        let rules = Rules { manifests: &[Manifest::Image, Manifest::List], ..self.rules };
        let tasks = &[DELETE_LIST, DELETE_IMAGE, PUSH_LIST, COLLECT];
        Scenario::new("deletions of a list and its child", list(), tasks, rules)
    }

    fn a_conversion_and_the_deletion_of_its_source(self) -> Scenario {
        let rules = Rules { manifests: &[Manifest::Image, Manifest::Derived], ..self.rules };
        let name = "a conversion and the deletion of its source";
        Scenario::new(name, image(), &[CONVERT, DELETE_IMAGE, PUSH, COLLECT], rules).within(4)
    }

    fn a_conversion_and_the_deletion_of_its_config(self) -> Scenario {
        let rules = Rules { manifests: &[Manifest::Image, Manifest::Derived], ..self.rules };
        let name = "a conversion and the deletion of its config";
        Scenario::new(name, image(), &[CONVERT, DELETE_CONFIG, COLLECT], rules)
    }

    /// A list is made of an image without a tag, which the collector is about to take.
    fn untagged_manifests(self) -> Scenario {
        let rules = Rules { manifests: &[Manifest::Image, Manifest::List], collects_untagged: true, ..self.rules };
        let mut world = image();
        world.repositories[Repository::A as usize].tagged = 0;
        Scenario::new("untagged manifests", world, &[PUSH_LIST, DELETE_LIST, COLLECT], rules).within(6)
    }

    fn two_collectors(self) -> Scenario {
        Scenario::new("two collectors", layer(), &[PUSH, COLLECT, COLLECT], self.rules)
    }
}

/// A layer in the first repository that nothing refers to.
fn layer() -> World {
    let mut world = World::default();
    world.repositories[Repository::A as usize].blobs[Blob::Layer as usize] = Some(Right { object: 0, mark: None });
    world.known[Blob::Layer as usize] = Some(Known { object: 0, revision: 1 });
    world.bucket = 1;
    world
}

/// An image with a tag.
fn image() -> World {
    let mut world = layer();
    put(&mut world, Manifest::Image);
    world
}

/// A list of it.
fn list() -> World {
    let mut world = image();
    put(&mut world, Manifest::List);
    world.repositories[Repository::A as usize].way_back = true;
    world
}

fn put(world: &mut World, manifest: Manifest) {
    let contents = &mut world.repositories[Repository::A as usize];
    contents.manifests[manifest as usize] = Some(Record::default());
    contents.tagged |= manifest.bit();
    contents.acknowledged |= manifest.bit();
}
