//! Schema 1, from the push to the pull of what it was converted to.

use local::faults::Faults;
use protocol::Function::{self, ManifestGet, ManifestPut, Schema1Upgrade};

use crate::row::Row;
use crate::schema1_bench::{Bench, SCHEMA1, SCHEMA2, schema1};

pub(crate) async fn measure() -> Vec<Row> {
    let faults = Faults::default().metered();
    let mut bench = Bench::behind(&faults).await;
    let (one, two) = (bench.push_blob("one").await, bench.push_blob("two").await);
    bench.push("first", &[&one]).await;
    faults.take_metered();
    let mut rows = Vec::new();
    let mut row = |operation: &str, what: &str, function: Function, starts: usize| {
        rows.push(Row::new(operation, what, function, &faults.take_metered()).starting(starts));
    };

    assert_eq!(bench.put("latest", SCHEMA1, &schema1(&[&one, &two])).await.status(), 201);
    row("schema1-put", "Manifest PUT of schema 1, two layers", ManifestPut, 1);
    let event = bench.started().await;
    assert_eq!(bench.pull("latest", SCHEMA2).await.status(), 503);
    let what = "Its pull as schema 2 while nobody reads its layers (503)";
    row("schema1-pull-early", what, ManifestGet, 1);
    bench.started().await;

    // For each layer a claim, its bytes, the result.
    bench.run(&event).await;
    row("schema1-upgrade", "In the background: reading two layers below 8 MiB", Schema1Upgrade, 0);
    bench.run(&event).await;
    row("schema1-upgrade-again", "In the background: nothing left to read", Schema1Upgrade, 0);

    // The config is a new blob, and both it and the manifest are stored.
    assert_eq!(bench.pull("latest", SCHEMA2).await.status(), 200);
    row("schema1-pull-first", "Its pull as schema 2 for the first time", ManifestGet, 0);
    assert_eq!(bench.pull("latest", SCHEMA2).await.status(), 200);
    row("schema1-pull", "Its pull as schema 2, converted before", ManifestGet, 0);
    bench.assert_nothing_started().await;
    rows
}
