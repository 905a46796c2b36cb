//! Lists are sorted, and their pages add up.

use crate::harness::{BUCKET, Bench, code, on_both_media};

on_both_media! {
    objects_are_listed_in_the_order_of_their_bytes,
    objects_are_listed_by_prefix,
    objects_are_listed_in_pages,
    page_of_no_objects_is_the_last,
    foreign_continuation_token_is_refused,
    parts_are_listed_in_order_and_in_pages,
    uploads_are_listed_by_key_and_age_in_pages,
}

async fn keys(bench: &Bench, prefix: &str) -> Vec<String> {
    let list = bench.client.list_objects_v2().bucket(BUCKET).prefix(prefix).send().await.unwrap();
    list.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
}

async fn objects_are_listed_in_the_order_of_their_bytes(bench: Bench) {
    for key in ["ü", "b", "a/b", "B", "a", "a-b"] {
        bench.put(key, "body").await;
    }
    assert_eq!(keys(&bench, "").await, ["B", "a", "a-b", "a/b", "b", "ü"]);
    let list = bench.client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!(list.contents()[0].size(), Some(4));
    assert_eq!(list.contents()[0].e_tag(), Some("\"841a2d689ad86bd1611447453c22c6fc\""));
}

async fn objects_are_listed_by_prefix(bench: Bench) {
    for key in ["blobs/1", "blobs/2", "blobs", "blobt", "a", "ü/1"] {
        bench.put(key, "body").await;
    }
    assert_eq!(keys(&bench, "blobs/").await, ["blobs/1", "blobs/2"]);
    assert_eq!(keys(&bench, "ü").await, ["ü/1"]);
    assert_eq!(keys(&bench, "none").await, [""; 0]);
}

async fn objects_are_listed_in_pages(bench: Bench) {
    let expected: Vec<String> = (0..25).map(|number| format!("key/{number:02}")).collect();
    for key in &expected {
        bench.put(key, "body").await;
    }
    bench.put("z", "behind the prefix").await;
    let mut listed = Vec::new();
    let mut token = None;
    loop {
        let list = bench.client.list_objects_v2().bucket(BUCKET).prefix("key/").max_keys(10);
        let list = list.set_continuation_token(token).send().await.unwrap();
        assert_eq!(list.key_count(), Some(list.contents().len() as i32));
        listed.extend(list.contents().iter().map(|object| object.key().unwrap().to_owned()));
        assert_eq!(list.is_truncated(), Some(list.next_continuation_token().is_some()));
        token = list.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(listed, expected);
    let list = bench.client.list_objects_v2().bucket(BUCKET).start_after("key/22").send().await.unwrap();
    assert_eq!(list.contents().len(), 3);
}

async fn page_of_no_objects_is_the_last(bench: Bench) {
    bench.put("a", "body").await;
    let list = bench.client.list_objects_v2().bucket(BUCKET).max_keys(0).send().await.unwrap();
    assert!(list.contents().is_empty());
    assert_eq!(list.is_truncated(), Some(false));
    let error = bench.client.list_objects_v2().bucket(BUCKET).max_keys(-1).send().await.unwrap_err();
    assert_eq!(code(&error), "InvalidArgument");
}

async fn foreign_continuation_token_is_refused(bench: Bench) {
    let error = bench.client.list_objects_v2().bucket(BUCKET).continuation_token("ü?").send().await.unwrap_err();
    assert_eq!(code(&error), "InvalidArgument");
}

async fn parts_are_listed_in_order_and_in_pages(bench: Bench) {
    let id = bench.begin("a").await;
    for number in [5, 10_000, 1, 7, 3] {
        bench.part("a", &id, number, number.to_string().into_bytes()).await;
    }
    let mut numbers = Vec::new();
    let mut marker = None;
    loop {
        let list = bench.client.list_parts().bucket(BUCKET).key("a").upload_id(&id).max_parts(2);
        let list = list.set_part_number_marker(marker).send().await.unwrap();
        for part in list.parts() {
            numbers.push(part.part_number().unwrap());
            assert_eq!(part.size(), Some(part.part_number().unwrap().to_string().len() as i64));
        }
        if list.is_truncated() != Some(true) {
            break;
        }
        marker = list.next_part_number_marker;
    }
    assert_eq!(numbers, [1, 3, 5, 7, 10_000]);
}

async fn uploads_are_listed_by_key_and_age_in_pages(bench: Bench) {
    let b = bench.begin("b").await;
    let first = bench.begin("a").await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let second = bench.begin("a").await;
    let mut uploads = Vec::new();
    let (mut key, mut id) = (None, None);
    loop {
        let list = bench.client.list_multipart_uploads().bucket(BUCKET).max_uploads(1);
        let list = list.set_key_marker(key).set_upload_id_marker(id).send().await.unwrap();
        uploads.extend(list.uploads().iter().map(|upload| upload.upload_id().unwrap().to_owned()));
        if list.is_truncated() != Some(true) {
            break;
        }
        (key, id) = (list.next_key_marker, list.next_upload_id_marker);
    }
    assert_eq!(uploads, [first, second, b.clone()]);
    let after_a = bench.client.list_multipart_uploads().bucket(BUCKET).key_marker("a").send().await.unwrap();
    assert_eq!(after_a.uploads().len(), 1);
    let with_prefix = bench.client.list_multipart_uploads().bucket(BUCKET).prefix("b").send().await.unwrap();
    assert_eq!(with_prefix.uploads()[0].upload_id(), Some(b.as_str()));
}
