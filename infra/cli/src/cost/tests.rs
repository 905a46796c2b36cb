//! Bills as a whole: by hand, and what holds of all of them.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::bill::{Architecture, Bill, Tariff};
use super::comparison::{BreakEven, Comparison, Reckoning};
use super::month::Month;
use super::prices::PriceFile;
use super::quantity::{Egress, GB, Share, Size};
use super::time::Clock;
use super::usage::{Extras, Usage};
use super::work::{Measured, Work};

/// Ten images of 1 GB in ten layers that have nothing in common, and nobody who uses them.
pub(crate) fn usage() -> Usage {
    Usage {
        images: 10.0,
        size: Size(GB),
        layers: 10.0,
        shared: Share(0.0),
        pushes: 0.0,
        pulls: 0.0,
        cached: Share(0.0),
        converted: Share(0.0),
        egress: Egress::Share(Share(0.0)),
        extras: Extras {
            pull_secret: false,
            events: true,
            alarms: false,
            dashboard: false,
            metrics: 0,
            tracing: false,
        },
    }
}

static PRICES: LazyLock<PriceFile> =
    LazyLock::new(|| PriceFile::of_region("us-east-1").unwrap_or_else(|error| panic!("{error}")));
static MEASURED: LazyLock<Measured> = LazyLock::new(|| Measured::built_in().unwrap_or_else(|error| panic!("{error}")));

fn tariff(free_tier: bool) -> Tariff<'static> {
    Tariff { prices: &PRICES.prices, architecture: Architecture::Arm64, free_tier }
}

fn reckoning(usage: &Usage, free_tier: bool) -> Reckoning<'static> {
    let month = Month { measured: &MEASURED, clock: Clock::Milliseconds(20.0) };
    let each = month.each(usage).unwrap_or_else(|error| panic!("{error}"));
    Reckoning { each, records: &MEASURED.records, tariff: tariff(free_tier) }
}

fn compare(usage: &Usage) -> Comparison {
    reckoning(usage, false).compare(usage)
}

/// The registry's bill and ECR's.
fn totals(usage: &Usage) -> (f64, f64) {
    let reckoning = reckoning(usage, false);
    (reckoning.registry(usage).total, reckoning.tariff.ecr(usage).total)
}

#[track_caller]
fn line(bill: &Bill, item: &str) -> f64 {
    let line = bill.lines.iter().find(|line| line.item == item);
    line.unwrap_or_else(|| panic!("no {item} in {bill:?}")).usd
}

#[track_caller]
fn assert_usd(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-6, "{actual} isn't {expected}");
}

#[test]
fn an_empty_registry_that_nobody_uses_costs_nothing() {
    let empty = Usage { images: 0.0, ..usage() };
    let Comparison { registry, ecr, .. } = compare(&empty);
    assert_eq!((registry.total, ecr.total), (0.0, 0.0));
    assert!(registry.lines.iter().all(|line| line.usd == 0.0), "{registry:?}");
}

#[test]
fn an_idle_registry_costs_what_it_stores() {
    let Comparison { registry, ecr, pulls, images } = compare(&usage());
    assert_usd(line(&registry, "S3: storage"), 10.0 * 0.023);
    assert_usd(line(&ecr, "ECR: storage"), 10.0 * 0.10);
    let table = line(&registry, "DynamoDB: storage") + line(&registry, "DynamoDB: point-in-time recovery");
    assert!(table > 0.0 && table < 0.001, "{table}");
    assert_usd(registry.total, 0.23 + table);
    assert!(matches!(pulls, BreakEven::From(number) if number > 1_000.0), "{pulls:?}");
    assert_eq!(images, BreakEven::RegistryAlways);
}

/// A million of everything, by hand.
#[test]
fn work_is_billed_by_the_price_list() {
    let million = 1_000_000.0;
    let work = Work {
        requests: million,
        invocations: million,
        gb_seconds: million,
        read_units: million,
        write_units: million,
        s3_puts: million,
        s3_gets: million,
    };
    let bill = tariff(false).registry(&Usage { images: 0.0, ..usage() }, &work, &MEASURED.records);
    for (item, usd) in [
        ("API Gateway: requests", 1.00),
        ("Lambda: requests", 0.20),
        ("Lambda: time", 13.3334),
        ("DynamoDB: reads", 0.125),
        ("DynamoDB: writes", 0.625),
        ("S3: PUT, POST", 5.00),
        ("S3: GET, HEAD", 0.40),
        ("Data transfer out of AWS", 0.0),
    ] {
        assert_usd(line(&bill, item), usd);
    }
}

#[test]
fn what_leaves_aws_costs_the_same_from_both() {
    let pulled = Usage { pulls: 100.0, egress: Egress::Share(Share(0.5)), ..usage() };
    let Comparison { registry, ecr, .. } = compare(&pulled);
    for bill in [registry, ecr] {
        assert_usd(line(&bill, "Data transfer out of AWS"), 50.0 * 0.09);
    }
    let by_size = Usage { egress: Egress::Bytes(Size(50.0 * GB)), ..pulled };
    assert_usd(line(&compare(&by_size).ecr, "Data transfer out of AWS"), 50.0 * 0.09);
}

