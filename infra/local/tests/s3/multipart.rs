//! Multipart uploads: what S3 demands of parts and of their completion.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::{CompleteMultipartUploadError, CompleteMultipartUploadOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart};

use crate::harness::{BUCKET, Bench, bytes, code, on_both_media};

const MIB: usize = 1 << 20;

on_both_media! {
    parts_become_one_object_in_the_order_of_their_numbers,
    ranges_reach_across_parts,
    etag_of_completion_is_the_md5_of_md5s,
    part_uploaded_again_replaces_the_former,
    wrong_etag_is_an_invalid_part,
    missing_part_is_an_invalid_part,
    descending_or_repeated_numbers_are_an_invalid_order,
    small_part_before_the_last_is_too_small,
    empty_list_is_malformed,
    part_numbers_outside_1_to_10000_are_refused,
    parts_that_completion_leaves_out_are_removed,
    unknown_upload_is_no_such_upload,
    completed_upload_is_over,
    aborted_upload_is_over_and_its_parts_are_removed,
    refused_completion_leaves_the_upload_as_it_was,
    composite_checksum_demands_one_of_every_part,
    composite_checksum_is_that_of_the_parts_checksums,
    full_object_checksum_is_that_of_the_whole,
    wrong_full_object_checksum_is_bad_digest,
    wrong_size_of_the_whole_is_an_invalid_request,
    attributes_of_the_upload_are_the_objects,
}

async fn complete(
    bench: &Bench,
    id: &str,
    parts: &[(i32, &str)],
) -> Result<CompleteMultipartUploadOutput, SdkError<CompleteMultipartUploadError>> {
    let request = bench.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(id);
    request.multipart_upload(listed(parts)).send().await
}

async fn refusal(bench: &Bench, id: &str, parts: &[(i32, &str)]) -> String {
    code(&complete(bench, id, parts).await.unwrap_err())
}

fn listed(parts: &[(i32, &str)]) -> CompletedMultipartUpload {
    let parts = parts.iter().map(|(number, etag)| CompletedPart::builder().part_number(*number).e_tag(*etag).build());
    CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build()
}

async fn parts_become_one_object_in_the_order_of_their_numbers(bench: Bench) {
    let body = bytes(11 * MIB);
    let id = bench.begin("a").await;
    // Sent out of order and with gaps between the numbers.
    let last = bench.part("a", &id, 10_000, body[10 * MIB..].to_vec()).await;
    let first = bench.part("a", &id, 3, body[..5 * MIB].to_vec()).await;
    let second = bench.part("a", &id, 70, body[5 * MIB..10 * MIB].to_vec()).await;

    complete(&bench, &id, &[(3, &first), (70, &second), (10_000, &last)]).await.unwrap();

    assert!(bench.get("a").await.unwrap() == body);
    let head = bench.client.head_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(head.content_length, Some(11 * MIB as i64));
}

async fn ranges_reach_across_parts(bench: Bench) {
    let body = bytes(11 * MIB);
    let id = bench.begin("a").await;
    let one = bench.part("a", &id, 1, body[..5 * MIB].to_vec()).await;
    let two = bench.part("a", &id, 2, body[5 * MIB..10 * MIB].to_vec()).await;
    let three = bench.part("a", &id, 3, body[10 * MIB..].to_vec()).await;
    complete(&bench, &id, &[(1, &one), (2, &two), (3, &three)]).await.unwrap();
    for (first, last) in
        [(0, 0), (5 * MIB - 1, 5 * MIB), (5 * MIB, 10 * MIB - 1), (1, 11 * MIB - 2), (10 * MIB, 11 * MIB - 1)]
    {
        let range = format!("bytes={first}-{last}");
        let object = bench.client.get_object().bucket(BUCKET).key("a").range(&range).send().await.unwrap();
        assert!(object.body.collect().await.unwrap().to_vec() == body[first..=last], "{range}");
    }
}

