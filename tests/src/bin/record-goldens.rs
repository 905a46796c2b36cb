//! Records what docker-registry makes of schema 2 images, as goldens for `shared/conversion`.
//!
//! `cargo run -p lambda-registry-tests --bin record-goldens` reads the config of each edge, and writes a manifest over
//! it, what docker-registry makes of them, and their lines of `provenance.json`. Nothing of it changes from one run to
//! the next: signatures are left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lambda_registry_tests::command::run;
use lambda_registry_tests::digest::{hex, sha256};
use lambda_registry_tests::docker_registry::DockerRegistry;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::images::{Compression, Layer};

const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// Each edge and its number of layers.
const EDGES: &[(&str, usize)] = &[
    ("plain", 2),
    ("empty-steps", 1),
    ("no-layers", 0),
    ("windows", 1),
    ("every-field", 1),
    ("own-fields", 1),
    ("author-and-comment", 2),
    ("missing-fields", 2),
    ("fractions-of-seconds", 3),
    ("zone-offsets", 3),
    ("odd-numbers", 1),
    ("html", 2),
    ("control-characters", 2),
    ("not-ascii", 2),
    ("surrogates", 2),
    ("odd-keys", 1),
];

fn main() {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conversion/tests/goldens");
    let version = run(Command::new("dpkg-query").args(["--show", "--showformat", "${Version}", "docker-registry"]));
    let registry = DockerRegistry::start();
    let mut provenance = Provenance::read(goldens.join("provenance.json"));
    for (edge, layers) in EDGES {
        let layers: Vec<Layer> = (0..*layers).map(layer).collect();
        let config = fs::read(goldens.join(format!("config-{edge}.json"))).expect("the config of every edge");
        let manifest = manifest(&config, &layers);
        let payload = converted(&registry, &config, &layers, &manifest);
        let note = format!("recorded from docker-registry {version} (Debian) by record-goldens, without the signature");
        let files = [
            (format!("config-{edge}.json"), config, "lambda-registry", "written for record-goldens"),
            (format!("schema2-{edge}.json"), manifest.into_bytes(), "lambda-registry", "written for record-goldens"),
            (
                format!("schema2-{edge}-to-schema1-by-docker-registry.json"),
                payload.into_bytes(),
                "distribution/distribution",
                &note,
            ),
        ];
        for (name, content, project, note) in files {
            fs::write(goldens.join(&name), &content).expect("a file to write");
            provenance.enter(&name, project, &sha256(&content), note);
        }
    }
    provenance.write();
}

fn layer(number: usize) -> Layer {
    Layer::new(Compression::Gzip, &[("etc/layer", number.to_string().as_bytes())])
}

fn manifest(config: &[u8], layers: &[Layer]) -> String {
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", &layer.bytes))
        .collect();
    let config = descriptor("application/vnd.docker.container.image.v1+json", config);
    let manifest = serde_json::json!({"schemaVersion": 2, "mediaType": SCHEMA2, "config": config, "layers": layers});
    format!("{manifest:#}\n")
}

fn descriptor(media_type: &str, content: &[u8]) -> serde_json::Value {
    serde_json::json!({"mediaType": media_type, "size": content.len(), "digest": sha256(content)})
}

/// The payload of the schema 1 that docker-registry serves as `library/httpd:latest`.
fn converted(registry: &DockerRegistry, config: &[u8], layers: &[Layer], manifest: &str) -> String {
    let repository = registry.url("/v2/library/httpd");
    for blob in layers.iter().map(|layer| layer.bytes.as_slice()).chain([config]) {
        let session = Request::new("POST", &format!("{repository}/blobs/uploads/")).send().expect(202);
        let location = format!("{}&digest={}", session.expect_header("location"), sha256(blob));
        Request::new("PUT", &location).body(blob).send().expect(201);
    }
    let tag = format!("{repository}/manifests/latest");
    Request::new("PUT", &tag).header("Content-Type", SCHEMA2).body(manifest).send().expect(201);
    let signed = Request::new("GET", &tag).send().expect(200).body;
    let signed = String::from_utf8(signed).expect("UTF-8");
    let (payload, _) = signed.split_once(",\n   \"signatures\": [").expect("a signature");
    format!("{payload}\n}}")
}

/// `provenance.json`: an array with a line for each file.
struct Provenance {
    path: PathBuf,
    lines: Vec<String>,
}

impl Provenance {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("a provenance.json");
        let entries = text.lines().filter(|line| line.trim_start().starts_with('{'));
        let lines = entries.map(|line| line.trim_end_matches(',').to_owned()).collect();
        Self { path, lines }
    }

    /// Enters a file, in the place of what was said about it before.
    fn enter(&mut self, file: &str, project: &str, digest: &str, note: &str) {
        let head = format!("  {{\"file\": \"{file}\", ");
        let digest = hex(digest);
        let line = format!(
            "{head}\"project\": \"{project}\", \"licence\": \"Apache-2.0\", \"sha256\": \"{digest}\", \"note\": \"{note}\"}}"
        );
        match self.lines.iter_mut().find(|line| line.starts_with(&head)) {
            Some(old) => *old = line,
            None => self.lines.push(line),
        }
    }

    fn write(self) {
        fs::write(self.path, format!("[\n{}\n]\n", self.lines.join(",\n"))).expect("a file to write");
    }
}
