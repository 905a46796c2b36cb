//! Real clients against the deployed registry, logged in with a password that `lambda-registry login-password` got from
//! the route that IAM authorizes.

use lambda_registry_tests::command::{attempt, run};
use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::images::samples::{GREETING, greeting, noise, plain, two_platforms};
use lambda_registry_tests::images::{Compression, Image, Layer, Layout, Pulled};
use lambda_registry_tests::types::{INDEX, OCI, SCHEMA1, SCHEMA2};
use serde_json::Value;

use crate::person::Person;
use crate::stack::Stack;

/// Logs a client in: these words of its own, then the password on its standard input.
#[track_caller]
pub(crate) fn log_in(person: &Person, stack: &Stack, client: &str) {
    let host = stack.host();
    run(&mut person.shell(&format!("lambda-registry login-password --registry {host} | {client} {host}")));
}

/// What somebody does first who pushes to a name that doesn't exist.
#[track_caller]
pub(crate) fn create(person: &Person, stack: &Stack, repository: &str) {
    let create = ["repository", "create", repository];
    run(person.command("lambda-registry").args(create).env("REGISTRY_TABLE", stack.output("TableName")));
}

#[track_caller]
pub(crate) fn podman_pushes_and_pulls_by_tag_and_digest(person: &Person, stack: &Stack) {
    create(person, stack, "team/podman");
    log_in(person, stack, "podman login --username AWS --password-stdin");
    let (image, archive) = (stack.image("team/podman:1"), person.home.path("podman.tar"));
    Layout::of_image(&plain("amd64")).archive(&archive);
    let podman = |arguments: &[&str]| run(person.command("podman").args(arguments));
    podman(&["load", "--quiet", "--input", &archive.display().to_string()]);
    podman(&["tag", Layout::TAG, &image]);
    let written = person.home.path("digest").display().to_string();
    podman(&["push", "--quiet", "--digestfile", &written, &image]);
    let digest = std::fs::read_to_string(written).expect("a digest");
    podman(&["rmi", "--all", "--force"]);

    podman(&["pull", "--quiet", &image]);
    podman(&["pull", "--quiet", &format!("{}@{digest}", stack.image("team/podman"))]);

    let pulled = podman(&["image", "inspect", "--format", "{{.Digest}}", &image]);
    assert_eq!(pulled.trim(), digest);
}

#[track_caller]
pub(crate) fn skopeo_pushes_and_pulls_an_index_unchanged(person: &Person, stack: &Stack) {
    create(person, stack, "team/skopeo");
    log_in(person, stack, "skopeo login --username AWS --password-stdin");
    let layout = Layout::of_index(&two_platforms());
    let image = format!("docker://{}", stack.image("team/skopeo:1"));
    let source = format!("oci:{}", layout.path().display());
    run(person.command("skopeo").args(["copy", "--quiet", "--all", "--preserve-digests", &source, &image]));

    let pulled = Pulled::into_directory(|directory| {
        let target = format!("dir:{}", directory.display());
        run(person.command("skopeo").args(["copy", "--quiet", "--all", &image, &target]));
    });

    assert_eq!(pulled.digest(), layout.digest);
    let by_digest = format!("docker://{}@{}", stack.image("team/skopeo"), layout.digest);
    let inspected = run(person.command("skopeo").args(["inspect", "--raw", &by_digest]));
    assert_eq!(sha256(inspected.as_bytes()), layout.digest);
}

#[track_caller]
pub(crate) fn crane_pushes_and_pulls(person: &Person, stack: &Stack) {
    create(person, stack, "team/crane");
    log_in(person, stack, "crane auth login --username AWS --password-stdin");
    let layout = Layout::of_image(&plain("amd64"));
    let image = stack.image("team/crane:1");
    run(person.command("crane").arg("push").arg(layout.path()).arg(&image));

    let pulled = Pulled::into_layout(|directory| {
        run(person.command("crane").args(["pull", "--format", "oci", &image]).arg(directory));
    });

    assert_eq!(pulled.digest(), layout.digest);
    assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
    assert_eq!(run(person.command("crane").args(["ls", &stack.image("team/crane")])), "1\n");
}

