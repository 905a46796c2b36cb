//! A body is stored whole and as its sender meant it, or not at all.

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use aws_sigv4::http_request::SignableBody;

use crate::harness::{BUCKET, Bench, bytes, code, on_both_media};

on_both_media! {
    etag_of_put_is_the_md5,
    body_shorter_than_its_length_is_not_stored,
    chunked_body_shorter_than_its_length_is_not_stored,
    body_without_length_is_411,
    body_over_5_gib_is_refused,
    wrong_content_md5_is_bad_digest,
    malformed_content_md5_is_invalid_digest,
    wrong_checksum_in_header_is_bad_digest,
    wrong_checksum_in_trailer_is_bad_digest,
    missing_trailer_is_malformed,
    malformed_checksum_is_an_invalid_request,
    two_checksums_are_an_invalid_request,
    announced_but_missing_checksum_is_an_invalid_request,
    checksum_of_every_algorithm_is_verified_and_kept,
    checksum_of_a_part_is_verified,
    body_that_is_not_the_signed_one_is_refused,
    default_client_sends_what_the_store_accepts,
    streamed_body_with_trailer_is_stored,
}

async fn nothing_is_stored(bench: &Bench) {
    assert_eq!(bench.get("a").await.unwrap_err(), "NoSuchKey");
    // The refused body's removal may run a moment after its answer.
    for _ in 0..100 {
        let strays = bench.segment_count().is_some().then(|| {
            std::fs::read_dir(bench.root().join("incoming")).unwrap().count() + bench.segment_count().unwrap_or(0)
        });
        if strays.is_none_or(|strays| strays == 0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("bytes of a refused body are left");
}

async fn etag_of_put_is_the_md5(bench: Bench) {
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let etag = put.send().await.unwrap().e_tag.unwrap();
    assert_eq!(etag, "\"5d41402abc4b2a76b9719d911017c592\"");
}

async fn body_shorter_than_its_length_is_not_stored(bench: Bench) {
    let url = bench.presign_put("a").await;
    for length in [10, 9_000_000] {
        let head = format!("PUT {url} HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: {length}\n\n");
        let answer = bench.raw_cut_off(&head, &bytes(length - 1)).await;
        // Where the connection still stands, S3 names the reason.
        assert!(answer.is_empty() || answer.contains("<Code>IncompleteBody</Code>"), "{answer}");
        nothing_is_stored(&bench).await;
    }
}

async fn chunked_body_shorter_than_its_length_is_not_stored(bench: Bench) {
    let put = bench.default_client().put_object().bucket(BUCKET).key("a").checksum_algorithm(ChecksumAlgorithm::Crc32);
    let put = put.body(streamed(bytes(1000))).customize().mutate_request(|request| {
        request.headers_mut().insert("x-amz-decoded-content-length", "1001");
    });
    assert_eq!(code(&put.send().await.unwrap_err()), "IncompleteBody");
    nothing_is_stored(&bench).await;
}

async fn body_without_length_is_411(bench: Bench) {
    let url = bench.presign_put("a").await;
    let head = format!("PUT {url} HTTP/1.1\nHost: HOST\nConnection: close\nTransfer-Encoding: chunked\n\n");
    let answer = bench.raw(&head, b"5\r\nhello\r\n0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 411 "), "{answer}");
    nothing_is_stored(&bench).await;
}

async fn body_over_5_gib_is_refused(bench: Bench) {
    let url = bench.presign_put("a").await;
    let id = bench.begin("a").await;
    let part = bench.presign_part("a", &id, 1).await;
    for url in [url, part] {
        let head =
            format!("PUT {url} HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: {}\n\n", (5_u64 << 30) + 1);
        let answer = bench.raw(&head, b"").await;
        assert!(answer.contains("<Code>EntityTooLarge</Code>"), "{answer}");
        // The greatest size is accepted, and only then found to be missing.
        let head = format!("PUT {url} HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: {}\n\n", 5_u64 << 30);
        let answer = bench.raw_cut_off(&head, b"").await;
        assert!(!answer.contains("EntityTooLarge"), "{answer}");
    }
    nothing_is_stored(&bench).await;
}

async fn wrong_content_md5_is_bad_digest(bench: Bench) {
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let wrong = put.put_with_md5("1B2M2Y8AsgTpgAmY7PhCfg==").await;
    assert_eq!(wrong.unwrap_err(), "BadDigest");
    nothing_is_stored(&bench).await;
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    put.put_with_md5("XUFAKrxLKna5cZ2REBfFkg==").await.unwrap();
}

async fn malformed_content_md5_is_invalid_digest(bench: Bench) {
    for md5 in ["hello", "aGVsbG8="] {
        let put = bench.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
        assert_eq!(put.put_with_md5(md5).await.unwrap_err(), "InvalidDigest");
    }
    nothing_is_stored(&bench).await;
}

async fn wrong_checksum_in_header_is_bad_digest(bench: Bench) {
    let of_nothing = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(bytes(700_000).into()).checksum_sha256(of_nothing);
    assert_eq!(code(&put.send().await.unwrap_err()), "BadDigest");
    nothing_is_stored(&bench).await;
}

async fn wrong_checksum_in_trailer_is_bad_digest(bench: Bench) {
    let answer = put_in_chunks(&bench, "x-amz-checksum-crc32:AAAAAA==").await;
    assert!(answer.contains("<Code>BadDigest</Code>"), "{answer}");
    nothing_is_stored(&bench).await;
    let answer = put_in_chunks(&bench, "x-amz-checksum-crc32:NhCmhg==").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

async fn missing_trailer_is_malformed(bench: Bench) {
    let answer = put_in_chunks(&bench, "x-amz-checksum-other:NhCmhg==").await;
    assert!(answer.contains("<Code>MalformedTrailerError</Code>"), "{answer}");
    nothing_is_stored(&bench).await;
}

/// Puts `hello` in chunks, with this trailer behind them, which the SDK would compute itself.
async fn put_in_chunks(bench: &Bench, trailer: &str) -> String {
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "5"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];
    let head = bench.sign("PUT", "/registry/a", &headers, SignableBody::StreamingUnsignedPayloadTrailer);
    let body = format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n");
    bench.raw(&head.replace("LENGTH", &body.len().to_string()), body.as_bytes()).await
}

async fn malformed_checksum_is_an_invalid_request(bench: Bench) {
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(bytes(10).into()).checksum_sha256("aGVsbG8=");
    assert_eq!(code(&put.send().await.unwrap_err()), "InvalidRequest");
    nothing_is_stored(&bench).await;
}

async fn two_checksums_are_an_invalid_request(bench: Bench) {
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let put = put.checksum_crc32("NhCmhg==").checksum_sha1("qvTGHdzF6KLavt4PO0gs2a6pQ00=");
    assert_eq!(code(&put.send().await.unwrap_err()), "InvalidRequest");
    nothing_is_stored(&bench).await;
}

async fn announced_but_missing_checksum_is_an_invalid_request(bench: Bench) {
    let put = bench.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let put = put.customize().mutate_request(|request| {
        request.headers_mut().insert("x-amz-sdk-checksum-algorithm", "SHA256");
    });
    assert_eq!(code(&put.send().await.unwrap_err()), "InvalidRequest");
    nothing_is_stored(&bench).await;
}

async fn checksum_of_every_algorithm_is_verified_and_kept(bench: Bench) {
    let put = || bench.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let head = async || {
        let head = bench.client.head_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled);
        head.send().await.unwrap()
    };
    put().checksum_crc32("NhCmhg==").send().await.unwrap();
    assert_eq!(head().await.checksum_crc32(), Some("NhCmhg=="));
    put().checksum_crc32_c("mnG7TA==").send().await.unwrap();
    assert_eq!(head().await.checksum_crc32_c(), Some("mnG7TA=="));
    put().checksum_crc64_nvme("M3eFcAZSQlc=").send().await.unwrap();
    assert_eq!(head().await.checksum_crc64_nvme(), Some("M3eFcAZSQlc="));
    put().checksum_sha1("qvTGHdzF6KLavt4PO0gs2a6pQ00=").send().await.unwrap();
    assert_eq!(head().await.checksum_sha1(), Some("qvTGHdzF6KLavt4PO0gs2a6pQ00="));
    put().checksum_sha256("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=").send().await.unwrap();
    assert_eq!(head().await.checksum_sha256(), Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="));

    assert_eq!(code(&put().checksum_crc32("NhCmhw==").send().await.unwrap_err()), "BadDigest");
    assert_eq!(code(&put().checksum_crc32_c("mnG7TQ==").send().await.unwrap_err()), "BadDigest");
    assert_eq!(code(&put().checksum_crc64_nvme("M3eFcAZSQlg=").send().await.unwrap_err()), "BadDigest");
    assert_eq!(code(&put().checksum_sha1("qvTGHdzF6KLavt4PO0gs2a6pQ08=").send().await.unwrap_err()), "BadDigest");
}

async fn checksum_of_a_part_is_verified(bench: Bench) {
    let id = bench.begin("a").await;
    let part = bench.client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(1);
    let part = part.body(ByteStream::from_static(b"hello")).checksum_crc32("AAAAAA==");
    assert_eq!(code(&part.send().await.unwrap_err()), "BadDigest");
    let parts = bench.client.list_parts().bucket(BUCKET).key("a").upload_id(&id).send().await.unwrap();
    assert!(parts.parts().is_empty());
    nothing_is_stored(&bench).await;
}

async fn body_that_is_not_the_signed_one_is_refused(bench: Bench) {
    let head = bench.sign("PUT", "/registry/a", &[], SignableBody::Bytes(b"hello")).replace("LENGTH", "5");
    let answer = bench.raw(&head, b"jello").await;
    assert!(answer.contains("<Code>XAmzContentSHA256Mismatch</Code>"), "{answer}");
    nothing_is_stored(&bench).await;
    let answer = bench.raw(&head, b"hello").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

async fn default_client_sends_what_the_store_accepts(bench: Bench) {
    let body = bytes(1_000_000);
    let client = bench.default_client();
    client.put_object().bucket(BUCKET).key("a").body(body.clone().into()).send().await.unwrap();
    let object = client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert!(object.checksum_crc32.is_some());
    assert_eq!(object.body.collect().await.unwrap().to_vec(), body);
}

async fn streamed_body_with_trailer_is_stored(bench: Bench) {
    let body = bytes(3_000_000);
    let put = bench.default_client().put_object().bucket(BUCKET).key("a").body(streamed(body.clone()));
    put.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
    let object = bench.client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    // The coding of the transfer isn't the object's.
    assert_eq!(object.content_encoding, None);
    assert_eq!(object.body.collect().await.unwrap().to_vec(), body);
}

/// A body that the SDK can't look at before it sends it.
fn streamed(body: Vec<u8>) -> ByteStream {
    ByteStream::from_body_1_x(http_body_util::Full::new(bytes::Bytes::from(body)))
}

trait WithMd5 {
    async fn put_with_md5(self, md5: &str) -> Result<(), String>;
}

impl WithMd5 for PutObjectFluentBuilder {
    async fn put_with_md5(self, md5: &str) -> Result<(), String> {
        self.content_md5(md5).send().await.map(|_| ()).map_err(|error| code(&error))
    }
}
