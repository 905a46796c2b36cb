//! The deployed stack, as CloudFormation describes it.

use std::collections::BTreeMap;

use lambda_registry_tests::command::run;
use serde_json::Value;

use crate::person::Person;

/// What samconfig.toml calls it.
pub(crate) const NAME: &str = "lambda-registry";

/// Its outputs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    outputs: BTreeMap<String, String>,
}

impl Stack {
    #[track_caller]
    pub(crate) fn described_to(person: &Person) -> Self {
        let stacks =
            run(&mut person.aws(&["cloudformation", "describe-stacks", "--stack-name", NAME, "--output", "json"]));
        let stacks: Value = serde_json::from_str(&stacks).expect("a description in JSON");
        let outputs = stacks["Stacks"][0]["Outputs"].as_array().expect("a stack with outputs");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let outputs = outputs.iter().map(|output| (text(&output["OutputKey"]), text(&output["OutputValue"]))).collect();
        Self { outputs }
    }

    /// The value of an output.
    #[track_caller]
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.outputs))
    }

    /// All outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.outputs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The registry's host name, which clients log in to.
    #[track_caller]
    pub(crate) fn host(&self) -> &str {
        self.output("RegistryHost")
    }

    /// An image reference.
    #[track_caller]
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// The URL of a path.
    #[track_caller]
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host())
    }
}
