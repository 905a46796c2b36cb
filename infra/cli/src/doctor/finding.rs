//! What a check comes to.

use serde::Serialize;

use super::check::Check;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Something doesn't work, or only for some, and there is a way around it.
    Warning,
    /// Clients will fail.
    Failure,
    /// It couldn't be looked at.
    NotChecked,
}

impl Verdict {
    /// Every verdict, best first.
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Failure, Self::NotChecked];

    /// For people.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::NotChecked => "not checked",
        }
    }
}

/// One line of the report, with what it means and what to do when it isn't good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: Check,
    pub(super) verdict: Verdict,
    /// What was seen, or why nothing was looked at. Without control characters, passwords, tokens and signatures.
    pub(super) observed: String,
    /// What follows from it, and what helps.
    #[serde(flatten)]
    pub(super) advice: Option<Advice>,
}

/// For findings that aren't good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Advice {
    pub(super) meaning: String,
    pub(super) remedy: String,
}

impl Finding {
    /// As it should be.
    pub(super) fn ok(check: Check, observed: impl AsRef<str>) -> Self {
        Self { check, verdict: Verdict::Ok, observed: plain(observed.as_ref()), advice: None }
    }

    /// It couldn't be looked at.
    pub(super) fn not_checked(check: Check, why: impl AsRef<str>) -> Self {
        Self { check, verdict: Verdict::NotChecked, observed: plain(why.as_ref()), advice: None }
    }

    /// There is a way around it.
    pub(super) fn warning(check: Check, observed: impl AsRef<str>, meaning: &str, remedy: impl AsRef<str>) -> Self {
        Self::advised(check, Verdict::Warning, observed.as_ref(), meaning, remedy.as_ref())
    }

    /// Clients will fail.
    pub(super) fn failure(check: Check, observed: impl AsRef<str>, meaning: &str, remedy: impl AsRef<str>) -> Self {
        Self::advised(check, Verdict::Failure, observed.as_ref(), meaning, remedy.as_ref())
    }

    fn advised(check: Check, verdict: Verdict, observed: &str, meaning: &str, remedy: &str) -> Self {
        let advice = Some(Advice { meaning: plain(meaning), remedy: plain(remedy) });
        Self { check, verdict, observed: plain(observed), advice }
    }
}

/// Servers' words are in it: nothing that would do something to a terminal, and no more than somebody reads.
fn plain(text: &str) -> String {
    const MOST: usize = 600;
    text.chars().filter(|c| !c.is_control()).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_does_nothing_to_a_terminal_and_has_an_end() {
        let finding = Finding::ok(Check::Push, format!("\u{1b}[31mred\r\n{}", "x".repeat(10_000)));
        assert!(finding.observed.starts_with("[31mredx") && finding.observed.len() == 600, "{finding:?}");
    }
}
