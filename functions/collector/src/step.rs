//! The one decision: what happens to something that can be marked.

use std::time::Duration;

/// What is to be done with a thing, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is wanted, or at least nobody wants it gone.
    Never,
    /// Nothing refers to it: a push that is under way may be about to.
    AfterGrace,
    /// Somebody has said that it is to go: by a policy, or by deleting what it belongs to.
    AtOnce,
}

/// What a run does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Keep,
    /// Mark it.
    Mark,
    /// Leave it to a later run.
    Wait,
    /// Remove it, if the mark is still there.
    Remove,
    /// Take a mark away that nothing came of.
    TakeBack,
}

/// The ages that decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages {
    /// How old a mark has to be.
    pub(crate) grace: Duration,
    /// How long ago the references began to be read. A reference that came between the reading and the mark hasn't been
    /// seen, so only marks that are older count ([`LookAfterMark`](storage::Guard::LookAfterMark)).
    pub(crate) looked: Duration,
}

/// What to do with a thing whose mark has an age, if it has a mark.
pub(crate) fn step(due: Due, mark: Option<Duration>, ages: Ages) -> Step {
    // storage::Guard::Grace and LookAfterMark.
    let is_old = |age: Duration| age >= ages.grace && age >= ages.looked;
    match (due, mark) {
        (Due::Never, None) => Step::Keep,
        // Whoever set it may be at work.
        (Due::Never, Some(age)) => {
            if is_old(age) {
                Step::TakeBack
            } else {
                Step::Wait
            }
        }
        (Due::AfterGrace | Due::AtOnce, None) => Step::Mark,
        (Due::AfterGrace, Some(age)) => {
            if is_old(age) {
                Step::Remove
            } else {
                Step::Wait
            }
        }
        (Due::AtOnce, Some(age)) => {
            if age >= ages.looked {
                Step::Remove
            } else {
                Step::Wait
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    fn decide(due: Due, mark: Option<Duration>) -> Step {
        step(due, mark, Ages { grace: HOUR, looked: MINUTE })
    }

    #[test]
    fn what_is_wanted_and_has_no_mark_is_kept() {
        assert_eq!(decide(Due::Never, None), Step::Keep);
    }

    #[test]
    fn nothing_is_removed_that_has_no_mark() {
        assert_eq!(decide(Due::AfterGrace, None), Step::Mark);
        assert_eq!(decide(Due::AtOnce, None), Step::Mark);
    }

    #[test]
    fn what_nothing_refers_to_goes_when_its_mark_is_as_old_as_the_grace_period() {
        assert_eq!(decide(Due::AfterGrace, Some(HOUR - MINUTE)), Step::Wait);
        assert_eq!(decide(Due::AfterGrace, Some(HOUR)), Step::Remove);
    }

    #[test]
    fn what_somebody_wants_gone_needs_a_mark_from_before_the_look_and_no_more() {
        assert_eq!(decide(Due::AtOnce, Some(MINUTE / 2)), Step::Wait);
        assert_eq!(decide(Due::AtOnce, Some(MINUTE)), Step::Remove);
    }

    #[test]
    fn a_mark_that_came_after_the_look_removes_nothing_even_without_grace() {
        let ages = Ages { grace: Duration::ZERO, looked: MINUTE };
        for due in [Due::AfterGrace, Due::AtOnce, Due::Never] {
            assert_eq!(step(due, Some(MINUTE / 2), ages), Step::Wait, "{due:?}");
        }
    }

    #[test]
    fn an_old_mark_on_something_that_is_wanted_is_taken_back() {
        assert_eq!(decide(Due::Never, Some(MINUTE)), Step::Wait);
        assert_eq!(decide(Due::Never, Some(HOUR)), Step::TakeBack);
    }
}
