//! `lambda-registry cost`: a month's bill, beside Amazon ECR's.

mod bill;
mod comparison;
mod memory;
mod month;
mod prices;
mod quantity;
mod report;
#[cfg(test)]
mod tests;
mod time;
mod usage;
mod work;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::console;
use bill::{Architecture, Tariff};
use comparison::Reckoning;
use month::Month;
use prices::{PriceFile, PricesError};
use quantity::{Egress, Share, Size};
use time::Clock;
use usage::{Extras, Usage};
use work::{Measured, MeasuredError};

/// Metrics that a registry reports: four of each of the five functions that clients reach, three of what is done, six of
/// bytes, and some of conversions and errors.
const METRICS: &str = "40";

/// What a registry holds and what is done with it in a month.
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Images that are kept, all month
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(..=MOST))]
    images: u64,
    /// Compressed size of an image, as in 250MB, 1.5GB or 512MiB
    #[arg(long, default_value = "250MB")]
    size: Size,
    /// Layers of an image; each is taken to have the same size
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    layers: u64,
    /// Part of an image's layers, and of its bytes, that all images have in common, as in 60%
    #[arg(long, default_value = "50%")]
    shared: Share,
    /// Images pushed in a month
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=MOST))]
    pushes: u64,
    /// Images pulled in a month
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(..=MOST))]
    pulls: u64,
    /// Part of an image's layers, and of its bytes, that whoever pulls it has already
    #[arg(long, default_value = "0%")]
    cached: Share,
    /// Part of the pulls that get a manifest converted into a format that the client reads
    #[arg(long, default_value = "0%")]
    converted: Share,
    /// What leaves AWS of the bytes pulled: a share as in 10%, or a size as in 50GB. Within the region it is free
    #[arg(long, default_value = "0%")]
    egress: Egress,
    /// AWS region; prices of others than us-east-1 are given with --prices
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// File of prices, in the form of infra/cli/prices
    #[arg(long, value_name = "FILE", conflicts_with = "region")]
    prices: Option<PathBuf>,
    /// Leave out what AWS gives every account without end (1 million Lambda requests, 100 GB of transfer, 25 GB of
    /// DynamoDB, …)
    #[arg(long)]
    free_tier: bool,
    /// Processor of the functions, as in the template
    #[arg(long, value_enum, default_value = "arm64")]
    architecture: Architecture,
    /// Mean billed duration of an invocation, from your functions' logs; without it it is estimated
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    milliseconds: Option<f64>,
    /// The stack has PullSecretPattern
    #[arg(long)]
    pull_secret: bool,
    /// The stack has no EventBus
    #[arg(long)]
    no_events: bool,
    /// The stack has Alarms
    #[arg(long)]
    alarms: bool,
    /// The stack has a Dashboard
    #[arg(long)]
    dashboard: bool,
    /// The stack has Metrics: as many of them
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_value = "0", default_missing_value = METRICS)]
    metrics: u32,
    /// The stack has Tracing
    #[arg(long)]
    tracing: bool,
    /// For programs: JSON, money in US dollars, sizes in bytes
    #[arg(long)]
    json: bool,
}

/// Of images, pushes and pulls: beyond it sums lose cents.
const MOST: u64 = 1_000_000_000_000;

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
enum CostError {
    #[error(transparent)]
    Prices(#[from] PricesError),
    #[error(transparent)]
    Measured(#[from] MeasuredError),
    #[error("{0} leave AWS, but only {1} are pulled: --egress is at most what --pulls and --size come to")]
    Egress(Size, Size),
    #[error("the bill can't be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Prints the bill.
///
/// # Errors
/// When there are no prices, or more is to leave AWS than is pulled.
pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    bills(&arguments).and_then(|bills| Ok(console::print(&bills)?)).map_err(|error| error.to_string())
}

fn bills(arguments: &Arguments) -> Result<String, CostError> {
    let file = match &arguments.prices {
        Some(path) => read(path)?,
        None => PriceFile::of_region(&arguments.region)?,
    };
    let usage = arguments.usage();
    if usage.leaving() > usage.pulled() {
        return Err(CostError::Egress(Size(usage.leaving()), Size(usage.pulled())));
    }
    let clock = arguments.milliseconds.map_or(Clock::Estimate, Clock::Milliseconds);
    let measured = Measured::built_in()?;
    let month = Month { measured: &measured, clock };
    let Arguments { architecture, free_tier, .. } = *arguments;
    let tariff = Tariff { prices: &file.prices, architecture, free_tier };
    let comparison = Reckoning { each: month.each(&usage)?, records: &measured.records, tariff }.compare(&usage);
    Ok(match arguments.json {
        true => format!("{:#}\n", report::json(&file, &usage, &comparison)),
        false => report::text(&file, &usage, &comparison),
    })
}

fn read(path: &Path) -> Result<PriceFile, PricesError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| PricesError::Read(name.clone(), error))?;
    PriceFile::parse(&name, &text)
}

fn milliseconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| (0.0..=900_000.0).contains(number));
    number.ok_or_else(|| format!("{text:?} isn't a number of milliseconds that a function may run"))
}

impl Arguments {
    #[expect(clippy::cast_precision_loss, reason = "a float counts to 2^53, and MOST is far below")]
    fn usage(&self) -> Usage {
        Usage {
            images: self.images as f64,
            size: self.size,
            layers: self.layers as f64,
            shared: self.shared,
            pushes: self.pushes as f64,
            pulls: self.pulls as f64,
            cached: self.cached,
            converted: self.converted,
            egress: self.egress,
            extras: Extras {
                pull_secret: self.pull_secret,
                events: !self.no_events,
                alarms: self.alarms,
                dashboard: self.dashboard,
                metrics: self.metrics,
                tracing: self.tracing,
            },
        }
    }
}
