//! Every way into the registry, with a login: in each mode of the local stack, converted, as lists, through the proxy,
//! straight to the bucket.

use std::time::{Duration, Instant};

use lambda_registry_tests::command::run;
use lambda_registry_tests::desk::{Account, Desk};
use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::images::samples::{GREETING, greeting, noise, plain, two_platforms};
use lambda_registry_tests::images::{Compression, Image, Layer, Layout};
use lambda_registry_tests::modes::Mode;
use lambda_registry_tests::proxy::Proxy;
use lambda_registry_tests::types::{OCI, SCHEMA2};

use crate::person::{Person, TAG};
use crate::tool::Tool;

/// Reading the layers of a small image takes milliseconds. This only keeps a registry that never ends from hanging the
/// run.
const CONVERSION_LIMIT: Duration = Duration::from_secs(60);

/// Makes a module named after the mode with a test of each function.
macro_rules! in_mode {
    ($module:ident, $mode:ident, [$($test:ident),+ $(,)?]) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test(&super::Desk::start(super::Mode::$mode.flags()));
                }
            )+
        }
    };
}

macro_rules! in_every_mode {
    ($tests:tt) => {
        in_mode!(one_process, OneProcess, $tests);
        in_mode!(function_processes, FunctionProcesses, $tests);
        in_mode!(without_front, WithoutFront, $tests);
    };
}

in_every_mode!([
    podman_does_what_was_granted_and_nothing_else,
    crane_does_what_was_granted_and_nothing_else,
    what_was_pushed_as_schema1_is_converted_for_whoever_may_pull_it,
    a_list_and_its_images_are_pushed_and_pulled,
]);

fn podman_does_what_was_granted_and_nothing_else(desk: &Desk) {
    granted_and_nothing_else(desk, Tool::Podman);
}

fn crane_does_what_was_granted_and_nothing_else(desk: &Desk) {
    granted_and_nothing_else(desk, Tool::Crane);
}

fn granted_and_nothing_else(desk: &Desk, tool: Tool) {
    desk.grant("anonymous: [public/*]");
    let ci = Person::logged_in(tool, desk, &desk.user("ci", "team/*,public/*", "pull,push"));
    let reader = Person::logged_in(tool, desk, &desk.user("reader", "team/*", "pull"));
    let ecs = Person::logged_in(tool, desk, &desk.pull_secret());
    let iam = Person::logged_in(tool, desk, &desk.iam());
    let anybody = Person::new(tool, desk);

    ci.push("team/app").expect_success();
    ci.push("public/app").expect_success();
    iam.push("other/app").expect_success();
    for (person, repository) in
        [(&reader, "team/app"), (&ecs, "team/app"), (&ecs, "other/app"), (&iam, "team/app"), (&anybody, "public/app")]
    {
        person.pull(repository).expect_success();
    }

    for (person, repository) in [(&reader, "team/app"), (&ecs, "team/app"), (&ci, "other/app")] {
        person.push(repository).expect_failure(tool.refusal());
    }
    reader.pull("other/app").expect_failure(tool.refusal());
    anybody.pull("team/app").expect_failure("unauthorized");
}

fn what_was_pushed_as_schema1_is_converted_for_whoever_may_pull_it(desk: &Desk) {
    let ci = Person::logged_in(Tool::Skopeo, desk, &desk.user("ci", "team/*", "pull,push"));
    let layout = Layout::of_image(&plain("amd64"));
    let source = format!("oci:{}", layout.path().display());
    let copy = ["copy", "--quiet", "--format", "v2s1", &source, &format!("docker://{}", ci.image("team/app"))];
    run(ci.command("skopeo").args(copy));
    let reader = desk.user("reader", "team/app", "pull");
    let stranger = desk.user("stranger", "other/*", "pull");
    let pull = |account: &Account, reference: &str| {
        let token = desk.bearer(account, "repository:team/app:pull");
        desk.request("GET", &format!("/v2/team/app/manifests/{reference}"), &token).accept(&[OCI, SCHEMA2]).send()
    };

    let asked = Instant::now();
    let converted = loop {
        let answer = pull(&reader, TAG);
        if answer.status != 503 {
            break answer.expect(200);
        }
        assert!(asked.elapsed() < CONVERSION_LIMIT, "{} is never converted", answer.request);
        std::thread::sleep(Duration::from_millis(20));
    };

    let digest = converted.expect_header("docker-content-digest");
    assert_eq!(digest, sha256(&converted.body));
    assert_eq!(pull(&reader, digest).expect(200).body, converted.body);
    for reference in [TAG, digest] {
        pull(&stranger, reference).expect_error(401, "UNAUTHORIZED");
    }
}

