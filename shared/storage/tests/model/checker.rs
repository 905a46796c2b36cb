//! The scenario as stateright wants it, and what has to hold in every state.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Mutex;

use stateright::{Model, Property};

use crate::actor::{Actor, At, Rules, Step, Task};
use crate::push::references;
use crate::world::{ACTORS, Blob, Item, Manifest, Repository, State, World};

/// Steps that two runs of the collector take at most in a world as small as this.
const MANY: usize = 400;

/// A world to begin with, and who does something in it.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    world: World,
    tasks: &'static [Task],
    rules: Rules,
    /// Runs of the collector, alone and with time to spare, after which nothing is left over.
    runs: usize,
    /// What those come to, by what they found.
    settled: Mutex<HashMap<World, bool>>,
    /// What anybody has done.
    steps: Mutex<BTreeSet<Step>>,
}

/// What happens next.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Goes(usize, Task, Step),
    /// The process ends without a word; a collector is started again.
    Dies(usize, Task),
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goes(who, task, step) => write!(f, "{who}: {task}: {} {}", step.function, step.does),
            Self::Dies(who, task) => write!(f, "{who}: {task}: dies"),
        }
    }
}

impl Scenario {
    /// Two runs of the collector are to leave nothing over: what is marked in the first is taken in the second.
    pub(crate) fn new(name: &'static str, world: World, tasks: &'static [Task], rules: Rules) -> Self {
        Self { name, world, tasks, rules, runs: 2, settled: Mutex::default(), steps: Mutex::default() }
    }

    /// For manifests that the collector takes: what they refer to is left over only then, and takes two runs more; a list
    /// has an image that has a layer.
    pub(crate) fn within(self, runs: usize) -> Self {
        Self { runs, ..self }
    }

    pub(crate) fn steps(&self) -> BTreeSet<Step> {
        self.steps.lock().unwrap().clone()
    }

    /// Whether the collector finishes and nothing is left over, if everybody stops here.
    fn settles(&self, state: &State) -> bool {
        if let Some(settled) = self.settled.lock().unwrap().get(&state.world) {
            return *settled;
        }
        let mut after = *state;
        (0..ACTORS).for_each(|who| after.leaves(who, At::Ended));
        let rules = Rules { one_run: true, ..self.rules };
        let settles = (0..self.runs).all(|_| run_alone(&mut after, &rules)) && is_clean(&after.world, &self.rules);
        self.settled.lock().unwrap().insert(state.world, settles);
        settles
    }
}

/// One run of the collector with nobody else about. False when it comes to no end.
fn run_alone(state: &mut State, rules: &Rules) -> bool {
    let who = ACTORS - 1;
    let before = state.actors[who].task;
    state.actors[who] = Actor { task: Some(Task::Collect), at: Task::Collect.begins_at(), ..Actor::NOBODY };
    for _ in 0..MANY {
        state.go(rules, who);
        if !state.actors[who].is_there() {
            state.actors[who].task = before;
            return true;
        }
    }
    false
}

