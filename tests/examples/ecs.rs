//! infra/examples/ecs, deployed to the emulator.
//!
//! No container runs there: it would take an engine of Docker. The test does what ECS does before it starts one.

use lambda_registry_tests::clients::Skopeo;
use lambda_registry_tests::command::run;
use lambda_registry_tests::desk::{Account as Credentials, Desk};
use lambda_registry_tests::document::all_shell_blocks;
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::plain;
use serde_json::{Value, json};

use crate::account::{Account, REGION, text};
use crate::workplace::{Workplace, push_as_admin};

const IMAGE: &str = "team/app:1.0";

#[test]
fn a_task_on_ecs_gets_its_image_with_what_its_execution_role_may_read() {
    let desk = Desk::start(&["--pull-pattern", "team/*"]);
    let pushed = Layout::of_image(&plain("amd64"));
    push_as_admin(&desk, &pushed, IMAGE);
    let account = Account::open(&desk);
    let secret = registry_stack(&account, &desk);
    deploy(&account, &desk);

    let role = account.output("app", "ExecutionRoleName");
    let logs = "arn:aws:logs:eu-central-1:000000000000:log-group:/ecs/app:*";
    assert_eq!(
        account.statements(&role),
        [
            json!({"Effect": "Allow", "Resource": secret, "Action": ["secretsmanager:GetSecretValue"]}),
            json!({"Effect": "Allow", "Resource": logs, "Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}),
        ]
    );
    assert_eq!(
        account.trust(&role),
        json!([{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}])
    );
    let other = secret.replace("secret:", "secret:other-");
    assert!(account.allows(&role, "secretsmanager:GetSecretValue", &secret));
    assert!(!account.allows(&role, "secretsmanager:GetSecretValue", &other));
    assert!(!account.allows(&role, "secretsmanager:PutSecretValue", &secret));
    assert!(account.allows(&role, "logs:PutLogEvents", &logs.replace('*', "log-stream:app/app/1")));

    let task = task_definition(&account);
    assert_eq!(task["executionRoleArn"], account.aws(&["iam", "get-role", "--role-name", &role])["Role"]["Arn"]);
    let container = &task["containerDefinitions"][0];
    assert_eq!(container["image"], desk.registry.image(IMAGE));
    assert_eq!(container["logConfiguration"]["options"]["awslogs-group"], "/ecs/app");
    let credentials = credentials(&account, &named_secret(container));
    let flags = ["--src-creds", &format!("{}:{}", credentials.name, credentials.password)];
    let pulled = Skopeo::new(&desk).pull(&text(&container["image"]), &flags);
    assert_eq!(pulled.digest(), pushed.digest);

    let service = account.output("app", "ServiceName");
    let cluster = account.output("app", "ClusterName");
    let services = account.aws(&["ecs", "describe-services", "--cluster", &cluster, "--services", &service]);
    let service = &services["services"][0];
    assert_eq!(service["taskDefinition"], account.output("app", "TaskDefinitionArn"));
    assert_eq!((&service["launchType"], &service["desiredCount"]), (&json!("FARGATE"), &json!(1)));
}

/// A stack with the outputs of the registry's: the host is that of a registry on this machine, and so is the secret.
/// Returns the secret's ARN.
#[track_caller]
fn registry_stack(account: &Account, desk: &Desk) -> String {
    let secret = desk.pull_secret();
    let value = json!({"username": secret.name, "password": secret.password}).to_string();
    let create = ["secretsmanager", "create-secret", "--name", "pull", "--secret-string", &value];
    let arn = text(&account.aws(&create)["ARN"]);
    account.deploy(
        "lambda-registry",
        &json!({
            "Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}},
            "Outputs": {"RegistryHost": {"Value": desk.registry.address()}, "PullSecretArn": {"Value": arn}},
        }),
    );
    arn
}

/// As the page tells, in a network that has been made before.
#[track_caller]
fn deploy(account: &Account, desk: &Desk) {
    let vpc = text(&account.aws(&["ec2", "create-vpc", "--cidr-block", "10.0.0.0/16"])["Vpc"]["VpcId"]);
    let subnet = |block: &str| {
        let create = ["ec2", "create-subnet", "--vpc-id", &vpc, "--cidr-block", block];
        text(&account.aws(&create)["Subnet"]["SubnetId"])
    };
    let subnets = [subnet("10.0.0.0/24"), subnet("10.0.1.0/24")].join(",");
    let group = ["ec2", "create-security-group", "--group-name", "app", "--description", "app", "--vpc-id", &vpc];
    let group = text(&account.aws(&group)["GroupId"]);
    let workplace = Workplace::new(desk, "ecs", account.environment());
    let workplace = workplace.with("SUBNETS", &subnets).with("SECURITY_GROUPS", &group);
    for block in all_shell_blocks("infra/examples/ecs/README.md") {
        workplace.shell(&block);
    }
}

/// The task definition as the emulator has it. The command line of AWS would leave out what the emulator spells in
/// another way than ECS.
#[track_caller]
fn task_definition(account: &Account) -> Value {
    let arn = account.output("app", "TaskDefinitionArn");
    let mut curl = account.command("curl");
    curl.args(["-fsS", "--aws-sigv4", &format!("aws:amz:{REGION}:ecs"), "--user", "test:test"]);
    curl.args(["--header", "Content-Type: application/x-amz-json-1.1"]);
    curl.args(["--header", "X-Amz-Target: AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition"]);
    curl.args(["--data", &json!({"taskDefinition": arn}).to_string(), &account.url()]);
    let answer: Value = serde_json::from_str(&run(&mut curl)).expect("an answer in JSON");
    answer["taskDefinition"].clone()
}

/// The emulator keeps the name of this property as templates spell it.
#[track_caller]
fn named_secret(container: &Value) -> String {
    text(&container["repositoryCredentials"]["CredentialsParameter"])
}

/// What ECS finds in the secret.
#[track_caller]
fn credentials(account: &Account, secret: &str) -> Credentials {
    let value = account.aws(&["secretsmanager", "get-secret-value", "--secret-id", secret]);
    let value: Value = serde_json::from_str(&text(&value["SecretString"])).expect("a secret in JSON");
    Credentials::new(&text(&value["username"]), &text(&value["password"]))
}
