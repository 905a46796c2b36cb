//! Repositories that lost what makes them one.

use scrub::{News, Problem, Scope, Subject};
use storage::keys;

use crate::bench::{Bench, FULL, name};
use crate::http::Request;

async fn is_pulled(bench: &Bench) -> bool {
    bench.send(Request::new("GET", "/v2/team/app/manifests/latest")).await.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_catalog_lacks_comes_back_with_everything_else_that_is_wrong_in_it() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    bench.remove(keys::catalog(&name())).await;
    bench.remove(keys::tagged(&name(), &image.digest, &"latest".parse().unwrap())).await;
    let (found, _) = bench.scrub(FULL).await;
    assert_eq!(found.len(), 2, "{found:?}");
    let (repaired, summary) = bench.scrub(scrub::Options { repair: true, ..FULL }).await;
    assert_eq!((repaired.len(), summary.repaired), (2, 2));
    bench.is_clean().await;
    assert_eq!(bench.storage.catalog("", None, 10).await.unwrap().items, [name()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_without_settings_gets_those_of_a_new_one() {
    let bench = Bench::start().await;
    bench.with_image().await;
    bench.remove(keys::settings(&name())).await;
    bench.is_repaired(Subject::Repository, Problem::NoSettings).await;
    assert!(is_pulled(&bench).await && bench.storage.repository_exists(&name()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_looked_at_alone_or_all_of_them_after_a_name() {
    let bench = Bench::start().await;
    for repository in ["a", "b", "c"] {
        bench.storage.create(&repository.parse().unwrap()).await.unwrap();
    }
    let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
    for (scope, expected) in [
        (Scope::One(&b), vec!["b"]),
        (Scope::All { after: None }, vec!["a", "b", "c"]),
        (Scope::All { after: Some(&a) }, vec!["b", "c"]),
    ] {
        let mut through = Vec::new();
        let mut tell = |news: News<'_>| match news {
            News::Through(name) => through.push(name.to_string()),
            News::Found(finding) => panic!("{finding}"),
        };
        let summary = scrub::scrub(&bench.storage, scope, FULL, &mut tell).await.unwrap();
        assert_eq!(
            (through, summary.repositories),
            (expected.iter().map(|n| (*n).to_owned()).collect(), expected.len() as u64)
        );
    }
}
