//! What can be chosen about a deployment: what is off costs nothing, and the documents say what there is.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use local::gateway::TEMPLATE;
use saphyr::{LoadableYamlNode as _, Yaml};

/// What AWS bills by the request, or not at all.
const FREE_WHILE_IDLE: [&str; 15] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::DynamoDB::Table",
    // On the default bus. What it starts is billed like a request.
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::Serverless::Function",
];

#[test]
fn what_costs_money_while_idle_is_there_only_when_it_is_asked_for() {
    let template = Template::load();
    let mut costly = Vec::new();
    for (id, resource) in template.section("Resources") {
        if !FREE_WHILE_IDLE.contains(&text(&resource["Type"])) {
            let condition = resource.as_mapping_get("Condition").unwrap_or_else(|| panic!("{id} is always there"));
            assert!(!template.holds_by_default(text(condition)), "{id} is there by default");
            costly.push(text(&resource["Type"]));
        }
    }
    costly.sort_unstable();
    costly.dedup();
    let known = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Route53::RecordSet"];
    assert_eq!(costly, [&known[..], &["AWS::SecretsManager::Secret"]].concat());
}

#[test]
fn nothing_of_what_is_always_there_is_kept_ready() {
    let template = Template::load();
    let table = &template.0["Resources"]["Table"]["Properties"];
    assert_eq!(text(&table["BillingMode"]), "PAY_PER_REQUEST");
    assert_eq!(table["SSESpecification"]["SSEEnabled"].as_bool(), Some(false), "a key of KMS costs by the month");
    for (id, resource) in template.section("Resources") {
        if text(&resource["Type"]) == "AWS::Serverless::Function" {
            for kept in ["ReservedConcurrentExecutions", "ProvisionedConcurrencyConfig"] {
                assert!(resource["Properties"].as_mapping_get(kept).is_none(), "{id} has {kept}");
            }
        }
    }
    for off in ["HasMetrics", "HasTracing"] {
        assert!(!template.holds_by_default(off), "{off}: it costs while there are requests");
    }
}

#[test]
fn every_parameter_is_documented_with_its_default() {
    let (template, document) = (Template::load(), document("deployment.md"));
    let rows = rows_after(&document, "## Parameters");
    let mut documented: Vec<(&str, &str)> = Vec::new();
    for row in &rows {
        let names = row[0].split(", ").map(|name| name.trim_matches('`'));
        let defaults = match row[1] {
            "none" => vec![""],
            values => values.split(", ").map(|value| value.trim_matches('`')).collect(),
        };
        documented.extend(names.zip(defaults));
    }
    let plain = |number: &str| number.replace(',', "");
    let documented: BTreeMap<String, String> =
        documented.into_iter().map(|(name, value)| (name.to_owned(), plain(value))).collect();
    let parameters =
        template.section("Parameters").map(|(name, parameter)| (name.to_owned(), value(&parameter["Default"])));
    assert_eq!(documented, parameters.collect::<BTreeMap<_, _>>());
}

#[test]
fn every_alarm_is_documented_and_its_price_is_right() {
    let (template, operations) = (Template::load(), document("operations.md"));
    let (mut alarms, mut metrics) = (Vec::new(), 0);
    for (id, resource) in template.section("Resources") {
        if text(&resource["Type"]) == "AWS::CloudWatch::Alarm" {
            alarms.push(id);
            metrics += match resource["Properties"].as_mapping_get("Metrics") {
                Some(list) => {
                    list.as_sequence().unwrap().iter().filter(|m| m.contains_mapping_key("MetricStat")).count()
                }
                None => 1,
            };
        }
    }
    let rows = rows_after(&operations, "## Alarms");
    assert_eq!(rows.iter().map(|row| row[0].trim_matches('`')).collect::<Vec<_>>(), alarms);
    // Ten cents for each metric.
    let price = format!("{metrics} of them, ${}.{}0", metrics / 10, metrics % 10);
    assert!(document("deployment.md").contains(&price), "docs/deployment.md should say: {price}");
}

#[test]
fn the_dashboard_is_json_and_shows_what_the_template_makes() {
    let template = Template::load();
    let body = value(&template.0["Resources"]["MonitoringDashboard"]["Properties"]["DashboardBody"]);
    let dashboard: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(!dashboard["widgets"].as_array().unwrap().is_empty());
    let resources: Vec<_> = template.section("Resources").map(|(id, _)| id).collect();
    for named in body.split("${").skip(1).map(|rest| rest.split('}').next().unwrap()) {
        assert!(named.starts_with("AWS::") || resources.contains(&named), "{named} isn't there");
    }
}

struct Template(Yaml<'static>);

impl Template {
    fn load() -> Self {
        Self(Yaml::load_from_str(TEMPLATE).unwrap().remove(0))
    }

    fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Yaml<'static>)> {
        self.0[name].as_mapping().unwrap().iter().map(|(id, node)| (id.as_str().unwrap(), node))
    }

    /// Whether a condition holds when nobody chooses anything. They compare one parameter with one value.
    fn holds_by_default(&self, condition: &str) -> bool {
        let (tag, inner) = tagged(&self.0["Conditions"][condition]);
        match tag {
            "Not" => {
                let (tag, inner) = tagged(&inner[0]);
                assert_eq!(tag, "Equals", "{condition}");
                !self.are_equal(inner)
            }
            "Equals" => self.are_equal(inner),
            other => panic!("{condition}: !{other} isn't understood here"),
        }
    }

    fn are_equal(&self, sides: &Yaml<'static>) -> bool {
        value(&self.0["Parameters"][text(&sides[0])]["Default"]) == value(&sides[1])
    }
}

fn tagged<'a>(node: &'a Yaml<'static>) -> (&'a str, &'a Yaml<'static>) {
    match node {
        Yaml::Tagged(tag, inner) => (&tag.suffix, inner),
        other => panic!("{other:?} has no tag"),
    }
}

/// A scalar, with its tag or without.
fn text<'a>(node: &'a Yaml<'static>) -> &'a str {
    match node {
        Yaml::Tagged(_, inner) => inner.as_str().unwrap(),
        plain => plain.as_str().unwrap_or_else(|| panic!("{plain:?}")),
    }
}

fn value(node: &Yaml<'static>) -> String {
    node.as_integer().map_or_else(|| text(node).to_owned(), |number| number.to_string())
}

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

/// The cells of the table that comes first after a heading, without its own heading.
fn rows_after<'a>(document: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = document.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let table = rest.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    table.skip(2).map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}
