//! Lists and indexes, one oddity at a time and mixed.

use fastrand::Rng;

use crate::draft::Draft;
use crate::edges;
use crate::image::{Format, Image, oci_descriptor};
use crate::index::{Child, Content, Index, Platform};
use crate::json::{field, object, strings, text};
use crate::specimen::{Manifest, Specimen};
use crate::types::OCI;

type Make = fn(&str, &mut Rng) -> Specimen;

/// Every list by itself.
pub(crate) const LISTS: &[(&str, Make)] = &[
    ("list: of schema 2", |name, rng| {
        list(name, true, vec![on("arm64", SCHEMA2, rng), on("amd64", SCHEMA2, rng)], rng)
    }),
    ("list: of OCI", |name, rng| list(name, true, vec![on("arm64", OCI_IMAGE, rng), on("amd64", OCI_IMAGE, rng)], rng)),
    ("list: of both", |name, rng| list(name, true, vec![on("amd64", SCHEMA2, rng), on("arm64", OCI_IMAGE, rng)], rng)),
    ("index: of schema 2", |name, rng| {
        list(name, false, vec![on("arm64", SCHEMA2, rng), on("amd64", SCHEMA2, rng)], rng)
    }),
    ("index: of OCI", |name, rng| {
        list(name, false, vec![on("amd64", OCI_IMAGE, rng), on("arm64", OCI_IMAGE, rng)], rng)
    }),
    ("index: of both", |name, rng| {
        list(name, false, vec![on("arm64", SCHEMA2, rng), on("amd64", OCI_IMAGE, rng)], rng)
    }),
    ("list: without linux/amd64", |name, rng| {
        list(name, true, vec![on("arm64", SCHEMA2, rng), on("s390x", OCI_IMAGE, rng)], rng)
    }),
    ("index: without linux/amd64", |name, rng| list(name, false, vec![on("arm64", OCI_IMAGE, rng)], rng)),
    ("list: several for linux/amd64", |name, rng| list(name, true, several(rng), rng)),
    ("index: several for linux/amd64", |name, rng| list(name, false, several(rng), rng)),
    ("list: empty", |name, rng| list(name, true, Vec::new(), rng)),
    ("index: empty", |name, rng| list(name, false, Vec::new(), rng)),
    ("list: Windows and variants", |name, rng| list(name, true, platforms(rng), rng)),
    ("index: Windows and variants", |name, rng| list(name, false, platforms(rng), rng)),
    ("index: with attestations", |name, rng| {
        let children =
            vec![on("amd64", OCI_IMAGE, rng), attestation(rng), on("arm64", OCI_IMAGE, rng), attestation(rng)];
        list(name, false, children, rng)
    }),
    ("list: with an attestation", |name, rng| list(name, true, vec![attestation(rng), on("amd64", SCHEMA2, rng)], rng)),
    ("index: of nothing but attestations", |name, rng| list(name, false, vec![attestation(rng)], rng)),
    ("index: in an index", |name, rng| {
        let inner = nested(false, vec![on("amd64", OCI_IMAGE, rng)], rng);
        list(name, false, vec![inner, on("arm64", SCHEMA2, rng)], rng)
    }),
    ("index: in an index, for linux/amd64", |name, rng| {
        let mut inner = nested(false, vec![on("arm64", OCI_IMAGE, rng), on("amd64", OCI_IMAGE, rng)], rng);
        inner.platform = Some(Platform::new("linux", "amd64"));
        list(name, false, vec![inner], rng)
    }),
    ("list: in an index", |name, rng| {
        let inner = nested(true, vec![on("amd64", SCHEMA2, rng)], rng);
        list(name, false, vec![inner, on("amd64", OCI_IMAGE, rng)], rng)
    }),
    ("index: in a list", |name, rng| {
        let inner = nested(false, vec![on("amd64", OCI_IMAGE, rng)], rng);
        list(name, true, vec![on("amd64", SCHEMA2, rng), inner], rng)
    }),
    ("index: in a list, with the only image for linux/amd64", |name, rng| {
        let inner = nested(false, vec![on("amd64", OCI_IMAGE, rng)], rng);
        list(name, true, vec![on("arm64", SCHEMA2, rng), inner], rng)
    }),
    ("index: of blobs, as BuildKit's cache is", |name, rng| {
        let blob = |media_type, text: &str| Child::new(Content::Blob(media_type, text.into()), None);
        let children = vec![
            blob("application/vnd.oci.image.layer.v1.tar+gzip", "a layer"),
            blob("application/vnd.buildkit.cacheconfig.v0", "{}"),
        ];
        list(name, false, children, rng)
    }),
    ("index: annotations, data and unknown fields", |name, rng| {
        let mut child = on("amd64", OCI_IMAGE, rng);
        child.annotations = Some(strings(&[("org.example.a", "<&>"), ("org.example.b", "ü")]));
        child.others.push(field("data", text("e30=")));
        child.others.push(field("org.example.unknown", "[1.0]"));
        let mut index = Index::new(false, vec![child, on("arm64", SCHEMA2, rng)]);
        index.annotations = Some(strings(&[("org.opencontainers.image.title", "<\u{2028}>")]));
        index.others.push(field("org.example.unknown", "-0"));
        specimen(name, index, rng)
    }),
    ("index: a subject and artifactType", |name, rng| {
        let mut index = Index::new(false, vec![on("amd64", OCI_IMAGE, rng), on("arm64", SCHEMA2, rng)]);
        index.subject = Some(object(&oci_descriptor(OCI, b"what isn't there")));
        index.artifact_type = Some("application/vnd.example.bundle");
        specimen(name, index, rng)
    }),
    ("index: no mediaType", |name, rng| {
        let mut index = Index::new(false, vec![on("amd64", OCI_IMAGE, rng), on("arm64", SCHEMA2, rng)]);
        index.has_media_type = false;
        specimen(name, index, rng)
    }),
    ("index: a child that can't be converted", |name, rng| {
        let zstd = odd("layers: zstd", "arm64", Format::Oci, rng);
        list(name, false, vec![zstd, on("amd64", OCI_IMAGE, rng)], rng)
    }),
    ("index: no child that can be converted", |name, rng| {
        let zstd = odd("layers: zstd", "amd64", Format::Oci, rng);
        list(name, false, vec![zstd], rng)
    }),
    ("list: a default child that schema 1 can't say", |name, rng| {
        let foreign = odd("layers: foreign", "amd64", Format::Schema2, rng);
        list(name, true, vec![foreign, on("arm64", SCHEMA2, rng)], rng)
    }),
    ("list: pushed as an index", |name, rng| {
        let index = Index::new(true, vec![on("amd64", SCHEMA2, rng)]).written(rng);
        let content_type = Some(crate::types::INDEX.to_owned());
        Specimen { content_type, refused: Some("they must agree"), ..Specimen::new(name, Manifest::Index(index)) }
    }),
    ("index: pushed without a type", |name, rng| {
        let index = Index::new(false, vec![on("amd64", OCI_IMAGE, rng)]).written(rng);
        Specimen { content_type: None, ..Specimen::new(name, Manifest::Index(index)) }
    }),
];

