//! How much of DynamoDB's table images take.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bench::Bench;

/// Bytes, with the 100 that DynamoDB adds to each item for its index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Records {
    /// Of a manifest without layers, under a tag of its own.
    pub(crate) image: u64,
    /// Of each layer in the manifest.
    pub(crate) layer: u64,
    /// Of a blob that wasn't there, config or layer.
    pub(crate) new_blob: u64,
}

const OVERHEAD: u64 = 100;

pub(crate) async fn measure() -> Records {
    let bench = Bench::start().await;
    bench.push_blob("calls", b"so that the repository is there").await;
    let before = size(&bench).await;
    bench.push_blob("calls", b"a blob").await;
    let with_blob = size(&bench).await;
    bench.push_blob("calls", b"another blob").await;
    let with_blobs = size(&bench).await;
    let (few, many) = (bench.image(0).await, bench.image(100).await);
    let start = size(&bench).await;
    bench.put_manifest("few", &few).await;
    let with_few = size(&bench).await;
    bench.put_manifest("many", &many).await;
    let with_many = size(&bench).await;
    bench.stop().await;
    assert_eq!(with_blobs - with_blob, with_blob - before, "the first blob isn't special");
    let image = with_few - start;
    Records { image, layer: (with_many - with_few - image).div_ceil(100), new_blob: with_blob - before }
}

/// Of all items.
async fn size(bench: &Bench) -> u64 {
    let (mut total, mut start) = (0, Value::Null);
    loop {
        let page = bench.scan(&start).await;
        total += page["Items"].as_array().unwrap().iter().map(item_size).sum::<u64>();
        match page.get("LastEvaluatedKey") {
            Some(next) => start = next.clone(),
            None => return total,
        }
    }
}

/// As DynamoDB documents it: names and values in bytes, lists and maps with 3 and 1 for each entry.
fn item_size(item: &Value) -> u64 {
    OVERHEAD + attributes(item)
}

fn attributes(item: &Value) -> u64 {
    item.as_object().unwrap().iter().map(|(name, value)| name.len() as u64 + value_size(value)).sum()
}

/// Binary values are in base64 here.
fn base64_size(text: &str) -> u64 {
    (text.trim_end_matches('=').len() * 3 / 4) as u64
}

#[track_caller]
fn value_size(value: &Value) -> u64 {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().len() as u64;
    match kind.as_str() {
        "S" => text(),
        "B" => base64_size(value.as_str().unwrap()),
        // Two digits a byte, and one more.
        "N" => text().div_ceil(2) + 1,
        "BOOL" | "NULL" => 1,
        "BS" => value.as_array().unwrap().iter().map(|entry| base64_size(entry.as_str().unwrap())).sum(),
        "SS" => value.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap().len() as u64).sum(),
        "L" => 3 + value.as_array().unwrap().iter().map(|entry| 1 + value_size(entry)).sum::<u64>(),
        "M" => {
            3 + value
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| 1 + name.len() as u64 + value_size(value))
                .sum::<u64>()
        }
        other => panic!("how large is {other}?"),
    }
}

#[test]
fn items_are_as_large_as_dynamodb_documents_it() {
    let item = serde_json::json!({"pk": {"S": "abc"}, "n": {"N": "1234"}, "b": {"B": "AAAA"}, "m": {"M": {"k": {"BOOL": true}}}});
    assert_eq!(item_size(&item), OVERHEAD + (2 + 3) + (1 + 3) + (1 + 3) + (1 + 3 + 1 + 1 + 1));
}
