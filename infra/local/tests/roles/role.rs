//! Roles of the template, read as IAM reads them, as far as the template uses its language.

use std::collections::BTreeSet;

use local::gateway::TEMPLATE;
use protocol::Function;
use saphyr::{LoadableYamlNode as _, Yaml};

use crate::call::Call;
use crate::right::Right;

/// What a function may do.
pub(crate) struct Role {
    statements: Vec<Statement>,
}

struct Statement {
    actions: Vec<String>,
    /// As the template names them, without the `${}` of its substitutions.
    resources: Vec<String>,
    /// The partitions of the table that it is restricted to, or the prefix of what it lists in the bucket.
    leading_keys: Option<LeadingKeys>,
}

struct LeadingKeys {
    keys: Vec<String>,
    /// Whether a star in them stands for anything.
    are_patterns: bool,
    /// What has them.
    of: &'static str,
}

impl Role {
    /// A function's role in a stack that has everything that conditions can bring.
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
                    for policy in alternatives(&properties()["Policies"]) {
                        statements.extend(alternatives(&policy["PolicyDocument"]["Statement"]));
                    }
                }
                "AWS::IAM::Policy" if list(&properties()["Roles"]).iter().any(|role| named(role)) => {
                    statements.extend(alternatives(&properties()["PolicyDocument"]["Statement"]));
                }
                _ => {}
            }
        }
        assert!(!statements.is_empty(), "{} has no role", function.name());
        Self { statements: statements.into_iter().map(Statement::read).collect() }
    }

    pub(crate) fn allows(&self, call: &Call) -> bool {
        self.statements.iter().any(|statement| statement.allows(call))
    }

    /// Everything that it allows.
    pub(crate) fn rights(&self) -> BTreeSet<Right> {
        self.statements.iter().flat_map(Statement::rights).collect()
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
        let resources: Vec<_> = list(&node["Resource"]).iter().map(|name| plain(name)).collect();
        // What it allows is named by them alone.
        let restricted = leading_keys.as_ref().map(|leading_keys| leading_keys.of);
        assert!(restricted.is_none_or(|of| resources == [of]), "{resources:?} have no partitions and no prefixes");
        Self { actions, resources, leading_keys }
    }

    fn allows(&self, call: &Call) -> bool {
        self.actions.contains(&call.action)
            && self.resources.iter().any(|resource| is_like(resource, &call.resource))
            && self.leading_keys.as_ref().is_none_or(|leading_keys| leading_keys.admit(call))
    }

    fn rights(&self) -> Vec<Right> {
        let places = self.leading_keys.as_ref().map_or(&self.resources, |leading_keys| &leading_keys.keys);
        self.actions.iter().flat_map(|action| places.iter().map(|place| Right::new(action, place))).collect()
    }
}

impl LeadingKeys {
    fn read(condition: &Yaml<'_>) -> Self {
        let [(operator, operands)] = condition.as_mapping().unwrap().iter().collect::<Vec<_>>()[..] else {
            panic!("several conditions aren't understood");
        };
        assert_eq!(operands.as_mapping().unwrap().len(), 1);
        let (are_patterns, key, of) = match operator.as_str() {
            Some("ForAllValues:StringLike") => (true, "dynamodb:LeadingKeys", "Table.Arn"),
            Some("ForAllValues:StringEquals") => (false, "dynamodb:LeadingKeys", "Table.Arn"),
            Some("StringLike") => (true, "s3:prefix", "Bucket.Arn"),
            other => panic!("{other:?} isn't understood"),
        };
        Self { keys: list(&operands[key]), are_patterns, of }
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

/// A resource by the name that calls have for it. What isn't in the stack, and a function that names itself, has an ARN.
fn plain(name: &str) -> String {
    match name.strip_prefix("arn:${AWS::Partition}:") {
        Some("lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-schema1-upgrade") => {
            "Schema1UpgradeFunction.Arn".to_owned()
        }
        Some("lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-collector") => {
            "CollectorFunction.Arn".to_owned()
        }
        Some("events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBus}") => "EventBus".to_owned(),
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
    alternatives(node).into_iter().map(|node| scalar(node).to_owned()).collect()
}

/// What a list may hold, or the only thing where there is no list, whichever way conditions decide.
fn alternatives<'a, 'input>(node: &'a Yaml<'input>) -> Vec<&'a Yaml<'input>> {
    match node {
        Yaml::Tagged(tag, inner) if tag.suffix == "If" => {
            let [_, then, otherwise] = inner.as_sequence().unwrap().as_slice() else { panic!("an !If of three") };
            [then, otherwise].into_iter().flat_map(alternatives).filter(|node| !is_no_value(node)).collect()
        }
        node => node.as_sequence().map_or_else(|| vec![node], |nodes| nodes.iter().flat_map(alternatives).collect()),
    }
}

fn is_no_value(node: &Yaml<'_>) -> bool {
    matches!(node, Yaml::Tagged(_, inner) if inner.as_str() == Some("AWS::NoValue"))
}
