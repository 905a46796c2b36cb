//! infra/examples/github-actions. There is no GitHub: the scripts of the workflows run here, with the credentials of a
//! session of the role that its identity would get.

use std::fs;

use lambda_registry_tests::command::attempt;
use lambda_registry_tests::desk::Desk;
use lambda_registry_tests::document::all_shell_blocks;
use lambda_registry_tests::images::samples::{noise, plain};
use lambda_registry_tests::images::{Compression, Image, Layer, Layout};
use lambda_registry_tests::server::programs;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::account::{Account, REGION};
use crate::files::{block_with, example, read, repository};
use crate::workplace::{Workplace, push_as_admin};

/// What a step says, and what is run instead.
const PLAIN_HTTP: (&str, &str) = ("https://$REGISTRY", "http://$REGISTRY");
/// Where the push helper listens unless it is told another port, here a free one.
const PORT: &str = "5001";

const SESSION_TOKEN: &str = "a session of the role";

#[test]
fn the_role_is_for_one_branch_and_may_log_in_and_nothing_else() {
    let desk = Desk::start(&[]);
    let account = Account::open(&desk);
    let login = login_arn();
    let provider = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com";
    let workplace = Workplace::new(&desk, "github-actions", account.environment());
    let workplace = workplace.with("GITHUB_REPOSITORY", "acme/app").with("LOGIN_ARN", &login);
    let blocks = all_shell_blocks("infra/examples/github-actions/README.md");
    // The emulator can't make identity providers in a stack.
    let deploy =
        format!("{} \"GitHubProviderArn={provider}\"", block_with(&blocks, "cloudformation deploy").trim_end());

    workplace.shell(&deploy);

    let role = "lambda-registry-push";
    assert_eq!(account.output(role, "RoleArn"), format!("arn:aws:iam::000000000000:role/{role}"));
    assert_eq!(
        account.statements(role),
        [json!({"Effect": "Allow", "Resource": login, "Action": ["execute-api:Invoke"]})]
    );
    assert!(account.allows(role, "execute-api:Invoke", &login));
    assert!(!account.allows(role, "execute-api:Invoke", &login.replace("/login", "/token")));
    assert_eq!(
        account.trust(role),
        json!([{
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:acme/app:ref:refs/heads/main",
            }},
        }])
    );

    let deploy = deploy.replace("--stack-name lambda-registry-push", "--stack-name too-much");
    for (wrong, reason) in [
        ("LoginArn=*", "LoginArn of the registry's outputs"),
        ("GitHubRepository=acme/*", "owner/name"),
        ("GitHubRef=refs/heads/*", "without wildcards"),
    ] {
        // Of two values of a parameter the last one counts.
        let script = format!("{deploy} \"{wrong}\"");
        attempt(workplace.command("bash").args(["-euo", "pipefail", "-c", &script])).expect_failure(reason);
    }
}

#[test]
fn a_workflow_logs_in_with_curl_and_pulls_what_the_role_was_granted() {
    let (desk, workplace) = registry_that_knows_the_role();
    push_as_admin(&desk, &Layout::of_image(&plain("amd64")), "team/app:1.0");
    push_as_admin(&desk, &Layout::of_image(&plain("amd64")), "other/app:1.0");
    let step = step("pull.yaml", "Log in to the registry");
    let (words, instead) = PLAIN_HTTP;
    assert!(step.contains(words), "{step}");

    workplace.shell(&step.replace(words, instead));

    expect_login(&desk, &workplace);
}

#[test]
fn a_workflow_with_the_products_binary_logs_in_as_the_page_says() {
    let (desk, workplace) = registry_that_knows_the_role();
    push_as_admin(&desk, &Layout::of_image(&plain("amd64")), "team/app:1.0");
    push_as_admin(&desk, &Layout::of_image(&plain("amd64")), "other/app:1.0");
    let blocks = all_shell_blocks("infra/examples/github-actions/README.md");

    workplace.shell(block_with(&blocks, "login-password"));

    expect_login(&desk, &workplace);
}

/// Docker keeps what it has logged in with, and crane reads that.
#[track_caller]
fn expect_login(desk: &Desk, workplace: &Workplace) {
    let crane = |image: &str| attempt(workplace.command("crane").args(["manifest", &desk.registry.image(image)]));
    crane("team/app:1.0").expect_success();
    crane("other/app:1.0").expect_failure("is not granted");
}

/// In the runner, Buildx pushes to that address; here it is skopeo.
#[test]
fn a_workflow_pushes_a_layer_of_any_size_through_the_helper_that_it_starts() {
    let (desk, workplace) = registry_that_knows_the_role();
    let large = Layer::new(Compression::Gzip, &[("data/large", &noise(12_000_000, 1))]);
    let layout = Layout::of_image(&Image::new("amd64").layer(large));
    workplace.put_program(".local/lambda-registry/bin/lambda-registry", &helper());
    let port = free_port();
    let (words, instead) = PLAIN_HTTP;
    let start = step("push.yaml", "Start the push helper");
    let start = start.replace(words, instead).replace("proxy --login", &format!("proxy --login --port {port}"));
    let start = start.replace(&format!(":{PORT}"), &format!(":{port}"));
    let push = format!(
        "trap 'kill %1' EXIT\nskopeo copy --preserve-digests --dest-tls-verify=false oci:{} docker://127.0.0.1:{port}/team/app:1.0",
        layout.path().display()
    );

    workplace.shell(&format!("{start}\n{push}"));

    let manifest = format!("/v2/team/app/manifests/{}", layout.digest);
    let admin = desk.bearer(&desk.admin, "repository:team/app:pull");
    desk.request("HEAD", &manifest, &admin).send().expect(200);
}

