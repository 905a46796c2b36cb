//! The decision whether a caller may do what a request asks for.
//!
//! Made on the parsed route, the same one that the handler then works from, and before anything is read or written. What
//! a handler may touch comes out of [`Granted`], and only [`grant`] makes one.

use protocol::{Method, RepositoryName, Route};

use crate::{AccessEntry, Action, Actions, Permissions, Principal, RepositoryPattern};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    route: Route,
    method: Method,
    source: Option<RepositoryName>,
}

/// What has to be allowed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the route is where credentials are shown.
    Nothing,
    /// Valid credentials of anybody.
    Credentials,
    /// Listing the repositories.
    Catalog,
    /// An action on a repository.
    Action(Action, RepositoryName),
}

impl Ask {
    /// A method on a route; `source` is the repository that a blob is to be mounted from, if that is asked.
    pub fn new(route: Route, method: Method, source: Option<RepositoryName>) -> Self {
        Self { route, method, source }
    }

    /// What has to be allowed for it.
    pub fn need(&self) -> Need {
        let action = |name: &RepositoryName, action| Need::Action(action, name.clone());
        match &self.route {
            Route::Token | Route::Login => Need::Nothing,
            Route::Base => Need::Credentials,
            Route::Catalog => Need::Catalog,
            Route::Tags(name) | Route::Referrers(name, _) => action(name, Action::Pull),
            // A session is a push, also when it is looked at or given up.
            Route::Uploads(name) | Route::Upload(name, _) => action(name, Action::Push),
            Route::Manifest(name, _) | Route::Blob(name, _) => match self.method {
                Method::Get | Method::Head => action(name, Action::Pull),
                Method::Delete => action(name, Action::Delete),
                Method::Post | Method::Put | Method::Patch => action(name, Action::Push),
            },
        }
    }

    /// The scope that a client has to ask a token for, the same whether or not there is such a repository (Docker token
    /// specification). None where any token will do.
    pub fn scope(&self) -> Option<String> {
        let scope = match self.need() {
            Need::Nothing | Need::Credentials => return None,
            Need::Catalog => "registry:catalog:*".to_owned(),
            // Who pushes looks what is there already.
            Need::Action(Action::Push, name) => format!("repository:{name}:pull,push"),
            Need::Action(action, name) => format!("repository:{name}:{action}"),
        };
        Some(match &self.source {
            Some(source) => format!("{scope} repository:{source}:pull"),
            None => scope,
        })
    }
}

/// Who asks, and what they may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// What they may do.
    pub rights: Rights,
}

/// What a caller may do, and by what it is known.
#[derive(Clone, Debug)]
pub enum Rights {
    /// Everything: the registry is open.
    Everything,
    /// Nothing: no credentials came.
    Nothing,
    /// What an access token says.
    Token(Vec<AccessEntry>),
    /// What was granted to whoever showed a password.
    Permissions(Permissions),
}

impl Rights {
    fn on(&self, name: &RepositoryName) -> Actions {
        match self {
            Self::Everything => Actions::ALL,
            Self::Nothing => Actions::NONE,
            Self::Token(entries) => entries.iter().fold(Actions::NONE, |all, entry| match entry {
                AccessEntry::Repository { name: same, actions } if same == name => all.union(*actions),
                AccessEntry::Repository { .. } | AccessEntry::Catalog { .. } => all,
            }),
            Self::Permissions(permissions) => permissions.on(name),
        }
    }

    /// The repositories that the catalog shows; None when it may not be listed.
    fn visible(&self) -> Option<Vec<RepositoryPattern>> {
        match self {
            Self::Everything => Some(vec![RepositoryPattern::everything()]),
            Self::Nothing => None,
            Self::Token(entries) => entries.iter().find_map(|entry| match entry {
                AccessEntry::Catalog { repositories } => Some(repositories.clone()),
                AccessEntry::Repository { .. } => None,
            }),
            Self::Permissions(permissions) => Some(permissions.pullable()),
        }
    }
}

/// A route that the caller may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    route: Route,
    principal: Principal,
    source: Option<RepositoryName>,
    visible: Vec<RepositoryPattern>,
}

impl Granted {
    /// What was granted.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// To whom.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The repository that a blob may be mounted from. None when none was asked for, or when the caller may not pull from
    /// it: that is to look like a blob that isn't there.
    pub fn source(&self) -> Option<&RepositoryName> {
        self.source.as_ref()
    }

    /// The repositories that the catalog shows.
    pub fn visible(&self) -> &[RepositoryPattern] {
        &self.visible
    }
}

/// Why the caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No credentials came.
    NoCredentials,
    /// The token is valid and too narrow. A client may get another one.
    InsufficientScope,
    /// The caller has no such right.
    NotGranted,
}