const SCHEMA2: Format = Format::Schema2;
const OCI_IMAGE: Format = Format::Oci;

/// A list of up to five children of any sort.
pub(crate) fn mixed(name: &str, rng: &mut Rng) -> Specimen {
    let docker = rng.bool();
    let mut children: Vec<Child> = (0..rng.usize(1..=5)).map(|_| image_of_any_sort(rng)).collect();
    // One list in it: several would be searched for the default image one after the other.
    if rng.u8(..3) == 0 {
        let inner = (0..rng.usize(1..=2)).map(|_| image_of_any_sort(rng)).collect();
        children.insert(rng.usize(..=children.len()), nested(rng.bool(), inner, rng));
    }
    list(name, docker, children, rng)
}

fn image_of_any_sort(rng: &mut Rng) -> Child {
    if rng.u8(..8) == 0 {
        return attestation(rng);
    }
    let format = if rng.bool() { Format::Schema2 } else { Format::Oci };
    let mut platforms = platforms(rng);
    let mut child = platforms.swap_remove(rng.usize(..platforms.len()));
    let odd =
        ["layers: zstd", "layers: foreign", "config: no rootfs", "manifest: an artifact by the type of its config"];
    child.content = match rng.choice(odd) {
        Some(edge) if rng.u8(..4) == 0 => odd_image(edge, format, rng),
        _ => image(format, rng),
    };
    child
}

fn list(name: &str, docker: bool, children: Vec<Child>, rng: &mut Rng) -> Specimen {
    specimen(name, Index::new(docker, children), rng)
}

fn specimen(name: &str, index: Index, rng: &mut Rng) -> Specimen {
    Specimen::new(name, Manifest::Index(index.written(rng)))
}

fn nested(docker: bool, children: Vec<Child>, rng: &mut Rng) -> Child {
    Child::new(Content::Index(Index::new(docker, children).written(rng)), None)
}

fn on(architecture: &'static str, format: Format, rng: &mut Rng) -> Child {
    Child::new(image(format, rng), Some(Platform::new("linux", architecture)))
}

fn odd(edge: &str, architecture: &'static str, format: Format, rng: &mut Rng) -> Child {
    Child::new(odd_image(edge, format, rng), Some(Platform::new("linux", architecture)))
}

fn image(format: Format, rng: &mut Rng) -> Content {
    Content::Image(Draft::new(format, rng).finish(rng))
}

fn odd_image(name: &str, format: Format, rng: &mut Rng) -> Content {
    let edge = edges::all().find(|edge| edge.name == name).unwrap_or_else(|| panic!("no edge {name}"));
    let mut draft = Draft::new(format, rng);
    (edge.apply)(&mut draft, rng);
    let image: Image = draft.finish(rng);
    Content::Image(image)
}

fn several(rng: &mut Rng) -> Vec<Child> {
    let windows = Child::new(image(Format::Schema2, rng), Some(Platform::new("windows", "amd64")));
    let without = Child::new(image(Format::Schema2, rng), None);
    vec![windows, without, on("amd64", Format::Schema2, rng), on("amd64", Format::Oci, rng)]
}

fn platforms(rng: &mut Rng) -> Vec<Child> {
    let plain = Platform::default;
    let all = [
        Platform {
            os_version: Some("10.0.17763.5820"),
            os_features: vec!["win32k", "<&>"],
            ..Platform::new("windows", "amd64")
        },
        Platform { variant: Some("v7"), ..Platform::new("linux", "arm") },
        Platform { variant: Some("v8"), features: vec!["sse4"], ..Platform::new("linux", "arm64") },
        Platform { variant: Some("v2"), ..Platform::new("linux", "amd64") },
        Platform { os: "", architecture: "", ..plain() },
    ];
    let child = |platform| Child::new(image(Format::Schema2, rng), Some(platform));
    all.into_iter().map(child).collect()
}

/// What BuildKit says about an image that it built.
fn attestation(rng: &mut Rng) -> Child {
    let mut draft = Draft::new(Format::Oci, rng);
    draft.layers.iter_mut().for_each(|layer| layer.kind = crate::image::Kind::Other("application/vnd.in-toto+json"));
    let content = Content::Image(draft.finish(rng));
    Child {
        annotations: Some(strings(&[("vnd.docker.reference.type", "attestation-manifest")])),
        ..Child::new(content, Some(Platform::new("unknown", "unknown")))
    }
}
