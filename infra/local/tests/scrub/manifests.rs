//! Manifests whose records and bytes don't agree.

use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use collector::Terms;
use protocol::Digest;
use runtime::{CollectFrom, Deadline};
use scrub::{Outcome, Problem, Subject};
use storage::{Settings, keys};

use crate::bench::{Bench, FULL, NAME, name};
use crate::http::Request;
use crate::image::Image;

/// Removes at once what nothing refers to.
async fn collect(bench: &Bench) {
    for _ in 0..2 {
        let terms = Terms { grace: Duration::ZERO, dry_run: false, until: Deadline::after(Duration::from_secs(3600)) };
        collector::collect(&bench.storage, terms, CollectFrom::default(), &mut |_| ()).await.unwrap();
    }
}

async fn is_whole(bench: &Bench, image: &Image) -> bool {
    let manifest = bench.send(Request::new("GET", format!("/v2/{NAME}/manifests/{}", image.digest))).await;
    let mut is_whole = manifest.status == 200 && manifest.body == image.manifest;
    for blob in &image.blobs {
        let blob = bench.storage.blob_bytes(&name(), &Digest::sha256(blob), 1 << 20).await.unwrap();
        is_whole &= blob.is_some();
    }
    is_whole
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_does_not_say_what_its_manifest_refers_to_says_it_again() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let record = || keys::manifest(&name(), &image.digest);
    let before = bench.item(record()).await;
    for update in ["REMOVE reference_count", "REMOVE blob_references"] {
        bench.change(record(), update, None).await;
        bench.is_repaired(Subject::Manifest(image.digest.clone()), Problem::ReferencesUnknown).await;
        assert_eq!(bench.item(record()).await, before);
    }
    collect(&bench).await;
    assert!(is_whole(&bench, &image).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_record_forgot_is_spared_when_it_remembers() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let record = || keys::manifest(&name(), &image.digest);
    let nothing = AttributeValue::N("0".to_owned());
    bench.change(record(), "SET reference_count = :value REMOVE blob_references", Some(nothing)).await;
    let unnamed: Vec<_> = image.blobs.iter().map(|blob| storage::Markable::Blob(Digest::sha256(blob))).collect();
    assert_eq!(bench.storage.mark(&name(), &unnamed).await.unwrap(), unnamed.len());
    bench.is_repaired(Subject::Manifest(image.digest.clone()), Problem::OtherReferences).await;
    for blob in &image.blobs {
        assert!(!bench.item(keys::blob(&name(), &Digest::sha256(blob))).await.contains_key("doomed"));
    }
    collect(&bench).await;
    assert!(is_whole(&bench, &image).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_names_something_else_names_what_its_manifest_does() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let record = || keys::manifest(&name(), &image.digest);
    let wrong =
        AttributeValue::Bs(image.blobs.iter().map(|blob| Blob::new(Digest::sha256(&blob[1..]).raw())).collect());
    bench.change(record(), "SET blob_references = :value", Some(wrong)).await;
    bench.is_repaired(Subject::Manifest(image.digest.clone()), Problem::OtherReferences).await;

    bench.change(record(), "SET content_size = :value", Some(AttributeValue::N("1".to_owned()))).await;
    let length = Problem::OtherLength(image.manifest.len() as u64);
    bench.is_repaired(Subject::Manifest(image.digest.clone()), length).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_a_record_forgot_is_told_by_the_manifest() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let signature = Image::new("signature", "nothing", Some(&image));
    bench.push("signature", &signature).await;
    bench.change(keys::manifest(&name(), &signature.digest), "REMOVE subject", None).await;
    let (found, _) = bench.scrub(FULL).await;
    let place = Subject::Referrer { subject: image.digest.clone(), digest: signature.digest.clone() };
    let expected = [
        (Subject::Manifest(signature.digest), Problem::OtherSubject, Outcome::Repairable),
        // As long as the record says nothing of a subject.
        (place, Problem::StrayReferrer, Outcome::Repairable),
    ];
    assert_eq!(found, expected);
    let (repaired, _) = bench.scrub(scrub::Options { repair: true, ..FULL }).await;
    assert_eq!(repaired.len(), 1, "{repaired:?}");
    bench.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_gone_is_made_from_the_bytes() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let record = || keys::manifest(&name(), &image.digest);
    let before = bench.item(record()).await;
    bench.remove(record()).await;
    let lost =
        (Subject::Tag("latest".parse().unwrap()), Problem::NoTaggedManifest(image.digest.clone()), Outcome::Lost);
    let bytes = || Subject::ManifestBytes(image.digest.clone());
    let (found, _) = bench.scrub(FULL).await;
    assert_eq!(found, [(bytes(), Problem::NoRecord, Outcome::Repairable), lost]);

    let (repaired, _) = bench.scrub(scrub::Options { repair: true, ..FULL }).await;
    assert_eq!(repaired, [(bytes(), Problem::NoRecord, Outcome::Repaired)]);
    bench.is_clean().await;
    let after = bench.item(record()).await;
    let same = before.iter().filter(|(attribute, _)| *attribute != "pushed_at");
    assert!(same.clone().all(|(attribute, value)| after.get(attribute) == Some(value)), "{before:?} {after:?}");
    assert_eq!(before.len(), after.len());
    collect(&bench).await;
    assert!(is_whole(&bench, &image).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_gone_or_different_are_lost() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let (bytes, subject) = (keys::bytes(&name(), &image.digest), Subject::Manifest(image.digest.clone()));
    let mut other = image.manifest.clone();
    other[20] ^= 1;
    let digest = Digest::sha256(&other);
    let rotten = AttributeValue::B(Blob::new(other));
    bench.change(bytes.clone(), "SET bytes = :value", Some(rotten)).await;
    bench.is_lost(&[(subject.clone(), Problem::OtherDigest(digest))]).await;
    bench.remove(bytes).await;
    bench.is_lost(&[(subject, Problem::NoBytes)]).await;
    // Pushing it again is all that helps.
    bench.remove(keys::manifest(&name(), &image.digest)).await;
    bench.push("latest", &image).await;
    bench.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_manifest_whose_object_is_gone_is_lost() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    let manifest = [image.manifest.clone(), vec![b' '; 40_000]].concat();
    let large = Image { digest: Digest::sha256(&manifest), manifest, ..image };
    bench.push("latest", &large).await;
    bench.is_clean().await;
    let object = bench.text(keys::bytes(&name(), &large.digest), "object_key").await;
    bench.remove_object(&object).await;
    bench.is_lost(&[(Subject::Manifest(large.digest), Problem::NoObject(object))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_can_not_be_read_is_told() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    bench.change(keys::manifest(&name(), &image.digest), "REMOVE pushed_at", None).await;
    let (found, _) = bench.scrub(FULL).await;
    let [(Subject::Manifest(digest), Problem::Unreadable(what), Outcome::Lost)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert!(*digest == image.digest && what.ends_with("pushed_at"), "{what}");
}

/// More than a record holds, so that some stand behind it.
#[tokio::test(flavor = "multi_thread")]
async fn references_behind_a_record_are_made_again() {
    let bench = Bench::start().await;
    bench.storage.create(&name()).await.unwrap();
    let sparse = Settings { sparse_manifests: Some(true), ..Settings::default() };
    bench.storage.set_settings(&name(), &sparse).await.unwrap();
    let child = Image::new("child", "base", None);
    let children: Vec<Image> =
        (0..4100).map(|number| Image { manifest: format!("{number}").into_bytes(), ..child.clone() }).collect();
    let index = Image::index(&children.iter().collect::<Vec<_>>());
    bench.push("latest", &index).await;
    bench.is_clean().await;
    let behind = keys::references(&name(), &index.digest, 1);
    let before = bench.item(behind.clone()).await;
    bench.remove(behind.clone()).await;
    bench.is_repaired(Subject::Manifest(index.digest.clone()), Problem::ReferencesUnknown).await;
    assert_eq!(bench.item(behind).await, before);
    // What the record once named as well is no longer there.
    bench.put_item(keys::references(&name(), &index.digest, 2)).await;
    bench.change(keys::manifest(&name(), &index.digest), "REMOVE reference_count", None).await;
    bench.is_repaired(Subject::Manifest(index.digest.clone()), Problem::ReferencesUnknown).await;
    let page = bench.storage.range(&name(), storage::Range::Manifests, None, 10).await.unwrap();
    assert_eq!(page.items, [index.digest.to_string(), format!("{}#001", index.digest)]);
}
