//! How much may be granted.

use access::{Grants, Permissions, User};

/// The longest document of a user, in bytes: a hundred of them fit into one transaction beside the grants.
const LONGEST_USER: usize = 32 * 1024;
/// The longest document of the grants for IAM principals and everybody, in bytes: an item has at most 400 KB.
const LONGEST_GRANTS: usize = 300 * 1024;

/// More was granted than there is room for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMuch {
    /// In a token.
    #[error(
        "{who} may pull so many patterns of repositories that they don't fit into a token: {size} bytes of at most {}; use \
         fewer patterns, with * for what they have in common",
        Permissions::MAX_PULLABLE
    )]
    Pullable {
        /// A user or a principal.
        who: String,
        /// Their length as JSON.
        size: usize,
    },
    /// In the table.
    #[error("{what} has {size} bytes of at most {most}; use fewer patterns, with * for what they have in common")]
    Document {
        /// Whose document.
        what: String,
        /// Its length.
        size: usize,
        /// The longest one.
        most: usize,
    },
}

/// Whether there is room for a user.
pub(crate) fn check_user(name: &str, user: &User) -> Result<(), TooMuch> {
    check_pullable(name, &user.permissions())?;
    check_document(name, user.to_json().len(), LONGEST_USER)
}

/// Whether there is room for the grants.
pub(crate) fn check_grants(grants: &Grants) -> Result<(), TooMuch> {
    for grant in &grants.iam {
        check_pullable(grant.principal.as_str(), &grant.grants.iter().cloned().collect())?;
    }
    check_pullable("everybody", &grants.of_everybody())?;
    check_document("everything in iam and anonymous", grants.to_json().len(), LONGEST_GRANTS)
}

fn check_pullable(who: &str, permissions: &Permissions) -> Result<(), TooMuch> {
    match permissions.pullable_size() {
        size if size <= Permissions::MAX_PULLABLE => Ok(()),
        size => Err(TooMuch::Pullable { who: who.to_owned(), size }),
    }
}

fn check_document(what: &str, size: usize, most: usize) -> Result<(), TooMuch> {
    if size <= most { Ok(()) } else { Err(TooMuch::Document { what: what.to_owned(), size, most }) }
}

#[cfg(test)]
mod tests {
    use access::{Action, Actions, IamGrant, Permission, RepositoryPattern, Secret};

    use super::*;

    fn patterns(count: usize) -> Vec<RepositoryPattern> {
        (0..count).map(|n| format!("team/app-{n:04}").parse().unwrap_or_else(|error| panic!("{error}"))).collect()
    }

    fn permission(count: usize, actions: Actions) -> Vec<Permission> {
        vec![Permission { repositories: patterns(count), actions }]
    }

    fn user(count: usize, actions: Actions) -> User {
        User::new(&Secret::new("secret"), permission(count, actions), None, 0)
    }

    // Each takes 16 bytes: quotes, a comma, 13 characters.
    const FITTING: usize = (Permissions::MAX_PULLABLE - 1) / 16;

    #[test]
    fn what_somebody_may_pull_fits_into_a_token() {
        assert_eq!(check_user("ci", &user(FITTING, Actions::ALL)), Ok(()));
        let too_much = check_user("ci", &user(FITTING + 1, Actions::ALL)).map_err(|error| error.to_string());
        assert!(too_much.is_err_and(|message| message.starts_with("ci may pull so many")));

        let grants = |iam, anonymous| {
            let principal = "arn:aws:iam::123456789012:role/x".parse().unwrap_or_else(|error| panic!("{error}"));
            let iam = vec![IamGrant { principal, grants: permission(iam, Actions::ALL) }];
            Grants { iam, anonymous: patterns(anonymous) }
        };
        assert_eq!(check_grants(&grants(FITTING, FITTING)), Ok(()));
        assert!(check_grants(&grants(FITTING + 1, 0)).is_err());
        assert!(check_grants(&grants(0, FITTING + 1)).is_err());
    }

    #[test]
    fn what_may_be_pushed_alone_is_in_no_token_but_in_the_table() {
        let push: Actions = [Action::Push].into_iter().collect();
        assert_eq!(check_user("ci", &user(FITTING + 1, push)), Ok(()));
        assert!(matches!(check_user("ci", &user(3_000, push)), Err(TooMuch::Document { most: LONGEST_USER, .. })));
    }
}
