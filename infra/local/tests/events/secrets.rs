//! Nothing that is told holds a secret.

use crate::bus::{Bus, Mood};
use crate::image::{Image, OCI, SCHEMA2};
use crate::registry::{Mode, Registry, Stream};

#[tokio::test(flavor = "multi_thread")]
async fn events_metrics_and_lines_name_the_user_and_hold_no_secret() {
    let bus = Bus::start(Mood::Takes).await;
    let mut registry = Registry::closed(Mode::Processes, &bus).await;
    let secrets = registry.log_in().await;
    let image = Image::new(1, None);
    registry.push("1", &image).await.expect(201);
    registry.pull("1", SCHEMA2).await.expect(200);
    registry.pull("1", OCI).await.expect(200);
    registry.delete(&image.digest.to_string()).await.expect(202);

    for detail in bus.details(3).await {
        assert_eq!(detail["principal"], "user:admin");
    }
    registry.lines(Stream::Output, |lines| lines.iter().any(|line| line["Deletes"] == 1)).await;
    let told = format!("{}\n{}", bus.text(), registry.written());
    assert!(told.contains("access allowed"));
    for secret in secrets.iter().map(String::as_str).chain(["local-registry-on-loopback"]) {
        assert!(!told.contains(secret), "{secret} was told: {told}");
    }
    registry.stop().await;
}
