//! Layers: how they are packed, where they lie, what their descriptors say.

use fastrand::Rng;
use lambda_registry_tests::images::Compression;

use super::{Edge, edge, oci};
use crate::draft::Draft;
use crate::image::{Format, Kind, Layer};
use crate::json::{field, strings, text};

pub(super) const EDGES: &[Edge] = &[
    edge("layers: none", |draft, _| {
        draft.layers.clear();
        draft.steps.iter_mut().flatten().for_each(|step| step.empty = true);
    }),
    edge("layers: a hundred and twenty", |draft, rng| {
        while draft.layers.len() < 120 {
            draft.add_layer(rng);
        }
    }),
    edge("layers: the same twice", |draft, rng| {
        let twin = draft.some_layer(rng).clone();
        draft.add_layer(rng);
        draft.layers.pop();
        draft.layers.push(twin);
    }),
    edge("layers: not compressed", |draft, rng| repack(draft, rng, Compression::None)),
    edge("layers: zstd", |draft, rng| repack(draft, rng, Compression::Zstd)),
    edge("layers: the types of the other format", |draft, rng| {
        let layer = draft.some_layer(rng);
        if let Kind::Known { format, compression, foreign } = &mut layer.kind {
            // Docker has no name for a foreign layer of zstd.
            if !matches!((&compression, &foreign), (Compression::Zstd, true)) {
                *format = other(*format);
            }
        }
    }),
    edge("layers: foreign", |draft, rng| {
        let layer = draft.some_layer(rng);
        layer.urls.push("https://layers.example.com/base?os=windows&version=<10>".to_owned());
        if let Kind::Known { format, compression, foreign } = &mut layer.kind {
            // Docker has no name for a foreign layer of zstd.
            *foreign = !matches!((*format, *compression), (Format::Schema2, Compression::Zstd));
        }
    }),
    edge("layers: foreign and not compressed", |draft, rng| {
        repack(draft, rng, Compression::None);
        let foreign = Kind::Known { format: draft.format, compression: Compression::None, foreign: true };
        let layer = draft.some_layer(rng);
        layer.urls = vec!["http://layers.example.com/a".to_owned(), "https://layers.example.com/b".to_owned()];
        layer.kind = foreign;
    }),
    oci("layers: nondistributable zstd", |draft, rng| {
        let layer = draft.some_layer(rng);
        *layer = Layer::new(Format::Oci, Compression::Zstd, "nondistributable");
        layer.urls.push("https://layers.example.com/base".to_owned());
        layer.kind = Kind::Known { format: Format::Oci, compression: Compression::Zstd, foreign: true };
    }),
    edge("layers: addresses of an ordinary one", |draft, rng| {
        draft.some_layer(rng).urls.push("https://mirror.example.com/layer".to_owned());
    }),
    oci("layers: encrypted", |draft, rng| {
        draft.some_layer(rng).kind = Kind::Other("application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
    }),
    edge("layers: of an unknown type", |draft, rng| {
        draft.some_layer(rng).kind = Kind::Other("application/vnd.example.layer.v1.squashfs");
    }),
    edge("layers: annotations", |draft, rng| {
        let annotations = strings(&[("org.example.html", "<b>&\u{2028}"), ("org.example.name", "Größe")]);
        draft.some_layer(rng).annotations = Some(annotations);
    }),
    edge("layers: data and unknown fields", |draft, rng| {
        let layer = draft.some_layer(rng);
        layer.others.push(field("data", text("aGVsbG8=")));
        layer.others.push(field("org.example.unknown", r#"{"deep": [1, {"er": null}]}"#));
    }),
];

fn repack(draft: &mut Draft, rng: &mut Rng, compression: Compression) {
    let (format, content) = (draft.format, format!("{:?} {:016x}", compression, rng.u64(..)));
    *draft.some_layer(rng) = Layer::new(format, compression, &content);
}

fn other(format: Format) -> Format {
    match format {
        Format::Schema2 => Format::Oci,
        Format::Oci => Format::Schema2,
    }
}
