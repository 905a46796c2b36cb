//! The deployment's template: its routes are those of protocol's table, and what no tool checks is checked here.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use local::gateway::TEMPLATE;
use local::lambda::BACKGROUND_TIMEOUT;
use protocol::{RouteKey, route_table};
use saphyr::{LoadableYamlNode, Yaml};

const BEGIN: &str = "  # routes: begin\n";
const END: &str = "  # routes: end\n";

#[test]
fn template_routes_are_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let current = fs::read_to_string(&path).unwrap();
    let (before, rest) = current.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = format!("{before}{BEGIN}{}{END}{after}", route_lines());
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(&path, fresh).unwrap();
    } else {
        assert!(
            current == fresh,
            "the routes in template.yaml aren't those of protocol::route_table(); write them anew with\n\
             REGENERATE=1 cargo test -p local --test template"
        );
    }
}

/// One resource a line, in the table's order.
fn route_lines() -> String {
    route_table().iter().fold(String::new(), |mut lines, RouteKey { key, function, iam }| {
        let integration = camel_case(function.name());
        let authorization = if *iam { "AuthorizationType: AWS_IAM, " } else { "" };
        writeln!(
            lines,
            "  Route{}: {{Type: AWS::ApiGatewayV2::Route, Properties: {{ApiId: !Ref Api, RouteKey: \"{key}\", \
             {authorization}Target: !Sub \"integrations/${{{integration}Integration}}\"}}}}",
            camel_case(key)
        )
        .unwrap();
        lines
    })
}

/// The letters and digits of a text, each word with a capital: a logical id.
fn camel_case(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..].to_lowercase()).collect()
}

#[test]
fn every_function_has_its_own_role_log_group_integration_and_permission() {
    let template = Template::load();
    for function in protocol::Function::ALL {
        let id = camel_case(function.name());
        assert_eq!(template.text(&format!("{id}Function.Metadata.BuildProperties.Binary")), function.name());
        // In its own folder cargo builds it alone: from the root, other crates' features would be switched on in it.
        let folder = format!("functions/{}", function.name());
        assert_eq!(template.text(&format!("{id}Function.Properties.CodeUri")), folder);
        assert_eq!(template.text(&format!("{id}Function.Properties.Role")), format!("{id}Role.Arn"));
        assert_eq!(template.text(&format!("{id}Function.Properties.LoggingConfig.LogGroup")), format!("{id}Logs"));
        assert_eq!(template.text(&format!("{id}Logs.Properties.RetentionInDays")), "LogRetentionDays");
        if function.is_background() {
            let seconds = template.at(&format!("{id}Function.Properties.Timeout")).as_integer().unwrap();
            assert_eq!(seconds, i64::try_from(BACKGROUND_TIMEOUT.as_secs()).unwrap());
            continue;
        }
        assert_eq!(template.text(&format!("{id}Integration.Properties.IntegrationUri")), format!("{id}Function.Arn"));
        assert_eq!(template.text(&format!("{id}Permission.Properties.FunctionName")), format!("{id}Function"));
    }
    let behind_the_gateway = protocol::Function::ALL.iter().filter(|function| !function.is_background()).count();
    // And the collector's schedule.
    assert_eq!(template.of_type("AWS::Lambda::Permission").count(), behind_the_gateway + 1);
}

#[test]
fn functions_that_start_others_are_told_their_name_and_may() {
    let template = Template::load();
    let itself = "${AWS::StackName}-schema1-upgrade";
    assert_eq!(template.text("Schema1UpgradeFunction.Properties.FunctionName"), itself);
    for (id, name, resource) in [
        ("ManifestPut", "Schema1UpgradeFunction", "Schema1UpgradeFunction.Arn"),
        ("ManifestGet", "Schema1UpgradeFunction", "Schema1UpgradeFunction.Arn"),
        (
            "Schema1Upgrade",
            itself,
            &format!("arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{itself}"),
        ),
    ] {
        let variable = format!("{id}Function.Properties.Environment.Variables.REGISTRY_SCHEMA1_UPGRADE");
        assert_eq!(template.text(&variable), name);
        let allowed = template.allowed(&format!("{id}Role"));
        let allowed: Vec<_> = allowed.iter().filter(|(action, _)| action.starts_with("lambda:")).collect();
        assert_eq!(allowed, [&("lambda:InvokeFunction".to_owned(), resource.to_owned())]);
    }
}

