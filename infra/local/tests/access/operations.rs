//! Everything that can be asked of the registry, made from its route table, and what has to be allowed for it.
//!
//! [`needs`] names every route with every method: one that is new doesn't compile until somebody has said what it needs.

use protocol::{Method, RepositoryName, Route, route_table};

/// What has to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A name and a password, or nothing where everybody may have a token.
    Password,
    /// A signature of IAM.
    Signature,
    /// Any credentials that are good.
    Credentials,
    Catalog,
    Pull,
    Push,
    Delete,
}

/// Every method. The match keeps one that is new from being left out.
pub(crate) fn methods() -> [Method; 6] {
    use Method::{Delete, Get, Head, Patch, Post, Put};
    let all = [Get, Head, Post, Put, Patch, Delete];
    all.map(|method| match method {
        Get | Head | Post | Put | Patch | Delete => method,
    })
}

/// What a method needs on a route; None where there is no such method.
pub(crate) fn needs(route: &Route, method: Method) -> Option<Needs> {
    use Method::{Delete, Get, Head, Patch, Post, Put};
    match (route, method) {
        (Route::Token, Get | Post) => Some(Needs::Password),
        (Route::Token, Head | Put | Patch | Delete) => None,
        (Route::Login, Post) => Some(Needs::Signature),
        (Route::Login, Get | Head | Put | Patch | Delete) => None,
        (Route::Base, Get | Head) => Some(Needs::Credentials),
        (Route::Base, Post | Put | Patch | Delete) => None,
        (Route::Catalog, Get) => Some(Needs::Catalog),
        (Route::Catalog, Head | Post | Put | Patch | Delete) => None,
        (Route::Tags(_), Get) => Some(Needs::Pull),
        (Route::Tags(_), Head | Post | Put | Patch | Delete) => None,
        (Route::Referrers(..), Get) => Some(Needs::Pull),
        (Route::Referrers(..), Head | Post | Put | Patch | Delete) => None,
        (Route::Manifest(..), Get | Head) => Some(Needs::Pull),
        (Route::Manifest(..), Put) => Some(Needs::Push),
        (Route::Manifest(..), Delete) => Some(Needs::Delete),
        (Route::Manifest(..), Post | Patch) => None,
        (Route::Blob(..), Get | Head) => Some(Needs::Pull),
        (Route::Blob(..), Delete) => Some(Needs::Delete),
        (Route::Blob(..), Post | Put | Patch) => None,
        (Route::Uploads(_), Post) => Some(Needs::Push),
        (Route::Uploads(_), Get | Head | Put | Patch | Delete) => None,
        (Route::Upload(..), Get | Patch | Put | Delete) => Some(Needs::Push),
        (Route::Upload(..), Head | Post) => None,
    }
}

/// A method on a path that has `NAME`, `DIGEST`, `REFERENCE` and `SESSION` for what they stand for.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// How many components a name has here; 0 where there is none.
    pub(crate) depth: usize,
}

/// Where the gateway has a greedy route, or none.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("$default", &["GET /v2/", "HEAD /v2/"]),
    ("POST /v2/{proxy+}", &["POST /v2/NAME/blobs/uploads/"]),
    ("PATCH /v2/{proxy+}", &["PATCH /v2/NAME/blobs/uploads/SESSION"]),
];

/// Every route of the gateway, at every depth of name.
pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for route in route_table() {
        match ELSEWHERE.iter().find(|(key, _)| *key == route.key) {
            Some((_, keys)) => keys.iter().for_each(|key| match key.contains("NAME") {
                true => (1..=RepositoryName::MAX_COMPONENTS).for_each(|depth| operations.push(operation(key, depth))),
                false => operations.push(operation(key, 0)),
            }),
            None => {
                let components: Vec<String> = (1..=RepositoryName::MAX_COMPONENTS)
                    .map(|number| format!("{{n{number}}}"))
                    .filter(|component| route.key.contains(component))
                    .collect();
                let key = if components.is_empty() {
                    route.key.clone()
                } else {
                    route.key.replace(&components.join("/"), "NAME")
                };
                let key = key.replace("{digest}", "DIGEST").replace("{reference}", "REFERENCE");
                operations.push(operation(&key.replace("{session}", "SESSION"), components.len()));
            }
        }
    }
    operations
}

fn operation(key: &str, depth: usize) -> Operation {
    let (method, path) = key.split_once(' ').unwrap();
    assert!(!path.contains(['{', '}']), "{key}: say how a request is made for it");
    Operation { method: Method::parse(method).unwrap(), path: path.to_owned(), depth }
}

impl Operation {
    pub(crate) fn path(&self, name: &str, digest: &str, reference: &str) -> String {
        let path = self.path.replace("NAME", name).replace("DIGEST", digest).replace("REFERENCE", reference);
        path.replace("SESSION", SESSION)
    }

    pub(crate) fn needs(&self) -> Needs {
        let path = self.path("a", &format!("sha256:{}", "0".repeat(64)), "latest");
        let route = Route::parse(&path).unwrap_or_else(|error| panic!("{path}: {error:?}"));
        needs(&route, self.method).unwrap_or_else(|| panic!("{} {path} needs nothing", self.method.as_str()))
    }
}

/// One that nobody has opened.
pub(crate) const SESSION: &str = "0b9e7a50-3bdb-4cf3-8a5e-0f2a9d8e7c61";

/// A path of each route.
fn routes() -> Vec<Route> {
    let digest = format!("sha256:{}", "0".repeat(64));
    let paths = [
        "/token".to_owned(),
        "/login".to_owned(),
        "/v2/".to_owned(),
        "/v2/_catalog".to_owned(),
        "/v2/a/tags/list".to_owned(),
        format!("/v2/a/referrers/{digest}"),
        "/v2/a/manifests/latest".to_owned(),
        format!("/v2/a/blobs/{digest}"),
        "/v2/a/blobs/uploads/".to_owned(),
        format!("/v2/a/blobs/uploads/{SESSION}"),
    ];
    paths.iter().map(|path| Route::parse(path).unwrap()).collect()
}

#[test]
fn a_route_has_the_methods_that_are_said_to_need_something() {
    for route in routes() {
        for method in methods() {
            let has = route.function(method.as_str()).is_ok();
            assert_eq!(needs(&route, method).is_some(), has, "{} on {route:?}", method.as_str());
        }
    }
}

#[test]
fn every_method_of_every_route_is_among_the_operations_at_every_depth() {
    let kind = |route: &Route| std::mem::discriminant(route);
    let operations = operations();
    for route in routes() {
        for method in methods().into_iter().filter(|method| needs(&route, *method).is_some()) {
            let depths = if route.repository().is_some() { 1..=RepositoryName::MAX_COMPONENTS } else { 0..=0 };
            for depth in depths {
                let found = operations.iter().any(|operation| {
                    let digest = format!("sha256:{}", "0".repeat(64));
                    let other = Route::parse(&operation.path("a", &digest, "latest")).unwrap();
                    operation.method == method && operation.depth == depth && kind(&other) == kind(&route)
                });
                assert!(found, "{} on {route:?} at depth {depth}", method.as_str());
            }
        }
    }
}
