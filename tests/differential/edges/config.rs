//! The config: platforms, `rootfs`, and what else may or may not be there.

use super::{Edge, edge};
use crate::draft::set;
use crate::json::text;
use crate::obstacle::Obstacle;

pub(super) const EDGES: &[Edge] = &[
    edge("config: Windows", |draft, _| {
        draft.set("os", text("windows"));
        draft.set("os.version", text("10.0.17763.5820"));
        draft.set("os.features", r#"["win32k"]"#);
    }),
    edge("config: a variant", |draft, _| {
        draft.set("architecture", text("arm"));
        draft.set("variant", text("v7"));
    }),
    edge("config: no architecture", |draft, _| draft.config.retain(|(key, _)| key != "\"architecture\"")),
    edge("config: architecture is null", |draft, _| draft.set("architecture", "null")),
    edge("config: architecture is a number", |draft, _| {
        draft.spoil(Obstacle::MalformedConfig, |config| set(config, "architecture", "64"));
    }),
    edge("config: everything that Docker writes", |draft, _| {
        draft.set("author", text("<someone@example.com>"));
        draft.set("comment", text(""));
        draft.set("container", text("0123456789abcdef"));
        draft.set("container_config", r#"{"Hostname": "", "Tty": false, "Volumes": null, "Labels": {}}"#);
        draft.set("docker_version", text("1.10.3"));
        draft.set("parent_id", text(""));
        draft.set("Size", "123456789");
    }),
    edge("config: fields that schema 1 fills itself", |draft, _| {
        for key in ["id", "parent", "throwaway", "layer_id"] {
            draft.set(key, text("mine"));
        }
    }),
    edge("config: no rootfs", |draft, _| draft.rootfs = None),
    edge("config: rootfs is null", |draft, _| {
        draft.rootfs = None;
        draft.set("rootfs", "null");
    }),
    edge("config: rootfs is text", |draft, _| {
        let config = r#"{"architecture": "amd64", "rootfs": "layers", "history": [{}]}"#;
        draft.config_text = Some((config, Obstacle::MalformedConfig));
    }),
    edge("config: rootfs without diff_ids", |draft, _| draft.more_diff_ids = None),
    edge("config: more diff_ids than layers", |draft, _| draft.more_diff_ids = Some(2)),
    edge("config: fewer diff_ids than layers", |draft, rng| {
        draft.add_layer(rng);
        draft.more_diff_ids = Some(-1);
    }),
    edge("config: base_layer", |draft, _| {
        draft.rootfs.iter_mut().for_each(|rootfs| set(rootfs, "base_layer", text("windowsservercore")));
    }),
    edge("config: an empty base_layer", |draft, _| {
        draft.rootfs.iter_mut().for_each(|rootfs| set(rootfs, "base_layer", text("")));
    }),
    edge("config: encrypted", |draft, _| {
        draft.config_text = Some(("-----BEGIN PGP MESSAGE-----", Obstacle::MalformedConfig));
    }),
    edge("config: an array", |draft, _| draft.config_text = Some(("[]", Obstacle::MalformedConfig))),
    edge("config: an empty object", |draft, _| draft.config_text = Some(("{}", Obstacle::NoRootfs))),
    edge("config: more than an object", |draft, _| {
        draft.config_text = Some((r#"{"rootfs": {}, "history": [{}]} {}"#, Obstacle::MalformedConfig));
    }),
];