#[test]
fn what_costs_while_idle_is_billed_when_it_is_switched_on() {
    let extras = Extras { pull_secret: true, events: true, alarms: true, dashboard: true, metrics: 40, tracing: true };
    let bill = compare(&Usage { extras, ..usage() }).registry;
    assert_usd(line(&bill, "Secrets Manager: pull secret"), 0.40);
    assert_usd(line(&bill, "CloudWatch: dashboard"), 3.00);
    assert_usd(line(&bill, "CloudWatch: custom metrics"), 12.00);
    assert!(line(&bill, "CloudWatch: alarms") >= 0.10);
}

#[test]
fn the_free_tier_takes_off_what_every_account_has() {
    let small = Usage { pushes: 10.0, pulls: 90.0, egress: Egress::Share(Share(1.0)), ..usage() };
    let bill = reckoning(&small, true).registry(&small);
    for item in ["Lambda: requests", "Lambda: time", "DynamoDB: storage", "Data transfer out of AWS"] {
        assert_eq!(line(&bill, item), 0.0, "{item}");
    }
    assert!(line(&bill, "API Gateway: requests") > 0.0);
}

#[test]
fn what_images_share_is_stored_once() {
    let shared = Usage { images: 3.0, shared: Share(0.5), ..usage() };
    assert_usd(shared.stored() / GB, 0.5 + 3.0 * 0.5);
    assert_eq!(Usage { images: 0.0, ..shared }.stored(), 0.0);
}

fn usages() -> impl Strategy<Value = Usage> {
    let share = || (0..=100_u32).prop_map(|percent| Share(f64::from(percent) / 100.0));
    let numbers = (0..5_000_u32, 1..3_000_u32, 1..200_u32, 0..10_000_u32, 0..2_000_000_u32);
    (numbers, share(), share(), share(), share()).prop_map(|(numbers, shared, cached, converted, egress)| {
        let (images, megabytes, layers, pushes, pulls) = numbers;
        Usage {
            images: images.into(),
            size: Size(f64::from(megabytes) * 1e6),
            layers: layers.into(),
            shared,
            pushes: pushes.into(),
            pulls: pulls.into(),
            cached,
            converted,
            egress: Egress::Share(egress),
            ..usage()
        }
    })
}

proptest! {
    #[test]
    fn more_of_anything_never_costs_less(usage in usages()) {
        let (total, _) = totals(&usage);
        for more in [
            Usage { images: usage.images + 1.0, ..usage },
            Usage { pushes: usage.pushes + 1.0, ..usage },
            Usage { pulls: usage.pulls + 1.0, ..usage },
        ] {
            prop_assert!(totals(&more).0 >= total, "{more:?}");
        }
        // Larger layers go another way to the bucket, which may be the cheaper one; but what is stored and pulled isn't.
        let kept = Usage { pushes: 0.0, ..usage };
        let larger = totals(&Usage { size: Size(usage.size.0 * 1.5), ..kept }).0;
        prop_assert!(larger >= totals(&kept).0);
    }

    #[test]
    fn the_break_even_of_pulls_is_where_ecr_becomes_cheaper(usage in usages()) {
        let cheaper = |pulls: f64| {
            let (registry, ecr) = totals(&Usage { pulls, ..usage });
            registry > ecr
        };
        match compare(&usage).pulls {
            BreakEven::From(pulls) => prop_assert!(cheaper(pulls) && !cheaper(pulls - 1.0)),
            BreakEven::EcrAlways => prop_assert!(cheaper(0.0) && cheaper(usage.pulls)),
            BreakEven::RegistryAlways => prop_assert!(!cheaper(usage.pulls)),
        }
    }

    #[test]
    fn the_break_even_of_images_is_where_the_registry_becomes_cheaper(usage in usages()) {
        let cheaper = |images: f64| {
            let (registry, ecr) = totals(&Usage { images, ..usage });
            registry <= ecr
        };
        match compare(&usage).images {
            BreakEven::From(images) => prop_assert!(cheaper(images) && !cheaper(images - 1.0)),
            BreakEven::RegistryAlways => prop_assert!(cheaper(0.0) && cheaper(usage.images)),
            BreakEven::EcrAlways => prop_assert!(!cheaper(usage.images)),
        }
    }

    #[test]
    fn both_bills_are_for_the_same_bytes(usage in usages()) {
        let Comparison { registry, ecr, .. } = compare(&usage);
        let quantity = |bill: &Bill, item: &str| bill.lines.iter().find(|line| line.item == item).map(|line| line.quantity);
        prop_assert_eq!(quantity(&registry, "S3: storage"), quantity(&ecr, "ECR: storage"));
        let transfer = "Data transfer out of AWS";
        prop_assert_eq!(quantity(&registry, transfer), quantity(&ecr, transfer));
        let total: f64 = registry.lines.iter().map(|line| line.usd).sum();
        prop_assert!((total - registry.total).abs() <= total * 1e-12);
    }
}
