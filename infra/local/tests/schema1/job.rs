//! The background function: what it reads, what it leaves alone, and how it ends.

use std::time::Duration;

use protocol::{Compression, Digest};
use runtime::{Deadline, Job as _};
use serde_json::json;
use storage::LayerContent;

use crate::bench::{Bench, TOO_LATE};

const LEASE: Duration = Duration::from_secs(3600);
const MIB: usize = 1024 * 1024;

fn read(content: &[u8]) -> LayerContent {
    LayerContent::Read { compression: Compression::None, diff_id: Digest::sha256(content) }
}

#[tokio::test]
async fn each_layer_is_read_once_however_often_it_runs() {
    let mut bench = Bench::start().await;
    let (one, two) = (bench.push_blob("one").await, bench.push_blob("two").await);
    // A layer that is there twice is one.
    let event = bench.push("latest", &[&one, &two, &one]).await;
    bench.calls();
    bench.run(&event).await;
    assert_eq!(bench.reads(), 2);
    for _ in 0..2 {
        bench.run(&event).await;
        assert_eq!(bench.reads(), 0);
    }
    assert_eq!((bench.content(&one).await, bench.content(&two).await), (read(b"one"), read(b"two")));
    bench.assert_nothing_started().await;
}

#[tokio::test]
async fn a_layer_that_is_known_already_is_not_read_again() {
    let mut bench = Bench::start().await;
    let (known, new) = (bench.push_blob("known").await, bench.push_blob("new").await);
    let first = bench.push("first", &[&known]).await;
    bench.run(&first).await;
    let second = bench.push("second", &[&known, &new]).await;
    bench.calls();
    bench.run(&second).await;
    assert_eq!(bench.reads(), 1);
    assert_eq!((bench.content(&known).await, bench.content(&new).await), (read(b"known"), read(b"new")));
}

#[tokio::test]
async fn runs_at_the_same_time_share_the_work() {
    let mut bench = Bench::start().await;
    let mut layers = Vec::new();
    for number in 0..6 {
        layers.push(bench.push_blob(format!("layer {number}")).await);
    }
    let event = bench.push("latest", &layers.iter().collect::<Vec<_>>()).await;
    bench.calls();
    tokio::join!(bench.run(&event), bench.run(&event), bench.run(&event));
    assert_eq!(bench.reads(), layers.len());
    for (number, layer) in layers.iter().enumerate() {
        assert_eq!(bench.content(layer).await, read(format!("layer {number}").as_bytes()));
    }
}

#[tokio::test]
async fn a_large_layer_is_read_in_pieces_and_the_claim_renewed_with_each() {
    let mut bench = Bench::start().await;
    let content: Vec<u8> = (0..20_u32 * MIB as u32 / 4).flat_map(u32::to_be_bytes).collect();
    let layer = bench.push_blob(content.clone()).await;
    let event = bench.push("latest", &[&layer]).await;
    bench.calls();
    bench.run(&event).await;
    let calls = bench.calls();
    // 8 + 8 + 4 MiB. The claim, two renewals, the result.
    assert_eq!((calls["GetObject"], calls["UpdateItem"]), (3, 4), "{calls:?}");
    assert_eq!(bench.content(&layer).await, read(&content));
}

#[tokio::test]
async fn a_layer_of_whole_pieces_ends_with_the_last_of_them() {
    let mut bench = Bench::start().await;
    let content = vec![7; 16 * MIB];
    let layer = bench.push_blob(content.clone()).await;
    let event = bench.push("latest", &[&layer]).await;
    bench.calls();
    bench.run(&event).await;
    assert_eq!(bench.reads(), 2);
    assert_eq!(bench.content(&layer).await, read(&content));
}

#[tokio::test]
async fn an_empty_layer_is_read_without_asking_for_it() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("").await;
    let event = bench.push("latest", &[&layer]).await;
    bench.calls();
    bench.run(&event).await;
    assert_eq!(bench.reads(), 0);
    assert_eq!(bench.content(&layer).await, read(b""));
}

/// A layer that doesn't fit into all of the function's time never will.
#[tokio::test]
async fn when_its_time_is_over_it_starts_itself_again_until_nothing_is_left() {
    let mut bench = Bench::start().await;
    let (one, two) = (bench.push_blob("one").await, bench.push_blob("two").await);
    let event = bench.push("latest", &[&one, &two]).await;
    let mut layers = [one, two];
    // In this order they are read.
    layers.sort();
    let too_slow = LayerContent::Unreadable { problem: "takes longer to unpack than a function may run".to_owned() };
    bench.calls();
    for [first, second] in [[&too_slow, &LayerContent::Unknown], [&too_slow, &too_slow]] {
        bench.run_until(&event, Deadline::after(Duration::ZERO)).await.unwrap();
        assert_eq!(bench.started().await, event);
        assert_eq!([&bench.content(&layers[0]).await, &bench.content(&layers[1]).await], [first, second]);
    }
    bench.run_until(&event, Deadline::after(Duration::ZERO)).await.unwrap();
    bench.assert_nothing_started().await;
    assert_eq!(bench.reads(), 0);
}

