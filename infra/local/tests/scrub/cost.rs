//! What a scrub costs, as docs/scrub.md says it.

use scrub::Scope;

use crate::bench::{Bench, FULL};
use crate::image::Image;

/// Read units and requests to S3 for each image with a tag, a config and a layer, none of which another has.
async fn costs_each(options: scrub::Options) -> (f64, f64) {
    const FEW: usize = 20;
    const MORE: usize = 60;
    let bench = Bench::start().await;
    let (storage, meter) = bench.metered().await;
    let mut sums = Vec::new();
    for count in [FEW, MORE] {
        for number in 0..count {
            let name = number.to_string();
            bench.push(&name, &Image::new(&name, &name, None)).await;
        }
        meter.take_metered();
        scrub::scrub(&storage, Scope::All { after: None }, options, &mut |_| ()).await.unwrap();
        let metered = meter.take_metered();
        let s3 = metered.iter().filter(|call| call.service == local::faults::Service::S3).count();
        sums.push((metered.iter().map(|call| call.units).sum::<f64>(), s3 as f64));
    }
    let each = |few: f64, more: f64| (more - few) / (MORE - FEW) as f64;
    (each(sums[0].0, sums[1].0), each(sums[0].1, sums[1].1))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_costs_so_much() {
    let (units, requests) = costs_each(FULL).await;
    println!("{units} read units and {requests} requests to S3 for each image");
    assert!((19.0..=21.0).contains(&units), "{units}");
    // HEAD and GET of each blob.
    assert_eq!(requests, 4.0);
    let (quick, requests) = costs_each(scrub::Options { content: false, ..FULL }).await;
    assert_eq!((quick, requests), (units, 2.0));
}
