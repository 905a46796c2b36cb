//! helm: charts, pushed, found by version, rendered.

use lambda_registry_tests::clients::Helm;
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![helm_pulls_and_renders_its_own_push, helm_takes_the_newest_version_from_the_tags];

fn helm_pulls_and_renders_its_own_push(registry: &Registry) {
    let helm = Helm::new(registry);
    // A tag can't have the `+`: helm writes an underscore in its place.
    let package = helm.package("greeter", "1.2.3+build.4", "hello");

    helm.push(&package, &registry.image("charts"));

    let manifest = registry.manifest("charts/greeter", "1.2.3_build.4");
    assert_eq!(manifest.media_type, "application/vnd.oci.image.manifest.v1+json");
    let other = Helm::new(registry);
    let chart = registry.image("charts/greeter");
    assert_eq!(other.pull(&chart, "1.2.3+build.4"), std::fs::read(package).expect("the packed chart"));
    let rendered = other.template(&chart, &["--version", "1.2.3+build.4"]);
    assert!(rendered.contains("text: hello"), "{rendered}");
}

fn helm_takes_the_newest_version_from_the_tags(registry: &Registry) {
    let helm = Helm::new(registry);
    for version in ["1.9.0", "1.10.0", "2.0.0-beta.1"] {
        helm.push(&helm.package("greeter", version, "hello"), &registry.image("charts"));
    }
    let chart = registry.image("charts/greeter");

    let newest = |flags: &[&str]| helm.show(&chart, flags);

    assert!(newest(&[]).contains("version: 1.10.0\n"));
    assert!(newest(&["--version", "<1.10"]).contains("version: 1.9.0\n"));
    assert!(newest(&["--devel"]).contains("version: 2.0.0-beta.1\n"));
}
