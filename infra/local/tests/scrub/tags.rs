//! Tags, and the ways back to them.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Tag;
use scrub::{Problem, Subject};
use storage::keys;

use crate::bench::{Bench, name};
use crate::http::Request;
use crate::image::{INDEX, Image};

fn latest() -> Tag {
    "latest".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_that_is_missing_is_made_and_the_tag_goes_with_its_manifest_again() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    bench.remove(keys::tagged(&name(), &image.digest, &latest())).await;
    bench.is_repaired(Subject::Tag(latest()), Problem::NoWayToTag(image.digest.clone())).await;
    let path = format!("/v2/team/app/manifests/{}", image.digest);
    bench.send(Request::new("DELETE", path)).await.expect(202);
    bench.send(Request::new("GET", "/v2/team/app/manifests/latest")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_to_a_tag_that_points_elsewhere_is_removed() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let other = Image::new("other", "base", None);
    bench.push("other", &other).await;
    for tag in ["other", "no-such-tag"] {
        let tag: Tag = tag.parse().unwrap();
        bench.put_item(keys::tagged(&name(), &image.digest, &tag)).await;
        bench.is_repaired(Subject::WayToTag(image.digest.clone(), tag), Problem::StrayWayToTag).await;
    }
    assert_eq!(bench.storage.tags(&name(), None, 10).await.unwrap().items.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_says_the_type_of_its_manifest_again() {
    let bench = Bench::start().await;
    bench.with_image().await;
    let wrong = Some(AttributeValue::S(INDEX.to_owned()));
    bench.change(keys::tag(&name(), &latest()), "SET media_type = :value", wrong).await;
    bench.is_repaired(Subject::Tag(latest()), Problem::OtherType).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_without_its_manifest_is_lost() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    bench.remove(keys::manifest(&name(), &image.digest)).await;
    bench.remove(keys::bytes(&name(), &image.digest)).await;
    bench.is_lost(&[(Subject::Tag(latest()), Problem::NoTaggedManifest(image.digest))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_does_not_say_where_it_points_is_lost() {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    bench.change(keys::tag(&name(), &latest()), "REMOVE digest", None).await;
    let unreadable = "REPOSITORY#team/app TAG#latest: digest".to_owned();
    let way = "REPOSITORY#team/app TAG#latest: digest".to_owned();
    bench
        .is_lost(&[
            (Subject::Tag(latest()), Problem::Unreadable(unreadable)),
            (Subject::WayToTag(image.digest, latest()), Problem::Unreadable(way)),
        ])
        .await;
}
