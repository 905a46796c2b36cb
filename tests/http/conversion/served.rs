//! What every answer to a pull by tag has to be.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::repository::Repository;
use serde_json::Value;

use super::wishes::{ANYTHING, DOCKER_1_9, ONLY_SCHEMA2};
use crate::sample::{EMPTY_LAYER, Sample, payload};
use crate::types::{
    DOCKER_CONFIG, DOCKER_GZIP, INDEX, LIST, OCI, OCI_CONFIG, OCI_GZIP, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2,
};

/// Headers that name the one request that they answer.
const OF_THE_REQUEST: [&str; 3] = ["date", "x-request-id", "apigw-requestid"];

/// Pulls by tag, and checks headers, content, and everything that the answer promises. Layers of schema 1 are waited for.
///
/// `samples` are the images in the list that is stored; a client that knows no lists gets the one for amd64.
#[track_caller]
pub(crate) fn check(repository: &Repository, tag: &str, accept: &[&str], expected: &str, samples: &[Sample]) {
    let answer = repository.pull_converted(tag, accept).expect(200);
    assert_eq!(answer.expect_header("content-type"), expected);
    assert_eq!(answer.expect_header("vary"), "Accept");
    let digest = digest_of(&answer, expected);
    assert_eq!(answer.expect_header("docker-content-digest"), digest);
    let entity_tag = format!("\"{digest}\"");
    assert_eq!(answer.expect_header("etag"), entity_tag);

    let stored = repository.pull(tag, ANYTHING).expect(200);
    let stored_digest = stored.expect_header("docker-content-digest");
    assert_eq!(answer.header("x-registry-stored-digest"), (stored_digest != digest).then_some(stored_digest));

    let again = repository.pull(tag, accept).expect(200);
    assert_eq!((again.body == answer.body, lasting(&again)), (true, lasting(&answer)));
    let head = repository.request("HEAD", &format!("manifests/{tag}")).accept(accept).send();
    assert_eq!((head.status, lasting(&head)), (200, lasting(&answer)));
    assert!(head.body.is_empty());
    for method in ["GET", "HEAD"] {
        let request = repository.request(method, &format!("manifests/{tag}")).accept(accept);
        let unchanged = request.header("If-None-Match", &entity_tag).send().expect(304);
        assert_eq!((unchanged.expect_header("etag"), unchanged.expect_header("vary")), (&*entity_tag, "Accept"));
        assert!(unchanged.body.is_empty());
    }

    // A signature changes no digest, so what is stored under it is what was pushed.
    let promised = if stored_digest == digest { &stored } else { &answer };
    for other in [accept, DOCKER_1_9, ANYTHING, ONLY_SCHEMA2] {
        let by_digest = repository.pull(&digest, other).expect(200);
        assert_eq!(by_digest.body, promised.body, "{digest} for {other:?}");
        assert_eq!(by_digest.expect_header("content-type"), promised.expect_header("content-type"));
        assert_eq!(by_digest.expect_header("docker-content-digest"), digest);
    }
    if stored_digest == digest && stored.body != answer.body {
        let types = (stored.expect_header("content-type"), expected);
        assert_eq!((types, &payload(&answer.body)), ((SCHEMA1_UNSIGNED, SCHEMA1), &stored.body));
    }
    check_content(repository, accept, &answer.body, expected, samples);
}

/// Pulls by tag what this client can't have.
#[track_caller]
pub(crate) fn refuse(repository: &Repository, tag: &str, stored: &str, accept: &[&str]) -> String {
    let answer = repository.pull(tag, accept);
    let message = answer.expect_error(404, "MANIFEST_UNKNOWN");
    assert!(message.contains(&format!("stored as {stored} ")), "{message}");
    for wanted in accept.iter().flat_map(|line| line.split(',')).map(str::trim) {
        assert!(message.contains(wanted), "{wanted} is not in: {message}");
    }
    let head = repository.request("HEAD", &format!("manifests/{tag}")).accept(accept).send();
    assert_eq!((head.status, lasting(&head)), (404, lasting(&answer)));
    message
}

/// The headers that don't change from one request to the next.
pub(crate) fn lasting(answer: &Answer) -> Vec<(String, String)> {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !OF_THE_REQUEST.contains(&name.as_str()));
    headers.sort();
    headers
}

/// The digest that the bytes are known by.
pub(crate) fn digest_of(answer: &Answer, media_type: &str) -> String {
    match media_type {
        SCHEMA1 => sha256(&payload(&answer.body)),
        _ => sha256(&answer.body),
    }
}

#[track_caller]
fn check_content(repository: &Repository, accept: &[&str], body: &[u8], media_type: &str, samples: &[Sample]) {
    let manifest: Value = serde_json::from_slice(body).unwrap();
    let default = || samples.iter().find(|sample| sample.architecture == "amd64").unwrap();
    match media_type {
        SCHEMA1 | SCHEMA1_UNSIGNED => check_schema1(repository, &manifest, media_type == SCHEMA1, default()),
        SCHEMA2 => check_image(repository, &manifest, media_type, (DOCKER_CONFIG, DOCKER_GZIP), default()),
        OCI => check_image(repository, &manifest, media_type, (OCI_CONFIG, OCI_GZIP), default()),
        LIST | INDEX => check_list(repository, accept, &manifest, media_type, samples),
        other => panic!("{other} is no manifest"),
    }
}

