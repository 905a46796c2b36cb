//! The manifest itself, and how it is announced.

use super::{Edge, edge, oci, schema2};
use crate::draft::set;
use crate::image::Format;
use crate::json::{field, strings, text};
use crate::obstacle::Obstacle;
use crate::types::{OCI, SCHEMA2};

pub(super) const EDGES: &[Edge] = &[
    oci("manifest: annotations", |draft, _| {
        draft.others.push(field("annotations", strings(&[("org.opencontainers.image.title", "<\u{2029}>")])));
        draft.config_annotations = Some(strings(&[("org.example.config", "yes")]));
    }),
    edge("manifest: unknown fields and data", |draft, _| {
        draft.others.push(field("org.example.unknown", "[1e400, -0, {}]"));
        draft.config_others.push(field("data", text("e30=")));
        draft.config_others.push(field("platform", r#"{"os": "linux", "architecture": "amd64"}"#));
    }),
    oci("manifest: a subject that isn't there", |draft, rng| {
        let digest = format!("sha256:{:064x}", rng.u64(..));
        draft.others.push(field("subject", format!(r#"{{"mediaType": "{OCI}", "size": 7, "digest": "{digest}"}}"#)));
    }),
    edge("manifest: a config of the other format", |draft, _| {
        let other = match draft.format {
            Format::Schema2 => Format::Oci,
            Format::Oci => Format::Schema2,
        };
        draft.config_type = other.config_type().to_owned();
    }),
    schema2("manifest: a config as Docker 1.10 announced it", |draft, _| {
        draft.config_type = "application/octet-stream".to_owned();
    }),
    edge("manifest: an artifact by the type of its config", |draft, _| {
        draft.config_type = "application/vnd.cncf.helm.config.v1+json".to_owned();
    }),
    oci("manifest: an artifact by artifactType", |draft, _| {
        set(&mut draft.others, "artifactType", text("application/spdx+json"));
        draft.config_type = "application/vnd.oci.empty.v1+json".to_owned();
        draft.config_text = Some(("{}", Obstacle::NoRootfs));
    }),
    oci("manifest: an image with artifactType", |draft, _| {
        set(&mut draft.others, "artifactType", text("application/vnd.example.image"));
    }),
    oci("manifest: no mediaType", |draft, _| draft.has_media_type = false),
    edge("pushed with parameters", |draft, _| {
        draft.content_type = Some(format!("{} ; charset=utf-8", draft.format.media_type()));
    }),
    edge("pushed as JSON", |draft, _| draft.content_type = Some("application/json".to_owned())),
    edge("pushed without a type", |draft, _| draft.content_type = None),
    edge("pushed as another type", |draft, _| {
        let other = if draft.format == Format::Oci { SCHEMA2 } else { OCI };
        draft.content_type = Some(other.to_owned());
        draft.refused = Some("they must agree");
    }),
    edge("manifest: layers twice", |draft, _| {
        draft.others.push(field("layers", "[]"));
        draft.refused = Some("stands more than once");
    }),
    edge("manifest: a key in another case", |draft, _| {
        draft.others.push(field("Config", "{}"));
        draft.refused = Some("stands more than once");
    }),
    edge("manifest: an image that is a list as well", |draft, _| {
        draft.others.push(field("manifests", "[]"));
        draft.refused = Some("doesn't belong into an image");
    }),
];
