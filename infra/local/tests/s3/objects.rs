//! Whole objects: what is put is what is got.

use std::time::Duration;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{BUCKET, Bench, bytes, code, on_both_media};

on_both_media! {
    put_is_read_back_with_its_attributes,
    empty_object_is_read_back,
    key_may_be_prefix_of_another,
    keys_of_any_form_are_kept_apart,
    range_is_answered_with_206,
    range_behind_the_end_is_416,
    head_says_what_get_would,
    missing_names_have_their_codes,
    bucket_is_created_once,
    put_replaces_the_object_and_its_segment,
    deleted_object_is_gone_and_deleting_again_succeeds,
    delete_objects_removes_all_that_it_names,
    get_in_progress_outlives_the_deletion,
    wrong_signature_is_403,
    unsigned_request_is_403,
    what_is_not_implemented_says_so,
}

async fn put_is_read_back_with_its_attributes(bench: Bench) {
    let body = bytes(1_500_000);
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(body.clone().into());
    let put = put.content_type("application/json").cache_control("immutable").metadata("digest", "sha256:0");
    let etag = put.send().await.unwrap().e_tag.unwrap();

    let object = bench.client.get_object().bucket(BUCKET).key("a").send().await.unwrap();

    assert_eq!(object.e_tag.as_deref(), Some(etag.as_str()));
    assert_eq!(object.content_type.as_deref(), Some("application/json"));
    assert_eq!(object.cache_control.as_deref(), Some("immutable"));
    assert_eq!(object.metadata.as_ref().unwrap()["digest"], "sha256:0");
    assert_eq!(object.content_length, Some(1_500_000));
    assert!(object.last_modified.unwrap().secs() > 1_700_000_000);
    assert_eq!(object.body.collect().await.unwrap().to_vec(), body);
}

async fn empty_object_is_read_back(bench: Bench) {
    bench.put("empty", "").await;
    assert_eq!(bench.get("empty").await.unwrap(), b"");
    let head = bench.client.head_object().bucket(BUCKET).key("empty").send().await.unwrap();
    // The MD5 of nothing.
    assert_eq!(head.e_tag.as_deref(), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
    assert_eq!(head.content_length, Some(0));
    let range = bench.client.get_object().bucket(BUCKET).key("empty").range("bytes=-5").send().await;
    assert_eq!(code(&range.unwrap_err()), "InvalidRange");
}

async fn key_may_be_prefix_of_another(bench: Bench) {
    bench.put("a", "short").await;
    bench.put("a/b", "long").await;
    assert_eq!(bench.get("a").await.unwrap(), b"short");
    assert_eq!(bench.get("a/b").await.unwrap(), b"long");
}

async fn keys_of_any_form_are_kept_apart(bench: Bench) {
    let long = "x".repeat(1024);
    let keys = ["../../etc/passwd", "a//b", "a/./b", "ü ä+%&=?#", "name with 日本語", "A", "a", long.as_str()];
    for key in keys {
        bench.put(key, key).await;
    }
    for key in keys {
        assert_eq!(bench.get(key).await.unwrap(), key.as_bytes(), "{key}");
    }
    let too_long = "x".repeat(1025);
    assert_eq!(bench.get(&too_long).await.unwrap_err(), "KeyTooLongError");
}

async fn range_is_answered_with_206(bench: Bench) {
    let body = bytes(1_000_000);
    bench.put("a", body.clone()).await;
    for (range, expected, header) in [
        ("bytes=0-0", &body[..1], "bytes 0-0/1000000"),
        ("bytes=100000-900000", &body[100_000..=900_000], "bytes 100000-900000/1000000"),
        ("bytes=999999-", &body[999_999..], "bytes 999999-999999/1000000"),
        ("bytes=-10", &body[999_990..], "bytes 999990-999999/1000000"),
        ("bytes=5-99999999", &body[5..], "bytes 5-999999/1000000"),
    ] {
        let object = bench.client.get_object().bucket(BUCKET).key("a").range(range).send().await.unwrap();
        assert_eq!(object.content_range.as_deref(), Some(header));
        assert_eq!(object.body.collect().await.unwrap().to_vec(), expected, "{range}");
    }
}

async fn range_behind_the_end_is_416(bench: Bench) {
    bench.put("a", "four").await;
    let error = bench.client.get_object().bucket(BUCKET).key("a").range("bytes=4-").send().await.unwrap_err();
    assert_eq!(code(&error), "InvalidRange");
    let answer = error.raw_response().unwrap();
    assert_eq!(answer.status().as_u16(), 416);
    assert_eq!(answer.headers().get("content-range"), Some("bytes */4"));
}

async fn head_says_what_get_would(bench: Bench) {
    bench.put("a", bytes(1000)).await;
    let head = bench.client.head_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(head.content_length, Some(1000));
    assert_eq!(head.accept_ranges.as_deref(), Some("bytes"));
    let head = bench.client.head_object().bucket(BUCKET).key("a").range("bytes=10-19").send().await.unwrap();
    assert_eq!(head.content_length, Some(10));
}

async fn missing_names_have_their_codes(bench: Bench) {
    assert_eq!(bench.get("none").await.unwrap_err(), "NoSuchKey");
    let head = bench.client.head_object().bucket(BUCKET).key("none").send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 404);
    let get = bench.client.get_object().bucket("another").key("a").send().await.unwrap_err();
    assert_eq!(code(&get), "NoSuchBucket");
    let put = bench.client.put_object().bucket("another").key("a").send().await.unwrap_err();
    assert_eq!(code(&put), "NoSuchBucket");
    let head = bench.client.head_bucket().bucket("another").send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 404);
    assert!(bench.segment_count().is_none_or(|count| count == 0));
}

