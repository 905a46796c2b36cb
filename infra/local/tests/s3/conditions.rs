//! Conditional writes and reads.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use tokio::task::JoinSet;

use crate::harness::{BUCKET, Bench, code, on_both_media};

on_both_media! {
    if_none_match_refuses_to_replace,
    one_of_64_racing_writers_wins,
    one_of_64_racing_completions_wins,
    if_match_replaces_only_what_it_names,
    reads_honour_if_match_and_if_none_match,
}

async fn if_none_match_refuses_to_replace(bench: Bench) {
    let put = || bench.client.put_object().bucket(BUCKET).key("a").if_none_match("*");
    put().body(b"one".to_vec().into()).send().await.unwrap();
    let error = put().body(b"two".to_vec().into()).send().await.unwrap_err();
    assert_eq!(code(&error), "PreconditionFailed");
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 412);
    assert_eq!(bench.get("a").await.unwrap(), b"one");
    assert!(bench.segment_count().is_none_or(|count| count == 1));
}

/// Awaits all writers and returns who won; everyone else must have met the condition.
async fn winners(mut writers: JoinSet<Result<usize, String>>) -> Vec<usize> {
    let mut winners = Vec::new();
    while let Some(outcome) = writers.join_next().await {
        match outcome.unwrap() {
            Ok(writer) => winners.push(writer),
            Err(code) => assert_eq!(code, "PreconditionFailed"),
        }
    }
    winners
}

async fn one_of_64_racing_writers_wins(bench: Bench) {
    let mut writers = JoinSet::new();
    for writer in 0..64 {
        let put = bench.client.put_object().bucket(BUCKET).key("a").if_none_match("*");
        let put = put.body(writer.to_string().into_bytes().into());
        writers.spawn(async move { put.send().await.map(|_| writer).map_err(|error| code(&error)) });
    }
    let winners = winners(writers).await;
    assert_eq!(winners.len(), 1);
    assert_eq!(bench.get("a").await.unwrap(), winners[0].to_string().into_bytes());
    assert!(bench.segment_count().is_none_or(|count| count == 1));
}

async fn one_of_64_racing_completions_wins(bench: Bench) {
    let mut writers = JoinSet::new();
    for writer in 0..64 {
        let id = bench.begin("a").await;
        let etag = bench.part("a", &id, 1, writer.to_string().into_bytes()).await;
        let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
        let complete =
            bench.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(id).if_none_match("*");
        let complete = complete.multipart_upload(CompletedMultipartUpload::builder().parts(part).build());
        writers.spawn(async move { complete.send().await.map(|_| writer).map_err(|error| code(&error)) });
    }
    let winners = winners(writers).await;
    assert_eq!(winners.len(), 1);
    assert_eq!(bench.get("a").await.unwrap(), winners[0].to_string().into_bytes());
    // A loser's upload is still there, to be aborted.
    let uploads = bench.client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert_eq!(uploads.uploads().len(), 63);
}

async fn if_match_replaces_only_what_it_names(bench: Bench) {
    let put = |body: &str| bench.client.put_object().bucket(BUCKET).key("a").body(body.as_bytes().to_vec().into());
    assert_eq!(code(&put("one").if_match("\"0\"").send().await.unwrap_err()), "NoSuchKey");
    let etag = put("one").send().await.unwrap().e_tag.unwrap();
    assert_eq!(code(&put("two").if_match("\"0\"").send().await.unwrap_err()), "PreconditionFailed");
    put("two").if_match(etag).send().await.unwrap();
    assert_eq!(bench.get("a").await.unwrap(), b"two");
}

async fn reads_honour_if_match_and_if_none_match(bench: Bench) {
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(b"one".to_vec().into());
    let etag = put.send().await.unwrap().e_tag.unwrap();
    let get = || bench.client.get_object().bucket(BUCKET).key("a");
    get().if_match(&etag).send().await.unwrap();
    get().if_none_match("\"0\"").send().await.unwrap();
    assert_eq!(code(&get().if_match("\"0\"").send().await.unwrap_err()), "PreconditionFailed");
    let error = get().if_none_match(&etag).send().await.unwrap_err();
    let answer = error.raw_response().unwrap();
    assert_eq!(answer.status().as_u16(), 304);
    assert_eq!(answer.headers().get("etag"), Some(etag.as_str()));
}
