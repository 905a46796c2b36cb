//! An account on the emulator, and what the command line of AWS does in it.

use std::process::Command;

use lambda_registry_tests::clients::Home;
use lambda_registry_tests::command::run;
use lambda_registry_tests::ministack::MiniStack;
use lambda_registry_tests::server::Endpoint;
use serde_json::Value;

/// Where everything is.
pub(crate) const REGION: &str = "eu-central-1";

/// A running emulator that asks for signatures and for capabilities. It ends when this is dropped.
pub(crate) struct Account {
    emulator: MiniStack,
    home: Home,
}

impl Account {
    /// With what the examples need.
    #[track_caller]
    pub(crate) fn open(registry: &impl Endpoint) -> Self {
        let services = ["cloudformation", "ec2", "ecs", "iam", "logs", "s3", "secretsmanager", "sts"];
        let environment = [("AUTH", "true"), ("MINISTACK_REGION", REGION)];
        Self { emulator: MiniStack::start_with(&services, &environment), home: Home::new(registry) }
    }

    /// Variables with which the command line finds it. The credentials are those of the account's root.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let url = self.url();
        let pairs = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ENDPOINT_URL", url.as_str()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// The endpoint of all services.
    pub(crate) fn url(&self) -> String {
        self.emulator.url()
    }

    /// What a command of the AWS command line answers.
    #[track_caller]
    pub(crate) fn aws(&self, arguments: &[&str]) -> Value {
        let answer = run(self.command("aws").args(arguments).args(["--output", "json"]));
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {answer}"))
    }

    /// A command in a home of its own.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.home.command(program);
        command.envs(self.environment());
        command
    }

    /// Deploys a template that the test makes up.
    #[track_caller]
    pub(crate) fn deploy(&self, stack: &str, template: &Value) {
        let template = self.home.write(&format!("{stack}.json"), template.to_string());
        run(self
            .command("aws")
            .args(["cloudformation", "deploy", "--stack-name", stack, "--template-file"])
            .arg(template));
    }

    /// An output of a stack.
    #[track_caller]
    pub(crate) fn output(&self, stack: &str, name: &str) -> String {
        let stacks = self.aws(&["cloudformation", "describe-stacks", "--stack-name", stack]);
        let outputs = stacks["Stacks"][0]["Outputs"].as_array().expect("outputs");
        let output = outputs.iter().find(|output| output["OutputKey"] == name);
        text(&output.unwrap_or_else(|| panic!("no {name} in {outputs:?}"))["OutputValue"])
    }

    /// All statements of a role's policies, which have to be written into the role itself.
    #[track_caller]
    pub(crate) fn statements(&self, role: &str) -> Vec<Value> {
        let attached = self.aws(&["iam", "list-attached-role-policies", "--role-name", role]);
        assert_eq!(attached["AttachedPolicies"], serde_json::json!([]));
        let names = self.aws(&["iam", "list-role-policies", "--role-name", role]);
        let names = names["PolicyNames"].as_array().expect("names of policies");
        let policy =
            |name: &Value| self.aws(&["iam", "get-role-policy", "--role-name", role, "--policy-name", &text(name)]);
        let statements =
            |name: &Value| policy(name)["PolicyDocument"]["Statement"].as_array().expect("statements").clone();
        names.iter().flat_map(statements).collect()
    }

    /// The statements that say who gets a role.
    #[track_caller]
    pub(crate) fn trust(&self, role: &str) -> Value {
        self.aws(&["iam", "get-role", "--role-name", role])["Role"]["AssumeRolePolicyDocument"]["Statement"].clone()
    }

    /// Whether a role may do something with a resource, as the emulator's IAM evaluates its policies.
    #[track_caller]
    pub(crate) fn allows(&self, role: &str, action: &str, resource: &str) -> bool {
        let arn = text(&self.aws(&["iam", "get-role", "--role-name", role])["Role"]["Arn"]);
        let simulate = ["iam", "simulate-principal-policy", "--policy-source-arn", &arn, "--action-names", action];
        let results = self.aws(&[&simulate[..], &["--resource-arns", resource]].concat());
        match text(&results["EvaluationResults"][0]["EvalDecision"]).as_str() {
            "allowed" => true,
            "implicitDeny" => false,
            other => panic!("{action} on {resource}: {other}"),
        }
    }
}

/// A value that has to be a text.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
