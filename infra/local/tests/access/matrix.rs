//! Every principal does everything to every kind of repository.
//!
//! Who may do what stands in `principals.rs`, and what an operation needs in `operations.rs`: nothing here asks the
//! product's own code what it should do.

use std::fmt;

use ::http::HeaderName;
use local::FunctionsMode;
use protocol::{Digest, Method};

use crate::http::{Answer, Request};
use crate::log;
use crate::operations::{Needs, Operation, operations};
use crate::principals::{KINDS, Outcome, Principal, Shows, principals};
use crate::processes::Processes;
use crate::registry::{Image, MANIFEST, Registry, Setup};

/// A repository and things in it.
#[derive(Clone, Debug)]
struct Target {
    kind: &'static str,
    name: String,
    digest: String,
    reference: &'static str,
}

/// Names of one length: nothing else may tell them apart.
const PRESENT: &str = "here";
const ABSENT: &str = "gone";

/// A name of so many components.
fn name(kind: &str, depth: usize, end: &str) -> String {
    match depth {
        1 => format!("{kind}-{end}"),
        _ => format!("{kind}{}/{end}", "/d".repeat(depth - 2)),
    }
}

/// A repository with what is asked for, the same without it, and one that isn't there.
fn targets(kind: &'static str, depth: usize) -> Vec<Target> {
    let (here, gone) = (Digest::sha256(&Image::new().config).to_string(), Digest::sha256(b"nowhere").to_string());
    let target = |end, digest: &str, reference| {
        let name = name(kind, depth, end);
        Target { kind, name, digest: digest.to_owned(), reference }
    };
    vec![target(PRESENT, &here, "latest"), target(PRESENT, &gone, "latesu"), target(ABSENT, &here, "latest")]
}

/// A request with what has to become of it.
struct Case<'a> {
    principal: &'a Principal,
    operation: &'a Operation,
    target: Target,
    outcome: Outcome,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, operation, target, .. } = self;
        write!(f, "{:?}, {} {}, {}", principal.who, operation.method.as_str(), operation.path, target.name)
    }
}

impl Case<'_> {
    fn request(&self) -> Request {
        let Target { name, digest, reference, .. } = &self.target;
        let mut path = self.operation.path(name, digest, reference);
        if path.contains("/blobs/uploads/") && self.operation.method == Method::Put {
            path.push_str(&format!("?digest={digest}"));
        }
        if path == "/token" {
            path.push_str("?scope=repository:rest/here:pull");
        }
        let request = Request {
            method: self.operation.method.as_str().to_owned(),
            target: path,
            ..self.principal.request.clone()
        };
        match (self.operation.needs(), self.operation.method) {
            (Needs::Password, Method::Post) => {
                request.form(&[("grant_type", "password"), ("scope", "repository:rest/here:pull")])
            }
            (_, Method::Put) if self.operation.path.contains("manifests") => {
                request.body(MANIFEST, Image::new().manifest)
            }
            _ => request,
        }
    }

    fn check(&self, answer: &Answer) {
        let challenge = answer.header("www-authenticate");
        match &self.outcome {
            Outcome::LetIn => assert!(!matches!(answer.status, 401 | 403 | 500..), "{self}: {answer}"),
            Outcome::Challenge(expected) => {
                assert_eq!((answer.status, challenge), (401, Some(expected.as_str())), "{self}: {answer}");
                if self.operation.method != Method::Head {
                    assert_eq!(answer.code(), "UNAUTHORIZED", "{self}");
                }
            }
            Outcome::Denied => {
                assert_eq!((answer.status, challenge), (403, None), "{self}: {answer}");
                if self.operation.method != Method::Head {
                    assert_eq!(answer.code(), "DENIED", "{self}");
                }
            }
            Outcome::WrongPassword => {
                assert_eq!(answer.status, 401, "{self}: {answer}");
                assert!(challenge.is_some_and(|challenge| challenge.starts_with("Basic realm=")), "{self}: {answer}");
            }
            Outcome::NotSigned => {
                assert_eq!(answer.status, 403, "{self}: {answer}");
                assert_eq!(answer.body, r#"{"message":"Forbidden"}"#, "{self}: {answer}");
            }
        }
    }

    /// One line says who, what, where, and whether.
    fn check_log(&self, answer: &Answer) {
        let action = match self.operation.needs() {
            // The gateway answers for itself.
            Needs::Signature => return,
            Needs::Password => "token",
            Needs::Credentials => "authenticate",
            Needs::Catalog => "catalog",
            Needs::Pull => "pull",
            Needs::Push => "push",
            Needs::Delete => "delete",
        };
        let decisions = log::decisions(answer);
        assert_eq!(decisions.len(), 1, "{self}: {decisions:?}");
        let decision = &decisions[0];
        assert_eq!(decision["action"], action, "{self}: {decision}");
        if self.operation.depth > 0 {
            assert_eq!(decision["repository"], self.target.name.as_str(), "{self}: {decision}");
        }
        let message = if self.outcome == Outcome::LetIn { "access allowed" } else { "access denied" };
        assert_eq!(decision["message"], message, "{self}: {decision}");
        if action != "token" {
            assert_eq!(decision["principal"], self.principal.name, "{self}: {decision}");
        }
        assert_eq!(self.outcome == Outcome::LetIn, decision["reason"].is_null(), "{self}: {decision}");
    }
}

