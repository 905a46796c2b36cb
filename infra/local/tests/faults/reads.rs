//! Pulls and listings.

use crate::http::Request;
use crate::registry::{Image, MANIFEST, Registry, content};
use crate::state::Fact;
use crate::sweep::{Operation, sweep};

const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

async fn image(registry: &Registry, repository: &str, padding: usize) -> Image {
    let image = Image::new(repository, padding, None);
    image.push(registry, repository, "tag").await;
    image
}

/// GET below a repository that holds an image.
async fn read(registry: &Registry, repository: &str, padding: usize, rest: impl Fn(&Image) -> String) -> Operation {
    let image = image(registry, repository, padding).await;
    let request = Request::new("GET", format!("/v2/{repository}/{}", rest(&image))).header("Accept", MANIFEST);
    let facts = vec![Fact::Manifest("tag".into(), image.manifest.clone())];
    Operation::new(request, 200, facts).about(vec![image])
}

/// GET of a manifest by its tag.
pub(crate) async fn tagged(registry: &Registry, repository: &str, padding: usize) -> Operation {
    read(registry, repository, padding, |_| "manifests/tag".to_owned()).await
}

/// The first GET of an image in another format.
pub(crate) async fn converted(registry: &Registry, repository: &str) -> Operation {
    let image = image(registry, repository, 0).await;
    let request = Request::new("GET", format!("/v2/{repository}/manifests/tag")).header("Accept", DOCKER);
    let facts = vec![Fact::Manifest("tag".into(), image.manifest.clone()), Fact::Tags(vec!["tag"])];
    Operation::new(request.clone(), 200, facts).then(request, 200).about(vec![image])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_by_tag() {
    sweep("GET by tag", async |registry, repository| tagged(registry, repository, 0).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_by_digest() {
    sweep("GET by digest", async |registry, repository| {
        read(registry, repository, 0, |image| format!("manifests/{}", image.digest)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_of_a_large_manifest() {
    sweep("GET of a large manifest", async |registry, repository| {
        tagged(registry, repository, crate::manifests::LARGE).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_pull_of_a_conversion() {
    sweep("GET of a conversion", async |registry, repository| converted(registry, repository).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings() {
    for rest in ["tags/list", "referrers/"] {
        sweep(&format!("GET of {rest}"), async |registry, repository| {
            read(registry, repository, 0, |image| match rest {
                "referrers/" => format!("referrers/{}", image.digest),
                rest => rest.to_owned(),
            })
            .await
        })
        .await;
    }
    sweep("GET of the catalog", async |registry, repository| {
        let images = vec![image(registry, repository, 0).await];
        Operation::new(Request::new("GET", "/v2/_catalog"), 200, Vec::new()).about(images)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs() {
    for method in ["GET", "HEAD"] {
        sweep(&format!("{method} of a blob"), async |registry, repository| {
            let blob = content(repository, 1000);
            let digest = registry.push_blob(repository, &blob).await;
            let request = Request::new(method, format!("/v2/{repository}/blobs/{digest}"));
            Operation::new(request, 307, vec![Fact::Blob(blob)])
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_an_upload() {
    sweep("GET of a session", async |registry, repository| {
        let session = registry.start_upload(repository).await;
        Operation::new(Request::new("GET", session), 204, Vec::new())
    })
    .await;
}
