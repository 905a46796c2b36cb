//! What lists name, remembered: each child has a way back to its list, and a list may have thousands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::Digest;
use storage::References;

/// Lists and children that are remembered, some 100 bytes each. With more all are forgotten, and read again.
const REMEMBERED: usize = 200_000;

/// Lists by digest: what one names never changes. None for those that aren't there, or don't say it.
#[derive(Default)]
pub(crate) struct Lists(Mutex<Held>);

#[derive(Default)]
struct Held {
    lists: HashMap<Digest, Option<Arc<References>>>,
    children: usize,
}

impl Lists {
    pub(crate) fn get(&self, list: &Digest) -> Option<Option<Arc<References>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lists.get(list).cloned()
    }

    pub(crate) fn add(&self, list: &Digest, references: Option<Arc<References>>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let children = 1 + references.as_ref().map_or(0, |references| references.count());
        if held.children + children > REMEMBERED {
            *held = Held::default();
        }
        held.children += children;
        held.lists.insert(list.clone(), references);
    }
}
