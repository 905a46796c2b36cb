//! The stack deployed again, with other parameters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_registry_tests::command::run;
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::plain;
use serde_json::Value;
use tempfile::TempDir;

use crate::build::ARCHITECTURE;
use crate::person::Person;
use crate::stack::Stack;

/// What changes: what clients notice, and what is off as long as nobody asks for it, except for alarms: the emulator knows
/// none that calculate. `sam deploy` keeps the value of every other parameter.
const CHANGES: [&str; 7] = [
    "LogLevel=debug",
    "TokenLifetime=120",
    "CreateOnPush=true",
    "PullSecretPattern=team/*",
    "Metrics=true",
    "Dashboard=true",
    "Tracing=true",
];

#[track_caller]
pub(crate) fn a_second_deployment_keeps_host_and_data(
    admin: &Person,
    checkout: &TempDir,
    before: &Stack,
    developer: &Person,
) {
    let digest = |image: &str| run(developer.command("crane").args(["digest", &before.image(image)]));
    let stored = digest("team/crane:1");
    let mut deploy = admin.command("sam");
    deploy.args(["deploy", "--no-confirm-changeset", "--parameter-overrides"]).args(CHANGES);
    deploy.arg(format!("Architecture={ARCHITECTURE}"));
    run(deploy.current_dir(checkout.path()));

    let after = Stack::described_to(admin);

    for (name, value) in before.outputs() {
        assert_eq!(after.output(name), value, "{name}");
    }
    assert!(after.output("PullSecretArn").starts_with("arn:aws:secretsmanager:"));
    assert_eq!(digest("team/crane:1"), stored);
    // Tokens live as long as they are told to now.
    let script = format!(
        "password=$(lambda-registry login-password --registry {}); \
         curl --silent --show-error --fail --user \"AWS:$password\" '{}'",
        before.host(),
        before.url("/token?scope=repository:team/crane:pull"),
    );
    let claims = claims(&run(&mut developer.shell(&script)));
    assert_eq!(claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(end, start)| end - start), Some(120));
    // Nobody has created this repository.
    let layout = Layout::of_image(&plain("arm64"));
    run(developer.command("crane").arg("push").arg(layout.path()).arg(before.image("team/new/app:1")));
}

/// What the token in an answer of the token endpoint says (RFC 7519).
#[track_caller]
fn claims(answer: &str) -> Value {
    let answer: Value = serde_json::from_str(answer).expect("an answer in JSON");
    let claims = answer["token"].as_str().and_then(|token| token.split('.').nth(1)).expect("a token");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("claims in base64");
    serde_json::from_slice(&claims).expect("claims in JSON")
}
