//! Tags, referrers, catalog: pages with a link to the next one.

use http::StatusCode;
use http::header::LINK;
use protocol::{ApiError, Descriptor, Digest, ErrorCode, MediaType, RepositoryName};
use runtime::{OCI_FILTERS_APPLIED, Query, Reply, Response};
use serde_json::json;
use storage::Referrer;

use crate::ManifestGet;

/// A page when the client doesn't say how long it should be.
const PAGE: usize = 1_000;
/// The longest page; a client that asks for more gets the link to the rest.
const LONGEST_PAGE: usize = 10_000;
/// A page of referrers.
const REFERRERS: usize = 100;
/// Bytes of JSON on a page of referrers, whose annotations may be as long as a manifest. Lambda transports 6 MiB, and
/// base64 makes four of three. A single one always fits, because a manifest does.
const REFERRERS_SIZE: usize = 4_500_000;

impl ManifestGet {
    pub(crate) async fn tags(&self, name: &RepositoryName, query: &Query) -> Result<Response, ApiError> {
        let length = page_length(query)?;
        let page = self.storage.tags(name, query.last()?, length).await?;
        if page.items.is_empty() && !self.storage.repository_exists(name).await? {
            return Err(ApiError::new(ErrorCode::NameUnknown, format!("repository {name} does not exist")));
        }
        let last = page.items.last().filter(|_| page.more).map(String::as_str);
        let next = next(&format!("/v2/{name}/tags/list"), last, &[("n", &length.to_string())]);
        Ok(reply(next, "application/json", &json!({ "name": name.as_str(), "tags": page.items })))
    }

    pub(crate) async fn catalog(&self, query: &Query) -> Result<Response, ApiError> {
        let length = page_length(query)?;
        let page = self.storage.catalog(query.last()?, length).await?;
        let names: Vec<String> = page.items.iter().map(RepositoryName::to_string).collect();
        let last = names.last().filter(|_| page.more).map(String::as_str);
        let next = next("/v2/_catalog", last, &[("n", &length.to_string())]);
        Ok(reply(next, "application/json", &json!({ "repositories": names })))
    }

    /// Never 404: what nobody refers to has an empty list (specification, "Listing Referrers").
    pub(crate) async fn referrers(
        &self,
        name: &RepositoryName,
        subject: &Digest,
        query: &Query,
    ) -> Result<Response, ApiError> {
        let filter = query.get("artifactType").filter(|filter| !filter.is_empty());
        let page = self.storage.referrers(name, subject, query.last()?, REFERRERS).await?;
        let (mut manifests, mut size, mut more, mut last) = (Vec::new(), 0, page.more, None);
        for referrer in page.items {
            let digest = referrer.descriptor.digest.to_string();
            if filter.is_none_or(|filter| referrer.descriptor.artifact_type.as_deref() == Some(filter)) {
                let manifest = json!(self.with_annotations(name, referrer).await?);
                size += manifest.to_string().len();
                if size > REFERRERS_SIZE && !manifests.is_empty() {
                    more = true;
                    break;
                }
                manifests.push(manifest);
            }
            last = Some(digest);
        }
        let filters: Vec<(&str, &str)> = filter.map(|filter| ("artifactType", filter)).into_iter().collect();
        let path = format!("/v2/{name}/referrers/{subject}");
        let mut next = next(&path, last.as_deref().filter(|_| more), &filters);
        if filter.is_some() {
            next = next.header(OCI_FILTERS_APPLIED, "artifactType");
        }
        let index = MediaType::OciIndex;
        let body = json!({ "schemaVersion": 2, "mediaType": index, "manifests": manifests });
        Ok(reply(next, index.as_str(), &body))
    }

    /// The descriptor, with annotations that were too long for the record taken out of the manifest.
    async fn with_annotations(&self, name: &RepositoryName, referrer: Referrer) -> Result<Descriptor, ApiError> {
        let mut descriptor = referrer.descriptor;
        if referrer.annotations_in_manifest
            && let Some(stored) = self.storage.tagged_manifest(name, &descriptor.digest).await?
        {
            let manifest = conversion::Manifest::stored(stored.bytes.to_vec(), &stored.media_type)?;
            descriptor.annotations = manifest.annotations().clone();
        }
        Ok(descriptor)
    }
}

fn page_length(query: &Query) -> Result<usize, ApiError> {
    Ok(query.page_length()?.unwrap_or(PAGE).min(LONGEST_PAGE))
}

/// An answer that links to the page after `last`, if there is one (RFC 8288; specification, "Listing Tags").
fn next(path: &str, last: Option<&str>, parameters: &[(&str, &str)]) -> Reply {
    let reply = Reply::new(StatusCode::OK);
    match last {
        Some(last) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(parameters).append_pair("last", last);
            reply.header(LINK, format!("<{path}?{}>; rel=\"next\"", query.finish()))
        }
        None => reply,
    }
}

fn reply(reply: Reply, media_type: &str, body: &serde_json::Value) -> Response {
    reply.body(media_type, body.to_string())
}