fn a_list_and_its_images_are_pushed_and_pulled(desk: &Desk) {
    let ci = Person::logged_in(Tool::Skopeo, desk, &desk.user("ci", "team/*", "pull,push"));
    let layout = Layout::of_index(&two_platforms());
    let source = format!("oci:{}", layout.path().display());
    let copy = ["copy", "--quiet", "--all", &source, &format!("docker://{}", ci.image("team/app"))];
    run(ci.command("skopeo").args(copy));

    Person::logged_in(Tool::Podman, desk, &desk.user("reader", "team/app", "pull")).pull("team/app").expect_success();

    let stranger = Person::logged_in(Tool::Podman, desk, &desk.user("stranger", "other/*", "pull"));
    stranger.pull("team/app").expect_failure("pull on repository team/app is not granted to user:stranger");
}

#[test]
fn layers_of_any_size_pass_through_the_proxy_with_the_clients_credentials() {
    let desk = Desk::start(Mode::WithoutFront.flags());
    let proxy = Proxy::start(desk.registry.address());
    let ci = desk.user("ci", "team/*", "pull,push");
    let image = Image::new("amd64")
        .layer(Layer::new(Compression::None, &[("data/large", &noise(6_000_000, 6))]))
        .layer(Layer::new(Compression::Gzip, &[(GREETING, greeting("amd64").as_bytes())]));
    let layout = Layout::of_image(&image);

    Person::new(Tool::Podman, &proxy)
        .log_in(&Account::new("ci", "lr_wrong"))
        .expect_failure("invalid username/password");
    let podman = Person::logged_in(Tool::Podman, &proxy, &ci);
    podman.push_layout("team/app", &layout).expect_success();
    let others = podman.push_layout("other/app", &layout);

    others.expect_failure("denied");
    assert_eq!(proxy.log().matches(" bytes sent to the bucket in ").count(), 1, "one layer is large");
    assert!(!proxy.log().contains(&ci.password));
    Person::logged_in(Tool::Podman, &desk, &desk.user("reader", "team/*", "pull")).pull("team/app").expect_success();
}

#[test]
fn a_proxy_with_a_login_of_its_own_needs_none_of_its_clients() {
    // Tokens that end at once: what takes longer than a token lives passes all the same.
    let desk = Desk::start(&[Mode::WithoutFront.flags(), &["--token-lifetime", "1"]].concat());
    let proxy = Proxy::start_with(desk.registry.address(), &["--login"], &desk.environment());
    let layer = Layer::new(Compression::None, &[("data/large", &noise(6_000_000, 8))]);
    let layout = Layout::of_image(&Image::new("amd64").layer(layer));

    let podman = Person::new(Tool::Podman, &proxy);
    podman.push_layout("team/app", &layout).expect_success();
    podman.pull("team/app").expect_success();

    assert_eq!(proxy.log().matches(" bytes sent to the bucket in ").count(), 1, "one layer is large");
    let log = desk.registry.log();
    assert!(log.contains("POST /login") && !log.contains("/token"), "{log}");
}

#[test]
fn whoever_may_not_push_gets_no_url_of_the_bucket() {
    let desk = Desk::start(Mode::WithoutFront.flags());
    let (bytes, scope) = (noise(6_000_000, 7), "repository:team/app:pull,push");
    let digest = sha256(&bytes);
    let token = |account: &Account| desk.bearer(account, scope);
    let (ci, reader) = (token(&desk.user("ci", "team/*", "pull,push")), token(&desk.user("reader", "team/*", "pull")));
    let path = format!("/v2/team/app/blobs/uploads/?direct={digest}&size={}", bytes.len());

    desk.request("POST", &path, &reader).send().expect_error(401, "UNAUTHORIZED");

    let session = desk.request("POST", &path, &ci).send().expect(202);
    let upload = session.json();
    let headers = upload["headers"].as_object().expect("headers").iter();
    let put = Request::new("PUT", upload["url"].as_str().expect("a URL")).body(bytes);
    let text = |value: &serde_json::Value| value.as_str().expect("a header").to_owned();
    headers.fold(put, |put, (name, value)| put.header(name, &text(value))).send().expect(200);
    let finish = format!("{}?digest={digest}", session.expect_header("location"));
    desk.request("PUT", &finish, &reader).send().expect_error(401, "UNAUTHORIZED");
    desk.request("PUT", &finish, &ci).send().expect(201);
}