async fn etag_of_completion_is_the_md5_of_md5s(bench: Bench) {
    let id = bench.begin("a").await;
    let etag = bench.part("a", &id, 1, b"hello".to_vec()).await;
    let object = complete(&bench, &id, &[(1, &etag)]).await.unwrap();
    // The MD5 of the 16 bytes of the MD5 of `hello`.
    assert_eq!(object.e_tag.as_deref(), Some("\"62109206880d38a4010a98e11243924a-1\""));
}

async fn part_uploaded_again_replaces_the_former(bench: Bench) {
    let id = bench.begin("a").await;
    let former = bench.part("a", &id, 1, b"former".to_vec()).await;
    let latter = bench.part("a", &id, 1, b"latter".to_vec()).await;
    assert!(bench.segment_count().is_none_or(|count| count == 1));
    assert_eq!(refusal(&bench, &id, &[(1, &former)]).await, "InvalidPart");
    complete(&bench, &id, &[(1, &latter)]).await.unwrap();
    assert_eq!(bench.get("a").await.unwrap(), b"latter");
}

async fn wrong_etag_is_an_invalid_part(bench: Bench) {
    let id = bench.begin("a").await;
    bench.part("a", &id, 1, b"part".to_vec()).await;
    assert_eq!(refusal(&bench, &id, &[(1, "\"5d41402abc4b2a76b9719d911017c592\"")]).await, "InvalidPart");
}

async fn missing_part_is_an_invalid_part(bench: Bench) {
    let id = bench.begin("a").await;
    let etag = bench.part("a", &id, 1, bytes(5 * MIB)).await;
    assert_eq!(refusal(&bench, &id, &[(1, &etag), (2, &etag)]).await, "InvalidPart");
}

async fn descending_or_repeated_numbers_are_an_invalid_order(bench: Bench) {
    let id = bench.begin("a").await;
    let one = bench.part("a", &id, 1, bytes(5 * MIB)).await;
    let two = bench.part("a", &id, 2, bytes(5 * MIB)).await;
    assert_eq!(refusal(&bench, &id, &[(2, &two), (1, &one)]).await, "InvalidPartOrder");
    assert_eq!(refusal(&bench, &id, &[(1, &one), (1, &one)]).await, "InvalidPartOrder");
}

async fn small_part_before_the_last_is_too_small(bench: Bench) {
    let id = bench.begin("a").await;
    let one = bench.part("a", &id, 1, bytes(5 * MIB - 1)).await;
    let two = bench.part("a", &id, 2, b"last".to_vec()).await;
    assert_eq!(refusal(&bench, &id, &[(1, &one), (2, &two)]).await, "EntityTooSmall");
    let one = bench.part("a", &id, 1, bytes(5 * MIB)).await;
    complete(&bench, &id, &[(1, &one), (2, &two)]).await.unwrap();
}

async fn empty_list_is_malformed(bench: Bench) {
    let id = bench.begin("a").await;
    bench.part("a", &id, 1, b"part".to_vec()).await;
    assert_eq!(refusal(&bench, &id, &[]).await, "MalformedXML");
}

async fn part_numbers_outside_1_to_10000_are_refused(bench: Bench) {
    let id = bench.begin("a").await;
    for number in [0, 10_001, -1] {
        let part = bench.client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(number);
        let error = part.body(ByteStream::from_static(b"part")).send().await.unwrap_err();
        assert_eq!(code(&error), "InvalidArgument", "{number}");
    }
}

async fn parts_that_completion_leaves_out_are_removed(bench: Bench) {
    let id = bench.begin("a").await;
    bench.part("a", &id, 1, b"left out".to_vec()).await;
    let etag = bench.part("a", &id, 2, b"kept".to_vec()).await;
    complete(&bench, &id, &[(2, &etag)]).await.unwrap();
    assert_eq!(bench.get("a").await.unwrap(), b"kept");
    assert!(bench.segment_count().is_none_or(|count| count == 1));
}