#[test]
fn the_collector_starts_by_a_schedule_and_goes_on_by_its_own_name() {
    let template = Template::load();
    let itself = "${AWS::StackName}-collector";
    assert_eq!(template.text("CollectorFunction.Properties.FunctionName"), itself);
    assert_eq!(template.text("CollectorFunction.Properties.Environment.Variables.REGISTRY_COLLECTOR"), itself);
    let allowed = template.allowed("CollectorRole");
    let allowed: Vec<_> = allowed.iter().filter(|(action, _)| action.starts_with("lambda:")).collect();
    let resource = format!("arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{itself}");
    assert_eq!(allowed, [&("lambda:InvokeFunction".to_owned(), resource)]);

    assert_eq!(template.text("CollectorSchedule.Properties.ScheduleExpression"), "CollectEvery");
    let targets = template.at("CollectorSchedule.Properties.Targets").as_sequence().unwrap();
    let [target] = targets.as_slice() else { panic!("one target") };
    assert_eq!(scalar(&target["Arn"]), "CollectorFunction.Arn");
    let event: runtime::CollectFrom = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
    assert_eq!(event, runtime::CollectFrom::default(), "from the beginning");
    assert_eq!(template.text("CollectorPermission.Properties.FunctionName"), "CollectorFunction");
    assert_eq!(template.text("CollectorPermission.Properties.SourceArn"), "CollectorSchedule.Arn");
    for id in ["CollectorSchedule", "CollectorPermission"] {
        assert_eq!(template.text(&format!("{id}.Condition")), "HasCollection");
    }
}

/// No emulator of others applies the mapping, and the flat form of the command line passes the linters but doesn't
/// deploy: this is the form that CloudFormation takes.
#[test]
fn the_challenge_is_mapped_in_the_form_that_cloudformation_takes() {
    let template = Template::load();
    for id in template.of_type("AWS::ApiGatewayV2::Integration") {
        let statuses = template.at(&format!("{id}.Properties.ResponseParameters")).as_mapping().unwrap();
        assert_eq!(statuses.keys().map(|status| status.as_str().unwrap()).collect::<Vec<_>>(), ["401"], "{id}");
        let wrapped = template.at(&format!("{id}.Properties.ResponseParameters.401")).as_mapping().unwrap();
        assert_eq!(wrapped.keys().map(|key| key.as_str().unwrap()).collect::<Vec<_>>(), ["ResponseParameters"]);
        let list = template.at(&format!("{id}.Properties.ResponseParameters.401.ResponseParameters"));
        let entries: Vec<BTreeMap<_, _>> = list
            .as_sequence()
            .unwrap()
            .iter()
            .map(|entry| {
                let entry = entry.as_mapping().unwrap();
                entry.iter().map(|(key, value)| (key.as_str().unwrap(), value.as_str().unwrap())).collect()
            })
            .collect();
        let expected = BTreeMap::from([
            ("Source", "$response.header.x-registry-challenge"),
            ("Destination", "overwrite:header.WWW-Authenticate"),
        ]);
        assert_eq!(entries, [expected], "{id}");
    }
}

/// The only wildcards are the keys under a prefix of the bucket and the streams of a log group (part of its ARN).
#[test]
fn no_role_has_a_wildcard_action_or_resource() {
    let template = Template::load();
    for id in template.of_type("AWS::IAM::Role") {
        for (action, resource) in template.allowed(id) {
            assert!(!action.contains('*'), "{id} may {action}");
            let keys = ["${Bucket.Arn}/blobs/*", "${Bucket.Arn}/manifests/*"].contains(&resource.as_str());
            assert!(keys || !resource.contains('*'), "{id} may {action} on {resource}");
        }
    }
}

