//! Lifecycle policies.

use collector::{Action, Reason, Terms, Thing};
use runtime::CollectFrom;

use crate::bench::{Bench, WITH_GRACE, WITHOUT_GRACE, repository};
use crate::image::Image;

const KEEP_ONE: &str = r#"{"rules": [{
    "rulePriority": 7,
    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
    "action": {"type": "expire"}
}]}"#;

const UNTAGGED: &str = r#"{"rules": [{
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1},
    "action": {"type": "expire"}
}]}"#;

async fn set(bench: &Bench, policy: &str) {
    assert!(bench.storage.set_lifecycle(&repository("a"), Some(policy)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_expires_goes_in_one_run_without_grace_and_with_its_reason() {
    let bench = Bench::start().await;
    let images = ["1", "2", "3"].map(|name| Image::new(name, name, None));
    for (tag, image) in ["one", "two", "three"].iter().zip(&images) {
        bench.push("a", tag, image).await;
    }
    set(&bench, KEEP_ONE).await;
    let dry = Terms { dry_run: true, ..WITH_GRACE.terms() };
    let (dry, said) = bench.collect_from(CollectFrom::default(), dry).await;
    assert_eq!((dry.report.removed.manifests, dry.report.marked.manifests), (2, 0), "{said:?}");
    let (outcome, findings) = bench.collect_from(CollectFrom::default(), WITH_GRACE.terms()).await;
    assert_eq!(outcome.report.removed.manifests, 2);
    assert_eq!(outcome.report.marked.blobs, 4, "what only they referred to");
    let removed: Vec<_> = findings.iter().filter(|finding| finding.action == Action::Remove).collect();
    assert_eq!(removed.len(), 2);
    for finding in removed {
        let Reason::Lifecycle { rule: 7, reason } = &finding.reason else { panic!("{finding:?}") };
        assert!(reason.starts_with("rule 7: not one of the newest 1"), "{reason}");
    }
    let left: Vec<_> = findings.iter().filter(|finding| finding.action == Action::Mark).map(|f| &f.thing).collect();
    let mut whole = 0;
    for image in &images {
        let is_there = bench.has("a", image).await;
        assert_eq!(is_there, !left.contains(&&Thing::Manifest(image.digest.clone())));
        whole += usize::from(is_there && bench.is_whole("a", image).await);
    }
    assert_eq!(whole, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_takes_no_child_from_its_list_and_no_signature_from_its_image() {
    let bench = Bench::start().await;
    let children = ["one", "two", "three"].map(|name| Image::new(name, name, None));
    for child in &children {
        bench.push_untagged("a", child).await;
    }
    let index = Image::index(&[&children[0], &children[1], &children[2]]);
    bench.put("a", "latest", &index).await;
    let signatures = ["s1", "s2"].map(|name| Image::new(name, name, Some(&index)));
    for signature in &signatures {
        bench.push_untagged("a", signature).await;
    }
    set(&bench, UNTAGGED).await;
    for _ in 0..3 {
        assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.manifests, 0);
    }
    for image in children.iter().chain(&signatures) {
        assert!(bench.is_whole("a", image).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_cannot_be_read_expires_nothing() {
    let bench = Bench::start().await;
    for name in ["1", "2"] {
        bench.push("a", name, &Image::new(name, name, None)).await;
    }
    set(&bench, "{}").await;
    assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.manifests, 0);
}