#[tokio::test]
async fn a_slow_layer_keeps_no_other_from_being_read() {
    let mut bench = Bench::start().await;
    let (one, two) = (bench.push_blob("one").await, bench.push_blob("two").await);
    let event = bench.push("latest", &[&one, &two]).await;
    bench.run_until(&event, Deadline::after(Duration::ZERO)).await.unwrap();
    let again = bench.started().await;
    bench.run(&again).await;
    let contents = [bench.content(&one).await, bench.content(&two).await];
    let are_read = contents.each_ref().map(|content| matches!(content, LayerContent::Read { .. }));
    assert_eq!(are_read.iter().filter(|is_read| **is_read).count(), 1, "{contents:?}");
    bench.assert_nothing_started().await;
}

/// It may be read when it has all the time.
#[tokio::test]
async fn a_layer_that_comes_too_late_is_not_given_up() {
    // A machine too busy to begin with the first layer in time gets more of it.
    for slack in [2, 8, 32] {
        let mut bench = Bench::start().await;
        let (one, two) = (bench.push_blob("one").await, bench.push_blob("two").await);
        let event = bench.push("latest", &[&one, &two]).await;
        let (first, second) = if one < two { (one, two) } else { (two, one) };
        let deadline = Deadline::after(TOO_LATE + Duration::from_secs(slack));
        bench.slow_down(deadline);
        bench.run_until(&event, deadline).await.unwrap();
        assert_eq!(bench.started().await, event);
        if matches!(bench.content(&first).await, LayerContent::Read { .. }) {
            assert_eq!(bench.content(&second).await, LayerContent::Unknown);
            assert!(bench.storage.claim_layer(&second, "the next run", LEASE).await.unwrap());
            return;
        }
    }
    panic!("the first layer is never read");
}

#[tokio::test]
async fn an_image_that_was_deleted_meanwhile_is_forgotten() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let event = bench.push("latest", &[&layer]).await;
    bench.storage.delete_manifest(&bench.name, &event.digest).await.unwrap();
    bench.calls();
    bench.run(&event).await;
    assert_eq!(bench.reads(), 0);
    assert_eq!(bench.content(&layer).await, LayerContent::Unknown);
}

#[tokio::test]
async fn a_layer_whose_object_is_gone_is_left_to_who_comes_next() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let event = bench.push("latest", &[&layer]).await;
    bench.remove_object(&layer).await;
    bench.run(&event).await;
    assert_eq!(bench.content(&layer).await, LayerContent::Unknown);
    assert!(bench.storage.claim_layer(&layer, "the next", LEASE).await.unwrap());
    bench.assert_nothing_started().await;
}

#[tokio::test]
async fn a_layer_that_somebody_else_reads_is_left_alone() {
    let mut bench = Bench::start().await;
    let (taken, free) = (bench.push_blob("taken").await, bench.push_blob("free").await);
    let event = bench.push("latest", &[&taken, &free]).await;
    assert!(bench.storage.claim_layer(&taken, "somebody else", LEASE).await.unwrap());
    bench.calls();
    bench.run(&event).await;
    assert_eq!(bench.reads(), 1);
    assert_eq!((bench.content(&taken).await, bench.content(&free).await), (LayerContent::BeingRead, read(b"free")));
    bench.assert_nothing_started().await;
}

/// Lambda tries again, and then nobody is in the way.
#[tokio::test]
async fn when_s3_does_not_answer_it_fails_and_holds_no_layer() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let event = bench.push("latest", &[&layer]).await;
    let deadline = Deadline::after(Duration::from_secs(15 * 60));
    assert!(bench.upgrade_without_s3().await.run(event.clone(), deadline).await.is_err());
    assert_eq!(bench.content(&layer).await, LayerContent::Unknown);
    bench.run(&event).await;
    assert_eq!(bench.content(&layer).await, read(b"layer"));
}

#[tokio::test]
async fn an_event_of_somebody_else_is_an_error() {
    let bench = Bench::start().await;
    let deadline = Deadline::after(Duration::from_secs(60));
    for event in [json!({}), json!({"repository": "Team", "digest": Digest::sha256(b"")}), json!("schema 1")] {
        let error = runtime::perform(&bench.upgrade(), event, deadline).await.unwrap_err();
        assert!(error.to_string().starts_with("the event is malformed: "), "{error}");
    }
}
