//! The embedded metric format: what is a metric of a line of JSON, and by which dimensions.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::{Function, MediaType};
use serde_json::{Map, Value, json};

use crate::{Happening, Record};

/// Whose metrics they are.
const NAMESPACE: &str = "LambdaRegistry";

const REGISTRY: &str = "Registry";
const FUNCTION: &str = "Function";
const CONVERSION: &str = "Conversion";
const CODE: &str = "Code";

/// What a function counts about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// Whether this is the environment's first request.
    pub(super) is_cold: bool,
    /// Answered calls of S3 and DynamoDB.
    pub(super) calls: u64,
    /// Those that were refused for too much traffic.
    pub(super) throttles: u64,
}

/// One line about a request, and one for each conversion that it made: the direction is a dimension, and a line has one
/// value of each.
pub(super) fn lines(registry: &str, function: Function, counts: Counts, record: &Record, at: SystemTime) -> String {
    let request = request(Line::new(registry, record, at), function, counts, record);
    let conversions = record.happenings.iter().filter_map(|happening| match happening {
        Happening::Converted { image, from, .. } => {
            let direction = format!("{} to {}", format_name(from), format_name(&image.media_type));
            let mut line = Line::new(registry, record, at);
            line.dimension(CONVERSION, &direction);
            line.metrics(&[&[REGISTRY], &[REGISTRY, CONVERSION]], &[("Conversions", "Count", 1)]);
            Some(line.finish())
        }
        _ => None,
    });
    std::iter::once(request).chain(conversions).collect()
}

/// Name, unit, value.
type Metric = (&'static str, &'static str, u64);

/// What was counted at all: a metric that isn't reported costs nothing.
fn counted(metrics: &[Metric]) -> Vec<Metric> {
    metrics.iter().copied().filter(|(_, _, value)| *value > 0).collect()
}

fn manifest_bytes(happening: &Happening) -> u64 {
    match happening {
        Happening::Pulled { bytes, .. } => *bytes,
        Happening::Pushed { image, .. } => image.manifest_size.unwrap_or_default(),
        Happening::Deleted { .. }
        | Happening::Converted { .. }
        | Happening::Uploaded { .. }
        | Happening::Redirected { .. } => 0,
    }
}

fn blob_bytes(happening: &Happening) -> u64 {
    match happening {
        Happening::Uploaded { bytes } | Happening::Redirected { bytes } => *bytes,
        Happening::Pulled { .. }
        | Happening::Pushed { .. }
        | Happening::Deleted { .. }
        | Happening::Converted { .. } => 0,
    }
}

/// The format of a manifest, in a word.
fn format_name(media_type: &MediaType) -> &str {
    match media_type {
        MediaType::DockerSchema1 | MediaType::DockerSchema1Signed => "schema1",
        MediaType::DockerSchema2 => "schema2",
        MediaType::DockerManifestList => "list",
        MediaType::OciManifest => "oci",
        MediaType::OciIndex => "index",
        other => other.as_str(),
    }
}

fn request(mut line: Line, function: Function, counts: Counts, record: &Record) -> String {
    let did = |what: fn(&Happening) -> u64| record.happenings.iter().map(what).sum();
    let (of_function, of_registry): (&[&str], &[&str]) = (&[REGISTRY, FUNCTION], &[REGISTRY]);
    line.dimension(FUNCTION, function.name());
    line.metrics(
        &[of_function],
        &[
            ("Requests", "Count", 1),
            ("ColdStarts", "Count", counts.is_cold.into()),
            ("AwsCalls", "Count", counts.calls),
            ("Throttles", "Count", counts.throttles),
        ],
    );
    let done = [
        ("Pulls", "Count", did(|happening| matches!(happening, Happening::Pulled { .. }).into())),
        ("Pushes", "Count", did(|happening| matches!(happening, Happening::Pushed { .. }).into())),
        ("Deletes", "Count", did(|happening| matches!(happening, Happening::Deleted { .. }).into())),
    ];
    line.metrics(&[of_registry], &counted(&done));
    let bytes = [("ManifestBytes", "Bytes", did(manifest_bytes)), ("BlobBytes", "Bytes", did(blob_bytes))];
    line.metrics(&[of_registry, of_function], &counted(&bytes));
    if let Some(code) = record.error {
        line.dimension(CODE, code.as_str());
        line.metrics(&[&[REGISTRY, CODE]], &[("Errors", "Count", 1)]);
    }
    line.finish()
}

/// A line in the making.
struct Line {
    directives: Vec<Value>,
    members: Map<String, Value>,
    timestamp: u64,
}

