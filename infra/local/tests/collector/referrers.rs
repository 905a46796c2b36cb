//! What refers to a manifest that was deleted.

use crate::bench::{Bench, WITH_GRACE, WITHOUT_GRACE};
use crate::image::Image;

#[tokio::test(flavor = "multi_thread")]
async fn signatures_go_after_the_image_and_their_own_signatures_too() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    let signature = Image::new("signature", "signature", Some(&image));
    let seal = Image::new("seal", "seal", Some(&signature));
    bench.push("a", "latest", &image).await;
    bench.push_untagged("a", &signature).await;
    bench.push_untagged("a", &seal).await;
    assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.manifests, 0, "while the image is there");

    bench.delete("a", &image.digest.to_string()).await;
    assert_eq!(bench.collect(WITH_GRACE).await.removed.manifests, 0, "the image may be pushed again");
    for gone in [&signature, &seal] {
        assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.manifests, 1);
        assert!(!bench.has("a", gone).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_tag_of_its_own_stays_without_its_subject() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    let tagged = Image::new("tagged", "tagged", Some(&image));
    let listed = Image::new("listed", "listed", Some(&image));
    bench.push("a", "latest", &image).await;
    bench.push("a", "tagged", &tagged).await;
    bench.push_untagged("a", &listed).await;
    bench.put("a", "list", &Image::index(&[&listed])).await;
    bench.delete("a", &image.digest.to_string()).await;
    for _ in 0..4 {
        bench.collect(WITHOUT_GRACE).await;
    }
    assert!(!bench.has("a", &image).await);
    assert!(bench.is_whole("a", &tagged).await && bench.is_whole("a", &listed).await);
    assert!(bench.collect(WITHOUT_GRACE).await.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_pushed_again_has_its_signatures_again() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    let signature = Image::new("signature", "signature", Some(&image));
    bench.push("a", "latest", &image).await;
    bench.push_untagged("a", &signature).await;
    bench.delete("a", &image.digest.to_string()).await;
    bench.push("a", "latest", &image).await;
    for _ in 0..4 {
        bench.collect(WITHOUT_GRACE).await;
    }
    assert!(bench.is_whole("a", &image).await && bench.is_whole("a", &signature).await);
}