impl Model for Scenario {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut actors = [Actor::NOBODY; ACTORS];
        for (actor, task) in actors.iter_mut().zip(self.tasks) {
            *actor = Actor { task: Some(*task), at: task.begins_at(), ..Actor::NOBODY };
        }
        vec![State { world: self.world, actors }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (who, actor) in state.actors.iter().enumerate().filter(|(_, actor)| actor.is_there()) {
            let Some(task) = actor.task else { continue };
            let step = actor.next();
            self.steps.lock().unwrap().insert(step);
            actions.push(Action::Goes(who, task, step));
            if actor.at != task.begins_at() {
                actions.push(Action::Dies(who, task));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        match action {
            Action::Goes(who, ..) => next.go(&self.rules, who),
            Action::Dies(who, Task::Collect) => next.leaves(who, Task::Collect.begins_at()),
            Action::Dies(who, _) => next.leaves(who, At::Ended),
        }
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("what a manifest refers to is there", |_, state: &State| complete(&state.world)),
            Property::always("a tag points to a manifest that is there", |_, state: &State| {
                each(|repository| {
                    let contents = state.world.contents(repository);
                    manifests_in(&state.world, repository) & contents.tagged == contents.tagged
                })
            }),
            Property::always(
                "a repository's right names an object that is there, and that mounts get",
                |_, state: &State| {
                    each(|repository| Blob::ALL.into_iter().all(|blob| right_is_good(&state.world, repository, blob)))
                },
            ),
            Property::always("a push that was answered stays until somebody deletes it", |_, state: &State| {
                each(|repository| {
                    let acknowledged = state.world.contents(repository).acknowledged;
                    manifests_in(&state.world, repository) & acknowledged == acknowledged
                })
            }),
            Property::always("who found a blob may refer to it for as long as a push takes", |_, state: &State| {
                state.actors.iter().all(|actor| actor.at != At::Refused)
            }),
            Property::always("a conversion lives while its source does", |_, state: &State| {
                each(|repository| {
                    let is_there = |manifest| state.world.record(repository, manifest).is_some();
                    !state.world.contents(repository).conversion
                        || (is_there(Manifest::Image) && is_there(Manifest::Derived))
                })
            }),
            Property::always("when everybody stops, the collector ends and leaves nothing over", Self::settles),
        ]
    }
}

fn each(holds: impl Fn(Repository) -> bool) -> bool {
    Repository::ALL.into_iter().all(holds)
}

fn manifests_in(world: &World, repository: Repository) -> u8 {
    let there = Manifest::ALL.into_iter().filter(|manifest| world.record(repository, *manifest).is_some());
    there.fold(0, |bits, manifest| bits | manifest.bit())
}

fn complete(world: &World) -> bool {
    each(|repository| {
        let there = Manifest::ALL.into_iter().filter(|manifest| world.record(repository, *manifest).is_some());
        there.flat_map(|manifest| references(repository, manifest)).all(|item| world.is_there(item))
    })
}

fn right_is_good(world: &World, repository: Repository, blob: Blob) -> bool {
    let Some(right) = world.right(repository, blob) else { return true };
    world.has_object(right.object) && world.known[blob as usize].is_some_and(|known| known.object == right.object)
}

/// Whether there is nothing but manifests that clients want, and what they need.
fn is_clean(world: &World, rules: &Rules) -> bool {
    let objects = Blob::ALL.into_iter().filter_map(|blob| world.known[blob as usize]);
    let needed = objects.fold(0, |bits, known| bits | 1 << known.object);
    let unlinked = |blob: &Blob| world.known[*blob as usize].is_some() && !world.is_linked(*blob);
    world.bucket == needed
        && !Blob::ALL.iter().any(unlinked)
        && world.sessions.iter().all(Option::is_none)
        && world.orphans.iter().all(Option::is_none)
        && each(|repository| is_clean_in(world, rules, repository))
}

fn is_clean_in(world: &World, rules: &Rules, repository: Repository) -> bool {
    let contents = world.contents(repository);
    let is_there = |manifest| world.record(repository, manifest).is_some();
    let is_named =
        |blob: Blob| Manifest::ALL.into_iter().any(|manifest| is_there(manifest) && manifest.blobs().contains(&blob));
    let unneeded = |blob: Blob| world.is_there(Item::Blob(repository, blob)) && !is_named(blob);
    let is_child = |manifest| manifest == Manifest::Image && is_there(Manifest::List);
    let unwanted = |manifest: Manifest| match world.record(repository, manifest) {
        Some(record) if record.derived => !contents.conversion,
        Some(_) => rules.collects_untagged && contents.tagged & manifest.bit() == 0 && !is_child(manifest),
        None => false,
    };
    let stray = contents.way_back && !is_there(Manifest::Image);
    !Blob::ALL.into_iter().any(unneeded) && !Manifest::ALL.into_iter().any(unwanted) && !stray
}
