//! The secret that a task definition of ECS names in `repositoryCredentials`, used as the agent uses it.

use lambda_registry_tests::command::{attempt, run};
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::plain;
use serde_json::Value;

use crate::person::Person;
use crate::stack::Stack;

#[track_caller]
pub(crate) fn ecs_pulls_with_the_secret_that_the_second_deployment_made(agent: &Person) {
    let stack = &Stack::described_to(agent);
    let arn = stack.output("PullSecretArn");
    let get = ["secretsmanager", "get-secret-value", "--secret-id", arn, "--query", "SecretString", "--output", "text"];
    let secret: Value = serde_json::from_str(&run(&mut agent.aws(&get))).expect("a secret in JSON");
    let field = |name: &str| secret[name].as_str().expect("a field of the secret");
    let credentials = format!("{}:{}", field("username"), field("password"));
    let (image, target) = (format!("docker://{}", stack.image("team/app:1")), agent.home.new_directory());

    let target = format!("dir:{}", target.display());
    run(agent.command("skopeo").args(["copy", "--quiet", "--src-creds", &credentials, &image, &target]));

    let layout = Layout::of_image(&plain("amd64"));
    let source = format!("oci:{}", layout.path().display());
    let push = ["copy", "--quiet", "--dest-creds", &credentials, &source, &image];
    attempt(agent.command("skopeo").args(push)).expect_failure("denied");
    let wrong = ["inspect", "--creds", "ecs:wrong", &image];
    attempt(agent.command("skopeo").args(wrong)).expect_failure("unauthorized");
}
