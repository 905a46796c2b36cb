//! What is different between two maps.

use std::collections::BTreeMap;

/// How something differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference<V> {
    /// It is there afterwards.
    Added(V),
    /// It was there before.
    Removed(V),
    /// It was another one before.
    Changed {
        /// What it was.
        before: V,
        /// What it is.
        after: V,
    },
}

impl<V> Difference<V> {
    /// As it stands at the beginning of a line.
    pub(crate) fn mark(&self) -> char {
        match self {
            Self::Added(_) => '+',
            Self::Removed(_) => '-',
            Self::Changed { .. } => '~',
        }
    }
}

/// Every key whose value differs.
pub(crate) fn differences<K: Ord + Clone, V: PartialEq + Clone>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> BTreeMap<K, Difference<V>> {
    let removed = before.iter().filter(|(key, _)| !after.contains_key(key));
    let removed = removed.map(|(key, value)| (key.clone(), Difference::Removed(value.clone())));
    let others = after.iter().filter_map(|(key, value)| {
        let difference = match before.get(key) {
            None => Difference::Added(value.clone()),
            Some(same) if same == value => return None,
            Some(before) => Difference::Changed { before: before.clone(), after: value.clone() },
        };
        Some((key.clone(), difference))
    });
    removed.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_not_among_the_differences() {
        let before = BTreeMap::from([("kept", 1), ("changed", 1), ("removed", 1)]);
        let after = BTreeMap::from([("kept", 1), ("changed", 2), ("added", 1)]);
        let expected = [
            ("added", Difference::Added(1)),
            ("changed", Difference::Changed { before: 1, after: 2 }),
            ("removed", Difference::Removed(1)),
        ];
        assert_eq!(differences(&before, &after), BTreeMap::from(expected));
        assert_eq!(differences(&after, &after), BTreeMap::new());
    }
}
