//! A registry in which everything is deleted: two runs of the collector leave nothing but settings.

use std::time::Duration;

use collector::{Report, Terms};
use protocol::Digest;
use runtime::{CollectFrom, Deadline};
use storage::Storage;

use crate::behind;
use crate::http::Request;
use crate::registry::Registry;

/// Longer than any run.
const NO_END: Duration = Duration::from_secs(24 * 60 * 60);

/// No mark is too young, no session too fresh.
pub(crate) fn terms() -> Terms {
    Terms { grace: Duration::ZERO, dry_run: false, until: Deadline::after(NO_END) }
}

/// A run that nothing stands in the way of.
pub(crate) async fn collect(storage: &Storage) -> Report {
    let outcome = collector::collect(storage, terms(), CollectFrom::default(), &mut |_| {}).await.unwrap();
    assert_eq!((outcome.report.failed, outcome.next), (0, None));
    outcome.report
}

/// Deletes everything through the API, collects twice, and looks at what is left.
pub(crate) async fn check(registry: &Registry) {
    registry.stack.told().await;
    delete_everything(registry).await;
    for _ in 0..2 {
        collect(&registry.storage).await;
    }
    // A request that was cut off holds its session for a while; what is under it goes with it.
    let held = behind::held_sessions(registry).await;
    let is_held = |key: &str| key.split(['/', '#']).any(|part| held.contains(part));
    let left = behind::keys(registry).await;
    let unwanted: Vec<_> = left.iter().filter(|(pk, sk)| !is_setting(pk, sk) && !is_held(sk)).collect();
    assert!(unwanted.is_empty(), "{unwanted:#?}");
    let objects = behind::objects(registry).await;
    assert!(objects.iter().all(|object| is_held(object)), "{objects:#?}");
    assert!(behind::multiparts(registry).await <= held.len());
}

fn is_setting(pk: &str, sk: &str) -> bool {
    pk == "CATALOG" || pk.starts_with("REPOSITORY#") && ["SETTINGS", "LIFECYCLE"].contains(&sk)
}

/// Every manifest: lists before what is in them.
async fn delete_everything(registry: &Registry) {
    loop {
        let keys = behind::keys(registry).await;
        let manifests: Vec<_> = keys.iter().filter_map(|(pk, sk)| manifest(pk, sk)).collect();
        if manifests.is_empty() {
            return;
        }
        let mut deleted = 0;
        for (repository, digest) in &manifests {
            let path = format!("/v2/{repository}/manifests/{digest}");
            let answer = registry.send(&Request::new("DELETE", path)).await;
            // Conversions go with their sources, and the other way round.
            assert!([202, 403, 404, 405].contains(&answer.status), "{answer}");
            deleted += usize::from(answer.status == 202);
        }
        assert!(deleted > 0, "these refer to each other: {manifests:#?}");
    }
}

fn manifest<'a>(pk: &'a str, sk: &'a str) -> Option<(&'a str, Digest)> {
    Some((pk.strip_prefix("REPOSITORY#")?, sk.strip_prefix("MANIFEST#")?.parse().ok()?))
}
