//! A blob that is larger than what S3 takes in one request, and than memory.

use lambda_registry_tests::content::Content;
use lambda_registry_tests::download::download;
use lambda_registry_tests::modes::Mode;
use lambda_registry_tests::process::peak_memory;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::session::Session;

const LENGTH: u64 = 6_000_000_000;
const MEMORY: u64 = 200 << 20;

/// By one PUT, as containerd pushes it; `robustness` has a PATCH, as podman does.
#[test]
fn six_gigabytes_pass_through_the_front_in_less_than_200_mib_of_memory() {
    let registry = Registry::start(Mode::OneProcess.flags());
    let content = Content { number: 6, length: LENGTH };
    let digest = content.digest();

    let mut put = Session::start(&registry, "huge").put(&digest);
    put.send(content.from(0));
    put.finish().expect(201);

    assert_eq!(download(&registry, "huge", &digest), (digest, Some(LENGTH)));
    let used = peak_memory(registry.pid());
    println!("the server used at most {} MiB", used >> 20);
    assert!(used < MEMORY, "{used}");
}
