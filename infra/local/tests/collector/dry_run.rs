//! A dry run changes nothing and says what would go.

use std::collections::BTreeSet;

use collector::{Action, Terms};
use runtime::CollectFrom;
use storage::Settings;

use crate::behind;
use crate::bench::{Bench, WITHOUT_GRACE, repository};
use crate::http::Request;
use crate::image::{Image, SCHEMA2};

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_the_run_after_it_does() {
    let bench = Bench::start().await;
    let [old, new, lone] = ["old", "new", "lone"].map(|name| Image::new(name, name, None));
    bench.push("a", "latest", &old).await;
    bench.push("a", "latest", &new).await;
    bench.push("b", "latest", &lone).await;
    bench.send(Request::new("GET", "/v2/b/manifests/latest").header("Accept", SCHEMA2)).await.expect(200);
    bench.push_blob("a", b"nobody's").await;
    bench.push_blob("b", b"deleted").await;
    let untagged = Settings { collect_untagged: true, ..Settings::default() };
    assert!(bench.storage.set_settings(&repository("a"), &untagged).await.unwrap());
    bench.delete("b", &lone.digest.to_string()).await;
    // Some is marked, some isn't; some objects are let go of, some sessions wait.
    bench.collect(WITHOUT_GRACE).await;
    bench.push_blob("b", b"another").await;

    for _ in 0..3 {
        let (items, objects) = (behind::items(&bench).await, behind::objects(&bench).await);
        let terms = Terms { dry_run: true, ..WITHOUT_GRACE.terms() };
        let (dry, said) = bench.collect_from(CollectFrom::default(), terms).await;
        assert_eq!(behind::items(&bench).await, items);
        assert_eq!(behind::objects(&bench).await, objects);
        assert_eq!(dry.next, None);

        let (_, done) = bench.collect_from(CollectFrom::default(), WITHOUT_GRACE.terms()).await;
        let done: BTreeSet<String> = done.iter().map(ToString::to_string).collect();
        let acts = said.iter().filter(|finding| finding.action != Action::Wait).map(ToString::to_string);
        let said: BTreeSet<String> = acts.collect();
        assert!(said.is_subset(&done), "said {said:#?}, and did {done:#?}");
        // What follows from it in the same run can't be seen before: blobs of manifests, objects of blobs.
        let unsaid = done.difference(&said).filter(|line| !line.contains(" blob ") && !line.contains(" object "));
        assert_eq!(unsaid.collect::<Vec<_>>(), Vec::<&String>::new());
    }
    assert!(bench.is_whole("a", &new).await && !bench.has("a", &old).await);
}