#[track_caller]
fn check_image(repository: &Repository, manifest: &Value, media_type: &str, types: (&str, &str), sample: &Sample) {
    assert_eq!((&manifest["schemaVersion"], &manifest["mediaType"]), (&2.into(), &media_type.into()));
    check_config(repository, &manifest["config"], types.0, sample);
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), sample.layers.len());
    for (layer, content) in layers.iter().zip(&sample.layers) {
        assert_eq!((&layer["mediaType"], &layer["digest"]), (&types.1.into(), &content.digest.as_str().into()));
        assert_eq!(layer["size"], content.bytes.len());
        assert!(repository.has_blob(&content.digest));
    }
}

#[track_caller]
fn check_config(repository: &Repository, config: &Value, media_type: &str, sample: &Sample) {
    let digest = config["digest"].as_str().unwrap();
    let bytes = repository.blob(digest);
    assert_eq!((&config["mediaType"], &config["size"]), (&media_type.into(), &bytes.len().into()));
    assert_eq!(sha256(&bytes), digest);
    if sample.was_schema1 {
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        assert_eq!(json(&bytes), json(&sample.config));
    } else {
        assert_eq!(bytes, sample.config);
    }
}

#[track_caller]
fn check_schema1(repository: &Repository, manifest: &Value, signed: bool, sample: &Sample) {
    assert_eq!((&manifest["schemaVersion"], &manifest["architecture"]), (&1.into(), &sample.architecture.into()));
    let layers: Vec<_> = entries(manifest, "fsLayers").iter().map(|layer| layer["blobSum"].as_str().unwrap()).collect();
    assert_eq!(layers, sample.fs_layers());
    for layer in layers {
        assert_eq!(sha256(&repository.blob(layer)), layer);
    }
    let history: Vec<Value> = entries(manifest, "history")
        .iter()
        .map(|entry| serde_json::from_str(entry["v1Compatibility"].as_str().unwrap()).unwrap())
        .collect();
    let throwaway: Vec<_> = history.iter().map(|entry| entry["throwaway"] == true).collect();
    assert_eq!(throwaway, sample.fs_layers().map(|layer| layer == EMPTY_LAYER));
    for (entry, parent) in history.iter().zip(&history[1..]) {
        assert_eq!(entry["parent"], parent["id"]);
    }
    assert_eq!(history[0]["config"]["Cmd"][0], "/bin/true");
    if signed {
        let signature = &entries(manifest, "signatures")[0];
        assert_eq!(signature["header"]["alg"], "ES256");
        assert!(signature["signature"].as_str().is_some_and(|signature| signature.len() == 86), "{signature}");
    } else {
        assert!(manifest.get("signatures").is_none());
    }
}

/// A list over images that are all there, in a format that the client names, or else the one that goes with the list.
#[track_caller]
fn check_list(repository: &Repository, accept: &[&str], manifest: &Value, media_type: &str, samples: &[Sample]) {
    assert_eq!((&manifest["schemaVersion"], &manifest["mediaType"]), (&2.into(), &media_type.into()));
    let mut readable: Vec<_> =
        [SCHEMA2, OCI].into_iter().filter(|image| accept.iter().any(|line| line.contains(image))).collect();
    if readable.is_empty() {
        readable.push(if media_type == LIST { SCHEMA2 } else { OCI });
    }
    let children = entries(manifest, "manifests");
    assert_eq!(children.len(), samples.len());
    for (child, sample) in children.iter().zip(samples) {
        assert_eq!(
            (&child["platform"]["architecture"], &child["platform"]["os"]),
            (&sample.architecture.into(), &"linux".into())
        );
        let (child_type, digest) = (child["mediaType"].as_str().unwrap(), child["digest"].as_str().unwrap());
        assert!(readable.contains(&child_type), "{child_type} for {accept:?}");
        let pulled = repository.pull(digest, &[child_type]).expect(200);
        assert_eq!(pulled.expect_header("content-type"), child_type);
        assert_eq!(
            (sha256(&pulled.body).as_str(), pulled.body.len()),
            (digest, child["size"].as_u64().unwrap() as usize)
        );
        let types = if child_type == SCHEMA2 { (DOCKER_CONFIG, DOCKER_GZIP) } else { (OCI_CONFIG, OCI_GZIP) };
        check_image(repository, &pulled.json(), child_type, types, sample);
    }
}

#[track_caller]
fn entries<'a>(manifest: &'a Value, key: &str) -> &'a Vec<Value> {
    manifest[key].as_array().unwrap_or_else(|| panic!("no {key} in {manifest}"))
}