/// Decides.
///
/// # Errors
/// When the caller may not.
pub fn grant(ask: Ask, caller: &Caller) -> Result<Granted, Denied> {
    let denied = match caller.rights {
        Rights::Nothing => Denied::NoCredentials,
        Rights::Token(_) => Denied::InsufficientScope,
        Rights::Everything | Rights::Permissions(_) => Denied::NotGranted,
    };
    let mut visible = Vec::new();
    match ask.need() {
        Need::Nothing => {}
        Need::Credentials if matches!(caller.rights, Rights::Nothing) => return Err(denied),
        Need::Credentials => {}
        Need::Catalog => visible = caller.rights.visible().ok_or(denied)?,
        Need::Action(action, name) if caller.rights.on(&name).contains(action) => {}
        Need::Action(..) => return Err(denied),
    }
    let source = ask.source.filter(|source| caller.rights.on(source).contains(Action::Pull));
    Ok(Granted { route: ask.route, principal: caller.principal.clone(), source, visible })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(rights: Rights) -> Caller {
        Caller { principal: Principal::Anonymous, rights }
    }

    fn token(entries: &str) -> Caller {
        caller(Rights::Token(serde_json::from_str(entries).unwrap()))
    }

    fn ask(method: Method, path: &str, source: Option<&str>) -> Ask {
        Ask::new(Route::parse(path).unwrap(), method, source.map(|name| name.parse().unwrap()))
    }

    #[test]
    fn nothing_is_allowed_without_credentials() {
        let nobody = caller(Rights::Nothing);
        for path in ["/v2/", "/v2/_catalog", "/v2/a/tags/list"] {
            assert_eq!(grant(ask(Method::Get, path, None), &nobody), Err(Denied::NoCredentials), "{path}");
        }
        assert!(grant(ask(Method::Post, "/login", None), &nobody).is_ok());
        assert!(grant(ask(Method::Get, "/token", None), &nobody).is_ok());
    }

    #[test]
    fn a_token_allows_what_it_says_on_the_repository_it_says() {
        let pull = token(r#"[{"type": "repository", "name": "a", "actions": ["pull"]}]"#);
        assert!(grant(ask(Method::Get, "/v2/a/tags/list", None), &pull).is_ok());
        assert!(grant(ask(Method::Get, "/v2/", None), &pull).is_ok());
        for (method, path) in [
            (Method::Get, "/v2/b/tags/list"),
            (Method::Put, "/v2/a/manifests/x"),
            (Method::Delete, "/v2/a/manifests/x"),
            (Method::Post, "/v2/a/blobs/uploads/"),
            (Method::Get, "/v2/_catalog"),
        ] {
            assert_eq!(grant(ask(method, path, None), &pull), Err(Denied::InsufficientScope), "{path}");
        }
    }

    #[test]
    fn a_source_that_may_not_be_pulled_is_as_if_it_were_not_there() {
        let entries = r#"[{"type": "repository", "name": "a", "actions": ["push"]},
                          {"type": "repository", "name": "b", "actions": ["pull"]}]"#;
        let mount = |from| grant(ask(Method::Post, "/v2/a/blobs/uploads/", Some(from)), &token(entries)).unwrap();
        assert_eq!(mount("b").source().map(RepositoryName::as_str), Some("b"));
        assert_eq!(mount("c").source(), None);
        assert_eq!(mount("a").source(), None, "push alone isn't pull");
    }

    #[test]
    fn the_catalog_shows_what_may_be_pulled() {
        let shown = |caller: &Caller| {
            let granted = grant(ask(Method::Get, "/v2/_catalog", None), caller);
            granted.map(|granted| granted.visible().iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(shown(&caller(Rights::Everything)), Ok(vec!["*".to_owned()]));
        assert_eq!(shown(&token(r#"[{"type": "catalog", "repositories": ["x/*"]}]"#)), Ok(vec!["x/*".to_owned()]));
        assert_eq!(shown(&caller(Rights::Permissions(Permissions::default()))), Ok(Vec::new()));
    }

    #[test]
    fn a_challenge_asks_for_what_is_needed() {
        let scope = |method, path, source| ask(method, path, source).scope();
        assert_eq!(scope(Method::Get, "/v2/", None), None);
        assert_eq!(scope(Method::Get, "/v2/a/b/tags/list", None), Some("repository:a/b:pull".to_owned()));
        assert_eq!(scope(Method::Put, "/v2/a/manifests/x", None), Some("repository:a:pull,push".to_owned()));
        assert_eq!(scope(Method::Delete, "/v2/a/manifests/x", None), Some("repository:a:delete".to_owned()));
        assert_eq!(scope(Method::Get, "/v2/_catalog", None), Some("registry:catalog:*".to_owned()));
        let mount = scope(Method::Post, "/v2/a/blobs/uploads/", Some("b"));
        assert_eq!(mount, Some("repository:a:pull,push repository:b:pull".to_owned()));
    }
}