async fn unknown_upload_is_no_such_upload(bench: Bench) {
    let id = bench.begin("a").await;
    let etag = bench.part("a", &id, 1, b"part".to_vec()).await;
    assert_eq!(refusal(&bench, "unknown", &[(1, &etag)]).await, "NoSuchUpload");
    let of_another_key = bench.client.upload_part().bucket(BUCKET).key("b").upload_id(&id).part_number(1);
    let error = of_another_key.body(bytes(9 * MIB).into()).send().await.unwrap_err();
    assert_eq!(code(&error), "NoSuchUpload");
    let abort = bench.client.abort_multipart_upload().bucket(BUCKET).key("a").upload_id("unknown").send().await;
    assert_eq!(code(&abort.unwrap_err()), "NoSuchUpload");
    let list = bench.client.list_parts().bucket(BUCKET).key("a").upload_id("unknown").send().await;
    assert_eq!(code(&list.unwrap_err()), "NoSuchUpload");
}

async fn completed_upload_is_over(bench: Bench) {
    let id = bench.begin("a").await;
    let etag = bench.part("a", &id, 1, b"part".to_vec()).await;
    complete(&bench, &id, &[(1, &etag)]).await.unwrap();
    assert_eq!(refusal(&bench, &id, &[(1, &etag)]).await, "NoSuchUpload");
    let abort = bench.client.abort_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).send().await;
    assert_eq!(code(&abort.unwrap_err()), "NoSuchUpload");
    assert_eq!(bench.get("a").await.unwrap(), b"part");
}

async fn aborted_upload_is_over_and_its_parts_are_removed(bench: Bench) {
    let id = bench.begin("a").await;
    let etag = bench.part("a", &id, 1, b"part".to_vec()).await;
    bench.client.abort_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).send().await.unwrap();
    assert_eq!(refusal(&bench, &id, &[(1, &etag)]).await, "NoSuchUpload");
    let list = bench.client.list_parts().bucket(BUCKET).key("a").upload_id(&id).send().await;
    assert_eq!(code(&list.unwrap_err()), "NoSuchUpload");
    assert!(bench.segment_count().is_none_or(|count| count == 0));
}

async fn refused_completion_leaves_the_upload_as_it_was(bench: Bench) {
    let id = bench.begin("a").await;
    let etag = bench.part("a", &id, 1, b"part".to_vec()).await;
    assert_eq!(refusal(&bench, &id, &[(2, &etag)]).await, "InvalidPart");
    assert_eq!(bench.get("a").await.unwrap_err(), "NoSuchKey");
    complete(&bench, &id, &[(1, &etag)]).await.unwrap();
}

/// Begins an upload that promises checksums.
async fn begin_with(bench: &Bench, algorithm: ChecksumAlgorithm, kind: Option<ChecksumType>) -> String {
    let upload = bench.client.create_multipart_upload().bucket(BUCKET).key("a");
    let upload = upload.checksum_algorithm(algorithm).set_checksum_type(kind).send().await.unwrap();
    upload.upload_id.unwrap()
}

async fn composite_checksum_demands_one_of_every_part(bench: Bench) {
    let id = begin_with(&bench, ChecksumAlgorithm::Sha256, None).await;
    let part = || {
        let part = bench.client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(1);
        part.body(ByteStream::from_static(b"hello"))
    };
    assert_eq!(code(&part().send().await.unwrap_err()), "InvalidRequest");
    assert_eq!(code(&part().checksum_crc32("NhCmhg==").send().await.unwrap_err()), "InvalidRequest");
    let sha256 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let etag = part().checksum_sha256(sha256).send().await.unwrap().e_tag.unwrap();

    let without = complete(&bench, &id, &[(1, &etag)]).await.unwrap_err();
    assert_eq!(code(&without), "InvalidRequest");
    let finish = |checksum: &str| {
        let part = CompletedPart::builder().part_number(1).e_tag(&etag).checksum_sha256(checksum).build();
        let request = bench.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        request.multipart_upload(CompletedMultipartUpload::builder().parts(part).build())
    };
    let wrong = finish("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").send().await.unwrap_err();
    assert_eq!(code(&wrong), "InvalidPart");
    finish(sha256).send().await.unwrap();
}

