//! Pre-signed URLs, as a registry's client meets them after a redirect.

use crate::harness::{Bench, on_both_media};

on_both_media! {
    url_reads_the_object,
    authorization_beside_the_url_is_ignored,
    another_method_than_the_signed_is_403,
    changed_url_is_403,
    unreadable_range_is_answered_with_the_whole_object,
    url_writes_an_object_and_a_part,
}

async fn url_reads_the_object(bench: Bench) {
    bench.put("a", "body").await;
    let url = bench.presign_get("a").await;
    let answer = bench.raw(&format!("GET {url} HTTP/1.1\nHost: HOST\nConnection: close\n\n"), b"").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nbody"), "{answer}");
    let range = format!("GET {url} HTTP/1.1\nHost: HOST\nConnection: close\nRange: bytes=1-2\n\n");
    let answer = bench.raw(&range, b"").await;
    assert!(answer.starts_with("HTTP/1.1 206 ") && answer.ends_with("\r\n\r\nod"), "{answer}");
}

async fn authorization_beside_the_url_is_ignored(bench: Bench) {
    bench.put("a", "body").await;
    let url = bench.presign_get("a").await;
    for authorization in ["Bearer token", "Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256 Credential=nonsense", "AWS a:b"] {
        let head = format!("GET {url} HTTP/1.1\nHost: HOST\nConnection: close\nAuthorization: {authorization}\n\n");
        let answer = bench.raw(&head, b"").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{authorization}: {answer}");
    }
}

async fn another_method_than_the_signed_is_403(bench: Bench) {
    bench.put("a", "body").await;
    let url = bench.presign_get("a").await;
    for method in ["PUT", "DELETE", "HEAD"] {
        let head = format!("{method} {url} HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: 0\n\n");
        let answer = bench.raw(&head, b"").await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{method}: {answer}");
    }
    assert_eq!(bench.get("a").await.unwrap(), b"body");
}

async fn changed_url_is_403(bench: Bench) {
    bench.put("a", "body").await;
    bench.put("b", "body").await;
    let url = bench.presign_get("a").await.replace("/a?", "/b?");
    let answer = bench.raw(&format!("GET {url} HTTP/1.1\nHost: HOST\nConnection: close\n\n"), b"").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

async fn unreadable_range_is_answered_with_the_whole_object(bench: Bench) {
    bench.put("a", "body").await;
    let url = bench.presign_get("a").await;
    for range in ["bytes=0-0,2-2", "bytes=3-1", "lines=1-2", "bytes=x"] {
        let head = format!("GET {url} HTTP/1.1\nHost: HOST\nConnection: close\nRange: {range}\n\n");
        let answer = bench.raw(&head, b"").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nbody"), "{range}: {answer}");
    }
}

async fn url_writes_an_object_and_a_part(bench: Bench) {
    let id = bench.begin("b").await;
    for url in [bench.presign_put("a").await, bench.presign_part("b", &id, 1).await] {
        let head = format!("PUT {url} HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: 4\n\n");
        let answer = bench.raw(&head, b"body").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert_eq!(bench.get("a").await.unwrap(), b"body");
}
