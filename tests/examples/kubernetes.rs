//! infra/examples/kubernetes. There is no cluster: what it would be sent is kept, and the test pulls as a node does.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_registry_tests::command::attempt;
use lambda_registry_tests::desk::Desk;
use lambda_registry_tests::document::all_shell_blocks;
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::plain;
use serde_json::Value;

use crate::workplace::{Workplace, push_as_admin};

/// In the place of kubectl: it does everything but send. What would be sent lies in files.
const KUBECTL: &str = r#"#!/usr/bin/env bash
set -euo pipefail
case "$1 $2" in
  'apply --filename') cp "$3" applied-file.yaml ;;
  'apply --kustomize') "$KUBECTL" kustomize "$3" > applied.yaml ;;
  'create secret') "$KUBECTL" "$@" --dry-run=client --output json > secret.json ;;
  *) echo "nobody knows what kubectl $* would do" >&2; exit 1 ;;
esac
"#;

#[test]
fn a_node_pulls_the_image_of_the_deployment_with_the_secret_of_its_account() {
    let desk = Desk::start(&[]);
    for image in ["team/app:1.0", "other/app:1.0"] {
        push_as_admin(&desk, &Layout::of_image(&plain("amd64")), image);
    }
    let workplace = Workplace::new(&desk, "kubernetes", desk.environment());
    let workplace = workplace.with("REGISTRY", desk.registry.address()).with("KUBECTL", &kubectl());
    workplace.put_program("bin/kubectl", KUBECTL);

    for block in all_shell_blocks("infra/examples/kubernetes/README.md") {
        workplace.shell(&block);
    }

    let applied = fs::read_to_string(workplace.home.path("applied.yaml")).expect("what was applied");
    let resources: Vec<Value> = serde_saphyr::from_multiple(&applied).expect("resources in YAML");
    let resource = |kind: &str| resources.iter().find(|resource| resource["kind"] == kind).expect("a resource");
    let (account, pods) = (resource("ServiceAccount"), &resource("Deployment")["spec"]["template"]["spec"]);
    let secret = fs::read(workplace.home.path("secret.json")).expect("the secret");
    let secret: Value = serde_json::from_slice(&secret).expect("a secret in JSON");
    assert_eq!(pods["serviceAccountName"], account["metadata"]["name"]);
    assert_eq!(account["imagePullSecrets"][0]["name"], secret["metadata"]["name"]);
    assert_eq!(account["metadata"]["namespace"], secret["metadata"]["namespace"]);
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let namespace = fs::read_to_string(workplace.home.path("applied-file.yaml")).expect("the namespace");
    let namespace: Value = serde_saphyr::from_str(&namespace).expect("a namespace in YAML");
    assert_eq!(namespace["metadata"]["name"], secret["metadata"]["namespace"]);
    assert!(!workplace.home.path("kubernetes.secret").exists(), "the password stays in a file");

    let image = pods["containers"][0]["image"].as_str().expect("an image");
    assert_eq!(image, desk.registry.image("team/app:1.0"));
    let config = STANDARD.decode(secret["data"][".dockerconfigjson"].as_str().expect("its data")).expect("base64");
    let config = workplace.home.write("node/config.json", config);
    let node = |image: &str| {
        let mut skopeo = workplace.command("skopeo");
        skopeo.args(["inspect", "--raw", "--authfile"]).arg(&config).arg(format!("docker://{image}"));
        attempt(&mut skopeo)
    };
    node(image).expect_success();
    node(&desk.registry.image("other/app:1.0")).expect_failure("denied");
    let mut stranger = workplace.command("skopeo");
    attempt(stranger.args(["inspect", "--raw", &format!("docker://{image}")])).expect_failure("unauthorized");
}

/// The real one.
#[track_caller]
fn kubectl() -> String {
    let path = std::env::var_os("PATH").expect("a PATH");
    let found = std::env::split_paths(&path).map(|directory| directory.join("kubectl")).find(|file| file.exists());
    found.expect("kubectl, which tests/run builds").display().to_string()
}