/// The matrix with names of these depths.
async fn matrix(setup: Setup, depths: std::ops::RangeInclusive<usize>) {
    let logs_here = setup.functions == FunctionsMode::InProcess;
    // All of it is done with the same tokens, however long it takes.
    let registry = Registry::with(Setup { token_lifetime: 3600, ..setup }).await;
    let mut names = Vec::new();
    for (kind, depth) in KINDS.iter().flat_map(|kind| depths.clone().map(move |depth| (kind, depth))) {
        registry.push_image(&name(kind, depth, PRESENT)).await;
        names.extend([PRESENT, ABSENT].map(|end| name(kind, depth, end)));
    }
    // A token has room for so many.
    let scopes: Vec<String> = names.iter().map(|name| format!("repository:{name}:pull,push,delete")).collect();
    let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    scopes.push("registry:catalog:*");

    let principals = principals(&registry, &scopes).await;
    let operations = operations();
    let realm = format!("realm=\"http://{0}/token\",service=\"{0}\"", registry.service());
    let (mut refused, mut let_in) = (Vec::new(), Vec::new());
    for principal in &principals {
        for operation in operations.iter().filter(|operation| operation.depth == 0 || depths.contains(&operation.depth))
        {
            let kinds = if operation.depth == 0 { &KINDS[..1] } else { &KINDS };
            for target in kinds.iter().flat_map(|kind| targets(kind, operation.depth.max(1))) {
                let outcome = principal.outcome(operation.needs(), &target.name, target.kind, &realm);
                let cases = if outcome == Outcome::LetIn { &mut let_in } else { &mut refused };
                cases.push(Case { principal, operation, target, outcome });
            }
        }
    }

    let before = registry.stores.snapshot().await;
    let mut alike = None;
    for case in &refused {
        let (answer, calls) = registry.calls(&case.request()).await;
        case.check(&answer);
        if logs_here {
            case.check_log(&answer);
        }
        // Whoever asks at the token endpoint makes it look who they are.
        if logs_here && case.operation.needs() != Needs::Password {
            // Once a minute, a password makes the grants be read.
            let may_read_grants = case.principal.shows == Shows::Password && calls == ["GetItem"];
            assert!(calls.is_empty() || may_read_grants, "{case} costs {calls:?}");
        }
        // What is there and what isn't is refused alike, down to the byte.
        let names: Vec<&str> = [&case.target.name, &case.target.digest].map(String::as_str).to_vec();
        let shape = answer.without_names(&names);
        if case.target.name.ends_with(PRESENT) && case.target.reference == "latest" {
            alike = Some(shape);
        } else {
            assert_eq!(Some(&shape), alike.as_ref(), "{case}");
        }
    }
    assert_eq!(registry.stores.snapshot().await, before, "a request that was refused left something");

    for case in &let_in {
        let answer = registry.send(&case.request()).await;
        case.check(&answer);
        if logs_here {
            case.check_log(&answer);
        }
    }
    println!("{} requests refused, {} let in", refused.len(), let_in.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    matrix(Setup { front: false, ..Setup::default() }, 1..=3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_streaming_front_the_same_is_allowed() {
    matrix(Setup::default(), 2..=2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_depth_are_guarded_alike() {
    matrix(Setup { front: false, ..Setup::default() }, 4..=8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_as_processes_allow_the_same() {
    let processes = Processes::new();
    matrix(Setup { front: false, functions: processes.mode(), ..Setup::default() }, 2..=2).await;
    processes.assert_silent();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_registry_has_no_method_for_is_refused_before_anybody_is_asked() {
    let registry = Registry::start().await;
    let before = registry.stores.snapshot().await;
    for operation in operations().iter().filter(|operation| operation.depth < 2) {
        let path = operation.path("team", &Digest::sha256(b"{}").to_string(), "latest");
        let route = protocol::Route::parse(&path).unwrap();
        for method in crate::operations::methods() {
            if crate::operations::needs(&route, method).is_none() {
                let request = Request::new(method.as_str(), path.as_str());
                let request = request.header(HeaderName::from_static("x-http-method-override"), "GET");
                registry.send(&request).await.expect(405);
            }
        }
    }
    assert_eq!(registry.stores.snapshot().await, before);
}
