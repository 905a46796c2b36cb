//! infra/examples/ecs beside the deployed registry: its page, as it stands, for a network that was there before.
//!
//! No container runs: that would take an engine of Docker. What ECS does before it starts one is done in its place.

use std::fs;

use lambda_registry_tests::command::run;
use lambda_registry_tests::document::all_shell_blocks;
use serde_json::{Value, json};

use crate::build::clone;
use crate::cloud::REGION;
use crate::person::Person;
use crate::stack::Stack;

#[track_caller]
pub(crate) fn a_service_on_ecs_gets_its_image_with_the_outputs_of_the_stack(admin: &Person, developer: &Person) {
    let stack = &Stack::described_to(admin);
    run(developer.command("crane").args(["tag", &stack.image("team/app:1"), "1.0"]));
    let ask = |arguments: &[&str]| run(admin.aws(arguments).args(["--output", "text"])).trim().to_owned();
    let output = |stack: &str, name: &str| {
        let query = format!("Stacks[0].Outputs[?OutputKey=='{name}'].OutputValue");
        ask(&["cloudformation", "describe-stacks", "--stack-name", stack, "--query", &query])
    };
    network(admin);
    let (subnet, group) = (output("network", "Subnet"), output("network", "SecurityGroup"));
    let directory = admin.home.new_directory();
    fs::copy(clone().join("infra/examples/ecs/template.yaml"), directory.join("template.yaml")).expect("the template");

    for block in all_shell_blocks("infra/examples/ecs/README.md") {
        let mut shell = admin.shell(&block);
        run(shell.current_dir(&directory).env("SUBNETS", &subnet).env("SECURITY_GROUPS", &group));
    }

    let container = container(admin, &output("app", "TaskDefinitionArn"));
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned();
    assert_eq!(container["image"], stack.image("team/app:1.0"));
    // The emulator keeps the name of this property as templates spell it.
    let secret = text(&container["repositoryCredentials"]["CredentialsParameter"]);
    assert_eq!(secret, stack.output("PullSecretArn"));
    let role = ask(&["iam", "get-role", "--role-name", &output("app", "ExecutionRoleName"), "--query", "Role.Arn"]);
    let simulate = ["iam", "simulate-principal-policy", "--policy-source-arn", &role, "--resource-arns", &secret];
    let read = ["--action-names", "secretsmanager:GetSecretValue", "--query", "EvaluationResults[0].EvalDecision"];
    assert_eq!(ask(&[&simulate[..], &read].concat()), "allowed");
    let value = ask(&["secretsmanager", "get-secret-value", "--secret-id", &secret, "--query", "SecretString"]);
    let value: Value = serde_json::from_str(&value).expect("a secret in JSON");
    let credentials = format!("{}:{}", text(&value["username"]), text(&value["password"]));
    let target = format!("dir:{}", admin.home.new_directory().display());
    let image = format!("docker://{}", text(&container["image"]));
    run(admin.command("skopeo").args(["copy", "--quiet", "--src-creds", &credentials, &image, &target]));
}

/// By a stack: the emulator takes EC2's own host name for that of a bucket.
#[track_caller]
fn network(admin: &Person) {
    let vpc = json!({"Ref": "Vpc"});
    let group = json!({"GroupDescription": "app", "VpcId": vpc});
    let template = json!({
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": vpc, "CidrBlock": "10.0.0.0/24"}},
            "SecurityGroup": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        },
        "Outputs": {
            "Subnet": {"Value": {"Ref": "Subnet"}},
            "SecurityGroup": {"Value": {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}},
        },
    });
    let template = admin.home.write("network.json", template.to_string());
    let mut deploy = admin.aws(&["cloudformation", "deploy", "--stack-name", "network", "--template-file"]);
    run(deploy.arg(template));
}

/// The container of a task definition as the emulator has it. The command line of AWS would leave out what the emulator
/// spells in another way than ECS.
#[track_caller]
fn container(admin: &Person, task_definition: &str) -> Value {
    let ask = json!({"taskDefinition": task_definition}).to_string();
    let mut curl = admin.command("curl");
    curl.args(["-fsS", "--aws-sigv4", &format!("aws:amz:{REGION}:ecs"), "--user", "test:test"]);
    curl.args(["--header", "Content-Type: application/x-amz-json-1.1"]);
    curl.args(["--header", "X-Amz-Target: AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition"]);
    curl.args(["--data", &ask, &format!("https://ecs.{REGION}.amazonaws.com/")]);
    let answer: Value = serde_json::from_str(&run(&mut curl)).expect("an answer in JSON");
    answer["taskDefinition"]["containerDefinitions"][0].clone()
}
