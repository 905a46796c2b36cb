//! A plan as people read it: a line for each thing that changes.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::difference::{Difference, differences};
use super::plan::{Plan, Reach, Terms};
use crate::moment::Moment;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("No changes: what the file says is in force.\n");
        }
        section(f, "users", &self.users, |f, name, difference| match difference {
            Difference::Added(terms) => {
                writeln!(f, "{name}  (new, gets a secret)")?;
                write_terms(f, '+', terms)
            }
            Difference::Removed(terms) => {
                writeln!(f, "{name}  (isn't in the file: DELETED, its secrets end)")?;
                write_terms(f, '-', terms)
            }
            Difference::Changed { before, after } => {
                writeln!(f, "{name}")?;
                write_reach(f, &before.reach, &after.reach)?;
                match (before.expires, after.expires) {
                    (same, other) if same == other => Ok(()),
                    (before, after) => writeln!(f, "      ~ expires {} -> {}", or_never(before), or_never(after)),
                }
            }
        })?;
        section(f, "iam", &self.iam, |f, principal, difference| {
            writeln!(f, "{principal}")?;
            let nothing = Reach::new();
            match difference {
                Difference::Added(after) => write_reach(f, &nothing, after),
                Difference::Removed(before) => write_reach(f, before, &nothing),
                Difference::Changed { before, after } => write_reach(f, before, after),
            }
        })?;
        section(f, "anonymous", &self.anonymous, |f, pattern, _| writeln!(f, "{pattern}  pull"))?;
        let counts = [count("users", &self.users), count("iam", &self.iam), count("anonymous", &self.anonymous)];
        writeln!(f, "{}.", counts.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

fn section<K, V>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    differences: &BTreeMap<K, Difference<V>>,
    write: impl Fn(&mut fmt::Formatter<'_>, &K, &Difference<V>) -> fmt::Result,
) -> fmt::Result {
    if differences.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}")?;
    for (key, difference) in differences {
        write!(f, "  {} ", difference.mark())?;
        write(f, key, difference)?;
    }
    f.write_char('\n')
}

fn write_terms(f: &mut fmt::Formatter<'_>, mark: char, terms: &Terms) -> fmt::Result {
    for (pattern, actions) in &terms.reach {
        writeln!(f, "      {mark} {pattern}  {actions}")?;
    }
    match terms.expires {
        Some(expires) => writeln!(f, "      {mark} expires {expires}"),
        None => Ok(()),
    }
}

fn write_reach(f: &mut fmt::Formatter<'_>, before: &Reach, after: &Reach) -> fmt::Result {
    for (pattern, difference) in differences(before, after) {
        let mark = difference.mark();
        match difference {
            Difference::Added(actions) | Difference::Removed(actions) => {
                writeln!(f, "      {mark} {pattern}  {actions}")?;
            }
            Difference::Changed { before, after } => writeln!(f, "      {mark} {pattern}  {before} -> {after}")?,
        }
    }
    Ok(())
}

fn or_never(expires: Option<Moment>) -> String {
    expires.map_or_else(|| "never".to_owned(), |moment| moment.to_string())
}

fn count<K, V>(title: &str, differences: &BTreeMap<K, Difference<V>>) -> Option<String> {
    let of = |mark| differences.values().filter(|difference| difference.mark() == mark).count();
    let counts = [(of('+'), "to add"), (of('~'), "to change"), (of('-'), "to DELETE")];
    let counts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    (!counts.is_empty()).then(|| format!("{title}: {}", counts.join(", ")))
}
