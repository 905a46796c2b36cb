//! Tags, referrers, catalog: pages with a link to the next one.

use access::RepositoryPattern;
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
/// Names of repositories read at a time when not all of them are shown.
const SCANNED: usize = 1_000;
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

    /// The repositories that the caller may pull, and no word of others.
    pub(crate) async fn catalog(&self, query: &Query, visible: &[RepositoryPattern]) -> Result<Response, ApiError> {
        let length = page_length(query)?;
        let prefix = common_prefix(visible);
        let (mut names, mut last) = (Vec::new(), query.last()?.map(str::to_owned));
        let all = visible.contains(&RepositoryPattern::everything());
        let step = if all { length.saturating_add(1) } else { SCANNED };
        // One more than asked, so that a link is never the promise of an empty page.
        while !visible.is_empty() && names.len() <= length {
            let page = self.storage.catalog(prefix, last.as_deref(), step).await?;
            last = page.items.last().map(RepositoryName::to_string);
            let shown = page.items.iter().filter(|name| visible.iter().any(|pattern| pattern.matches(name)));
            names.extend(shown.take(length + 1 - names.len()).map(RepositoryName::to_string));
            if !page.more {
                break;
            }
        }
        let more = names.len() > length;
        names.truncate(length);
        let last = names.last().filter(|_| more).map(String::as_str);
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

/// What the names of all these repositories begin with: elsewhere nobody needs to look.
fn common_prefix(patterns: &[RepositoryPattern]) -> &str {
    let mut prefixes = patterns.iter().map(RepositoryPattern::literal_prefix);
    let first = prefixes.next().unwrap_or_default();
    prefixes.fold(first, |common, prefix| {
        let same = common.bytes().zip(prefix.bytes()).take_while(|(a, b)| a == b).count();
        // Names are ASCII.
        common.get(..same).unwrap_or_default()
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_of_the_catalog_is_read_that_can_be_shown() {
        let prefix = |patterns: &[&str]| {
            let patterns: Vec<RepositoryPattern> = patterns.iter().map(|pattern| pattern.parse().unwrap()).collect();
            common_prefix(&patterns).to_owned()
        };
        assert_eq!(prefix(&["team/a*", "team/b"]), "team/");
        assert_eq!(prefix(&["team/app"]), "team/app");
        assert_eq!(prefix(&["team/*", "*"]), "");
        assert_eq!(prefix(&[]), "");
    }
}
