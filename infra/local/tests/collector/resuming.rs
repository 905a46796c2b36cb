//! Runs that have little time, and runs beside each other.

use std::time::Duration;

use collector::Terms;
use runtime::{CollectFrom, Deadline};

use crate::behind;
use crate::bench::{Bench, WITHOUT_GRACE, repository};
use crate::image::Image;

/// Less than what a run leaves itself for a step, so every run takes one; enough to read what is in a repository here.
const LITTLE: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_have_time_for_one_step_come_to_the_same_end() {
    let bench = Bench::start().await;
    let names = ["a", "b", "c"];
    for name in names {
        for blob in ["one", "two"] {
            bench.push_blob(name, format!("{blob} of {name}").as_bytes()).await;
        }
        bench.push(name, "latest", &Image::new(name, name, None)).await;
    }
    let mut reports = Vec::new();
    for _ in 0..3 {
        let mut from = Some(CollectFrom::default());
        let mut steps = 0;
        while let Some(here) = from {
            let terms = Terms { until: Deadline::after(LITTLE), ..WITHOUT_GRACE.terms() };
            let (outcome, _) = bench.collect_from(here.clone(), terms).await;
            assert!(outcome.report.removed.total() <= 1, "a step: {:?}", outcome.report);
            assert!(outcome.next.as_ref() != Some(&here) || !outcome.report.is_clean(), "it stays at {here:?}");
            assert_eq!(outcome.report.failed, 0);
            reports.push(outcome.report);
            from = outcome.next;
            steps += 1;
        }
        assert!(steps > names.len());
    }
    let all = reports.iter().fold(collector::Report::default(), |sum, report| sum.plus(report));
    assert_eq!((all.marked.blobs, all.removed.blobs, all.removed.objects), (6, 6, 6));
    assert_eq!(all.removed.sessions, 12);
    assert_eq!(behind::objects(&bench).await.len(), 6, "three images");
    assert!(bench.collect(WITHOUT_GRACE).await.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_beside_each_other_do_no_harm() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    bench.push("a", "latest", &image).await;
    for number in 0..20 {
        bench.push_blob("a", format!("blob {number}").as_bytes()).await;
    }
    for _ in 0..3 {
        let run = || async { bench.collect(WITHOUT_GRACE).await };
        tokio::join!(run(), run(), run());
    }
    assert!(bench.is_whole("a", &image).await);
    assert_eq!(behind::objects(&bench).await.len(), image.blobs.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_one_repository_stops_no_other() {
    let bench = Bench::start().await;
    for name in ["a", "b"] {
        bench.push_blob(name, format!("of {name}").as_bytes()).await;
    }
    // A record that can't be read.
    behind::put(&bench, "REPOSITORY#a", "MANIFEST#sha256:odd").await;
    let (outcome, _) = bench.collect_from(CollectFrom::default(), WITHOUT_GRACE.terms()).await;
    assert_eq!((outcome.report.failed, outcome.report.marked.blobs, outcome.next), (1, 1, None));
    let left = bench.storage.collection_states(&[repository("a")]).await.unwrap();
    assert_eq!(left[&repository("a")].clean_since(), None);
}