#[test]
fn the_builder_and_the_images_name_the_address_that_the_helper_listens_on() {
    let workflow = read(&example("github-actions/push.yaml"));
    let named: Vec<_> =
        workflow.match_indices("127.0.0.1:").map(|(at, words)| &workflow[at + words.len()..][..4]).collect();
    assert!(named.len() >= 4 && named.iter().all(|port| *port == PORT), "{named:?}");
    let builder = &step_value("push.yaml", "Set up Buildx")["with"];
    assert_eq!(builder["driver-opts"], "network=host");
    assert_eq!(builder["buildkitd-config-inline"], "[registry.\"127.0.0.1:5001\"]\n  http = true\n");
    let help = lambda_registry_tests::command::run(
        std::process::Command::new(programs().join("lambda-registry")).args(["proxy", "--help"]),
    );
    assert!(help.contains(&format!("[default: {PORT}]")), "{help}");
}

/// A registry with the grants of the example, and the environment that a step has after the role was assumed.
#[track_caller]
fn registry_that_knows_the_role() -> (Desk, Workplace) {
    let mut desk = Desk::start(&[]);
    grant_as_the_page_says(&desk);
    let arn = "arn:aws:sts::000000000000:assumed-role/lambda-registry-push/GitHubActions";
    sign_in_as_a_session(&mut desk, arn);
    let mut variables = desk.environment();
    variables.retain(|(name, _)| name != "REGISTRY_TABLE");
    let workplace = Workplace::new(&desk, "github-actions", variables);
    let workplace = workplace.with("AWS_SESSION_TOKEN", SESSION_TOKEN).with("REGISTRY", desk.registry.address());
    (desk, workplace)
}

/// By whoever runs the registry, whose own grant is merged into the file.
#[track_caller]
fn grant_as_the_page_says(desk: &Desk) {
    let workplace = Workplace::new(desk, "github-actions", desk.environment());
    let own = "  - principal: arn:aws:iam::000000000000:user/admin\n    \
        grants: [{repositories: ['*'], actions: [pull, push, delete]}]\n";
    let grants = read(&workplace.home.path("grants.yaml"));
    workplace.home.write("grants.yaml", grants + own);
    let blocks = all_shell_blocks("infra/examples/github-actions/README.md");
    let told = workplace.shell(block_with(&blocks, "grants apply"));
    assert!(told.contains("role/lambda-registry-push"), "{told}");
    workplace.shell(block_with(&blocks, "repository create"));
}

/// Makes the key pair that the registry knows one of a session, which has a token besides.
#[track_caller]
fn sign_in_as_a_session(desk: &mut Desk, arn: &str) {
    desk.registry.signal(Signal::TERM);
    desk.registry.wait();
    let file = desk.registry.data().join("iam-key.json");
    let mut identity: Value = serde_json::from_str(&read(&file)).expect("an identity in JSON");
    identity["arn"] = json!(arn);
    identity["user_id"] = json!("AROAEXAMPLEEXAMPLEEXA:GitHubActions");
    identity["session_token"] = json!(SESSION_TOKEN);
    fs::write(&file, identity.to_string()).expect("the file of the identity");
    desk.registry.restart();
}

/// LoginArn as the registry's template puts it together.
#[track_caller]
fn login_arn() -> String {
    let template = read(&repository("template.yaml"));
    let (_, output) = template.split_once("\n  LoginArn:\n").expect("the output LoginArn");
    let (_, value) = output.split_once("Value: !Sub \"").expect("its value");
    let (value, _) = value.split_once('"').expect("the value's end");
    let names = [
        ("${AWS::Partition}", "aws"),
        ("${AWS::Region}", REGION),
        ("${AWS::AccountId}", "000000000000"),
        ("${Api}", "a1b2c3d4e5"),
    ];
    let arn = names.iter().fold(value.to_owned(), |value, (name, instead)| value.replace(name, instead));
    assert!(!arn.contains("${"), "{arn}");
    arn
}

/// The script of a step.
#[track_caller]
fn step(workflow: &str, name: &str) -> String {
    step_value(workflow, name)["run"].as_str().unwrap_or_else(|| panic!("{name} has no script")).to_owned()
}

#[track_caller]
fn step_value(workflow: &str, name: &str) -> Value {
    let workflow: Value =
        serde_saphyr::from_str(&read(&example(&format!("github-actions/{workflow}")))).expect("a workflow in YAML");
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let mut steps = jobs.values().flat_map(|job| job["steps"].as_array().expect("steps"));
    steps.find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name:?}")).clone()
}

/// The product's binary, which ends with the shell that starts it.
fn helper() -> String {
    format!("#!/bin/sh\nexec setpriv --pdeathsig TERM -- {} \"$@\"\n", programs().join("lambda-registry").display())
}

#[track_caller]
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
