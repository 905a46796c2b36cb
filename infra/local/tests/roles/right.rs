//! What roles are compared by: an action on a kind of place, the smallest thing that the template can grant.

use std::collections::BTreeSet;
use std::fmt;

use crate::call::Call;

/// An action on a partition of the table, on what begins with a prefix of the bucket, or on another resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    /// By IAM's name: `dynamodb:GetItem`.
    pub(crate) action: String,
    /// As the template names it: `REPOSITORY#*`, `Bucket.Arn/blobs/*`, `PullSecret.Id`.
    pub(crate) place: String,
}

/// What calls need.
#[derive(Default)]
pub(crate) struct Needs {
    /// What they do.
    pub(crate) own: BTreeSet<Right>,
    /// What a role has to allow besides, should IAM look at a transaction's partition keys all at once: each of its
    /// actions, on the partitions of the others.
    pub(crate) together: BTreeSet<Right>,
}

impl Right {
    pub(crate) fn new(action: &str, place: &str) -> Self {
        Self { action: action.to_owned(), place: place.to_owned() }
    }

    fn on_partition(action: &str, key: &str) -> Self {
        let place = match (key.split_once('#'), key.split_once('/')) {
            (Some((kind, _)), _) => format!("{kind}#*"),
            // Keys of the bucket that are listed.
            (None, Some((prefix, _))) => format!("{prefix}/*"),
            (None, None) => key.to_owned(),
        };
        Self::new(action, &place)
    }

    fn on_resource(action: &str, resource: &str) -> Self {
        match resource.strip_prefix("Bucket.Arn/").and_then(|key| key.split_once('/')) {
            Some((prefix, _)) => Self::new(action, &format!("Bucket.Arn/{prefix}/*")),
            None => Self::new(action, resource),
        }
    }
}

impl Needs {
    pub(crate) fn of<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Self {
        let mut needs = Self::default();
        for call in calls {
            let partitions = call.leading_keys.iter().map(|key| Right::on_partition(&call.action, key));
            match &call.own_key {
                Some(key) => {
                    needs.own.insert(Right::on_partition(&call.action, key));
                    needs.together.extend(partitions);
                }
                None if call.leading_keys.is_empty() => {
                    needs.own.insert(Right::on_resource(&call.action, &call.resource));
                }
                None => needs.own.extend(partitions),
            }
        }
        needs.together.retain(|right| !needs.own.contains(right));
        needs
    }

    pub(crate) fn all(&self) -> BTreeSet<Right> {
        self.own.union(&self.together).cloned().collect()
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.place)
    }
}