async fn composite_checksum_is_that_of_the_parts_checksums(bench: Bench) {
    let id = begin_with(&bench, ChecksumAlgorithm::Sha256, None).await;
    let sha256 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let part = bench.client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(1).checksum_sha256(sha256);
    let etag = part.body(ByteStream::from_static(b"hello")).send().await.unwrap().e_tag.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(&etag).checksum_sha256(sha256).build();
    let request = bench.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    let object =
        request.multipart_upload(CompletedMultipartUpload::builder().parts(part).build()).send().await.unwrap();
    // The SHA-256 of the 32 bytes of the SHA-256 of `hello`.
    assert_eq!(object.checksum_sha256(), Some("lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA=-1"));
    assert_eq!(object.checksum_type(), Some(&ChecksumType::Composite));
}

async fn full_object_checksum_is_that_of_the_whole(bench: Bench) {
    let body = bytes(6 * MIB);
    let put = bench.default_client().put_object().bucket(BUCKET).key("whole").body(body.clone().into());
    let whole = put.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap().checksum_crc64_nvme.unwrap();

    let id = begin_with(&bench, ChecksumAlgorithm::Crc64Nvme, Some(ChecksumType::FullObject)).await;
    // Parts need not bring theirs.
    let one = bench.part("a", &id, 1, body[..5 * MIB].to_vec()).await;
    let two = bench.part("a", &id, 2, body[5 * MIB..].to_vec()).await;
    let request = bench.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    let request = request.multipart_upload(listed(&[(1, &one), (2, &two)])).checksum_crc64_nvme(&whole);
    assert_eq!(request.send().await.unwrap().checksum_crc64_nvme(), Some(whole.as_str()));
    let head =
        bench.client.head_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_crc64_nvme(), Some(whole.as_str()));
}

async fn wrong_full_object_checksum_is_bad_digest(bench: Bench) {
    let id = begin_with(&bench, ChecksumAlgorithm::Crc32, Some(ChecksumType::FullObject)).await;
    let etag = bench.part("a", &id, 1, b"hello".to_vec()).await;
    let finish = |checksum: &str| {
        let request = bench.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        request.multipart_upload(listed(&[(1, &etag)])).checksum_crc32(checksum)
    };
    assert_eq!(code(&finish("AAAAAA==").send().await.unwrap_err()), "BadDigest");
    assert_eq!(bench.get("a").await.unwrap_err(), "NoSuchKey");
    finish("NhCmhg==").send().await.unwrap();
}

async fn wrong_size_of_the_whole_is_an_invalid_request(bench: Bench) {
    let id = bench.begin("a").await;
    let etag = bench.part("a", &id, 1, b"hello".to_vec()).await;
    let finish = |size| {
        let request = bench.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        request.multipart_upload(listed(&[(1, &etag)])).mpu_object_size(size)
    };
    assert_eq!(code(&finish(4).send().await.unwrap_err()), "InvalidRequest");
    finish(5).send().await.unwrap();
}

async fn attributes_of_the_upload_are_the_objects(bench: Bench) {
    let upload = bench.client.create_multipart_upload().bucket(BUCKET).key("a").content_type("text/plain");
    let id = upload.metadata("digest", "sha256:0").send().await.unwrap().upload_id.unwrap();
    let etag = bench.part("a", &id, 1, b"hello".to_vec()).await;
    complete(&bench, &id, &[(1, &etag)]).await.unwrap();
    let head = bench.client.head_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(head.content_type.as_deref(), Some("text/plain"));
    assert_eq!(head.metadata.unwrap()["digest"], "sha256:0");
}