async fn bucket_is_created_once(bench: Bench) {
    bench.client.create_bucket().bucket("another").send().await.unwrap();
    bench.client.head_bucket().bucket("another").send().await.unwrap();
    let again = bench.client.create_bucket().bucket("another").send().await.unwrap_err();
    assert_eq!(code(&again), "BucketAlreadyOwnedByYou");
}

async fn put_replaces_the_object_and_its_segment(bench: Bench) {
    bench.put("a", "old").await;
    bench.put("a", "new").await;
    assert_eq!(bench.get("a").await.unwrap(), b"new");
    assert!(bench.segment_count().is_none_or(|count| count == 1));
}

async fn deleted_object_is_gone_and_deleting_again_succeeds(bench: Bench) {
    bench.put("a", "body").await;
    for _ in 0..2 {
        bench.client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
        assert_eq!(bench.get("a").await.unwrap_err(), "NoSuchKey");
    }
    assert!(bench.segment_count().is_none_or(|count| count == 0));
}

async fn delete_objects_removes_all_that_it_names(bench: Bench) {
    for key in ["a", "b", "c"] {
        bench.put(key, key).await;
    }
    let identifier = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder().objects(identifier("a")).objects(identifier("c")).objects(identifier("none"));
    let request = bench.client.delete_objects().bucket(BUCKET).delete(delete.build().unwrap());
    assert_eq!(request.send().await.unwrap().deleted().len(), 3);
    assert_eq!(bench.get("a").await.unwrap_err(), "NoSuchKey");
    assert_eq!(bench.get("b").await.unwrap(), b"b");
    assert!(bench.segment_count().is_none_or(|count| count == 1));
}

async fn get_in_progress_outlives_the_deletion(bench: Bench) {
    // More than the sockets of both sides hold, so that the server is still reading when the object goes.
    let body = bytes(24 << 20);
    bench.put("a", body.clone()).await;
    let url = bench.presign_get("a").await;
    let mut stream = TcpStream::connect(bench.address).await.unwrap();
    let request = format!("GET {url} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", bench.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 1000];
    stream.read_exact(&mut answer).await.unwrap();

    bench.client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();

    assert_eq!(bench.get("a").await.unwrap_err(), "NoSuchKey");
    assert!(bench.segment_count().is_none_or(|count| count == 1));
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(&body), "{} bytes", answer.len());
    for _ in 0..100 {
        if bench.segment_count().is_none_or(|count| count == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the segment outlives its last reader");
}

async fn wrong_signature_is_403(bench: Bench) {
    bench.put("a", "body").await;
    let error = bench.client_with_wrong_secret().get_object().bucket(BUCKET).key("a").send().await.unwrap_err();
    assert_eq!(code(&error), "SignatureDoesNotMatch");
}

async fn unsigned_request_is_403(bench: Bench) {
    bench.put("a", "body").await;
    let answer = bench.raw("GET /registry/a HTTP/1.1\nHost: HOST\nConnection: close\n\n", b"").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

async fn what_is_not_implemented_says_so(bench: Bench) {
    bench.put("a", "body").await;
    let copy = bench.client.copy_object().bucket(BUCKET).key("b").copy_source("registry/a").send().await.unwrap_err();
    assert_eq!(code(&copy), "NotImplemented");
    let tagged = bench.client.put_object().bucket(BUCKET).key("b").tagging("a=b").send().await.unwrap_err();
    assert_eq!(code(&tagged), "NotImplemented");
    assert_eq!(bench.get("b").await.unwrap_err(), "NoSuchKey");
}
