//! The template, as it stands, built and deployed with the SAM command line to an AWS emulator that nobody here wrote,
//! and used there by real clients under the very host names of AWS.
//!
//! All of that happens in namespaces of its own (`namespace.rs`): a network with nothing but a loopback interface, on
//! which every host name of AWS leads to a small front with TLS (`front.rs`) before the emulator. What the emulator
//! does differently from AWS, and what this test therefore doesn't show, is listed in tests/README.md.

mod account;
mod address;
mod background;
mod build;
mod certificates;
mod clients;
mod cloud;
mod deletion;
mod doctor;
mod ecs;
mod events;
mod front;
mod names;
mod namespace;
mod person;
mod readme;
mod restore;
mod secret;
mod stack;
mod update;

use account::developer;
use build::{checkout, sam_build};
use cloud::Cloud;
use person::Person;
use stack::Stack;

const INSIDE: &str = "everything_inside_the_namespaces";

/// Crates may have to be fetched, so the build comes before the namespace that has no network.
#[test]
fn the_template_as_it_stands_serves_real_clients_on_an_emulator() {
    sam_build();
    print!("{}", namespace::run_inside(INSIDE));
}

/// Not a test by itself: the test above starts it.
#[test]
#[ignore = "it runs inside namespaces that another test makes"]
fn everything_inside_the_namespaces() {
    namespace::prepare();
    let cloud = Cloud::start();
    let (admin, checkout) = (Person::new(&cloud, cloud.root()), checkout());

    readme::build_and_deploy(&admin, &checkout);
    let stack = Stack::described_to(&admin);
    let developer = Person::new(&cloud, developer(&admin, &stack));
    readme::log_in_and_push(&developer, &stack);

    clients::podman_pushes_and_pulls_by_tag_and_digest(&developer, &stack);
    clients::skopeo_pushes_and_pulls_an_index_unchanged(&developer, &stack);
    clients::crane_pushes_and_pulls(&developer, &stack);
    clients::regctl_pushes_a_large_layer_in_pieces(&developer, &stack);
    clients::a_client_of_old_gets_a_conversion(&developer, &stack);
    clients::nobody_gets_in_without_a_login(&developer, &stack);
    doctor::finds_nothing_wrong(&developer, &stack);
    background::schema_1_is_upgraded_in_the_background(&developer, &stack);
    events::a_rule_brings_pushes_to_a_queue(&admin, &developer, &stack);
    update::a_second_deployment_keeps_host_and_data(&admin, &checkout, &stack, &developer);
    secret::ecs_pulls_with_the_secret_that_the_second_deployment_made(&admin);
    ecs::a_service_on_ecs_gets_its_image_with_the_outputs_of_the_stack(&admin, &developer);
    restore::the_table_comes_back_under_its_name(&admin, &developer, &stack);
    deletion::a_deleted_stack_leaves_bucket_and_table(&admin, &checkout, &stack);
}
