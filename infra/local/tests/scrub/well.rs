//! Registries with which nothing is wrong.

use protocol::{Digest, MutabilityMode, TagMutability};
use scrub::{Outcome, Problem, Subject};
use storage::{Settings, keys};

use crate::bench::{Bench, FULL, NAME, name};
use crate::http::Request;
use crate::image::{Image, SCHEMA2};

/// An index in the format of another client, as a pull by tag gets it.
pub(crate) async fn converted(bench: &Bench, tag: &str) -> (Digest, Vec<u8>) {
    let list = "application/vnd.docker.distribution.manifest.list.v2+json";
    let get = Request::new("GET", format!("/v2/{NAME}/manifests/{tag}"));
    let answer = bench.send(get.header("Accept", format!("{list}, {SCHEMA2}"))).await.expect(200);
    (answer.expect_header("docker-content-digest").parse().unwrap(), answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wrong_with_what_clients_do() {
    let bench = Bench::start().await;
    let (one, other) = (Image::new("one", "base", None), Image::new("other", "base", None));
    bench.push("one", &one).await;
    bench.push("other", &other).await;
    bench.push("one", &other).await;
    bench.push("index", &Image::index(&[&one, &other])).await;
    bench.push("signature", &Image::new("signature", "nothing", Some(&one))).await;
    let (digest, _) = converted(&bench, "index").await;
    assert_ne!(digest, Image::index(&[&one, &other]).digest);
    // The same layers elsewhere.
    bench.push_to("other", "latest", &one).await;
    let large = Image { manifest: [one.manifest.clone(), vec![b' '; 40_000]].concat(), ..one.clone() };
    bench.push("large", &large).await;

    let (found, summary) = bench.scrub(FULL).await;
    assert_eq!(found, []);
    let blobs = [one.blobs, other.blobs, Image::new("signature", "nothing", Some(&large)).blobs].concat();
    let (own, both) = (blobs.len() as u64 - 1, 2);
    // Five that were pushed to one repository, one to the other, and what a conversion of the index made of it.
    assert_eq!((summary.repositories, summary.manifests, summary.tags), (2, 6 + 3, 5 + 1));
    assert_eq!(summary.blobs, own + both);
    let mut different = blobs.clone();
    different.sort();
    different.dedup();
    assert_eq!(summary.bytes, different.iter().map(|blob| blob.len() as u64).sum::<u64>(), "each object is read once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_in_a_sparse_index() {
    let bench = Bench::start().await;
    bench.storage.create(&name()).await.unwrap();
    let sparse = Settings { sparse_manifests: Some(true), ..Settings::default() };
    bench.storage.set_settings(&name(), &sparse).await.unwrap();
    let child = Image::new("child", "base", None);
    let index = Image::index(&[&child]);
    bench.push("latest", &index).await;
    bench.is_clean().await;

    bench.storage.set_settings(&name(), &Settings::default()).await.unwrap();
    let missing = (Subject::Manifest(index.digest), Problem::MissingManifest(child.digest), Outcome::Lost);
    assert_eq!(bench.scrub(FULL).await.0, [missing]);
    bench.assert_clean(&bench.scrub(scrub::Options { sparse_manifests: true, ..FULL }).await);
}

/// A list that was only a conversion keeps its children once another list names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_a_list_names_has_ways_back_like_other_lists() {
    let bench = Bench::start().await;
    let child = Image::new("child", "base", None);
    bench.push("child", &child).await;
    bench.push("index", &Image::index(&[&child])).await;
    let (digest, manifest) = converted(&bench, "index").await;
    let media_type = "application/vnd.docker.distribution.manifest.list.v2+json";
    let list = Image { media_type, manifest, digest, blobs: Vec::new() };
    bench.push("lists", &Image::index(&[&list])).await;
    bench.is_clean().await;
    let grandchild = bench.storage.range(&name(), storage::Range::ListsOfManifests, None, 100).await.unwrap().items;
    let from_list = grandchild.iter().filter(|way| way.ends_with(&list.digest.to_string())).count();
    assert_eq!(from_list, 1, "{grandchild:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_left_as_they_are() {
    let bench = Bench::start().await;
    bench.with_image().await;
    let settings = Settings {
        tag_mutability: TagMutability::new(MutabilityMode::ImmutableWithExclusion, ["latest"]).unwrap(),
        ..Settings::default()
    };
    bench.storage.set_settings(&name(), &settings).await.unwrap();
    bench.remove(keys::catalog(&name())).await;
    bench.is_repaired(Subject::Repository, Problem::NotInCatalog).await;
    assert_eq!(bench.storage.settings(&name()).await.unwrap(), Some(settings));
}