impl Line {
    fn new(registry: &str, record: &Record, at: SystemTime) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = Self {
            directives: Vec::new(),
            members: Map::new(),
            timestamp: u64::try_from(since.as_millis()).unwrap_or_default(),
        };
        line.dimension(REGISTRY, registry);
        // No metric and no dimension: for whoever looks for the line.
        line.dimension("RequestId", &record.request_id);
        line
    }

    fn dimension(&mut self, name: &str, value: &str) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// Metrics, each of them once for each set of dimensions.
    fn metrics(&mut self, dimensions: &[&[&str]], metrics: &[Metric]) {
        if metrics.is_empty() {
            return;
        }
        let named: Vec<_> = metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": named });
        self.directives.push(directive);
        self.members.extend(metrics.iter().map(|(name, _, value)| ((*name).to_owned(), (*value).into())));
    }

    fn finish(mut self) -> String {
        let about = json!({ "Timestamp": self.timestamp, "CloudWatchMetrics": self.directives });
        self.members.insert("_aws".to_owned(), about);
        format!("{}\n", Value::Object(self.members))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::{Digest, ErrorCode};

    use super::*;
    use crate::Image;

    const WARM: Counts = Counts { is_cold: false, calls: 2, throttles: 0 };

    fn written(function: Function, counts: Counts, happenings: Vec<Happening>, error: Option<ErrorCode>) -> Vec<Value> {
        let record = Record { request_id: "id-1".to_owned(), happenings, error, ..Record::default() };
        let at = UNIX_EPOCH + Duration::from_millis(1_773_342_238_000);
        let text = lines("prod", function, counts, &record, at);
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn image(media_type: MediaType) -> Image {
        Image {
            digest: Digest::sha256(b"manifest"),
            media_type,
            artifact_type: None,
            manifest_size: Some(500),
            content_size: None,
        }
    }

    #[test]
    fn a_pull_is_one_line() {
        let counts = Counts { is_cold: true, calls: 3, throttles: 1 };
        let lines = written(
            Function::ManifestGet,
            counts,
            vec![Happening::Pulled { bytes: 500, digest: Digest::sha256(b"") }],
            None,
        );
        let expected = json!({
            "_aws": {
                "Timestamp": 1_773_342_238_000_u64,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "LambdaRegistry",
                        "Dimensions": [["Registry", "Function"]],
                        "Metrics": [
                            {"Name": "Requests", "Unit": "Count"},
                            {"Name": "ColdStarts", "Unit": "Count"},
                            {"Name": "AwsCalls", "Unit": "Count"},
                            {"Name": "Throttles", "Unit": "Count"},
                        ],
                    },
                    {
                        "Namespace": "LambdaRegistry",
                        "Dimensions": [["Registry"]],
                        "Metrics": [{"Name": "Pulls", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "LambdaRegistry",
                        "Dimensions": [["Registry"], ["Registry", "Function"]],
                        "Metrics": [{"Name": "ManifestBytes", "Unit": "Bytes"}],
                    },
                ],
            },
            "Registry": "prod",
            "Function": "manifest-get",
            "RequestId": "id-1",
            "Requests": 1,
            "ColdStarts": 1,
            "AwsCalls": 3,
            "Throttles": 1,
            "Pulls": 1,
            "ManifestBytes": 500,
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn every_conversion_has_its_direction_and_counts_to_the_total() {
        let converted = |from, to| Happening::Converted { image: image(to), source: Digest::sha256(b"source"), from };
        let happenings = vec![
            converted(MediaType::OciManifest, MediaType::DockerSchema2),
            converted(MediaType::OciIndex, MediaType::DockerManifestList),
        ];
        let lines = written(Function::ManifestGet, WARM, happenings, None);
        let directions: Vec<_> = lines.iter().map(|line| line["Conversion"].as_str()).collect();
        assert_eq!(directions, [None, Some("oci to schema2"), Some("index to list")]);
        assert_eq!(lines[1]["Conversions"], 1);
        let about = &lines[1]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(about["Dimensions"], json!([["Registry"], ["Registry", "Conversion"]]));
    }

    #[test]
    fn an_error_is_counted_by_its_code() {
        let lines = written(Function::BlobGet, WARM, Vec::new(), Some(ErrorCode::BlobUnknown));
        assert_eq!((&lines[0]["Errors"], &lines[0]["Code"]), (&1.into(), &"BLOB_UNKNOWN".into()));
        assert_eq!(lines[0]["_aws"]["CloudWatchMetrics"][1]["Dimensions"], json!([["Registry", "Code"]]));
    }

    #[test]
    fn every_metric_and_every_dimension_has_its_value_in_the_line() {
        let happenings = vec![
            Happening::Pushed { image: image(MediaType::OciManifest), tags: Vec::new() },
            Happening::Deleted { image: image(MediaType::OciManifest), tag: None },
            Happening::Uploaded { bytes: 7 },
            Happening::Redirected { bytes: 5 },
        ];
        let lines = written(Function::ManifestPut, WARM, happenings, Some(ErrorCode::Internal));
        let line = &lines[0];
        assert_eq!((&line["BlobBytes"], &line["ManifestBytes"]), (&12.into(), &500.into()));
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
            }
            for dimension in directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap())
            {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
        }
    }
}