#[test]
fn functions_may_do_what_their_handlers_call_and_nothing_else() {
    let template = Template::load();
    let services = |role: &str, prefix: &str| -> BTreeSet<String> {
        let allowed = template.allowed(role).into_iter();
        allowed.filter_map(|(action, _)| Some(action.strip_prefix(prefix)?.to_owned())).collect()
    };
    let set = |actions: &[&str]| actions.iter().map(|action| (*action).to_owned()).collect::<BTreeSet<_>>();
    for role in template.of_type("AWS::IAM::Role") {
        assert_eq!(services(role, "logs:"), set(&["CreateLogStream", "PutLogEvents"]), "{role}");
    }
    assert_eq!(services("AuthRole", "dynamodb:"), set(&["GetItem", "PutItem", "Query"]));
    assert!(services("AuthRole", "s3:").is_empty(), "auth keeps no objects");
    assert_eq!(
        services("BlobGetRole", "dynamodb:"),
        set(&["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"])
    );
    assert_eq!(services("BlobGetRole", "s3:"), set(&["GetObject"]), "whoever signs a URL must have the right itself");
    assert!(!services("BlobUploadRole", "dynamodb:").contains("DeleteItem"), "sessions end as tombstones");
    let large_manifests = set(&["DeleteObject", "GetObject", "ListBucket", "PutObject"]);
    assert_eq!(services("ManifestPutRole", "s3:"), large_manifests);
    assert_eq!(services("Schema1UpgradeRole", "s3:"), set(&["GetObject", "ListBucket"]), "it writes no object");
    let removing = set(&["AbortMultipartUpload", "DeleteObject", "ListBucket", "ListBucketMultipartUploads"]);
    assert_eq!(services("CollectorRole", "s3:"), removing, "it reads and writes none");
    assert_eq!(services("Schema1UpgradeRole", "dynamodb:"), set(&["BatchGetItem", "GetItem", "UpdateItem"]));
    for role in ["ManifestPutRole", "ManifestGetRole", "CollectorRole"] {
        // A transaction is authorized as the actions in it.
        let allowed = services(role, "dynamodb:");
        assert!(set(&["ConditionCheckItem", "PutItem", "UpdateItem"]).is_subset(&allowed), "{role}: {allowed:?}");
    }
}

/// IAM sees partition keys: that is what keeps the private half of the signing key, and the users, from everybody else.
#[test]
fn roles_reach_the_partitions_of_the_table_that_they_need() {
    let template = Template::load();
    let mut readers_of_private_keys = BTreeSet::new();
    for role in template.of_type("AWS::IAM::Role") {
        for statement in template.statements(role) {
            if !list(statement.as_mapping_get("Action").unwrap()).iter().any(|action| action.starts_with("dynamodb:")) {
                continue;
            }
            let condition =
                statement.as_mapping_get("Condition").unwrap_or_else(|| panic!("{role} reaches everything"));
            let [(operator, keys)] = condition.as_mapping().unwrap().iter().collect::<Vec<_>>()[..] else {
                panic!("{role}: one condition is enough");
            };
            let like = operator.as_str() == Some("ForAllValues:StringLike");
            assert!(like || operator.as_str() == Some("ForAllValues:StringEquals"), "{role}");
            for key in list(keys.as_mapping_get("dynamodb:LeadingKeys").unwrap()) {
                assert!(like || !key.contains('*'), "{role}: {key} isn't a pattern here");
                assert!(!key.contains('*') || key.ends_with("#*"), "{role} reaches {key}");
                if ["KEYPRIVATE", "USER"].contains(&key) {
                    readers_of_private_keys.insert(role);
                }
            }
        }
    }
    assert_eq!(readers_of_private_keys, BTreeSet::from(["AuthRole"]));
}

#[test]
fn passwords_are_tried_on_throttled_routes_and_logins_are_up_to_iam() {
    let template = Template::load();
    let settings = template.at("Stage.Properties.RouteSettings").as_mapping().unwrap();
    let throttled: BTreeSet<_> = settings.keys().map(|key| key.as_str().unwrap()).collect();
    assert_eq!(throttled, BTreeSet::from(["GET /token", "POST /login", "POST /token"]));
    let keys: Vec<_> = route_table().into_iter().map(|route| route.key).collect();
    assert!(throttled.iter().all(|key| keys.iter().any(|known| known == key)), "settings are of routes that exist");
    let with_iam = template.of_type("AWS::ApiGatewayV2::Route").filter(|id| {
        template.at(&format!("{id}.Properties")).as_mapping_get("AuthorizationType").and_then(Yaml::as_str)
            == Some("AWS_IAM")
    });
    assert_eq!(with_iam.collect::<Vec<_>>(), ["RoutePostLogin"]);
}