/// No piece is larger than what a request to a deployment carries.
#[track_caller]
pub(crate) fn regctl_pushes_a_large_layer_in_pieces(person: &Person, stack: &Stack) {
    create(person, stack, "team/regctl");
    log_in(person, stack, "regctl registry login --user AWS --pass-stdin");
    let pieces = ["registry", "set", "--blob-chunk", "4000000", "--blob-max", "4000000", stack.host()];
    run(person.command("regctl").args(pieces));
    let layer = Layer::new(Compression::None, &[("data/large", &noise(9_000_000, 9))]);
    let layout = Layout::of_image(&Image::new("amd64").layer(layer));
    let image = stack.image("team/regctl:1");
    let source = format!("ocidir://{}:{}", layout.path().display(), Layout::TAG);
    run(person.command("regctl").args(["image", "copy", &source, &image]));

    let digest = run(person.command("regctl").args(["image", "digest", &image]));

    assert_eq!(digest.trim(), layout.digest);
    let layer = &layout_layer(&layout);
    let blob =
        person.command("regctl").args(["blob", "get", &stack.image("team/regctl"), layer]).output().expect("regctl");
    assert_eq!(sha256(&blob.stdout), *layer, "{}", String::from_utf8_lossy(&blob.stderr));
}

fn layout_layer(layout: &Layout) -> String {
    let manifest: Value = serde_json::from_slice(&layout.manifest).expect("a manifest");
    manifest["layers"][0]["digest"].as_str().expect("a layer").to_owned()
}

/// As Docker of another age asks for it, and then by the digest that it was told.
#[track_caller]
pub(crate) fn a_client_of_old_gets_a_conversion(person: &Person, stack: &Stack) {
    for (repository, accept) in [("team/crane", SCHEMA2), ("team/crane", SCHEMA1), ("team/skopeo", SCHEMA2)] {
        let by_tag = get(person, stack, &format!("/v2/{repository}/manifests/1"), accept);
        assert_eq!((by_tag.status, by_tag.header("content-type")), (200, accept), "{}", by_tag.body);
        let digest = by_tag.header("docker-content-digest");
        let by_digest = get(person, stack, &format!("/v2/{repository}/manifests/{digest}"), accept);
        assert_eq!((by_digest.status, by_digest.body), (200, by_tag.body));
    }
    assert_eq!(get(person, stack, "/v2/team/crane/manifests/1", OCI).header("content-type"), OCI);
    assert_eq!(get(person, stack, "/v2/team/skopeo/manifests/1", INDEX).header("content-type"), INDEX);
}

#[track_caller]
pub(crate) fn nobody_gets_in_without_a_login(person: &Person, stack: &Stack) {
    let url = stack.url("/v2/");
    let head = run(person.command("curl").args(["--silent", "--dump-header", "-", "--output", "/dev/null", &url]));
    let head = head.to_ascii_lowercase();
    let challenge = format!("www-authenticate: bearer realm=\"https://{0}/token\",service=\"{0}\"", stack.host());
    assert!(head.starts_with("http/1.1 401") && head.contains(&challenge), "{head}");
    let login = run(person.command("curl").args(["--silent", "--request", "POST", &stack.url("/login")]));
    assert!(login.contains("Forbidden") || login.contains("Missing Authentication Token"), "{login}");
    let stranger = ["inspect", "--no-creds", &format!("docker://{}", stack.image("team/crane:1"))];
    attempt(person.command("skopeo").args(stranger)).expect_failure("unauthorized");
    // That the emulator evaluates policies at all: the role may push, and touch the bucket only by way of the registry.
    let list = ["s3api", "list-objects-v2", "--bucket", stack.output("BucketName")];
    attempt(&mut person.aws(&list)).expect_failure("AccessDenied");
}

/// What curl was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header that has to be there.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let line =
            |line: &'_ str| line.split_once(':').filter(|(header, _)| header.eq_ignore_ascii_case(name)).is_some();
        let line = self.head.lines().find(|found| line(found)).unwrap_or_else(|| panic!("no {name}: {}", self.head));
        line.split_once(':').map(|(_, value)| value.trim()).unwrap_or_default()
    }
}

/// A GET with a password of `login-password` and an `Accept`.
#[track_caller]
pub(crate) fn get(person: &Person, stack: &Stack, path: &str, accept: &str) -> Answer {
    let script = format!(
        "password=$(lambda-registry login-password --registry {}); \
         curl --silent --show-error --user \"AWS:$password\" --header 'Accept: {accept}' --include '{}'",
        stack.host(),
        stack.url(path),
    );
    let answer = run(&mut person.shell(&script));
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
