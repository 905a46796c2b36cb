//! Tokens and decisions by themselves.

use std::hint::black_box;

use access::{
    AccessEntry, Actions, Ask, Caller, Claims, Credentials, Principal, PublicKeys, RepositoryPattern, Rights, Secret,
    SecretHash, SigningKey, Usage, grant,
};
use lambda_registry_tests::measure::Case;
use protocol::{Method, RepositoryName, Route};

const SERVICE: &str = "registry.example.com";
const NOW: u64 = 1_800_000_000;

/// Everything between a request's header and the decision, signing, and the parts that somebody might make slow.
pub(crate) fn cases() -> Vec<Case> {
    let key = SigningKey::generate().expect("random numbers");
    let (one, forty) = (claims(1), claims(40));
    let sign = one.clone();
    let decide = |key: &SigningKey, name: &str, claims: &Claims| {
        let mut keys = PublicKeys::default();
        keys.insert(key.id(), key.public());
        let header = format!("Bearer {}", key.sign(claims).expect("a key").expose());
        Case::new(name, move || decided(&keys, black_box(&header)))
    };
    let secret = Secret::generate().expect("random numbers");
    let hash = SecretHash::of(&secret);
    let pattern: RepositoryPattern = format!("*{}b", "a".repeat(127)).parse().expect("a pattern");
    let long: RepositoryName = "a".repeat(255).parse().expect("a name");
    vec![
        decide(&key, "token of 1 scope to decision", &one),
        decide(&key, "token of 40 scopes to decision", &forty),
        Case::new("signing a token of 1 scope", move || drop(black_box(key.sign(&sign)))),
        Case::new("a wrong secret", move || assert!(!black_box(hash.is_of(&Secret::new("lr_wrong"))))),
        Case::new("a pattern made to be slow", move || assert!(!black_box(pattern.matches(&long)))),
    ]
}

fn decided(keys: &PublicKeys, header: &str) {
    let Ok(Credentials::Bearer(token)) = Credentials::read([header.as_bytes()]) else { panic!("a token") };
    let claims = keys.verify(&token, Usage::Access, SERVICE, NOW).expect("a valid token");
    let route = Route::parse("/v2/team/app-0/manifests/latest").expect("a route");
    let caller = Caller { principal: claims.principal, rights: Rights::Token(claims.access) };
    grant(Ask::new(route, Method::Get, None), &caller).expect("a token that allows it");
}

fn claims(scopes: usize) -> Claims {
    let entry = |n: usize| AccessEntry::Repository {
        name: format!("team/app-{n}").parse().expect("a name"),
        actions: Actions::ALL,
    };
    Claims {
        usage: Usage::Access,
        service: SERVICE.to_owned(),
        principal: Principal::User("ci".parse().expect("a name")),
        issued_at: NOW,
        not_before: NOW,
        expires_at: NOW + 300,
        id: "0123456789abcdef".to_owned(),
        access: (0..scopes).map(entry).collect(),
    }
}
