//! What stands in an event.

use protocol::{Digest, RepositoryName, Tag};
use serde::Serialize;

use crate::{Happening, Image, Record};

/// The part of an event that is ours, in the spirit of "ECR Image Action" and with its names where it has any.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Detail<'a> {
    result: &'static str,
    action_type: Action,
    repository_name: &'a str,
    image_digest: &'a Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tag: Option<&'a str>,
    manifest_media_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_media_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest_size_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_digest: Option<&'a Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_media_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    request_id: &'a str,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Action {
    Push,
    Delete,
    Convert,
}

impl<'a> Detail<'a> {
    fn new(action_type: Action, record: &'a Record, repository: &'a RepositoryName, image: &'a Image) -> Self {
        Self {
            result: "SUCCESS",
            action_type,
            repository_name: repository.as_str(),
            image_digest: &image.digest,
            image_tag: None,
            manifest_media_type: image.media_type.as_str(),
            artifact_media_type: image.artifact_type.as_deref(),
            manifest_size_in_bytes: image.manifest_size,
            image_size_in_bytes: image.content_size,
            source_digest: None,
            source_media_type: None,
            principal: record.principal.as_ref().map(ToString::to_string),
            request_id: &record.request_id,
        }
    }
}

/// The details of a record's events, as JSON: one for each tag of a push, and one for everything else that was done to an
/// image. None for what isn't about an image as a whole.
pub(super) fn details(record: &Record) -> Vec<String> {
    let Some(repository) = &record.repository else { return Vec::new() };
    let detail = |action, image| Detail::new(action, record, repository, image);
    let mut details = Vec::new();
    for happening in &record.happenings {
        match happening {
            Happening::Pushed { image, tags } if tags.is_empty() => details.push(detail(Action::Push, image)),
            Happening::Pushed { image, tags } => {
                let tags = tags.iter().map(Tag::as_str);
                details.extend(tags.map(|tag| Detail { image_tag: Some(tag), ..detail(Action::Push, image) }));
            }
            Happening::Deleted { image, tag } => {
                let image_tag = tag.as_ref().map(Tag::as_str);
                details.push(Detail { image_tag, ..detail(Action::Delete, image) });
            }
            Happening::Converted { image, source, from } => details.push(Detail {
                source_digest: Some(source),
                source_media_type: Some(from.as_str()),
                ..detail(Action::Convert, image)
            }),
            Happening::Pulled { .. } | Happening::Uploaded { .. } | Happening::Redirected { .. } => {}
        }
    }
    // Text and numbers always have a form in JSON.
    details.iter().filter_map(|detail| serde_json::to_string(detail).ok()).collect()
}

#[cfg(test)]
mod tests {
    use protocol::MediaType;
    use serde_json::{Value, json};

    use super::*;

    fn image() -> Image {
        Image {
            digest: Digest::sha256(b"manifest"),
            media_type: MediaType::OciManifest,
            artifact_type: Some("application/vnd.oci.image.config.v1+json".to_owned()),
            manifest_size: Some(500),
            content_size: Some(7_000_000),
        }
    }

    fn told(happening: Happening) -> Vec<Value> {
        let record = Record {
            request_id: "id-1".to_owned(),
            principal: "user:ci".parse().ok(),
            repository: "team/app".parse().ok(),
            happenings: vec![happening],
            error: None,
        };
        details(&record).iter().map(|detail| serde_json::from_str(detail).unwrap()).collect()
    }

    #[test]
    fn a_push_is_an_event_for_each_tag() {
        let tags = vec!["1".parse().unwrap(), "latest".parse().unwrap()];
        let events = told(Happening::Pushed { image: image(), tags });
        let expected = |tag: &str| {
            json!({
                "result": "SUCCESS",
                "action-type": "PUSH",
                "repository-name": "team/app",
                "image-digest": Digest::sha256(b"manifest"),
                "image-tag": tag,
                "manifest-media-type": "application/vnd.oci.image.manifest.v1+json",
                "artifact-media-type": "application/vnd.oci.image.config.v1+json",
                "manifest-size-in-bytes": 500,
                "image-size-in-bytes": 7_000_000,
                "principal": "user:ci",
                "request-id": "id-1",
            })
        };
        assert_eq!(events, [expected("1"), expected("latest")]);
    }

    #[test]
    fn a_push_by_digest_is_one_event_without_a_tag() {
        let events = told(Happening::Pushed { image: image(), tags: Vec::new() });
        assert_eq!((events.len(), &events[0]["action-type"], events[0].get("image-tag")), (1, &"PUSH".into(), None));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let image = Image { artifact_type: None, manifest_size: None, content_size: None, ..image() };
        let events = told(Happening::Deleted { image, tag: Some("1".parse().unwrap()) });
        let expected = json!({
            "result": "SUCCESS",
            "action-type": "DELETE",
            "repository-name": "team/app",
            "image-digest": Digest::sha256(b"manifest"),
            "image-tag": "1",
            "manifest-media-type": "application/vnd.oci.image.manifest.v1+json",
            "principal": "user:ci",
            "request-id": "id-1",
        });
        assert_eq!(events, [expected]);
    }

    #[test]
    fn a_conversion_names_what_it_was_made_of() {
        let (source, from) = (Digest::sha256(b"source"), MediaType::DockerSchema2);
        let events = told(Happening::Converted { image: image(), source: source.clone(), from });
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["action-type"], "CONVERT");
        assert_eq!(events[0]["source-digest"], source.to_string());
        assert_eq!(events[0]["source-media-type"], "application/vnd.docker.distribution.manifest.v2+json");
    }

    #[test]
    fn pulls_and_blobs_are_no_events() {
        for happening in [
            Happening::Pulled { bytes: 1, digest: Digest::sha256(b"") },
            Happening::Uploaded { bytes: 1 },
            Happening::Redirected { bytes: 1 },
        ] {
            assert_eq!(told(happening), Vec::<Value>::new());
        }
    }
}
