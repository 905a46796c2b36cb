//! Roles of the template, read as IAM reads them, as far as the template uses its language.

use std::collections::BTreeSet;

use local::gateway::TEMPLATE;
use protocol::Function;
use saphyr::{LoadableYamlNode as _, Yaml};

use crate::call::Call;

/// What a function may do.
pub(crate) struct Role {
    statements: Vec<Statement>,
}

struct Statement {
    actions: Vec<String>,
    /// As the template names them, without the `${}` of its substitutions.
    resources: Vec<String>,
    /// The partitions of the table that it is restricted to.
    leading_keys: Option<LeadingKeys>,
}

struct LeadingKeys {
    keys: Vec<String>,
    /// Whether a star in them stands for anything.
    are_patterns: bool,
}

impl Role {
    /// A function's role, without what Lambda itself does with it.
    pub(crate) fn of(function: Function) -> Self {
        let template = Yaml::load_from_str(TEMPLATE).unwrap().remove(0);
        let resources = &template["Resources"];
        let named = |id: &str| id.to_lowercase() == format!("{}role", function.name().replace('-', ""));
        let mut statements = Vec::new();
        for (id, resource) in resources.as_mapping().unwrap() {
            let properties = || &resource["Properties"];
            match resource["Type"].as_str().unwrap() {
                "AWS::IAM::Role" if named(id.as_str().unwrap()) => {
                    assert!(properties().as_mapping_get("ManagedPolicyArns").is_none(), "read them as well");
                    for policy in properties()["Policies"].as_sequence().unwrap() {
                        statements.extend(policy["PolicyDocument"]["Statement"].as_sequence().unwrap());
                    }
                }
                "AWS::IAM::RolePolicy" if named(scalar(&properties()["RoleName"])) => {
                    statements.extend(properties()["PolicyDocument"]["Statement"].as_sequence().unwrap());
                }
                _ => {}
            }
        }
        let statements: Vec<_> = statements.into_iter().map(Statement::read).collect();
        assert!(!statements.is_empty(), "{} has no role", function.name());
        let lambdas_own = |statement: &Statement| statement.actions.iter().all(|action| action.starts_with("logs:"));
        Self { statements: statements.into_iter().filter(|statement| !lambdas_own(statement)).collect() }
    }

    pub(crate) fn allows(&self, call: &Call) -> bool {
        self.statements.iter().any(|statement| statement.allows(call))
    }

    /// Actions, resources and partitions that a statement allows and none of the calls needs.
    pub(crate) fn unused(&self, calls: &[&Call]) -> BTreeSet<String> {
        self.statements.iter().flat_map(|statement| statement.unused(calls)).collect()
    }
}

impl Statement {
    /// Panics when it says something that isn't understood here.
    fn read(node: &Yaml<'_>) -> Self {
        let statement = node.as_mapping().unwrap();
        for key in statement.keys().map(|key| key.as_str().unwrap()) {
            assert!(["Effect", "Action", "Resource", "Condition"].contains(&key), "{key} isn't understood");
        }
        assert_eq!(node["Effect"].as_str(), Some("Allow"));
        let actions = list(&node["Action"]);
        assert!(actions.iter().all(|action| !action.contains('*')), "{actions:?} aren't understood");
        let leading_keys = node.as_mapping_get("Condition").map(LeadingKeys::read);
        Self { actions, resources: list(&node["Resource"]).iter().map(|name| plain(name)).collect(), leading_keys }
    }

    fn allows(&self, call: &Call) -> bool {
        self.actions.contains(&call.action)
            && self.resources.iter().any(|resource| is_like(resource, &call.resource))
            && self.leading_keys.as_ref().is_none_or(|leading_keys| leading_keys.admit(call))
    }

    fn unused(&self, calls: &[&Call]) -> Vec<String> {
        let allowed: Vec<&Call> = calls.iter().copied().filter(|call| self.allows(call)).collect();
        let partitions = self.leading_keys.as_ref().map_or(&[][..], |leading_keys| &leading_keys.keys);
        let place = if partitions.is_empty() { self.resources.join(", ") } else { partitions.join(", ") };
        let actions = self.actions.iter().filter(|action| !allowed.iter().any(|call| call.action == **action));
        let mut unused: Vec<_> = actions.map(|action| format!("{action} on {place}")).collect();
        // Else that is said already, of every action.
        if !allowed.is_empty() {
            let resources = self.resources.iter();
            let resources = resources.filter(|name| !allowed.iter().any(|call| is_like(name, &call.resource)));
            let partitions = partitions
                .iter()
                .filter(|name| !allowed.iter().flat_map(|call| &call.leading_keys).any(|key| is_like(name, key)));
            unused.extend(resources.chain(partitions).map(|place| format!("{place} for {}", self.actions.join(", "))));
        }
        unused
    }
}

impl LeadingKeys {
    fn read(condition: &Yaml<'_>) -> Self {
        let [(operator, operands)] = condition.as_mapping().unwrap().iter().collect::<Vec<_>>()[..] else {
            panic!("several conditions aren't understood");
        };
        assert_eq!(operands.as_mapping().unwrap().len(), 1);
        let are_patterns = match operator.as_str() {
            Some("ForAllValues:StringLike") => true,
            Some("ForAllValues:StringEquals") => false,
            other => panic!("{other:?} isn't understood"),
        };
        Self { keys: list(&operands["dynamodb:LeadingKeys"]), are_patterns }
    }

    /// A call that reaches no partition would pass: IAM finds that all of nothing is allowed.
    fn admit(&self, call: &Call) -> bool {
        let admits = |key: &String| match self.are_patterns {
            true => self.keys.iter().any(|pattern| is_like(pattern, key)),
            false => self.keys.contains(key),
        };
        call.leading_keys.iter().all(admits)
    }
}

/// Whether a text is what a pattern says, in which a star at the end stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((prefix, rest)) => {
            assert!(rest.is_empty(), "{pattern} isn't understood");
            text.starts_with(prefix)
        }
        None => pattern == text,
    }
}

/// A resource by the name that calls have for it. One function has to name itself by its ARN.
fn plain(name: &str) -> String {
    match name.strip_prefix("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:") {
        Some("${AWS::StackName}-schema1-upgrade") => "Schema1UpgradeFunction.Arn".to_owned(),
        Some(other) => panic!("{other} isn't understood"),
        None => name.replace("${", "").replace('}', ""),
    }
}

fn scalar<'a>(node: &'a Yaml<'_>) -> &'a str {
    match node {
        Yaml::Tagged(_, inner) => inner.as_str().unwrap(),
        plain => plain.as_str().unwrap(),
    }
}

fn list(node: &Yaml<'_>) -> Vec<String> {
    let nodes = node.as_sequence().map_or_else(|| vec![node], |nodes| nodes.iter().collect());
    nodes.into_iter().map(|node| scalar(node).to_owned()).collect()
}
