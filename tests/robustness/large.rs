//! A blob far larger than the memory that the server may use.

use lambda_registry_tests::content::Content;
use lambda_registry_tests::in_modes_with_front;
use lambda_registry_tests::process::{children, peak_memory};
use lambda_registry_tests::registry::Registry;

use lambda_registry_tests::download::download;
use lambda_registry_tests::session::{Session, received};

const LENGTH: u64 = 2 << 30;
const MEMORY: u64 = 200 << 20;

in_modes_with_front![two_gib_pass_through_less_than_200_mib_of_memory];

fn two_gib_pass_through_less_than_200_mib_of_memory(registry: &Registry) {
    let content = Content { number: 1, length: LENGTH };
    let expected = content.digest();
    let session = Session::start(registry, "large");

    let mut patch = session.patch(&[]);
    patch.send(content.from(0));
    assert_eq!(received(&patch.finish().expect(202)), LENGTH);
    session.finish(&expected).expect(201);

    assert_eq!(download(registry, "large", &expected), (expected, Some(LENGTH)));

    let server = peak_memory(registry.pid());
    println!("the server used at most {} MiB", server >> 20);
    assert!(server < MEMORY, "{server}");
    for function in children(registry.pid()) {
        println!("a function used at most {} MiB", function.peak_memory() >> 20);
        assert!(function.peak_memory() < MEMORY);
    }
}