#[test]
fn what_is_stored_outlives_the_stack() {
    let template = Template::load();
    for id in ["Bucket", "Table"] {
        assert_eq!(template.text(&format!("{id}.DeletionPolicy")), "Retain");
        assert_eq!(template.text(&format!("{id}.UpdateReplacePolicy")), "Retain");
    }
    assert!(template.at("Table.Properties.DeletionProtectionEnabled").as_bool().unwrap());
}

#[test]
fn nothing_in_the_bucket_is_public() {
    let template = Template::load();
    let block = template.at("Bucket.Properties.PublicAccessBlockConfiguration").as_mapping().unwrap();
    assert_eq!(block.len(), 4);
    assert!(block.values().all(|value| value.as_bool() == Some(true)));
}

/// `sam build` can't be told a profile: CargoLambda.toml repeats the one in Cargo.toml.
#[test]
fn functions_are_built_with_the_lambda_profile() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut section = None;
    let mut expected = Vec::new();
    for line in
        manifest.lines().filter(|line| !line.is_empty() && !line.starts_with("inherits") && !line.starts_with('#'))
    {
        match line.strip_prefix('[') {
            Some(header) => section = header.trim_end_matches(']').strip_prefix("profile.lambda"),
            None => expected.extend(section.map(|section| format!("  'profile.release{section}.{line}',"))),
        }
    }
    assert!(!expected.is_empty());
    let config = fs::read_to_string(root.join("CargoLambda.toml")).unwrap();
    let laid_over: Vec<_> = config.lines().filter(|line| line.starts_with("  '")).collect();
    assert_eq!(laid_over, expected);
    // Or cargo-lambda lays its own over them.
    assert!(config.contains("\ndisable_optimizations = true\n"));
}

struct Template(Yaml<'static>);

impl Template {
    fn load() -> Self {
        Self(Yaml::load_from_str(TEMPLATE).unwrap().remove(0))
    }

    fn resources(&self) -> impl Iterator<Item = (&str, &Yaml<'static>)> {
        let resources = self.0.as_mapping_get("Resources").unwrap().as_mapping().unwrap();
        resources.iter().map(|(id, resource)| (id.as_str().unwrap(), resource))
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.resources()
            .filter(move |(_, r)| r.as_mapping_get("Type").unwrap().as_str() == Some(kind))
            .map(|(id, _)| id)
    }

    /// The node at a path of keys, which begins with a resource's id.
    fn at(&self, path: &str) -> &Yaml<'static> {
        let resources = self.0.as_mapping_get("Resources").unwrap();
        path.split('.').fold(resources, |node, key| node.as_mapping_get(key).unwrap_or_else(|| panic!("no {path}")))
    }

    fn text(&self, path: &str) -> &str {
        scalar(self.at(path))
    }

    /// What a role allows.
    fn statements(&self, role: &str) -> Vec<&Yaml<'static>> {
        let mut statements = Vec::new();
        for policy in self.at(&format!("{role}.Properties.Policies")).as_sequence().unwrap() {
            let document = policy.as_mapping_get("PolicyDocument").unwrap();
            statements.extend(document.as_mapping_get("Statement").unwrap().as_sequence().unwrap());
        }
        assert!(statements.iter().all(|s| s.as_mapping_get("Effect").unwrap().as_str() == Some("Allow")));
        statements
    }

    /// Each action that a role allows, with each resource.
    fn allowed(&self, role: &str) -> Vec<(String, String)> {
        let mut allowed = Vec::new();
        for statement in self.statements(role) {
            for action in list(statement.as_mapping_get("Action").unwrap()) {
                for resource in list(statement.as_mapping_get("Resource").unwrap()) {
                    allowed.push((action.to_owned(), resource.to_owned()));
                }
            }
        }
        allowed
    }
}

fn scalar<'a>(node: &'a Yaml<'_>) -> &'a str {
    match node {
        Yaml::Tagged(_, inner) => inner.as_str().unwrap(),
        plain => plain.as_str().unwrap(),
    }
}

fn list<'a>(node: &'a Yaml<'_>) -> Vec<&'a str> {
    node.as_sequence().map_or_else(|| vec![scalar(node)], |list| list.iter().map(|node| scalar(node)).collect())
}
