//! Ways back from children to their lists, and places among referrers.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Digest;
use scrub::{Problem, Subject};
use storage::keys;

use crate::bench::{Bench, NAME, name};
use crate::http::Request;
use crate::image::Image;

/// An index, and its only child.
async fn index(bench: &Bench) -> (Image, Image) {
    let child = Image::new("child", "base", None);
    bench.push(&child.digest.to_string(), &child).await;
    let index = Image::index(&[&child]);
    bench.push("latest", &index).await;
    bench.is_clean().await;
    (index, child)
}

async fn delete(bench: &Bench, digest: &Digest) -> u16 {
    bench.send(Request::new("DELETE", format!("/v2/{NAME}/manifests/{digest}"))).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_whose_way_back_is_missing_can_not_be_deleted_once_that_is_repaired() {
    let bench = Bench::start().await;
    let (index, child) = index(&bench).await;
    bench.remove(keys::parent(&name(), &child.digest, &index.digest)).await;
    bench.is_repaired(Subject::Manifest(index.digest.clone()), Problem::NoWayToList(child.digest.clone())).await;
    assert_eq!(delete(&bench, &child.digest).await, 405);
    assert_eq!(delete(&bench, &index.digest).await, 202);
    assert_eq!(delete(&bench, &child.digest).await, 202);
    bench.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_to_a_list_that_does_not_name_the_manifest_keeps_it_no_longer() {
    let bench = Bench::start().await;
    let (index, _) = index(&bench).await;
    let other = Image::new("other", "base", None);
    bench.push("other", &other).await;
    bench.put_item(keys::parent(&name(), &other.digest, &index.digest)).await;
    let way = Subject::WayToList { child: other.digest.clone(), list: index.digest.clone() };
    assert_eq!(delete(&bench, &other.digest).await, 405);
    bench.is_repaired(way, Problem::WrongWayToList).await;
    assert_eq!(delete(&bench, &other.digest).await, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_is_gone_is_lost() {
    let bench = Bench::start().await;
    let (index, child) = index(&bench).await;
    bench.remove(keys::manifest(&name(), &child.digest)).await;
    bench.remove(keys::bytes(&name(), &child.digest)).await;
    bench.is_lost(&[(Subject::Manifest(index.digest), Problem::MissingManifest(child.digest))]).await;
}

async fn referrers(bench: &Bench, subject: &Digest) -> Vec<Digest> {
    let page = bench.storage.referrers(&name(), subject, None, 10).await.unwrap();
    page.items.into_iter().map(|referrer| referrer.descriptor.digest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referrer_is_listed_again_as_it_was() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let signature = Image::new("signature", "nothing", Some(&image));
    bench.push("signature", &signature).await;
    let place = keys::referrer(&name(), &image.digest, &signature.digest);
    let before = bench.item(place.clone()).await;
    let subject = || Subject::Manifest(signature.digest.clone());
    let problem = || Problem::NotAmongReferrers(image.digest.clone());

    bench.remove(place.clone()).await;
    bench.is_repaired(subject(), problem()).await;
    bench.change(place.clone(), "SET annotations = :value", Some(AttributeValue::S("in manifest".to_owned()))).await;
    bench.is_repaired(subject(), problem()).await;
    assert_eq!(bench.item(place).await, before);
    assert_eq!(referrers(&bench, &image.digest).await, [signature.digest]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referrer_that_is_not_there_is_listed_no_longer() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let elsewhere = Image::new("elsewhere", "nothing", None);
    bench.push("elsewhere", &elsewhere).await;
    for digest in [Digest::sha256(b"nothing"), elsewhere.digest] {
        bench.put_item(keys::referrer(&name(), &image.digest, &digest)).await;
        let stray = Subject::Referrer { subject: image.digest.clone(), digest };
        bench.is_repaired(stray, Problem::StrayReferrer).await;
    }
    assert_eq!(referrers(&bench, &image.digest).await, []);
}
