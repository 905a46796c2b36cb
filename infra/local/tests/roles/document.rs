//! The table of `docs/permissions.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use protocol::Function;

use crate::deviations;
use crate::right::{Needs, Right};

const BEGIN: &str = "<!-- generated: begin -->\n";
const END: &str = "<!-- generated: end -->\n";

/// Holds the document to what was seen, or writes it anew when `REGENERATE` is set.
pub(crate) fn compare(needs: &[(Function, Needs)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let current = fs::read_to_string(&path).unwrap();
    let (before, rest) = current.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = format!("{before}{BEGIN}{}\n{}{END}{after}", called(needs), allowed_besides());
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(&path, fresh).unwrap();
    } else {
        assert!(
            current == fresh,
            "docs/permissions.md isn't what functions were seen to call; write it anew with\n\
             REGENERATE=1 cargo test -p local --test roles"
        );
    }
}

fn called(needs: &[(Function, Needs)]) -> String {
    let mut table = "| Function | Calls | On | For the sake of transactions also on |\n|---|---|---|---|\n".to_owned();
    for (function, needs) in needs {
        let mut actions: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
        for (column, rights) in [&needs.own, &needs.together].into_iter().enumerate() {
            for Right { action, place } in rights {
                actions.entry(action).or_default()[column].push(place);
            }
        }
        for (action, [own, together]) in actions {
            writeln!(table, "| {} | `{action}` | {} | {} |", function.name(), code(&own), code(&together)).unwrap();
        }
    }
    table
}

fn allowed_besides() -> String {
    let mut table = "| Function | Is allowed without calling it | On | Because |\n|---|---|---|---|\n".to_owned();
    for deviation in deviations::ALL {
        for &function in deviation.functions {
            let (actions, place) = (code(deviation.actions), deviation.place(function));
            writeln!(table, "| {} | {actions} | `{place}` | {} |", function.name(), deviation.reason).unwrap();
        }
    }
    table
}

fn code(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
