//! What only the form on disk promises.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use local::s3::{Medium, Store};
use tempfile::TempDir;

use crate::harness::{BUCKET, Bench, bytes, code};

#[tokio::test(flavor = "multi_thread")]
async fn restart_keeps_objects_and_uploads() {
    let bench = Bench::in_directory().await;
    bench.put("a", "body").await;
    let id = bench.begin("b").await;
    let etag = bench.part("b", &id, 1, b"part".to_vec()).await;

    let bench = Bench::at(bench.stop().await).await;

    assert_eq!(bench.get("a").await.unwrap(), b"body");
    complete(&bench, "b", &id, vec![etag]).await;
    assert_eq!(bench.get("b").await.unwrap(), b"part");
}

#[tokio::test(flavor = "multi_thread")]
async fn start_removes_what_no_record_names() {
    let bench = Bench::in_directory().await;
    bench.put("a", "body").await;
    let id = bench.begin("b").await;
    let etag = bench.part("b", &id, 1, b"part".to_vec()).await;
    let root = bench.stop().await;
    // A body that was being received, and one that was received but not recorded, when the process died.
    fs::write(root.path().join("incoming/.tmpAbCdEf"), "half a bo").unwrap();
    fs::write(root.path().join("segments/00/00000000000000000000000000000000"), "a body").unwrap();

    let bench = Bench::at(root).await;

    assert_eq!(fs::read_dir(bench.root().join("incoming")).unwrap().count(), 0);
    assert_eq!(bench.segment_count(), Some(2));
    assert_eq!(bench.get("a").await.unwrap(), b"body");
    complete(&bench, "b", &id, vec![etag]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_process_is_refused() {
    let bench = Bench::in_directory().await;
    let error = Store::open(Medium::Directory(bench.root().to_owned())).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
    assert!(error.to_string().contains("another process uses"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_disk_is_an_internal_error() {
    let bench = Bench::in_directory().await;
    bench.put("a", bytes(1000)).await;
    fs::remove_dir(bench.root().join("incoming")).unwrap();
    let put = bench.client.put_object().bucket(BUCKET).key("b").body(bytes(1000).into()).send().await.unwrap_err();
    assert_eq!(code(&put), "InternalError");
    assert_eq!(put.raw_response().unwrap().status().as_u16(), 500);
    assert_eq!(bench.get("b").await.unwrap_err(), "NoSuchKey");
    assert_eq!(bench.get("a").await.unwrap(), bytes(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn disappeared_segment_breaks_the_connection_and_not_the_server() {
    let bench = Bench::in_directory().await;
    bench.put("a", bytes(1000)).await;
    fs::remove_file(&bench.segment_files()[0]).unwrap();
    let object = bench.client.get_object().bucket(BUCKET).key("a").send().await;
    assert!(match object {
        Ok(object) => object.body.collect().await.is_err(),
        Err(_) => true,
    });
    bench.put("b", "body").await;
    assert_eq!(bench.get("b").await.unwrap(), b"body");
}

/// The parts' files stay what they are and where they are.
#[tokio::test(flavor = "multi_thread")]
async fn completion_copies_nothing() {
    let bench = Bench::in_directory().await;
    let parts = 3;
    let id = bench.begin("a").await;
    let mut etags = Vec::new();
    for number in 1..=parts {
        etags.push(bench.part("a", &id, number, bytes(8 << 20)).await);
    }
    let before = files(&bench);

    complete(&bench, "a", &id, etags).await;

    assert_eq!(files(&bench), before);
    assert_eq!(before.len(), parts as usize);
    let head = bench.client.head_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(head.content_length, Some(i64::from(parts) * (8 << 20)));
}

/// Every segment's file with its inode and the moment of its last change.
fn files(bench: &Bench) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let describe = |path: PathBuf| {
        let file = fs::metadata(&path).unwrap();
        (path, (file.ino(), file.ctime(), file.ctime_nsec()))
    };
    bench.segment_files().into_iter().map(describe).collect()
}

async fn complete(bench: &Bench, key: &str, id: &str, etags: Vec<String>) {
    let parts = (1..).zip(etags).map(|(number, etag)| CompletedPart::builder().part_number(number).e_tag(etag).build());
    let upload = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
    let request = bench.client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id);
    request.multipart_upload(upload).send().await.unwrap();
}

#[test]
fn bucket_name_that_s3_forbids_is_an_error() {
    let store = Store::open(Medium::Memory).unwrap();
    assert_eq!(store.create_bucket("Under_score").unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn directory_that_cannot_be_made_is_an_error() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Store::open(Medium::Directory(file.join("below"))).is_err());
}
