//! What somebody sees who may push.

use std::collections::BTreeMap;

use access::NoRandomness;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE};
use http::{Method, StatusCode, Uri};
use protocol::Digest;
use serde::Deserialize;

use super::answer::Outcome;
use super::check::Check;
use super::checks::push::Step;
use super::checks::upload::Direct;
use super::checks::{blob, manifest, push, upload};
use super::image::{Image, unique_bytes};
use super::visit::{Visit, with_digest};
use super::wire::Ask;

/// How long a body without a length is, in bytes: several chunks.
const CHUNKED: usize = 300_000;

const OCI: HeaderValue = HeaderValue::from_static("application/vnd.oci.image.manifest.v1+json");
const SCHEMA2: HeaderValue = HeaderValue::from_static("application/vnd.docker.distribution.manifest.v2+json");
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// What has to be deleted afterwards: paths of manifests, blobs and uploads, first things first.
#[derive(Default)]
pub(super) struct Traces(Vec<String>);

/// What a registry answers that lets a blob go straight to the bucket.
#[derive(Deserialize)]
struct Grant {
    url: String,
    headers: BTreeMap<String, String>,
}

impl Visit {
    /// Pushes, pulls, and says what has to be deleted.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(super) async fn inside(&mut self) -> Result<Traces, NoRandomness> {
        let image = Image::new()?;
        let mut traces = Traces::default();
        let steps = self.push(&image, &mut traces).await;
        let was_opened = steps.first().is_some_and(|step| is(&step.outcome, step.expected));
        let was_pushed = steps.iter().all(|step| is(&step.outcome, step.expected));
        self.report.found(push::push(&self.repository, &image.manifest.digest, &steps));
        if was_opened {
            self.chunked(&mut traces).await?;
            self.direct(&mut traces).await?;
        } else {
            let uploads = [Check::ChunkedPatch, Check::ChunkedPut, Check::DirectUpload];
            self.report.skip(&uploads, "nothing can be pushed");
        }
        if was_pushed {
            self.manifests(&image).await;
            self.blobs(&image).await;
        } else {
            let pulls: Vec<_> =
                Check::ALL.iter().copied().filter(|c| (Check::Pull..Check::Cleanup).contains(c)).collect();
            self.report.skip(&pulls, "nothing was pushed that could be pulled");
        }
        Ok(traces)
    }

    /// Deletes what is left of it.
    pub(super) async fn clean_up(&mut self, traces: Traces) {
        if traces.0.is_empty() {
            return self.report.skip(&[Check::Cleanup], "nothing was pushed");
        }
        let mut deleted = Vec::new();
        for path in traces.0 {
            let outcome = self.ask(Method::DELETE, &path).await;
            deleted.push((path, outcome));
        }
        self.report.found(push::cleanup(&self.repository, &deleted));
    }

    /// The steps of a push, up to the first that went wrong.
    async fn push(&self, image: &Image, traces: &mut Traces) -> Vec<Step> {
        let mut steps = Vec::new();
        for (open, put, bytes) in [
            ("POST of an upload", "PUT of a layer", &image.layer),
            ("POST of another upload", "PUT of a config", &image.config),
        ] {
            let opened = self.open().await;
            let upload = self.location(&opened).filter(|_| is(&opened, StatusCode::ACCEPTED));
            steps.push(Step { what: open, expected: StatusCode::ACCEPTED, outcome: opened });
            let Some(upload) = upload else { return steps };
            let digest = Digest::sha256(bytes).to_string();
            let outcome = self.put_blob(upload.clone(), &digest, bytes.clone()).await;
            match is(&outcome, StatusCode::CREATED) {
                true => traces.blob(self, &digest),
                false => traces.upload(&upload),
            }
            let is_done = is(&outcome, StatusCode::CREATED);
            steps.push(Step { what: put, expected: StatusCode::CREATED, outcome });
            if !is_done {
                return steps;
            }
        }
        let outcome = self.put_manifest(image).await;
        traces.manifest(self, &image.manifest.digest);
        steps.push(Step { what: "PUT of a manifest", expected: StatusCode::CREATED, outcome });
        steps
    }

    async fn put_manifest(&self, image: &Image) -> Outcome {
        let path = self.path(&format!("manifests/{}", image.tag));
        let ask = self.anonymously(Method::PUT, &path)?.maybe(AUTHORIZATION, self.authorization.as_ref());
        self.wire.send(ask.header(CONTENT_TYPE, OCI).body(image.manifest.bytes.clone())).await
    }

    /// Bodies without a length.
    async fn chunked(&mut self, traces: &mut Traces) -> Result<(), NoRandomness> {
        let opened = self.open().await;
        let patched = match self.location(&opened) {
            Some(upload) => {
                traces.upload(&upload);
                let ask = self.at(Method::PATCH, upload).header(CONTENT_TYPE, octets());
                self.wire.send(ask.chunked(unique_bytes(CHUNKED)?)).await
            }
            None => opened,
        };
        self.report.found(upload::chunked_patch(CHUNKED, &patched));

        let opened = self.open().await;
        let put = match self.location(&opened) {
            Some(upload) => {
                let bytes = unique_bytes(CHUNKED)?;
                let digest = Digest::sha256(&bytes).to_string();
                let ask = self.at(Method::PUT, with_digest(&upload, &digest)).header(CONTENT_TYPE, octets());
                let put = self.wire.send(ask.chunked(bytes)).await;
                // Whichever of the two is there.
                traces.upload(&upload);
                traces.blob(self, &digest);
                put
            }
            None => opened,
        };
        self.report.found(upload::chunked_put(CHUNKED, &put));
        Ok(())
    }

    /// A blob that goes straight to the bucket.
    async fn direct(&mut self, traces: &mut Traces) -> Result<(), NoRandomness> {
        let bytes = unique_bytes(10_000)?;
        let digest = Digest::sha256(&bytes).to_string();
        let asked =
            self.ask(Method::POST, &self.path(&format!("blobs/uploads/?direct={digest}&size={}", bytes.len()))).await;
        let upload = self.location(&asked);
        let grant = asked.as_ref().ok().and_then(|answer| serde_json::from_slice::<Grant>(&answer.body).ok());
        let direct = match (upload, grant) {
            (Some(upload), Some(grant)) => {
                traces.upload(&upload);
                traces.blob(self, &digest);
                self.send_directly(&upload, grant, &digest, bytes).await
            }
            (upload, _) => {
                upload.iter().for_each(|upload| traces.upload(upload));
                Direct::NoUrl(asked)
            }
        };
        self.report.found(upload::direct_upload(&direct));
        Ok(())
    }

    async fn send_directly(&self, upload: &Uri, grant: Grant, digest: &str, bytes: Bytes) -> Direct {
        let url = grant.url.parse::<Uri>().ok().filter(|url| {
            url.host().is_some()
                && self.registry.resolve(&grant.url).is_none()
                && (!self.registry.is_secure() || url.scheme_str() == Some("https"))
        });
        let Some(url) = url else { return Direct::BadUrl(super::checks::base::without_query(&grant.url)) };
        let sent = self.put_signed(url, &grant.headers, bytes).await;
        match &sent {
            Ok(answer) if answer.status.is_success() => {
                let finished = self.put_blob(upload.clone(), digest, Bytes::new()).await;
                Direct::Sent(sent, Some(finished))
            }
            _ => Direct::Sent(sent, None),
        }
    }

    async fn manifests(&mut self, image: &Image) {
        let by_tag = self.path(&format!("manifests/{}", image.tag));
        let by_digest = self.path(&format!("manifests/{}", image.manifest.digest));
        let pulled = (self.get_as(&by_tag, OCI).await, self.get_as(&by_digest, OCI).await);
        self.report.found(manifest::pull(&image.manifest, &pulled.0, &pulled.1));
        let heads = (self.head(&by_tag, OCI).await, self.head(&by_digest, OCI).await);
        self.report.found(manifest::head(&image.manifest, &heads.0, &heads.1));

        let converted = self.get_as(&by_tag, SCHEMA2).await;
        let again = match converted.as_ref().ok().filter(|answer| answer.status == StatusCode::OK) {
            Some(answer) => {
                let path = self.path(&format!("manifests/{}", Digest::sha256(&answer.body)));
                Some(self.get_as(&path, SCHEMA2).await)
            }
            None => None,
        };
        self.report.found(manifest::conversion(&image.manifest, &converted, again.as_ref()));
    }

    async fn blobs(&mut self, image: &Image) {
        let path = self.path(&format!("blobs/{}", Digest::sha256(&image.layer)));
        let (finding, url) = blob::redirect(&self.registry, &self.ask(Method::GET, &path).await);
        self.report.found(finding);
        match &url {
            Some(url) => {
                let plain = self.wire.send(Ask::new(Method::GET, url.clone())).await;
                self.report.found(blob::download(&image.layer, &plain));
                let (first, last) = (blob::RANGE.start(), blob::RANGE.end());
                // Never fails: it is digits.
                let range = HeaderValue::try_from(format!("bytes={first}-{last}")).unwrap_or(ANYTHING);
                let part = self.wire.send(Ask::new(Method::GET, url.clone()).header(RANGE, range)).await;
                self.report.found(blob::range(&image.layer, &part));
            }
            None => self.report.skip(&[Check::BlobDownload, Check::BlobRange], "there is no redirect to follow"),
        }
        let at_registry = self.head(&path, ANYTHING).await;
        let location = at_registry.as_ref().ok().and_then(|head| head.answer.header("location")?.parse::<Uri>().ok());
        let at_bucket = match location.filter(|url| url.host().is_some()) {
            Some(url) => Some(self.wire.head(url, HeaderMap::new()).await),
            None => None,
        };
        self.report.found(blob::head(image.layer.len(), &at_registry, at_bucket.as_ref()));
        match url {
            Some(url) => {
                // Made up: what is good at the registry is nobody else's to see.
                let ask = Ask::new(Method::GET, url).header(AUTHORIZATION, HeaderValue::from_static("Bearer doctor"));
                let refused = self.wire.send(ask).await;
                self.report.found(blob::credentials(&refused));
            }
            None => self.report.skip(&[Check::BlobCredentials], "there is no redirect to follow"),
        }
    }
}

impl Traces {
    fn upload(&mut self, upload: &Uri) {
        self.0.push(upload.path().to_owned());
    }

    fn blob(&mut self, visit: &Visit, digest: &str) {
        self.0.push(visit.path(&format!("blobs/{digest}")));
    }

    /// Before the blobs that it names.
    fn manifest(&mut self, visit: &Visit, digest: &Digest) {
        self.0.insert(0, visit.path(&format!("manifests/{digest}")));
    }
}

fn octets() -> HeaderValue {
    HeaderValue::from_static("application/octet-stream")
}

fn is(outcome: &Outcome, status: StatusCode) -> bool {
    outcome.as_ref().is_ok_and(|answer| answer.status == status)
}

#[cfg(test)]
mod tests {
    use protocol::MediaType;

    use super::*;

    #[test]
    fn formats_are_asked_for_by_their_names() {
        assert_eq!(
            (OCI.as_bytes(), SCHEMA2.as_bytes()),
            (MediaType::OciManifest.as_str().as_bytes(), MediaType::DockerSchema2.as_str().as_bytes())
        );
    }
}
