//! What it costs in calls to DynamoDB and S3; one call of Lambda starts the function.

use crate::bench::{Bench, Calls, SCHEMA1, SCHEMA2, schema1};

fn budget(calls: &[(&str, usize)]) -> Calls {
    let mut budget = Calls::new();
    for &(operation, count) in calls {
        *budget.entry(operation.to_owned()).or_default() += count;
    }
    budget
}

#[tokio::test]
async fn schema1_costs_what_the_design_allows_from_the_push_to_the_pull() {
    let mut bench = Bench::start().await;
    let (one, two) = (bench.push_blob("one").await, bench.push_blob("two").await);
    bench.push("first", &[&one]).await;
    bench.calls();

    assert_eq!(bench.put("latest", SCHEMA1, &schema1(&[&one, &two])).await.status(), 201);
    assert_eq!(bench.calls(), budget(&[("BatchGetItem", 1), ("TransactWriteItems", 1)]));
    let event = bench.started().await;

    // Tag, conversion, bytes; what is known of the layers, one batch for each 50.
    assert_eq!(bench.pull("latest", SCHEMA2).await.status(), 503);
    assert_eq!(bench.calls(), budget(&[("GetItem", 3), ("BatchGetItem", 1)]));
    bench.started().await;

    // For each layer a claim, its bytes, the result.
    let look = [("GetItem", 1), ("BatchGetItem", 1)];
    bench.run(&event).await;
    assert_eq!(bench.calls(), budget(&[look.as_slice(), &[("GetObject", 2), ("UpdateItem", 4)]].concat()));
    bench.run(&event).await;
    assert_eq!(bench.calls(), budget(&look));

    // The config is a new blob, and both it and the manifest are stored.
    let config = [("GetItem", 1), ("PutItem", 1), ("UpdateItem", 1), ("PutObject", 1)];
    let first = [config.as_slice(), &[("GetItem", 2), ("BatchGetItem", 3), ("TransactWriteItems", 2)]].concat();
    assert_eq!(bench.pull("latest", SCHEMA2).await.status(), 200);
    assert_eq!(bench.calls(), budget(&first));
    assert_eq!(bench.pull("latest", SCHEMA2).await.status(), 200);
    assert_eq!(bench.calls(), budget(&[("GetItem", 3)]));
    bench.assert_nothing_started().await;
}
