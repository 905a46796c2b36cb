//! What a client asks a token for (Docker token specification, "Resource Scope").

use std::collections::HashMap;

use protocol::RepositoryName;

use crate::{Action, Actions};

/// One thing that a token is asked for: `repository:<name>:<action>[,<action>…]`, or `registry:catalog:*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Actions on a repository.
    Repository(RepositoryName, Actions),
    /// Listing the repositories.
    Catalog,
}

impl Scope {
    /// Reads the values of the parameter `scope`, each of which may hold several with spaces between them. What is asked
    /// for one repository in several is put together.
    ///
    /// What isn't understood is left out, as the specification wants it: nothing is granted for it.
    pub fn parse_all<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut scopes: Vec<Self> = Vec::new();
        let mut places: HashMap<RepositoryName, usize> = HashMap::new();
        for scope in values.into_iter().flat_map(str::split_whitespace).filter_map(Self::parse) {
            match scope {
                Self::Repository(name, more) => match places.get(&name).and_then(|place| scopes.get_mut(*place)) {
                    Some(Self::Repository(_, actions)) => *actions = actions.union(more),
                    _ => {
                        places.insert(name.clone(), scopes.len());
                        scopes.push(Self::Repository(name, more));
                    }
                },
                Self::Catalog if scopes.contains(&Self::Catalog) => {}
                Self::Catalog => scopes.push(Self::Catalog),
            }
        }
        scopes
    }

    fn parse(text: &str) -> Option<Self> {
        // A name may hold a colon where a host with a port may stand before it; ours don't.
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        match kind {
            // The class in parentheses says what kind of repository it is; there is one kind here.
            "repository" | "repository(plugin)" => Some(Self::Repository(name.parse().ok()?, wanted(actions))),
            "registry" if name == "catalog" && actions.split(',').any(|action| action == "*") => Some(Self::Catalog),
            _ => None,
        }
    }
}

/// `*` is every action; actions that nobody knows are none.
fn wanted(actions: &str) -> Actions {
    let each = actions.split(',').map(|action| match action {
        "*" => Actions::ALL,
        name => name.parse::<Action>().into_iter().collect(),
    });
    each.fold(Actions::NONE, Actions::union)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Vec<String> {
        let scopes = Scope::parse_all(values.iter().copied());
        let show = |scope: &Scope| match scope {
            Scope::Repository(name, actions) => format!("{name} {actions}"),
            Scope::Catalog => "catalog".to_owned(),
        };
        scopes.iter().map(show).collect()
    }

    #[test]
    fn several_scopes_come_in_one_value_or_in_several() {
        let expected = ["team/app pull,push", "base pull"];
        assert_eq!(parse(&["repository:team/app:pull,push repository:base:pull"]), expected);
        assert_eq!(parse(&["repository:team/app:push,pull", "repository:base:pull"]), expected);
        assert_eq!(parse(&["repository:team/app:push", "repository:base:pull", "repository:team/app:pull"]), expected);
    }

    #[test]
    fn a_star_is_every_action() {
        assert_eq!(parse(&["repository:a:*"]), ["a pull,push,delete"]);
        assert_eq!(parse(&["registry:catalog:*"]), ["catalog"]);
        assert_eq!(parse(&["repository(plugin):a:pull"]), ["a pull"]);
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        for odd in [
            "",
            "repository",
            "repository:a",
            "repository:A:pull",
            "repository:a/../b:pull",
            "repository:a%2fb:pull",
            "repository:127.0.0.1:5000/a:pull",
            "registry:catalog:pull",
            "registry:other:*",
            "other:a:pull",
            "repository::pull",
        ] {
            assert_eq!(parse(&[odd]), Vec::<String>::new(), "{odd}");
        }
        assert_eq!(parse(&["repository:a:pull,paint"]), ["a pull"]);
        assert_eq!(parse(&["repository:a:"]), ["a "]);
    }
}
