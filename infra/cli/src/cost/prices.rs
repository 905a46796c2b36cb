//! What AWS asks: a file of list prices for one region at one date.

use serde::Deserialize;

/// The prices that come with this program.
pub(crate) const BUILT_IN: &[&str] = &[include_str!("../../prices/us-east-1-2026-11-22.json")];

/// A file of prices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceFile {
    /// AWS's code of the region: `us-east-1`.
    pub(crate) region: String,
    /// Its name for people.
    pub(crate) name: String,
    /// When the prices were looked up: `2026-11-22`.
    pub(crate) date: String,
    /// What the file says about itself.
    #[serde(rename = "about")]
    _about: String,
    pub(crate) prices: Prices,
}

/// One price for each thing that is billed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) api_requests: Price,
    pub(crate) lambda_requests: Price,
    pub(crate) lambda_arm64: Price,
    pub(crate) lambda_x86_64: Price,
    pub(crate) dynamodb_reads: Price,
    pub(crate) dynamodb_writes: Price,
    pub(crate) dynamodb_storage: Price,
    pub(crate) dynamodb_recovery: Price,
    pub(crate) s3_storage: Price,
    pub(crate) s3_puts: Price,
    pub(crate) s3_gets: Price,
    pub(crate) transfer_out: Price,
    pub(crate) logs_ingested: Price,
    pub(crate) logs_stored: Price,
    pub(crate) secret: Price,
    pub(crate) secret_calls: Price,
    pub(crate) alarm: Price,
    pub(crate) dashboard: Price,
    pub(crate) metric: Price,
    pub(crate) event: Price,
    pub(crate) trace: Price,
    pub(crate) ecr_storage: Price,
}

/// What so many units of something cost in a month.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// What a unit is, for whoever reads the file.
    #[serde(rename = "unit")]
    _unit: String,
    /// The number of units that a tier's price is for.
    per: f64,
    tiers: Vec<Tier>,
    /// Units a month that no account pays.
    #[serde(default)]
    always_free: f64,
    /// AWS's page.
    #[serde(rename = "page")]
    _page: String,
    /// What the price was compared with.
    #[serde(rename = "checked")]
    _checked: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    /// The last unit of the month that has this price; absent in the last tier.
    up_to: Option<f64>,
    usd: f64,
}

/// Why prices can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PricesError {
    #[error("there are no prices of {0}; those that come with this program are of {1}. Others are given with --prices")]
    Region(String, String),
    #[error("{0} can't be read: {1}")]
    Read(String, std::io::Error),
    #[error("{0} isn't a file of prices: {1}")]
    Form(String, serde_json::Error),
    #[error("the price {1} of {0} isn't one: tiers rise, the last one has no end, and nothing is negative")]
    Tiers(String, &'static str),
}

impl PriceFile {
    /// Reads one; `source` is what errors call it.
    pub(crate) fn parse(source: &str, text: &str) -> Result<Self, PricesError> {
        let file: Self = serde_json::from_str(text).map_err(|error| PricesError::Form(source.to_owned(), error))?;
        match file.prices.named().iter().find(|(_, price)| !price.is_sound()) {
            Some((name, _)) => Err(PricesError::Tiers(source.to_owned(), name)),
            None => Ok(file),
        }
    }

    /// The built-in prices of a region, the latest.
    pub(crate) fn of_region(region: &str) -> Result<Self, PricesError> {
        let files: Vec<_> =
            BUILT_IN.iter().map(|text| Self::parse("the built-in file", text)).collect::<Result<_, _>>()?;
        let known = files.iter().map(|file| file.region.as_str()).collect::<Vec<_>>().join(", ");
        let of_region = files.into_iter().filter(|file| file.region == region);
        // Dates sort as text.
        of_region.max_by(|a, b| a.date.cmp(&b.date)).ok_or_else(|| PricesError::Region(region.to_owned(), known))
    }
}

impl Prices {
    fn named(&self) -> [(&'static str, &Price); 22] {
        [
            ("api_requests", &self.api_requests),
            ("lambda_requests", &self.lambda_requests),
            ("lambda_arm64", &self.lambda_arm64),
            ("lambda_x86_64", &self.lambda_x86_64),
            ("dynamodb_reads", &self.dynamodb_reads),
            ("dynamodb_writes", &self.dynamodb_writes),
            ("dynamodb_storage", &self.dynamodb_storage),
            ("dynamodb_recovery", &self.dynamodb_recovery),
            ("s3_storage", &self.s3_storage),
            ("s3_puts", &self.s3_puts),
            ("s3_gets", &self.s3_gets),
            ("transfer_out", &self.transfer_out),
            ("logs_ingested", &self.logs_ingested),
            ("logs_stored", &self.logs_stored),
            ("secret", &self.secret),
            ("secret_calls", &self.secret_calls),
            ("alarm", &self.alarm),
            ("dashboard", &self.dashboard),
            ("metric", &self.metric),
            ("event", &self.event),
            ("trace", &self.trace),
            ("ecr_storage", &self.ecr_storage),
        ]
    }
}

impl Price {
    /// What `quantity` units in a month cost, in US dollars; without those that are always free when `free_tier`.
    pub(crate) fn usd(&self, quantity: f64, free_tier: bool) -> f64 {
        let quantity = if free_tier { (quantity - self.always_free).max(0.0) } else { quantity };
        let (mut from, mut total) = (0.0, 0.0);
        for tier in &self.tiers {
            let up_to = tier.up_to.unwrap_or(f64::INFINITY);
            total += (quantity.min(up_to) - from).max(0.0) / self.per * tier.usd;
            from = up_to;
        }
        total
    }

    fn is_sound(&self) -> bool {
        let Some((last, others)) = self.tiers.split_last() else { return false };
        let ends: Vec<f64> = others.iter().map(|tier| tier.up_to.unwrap_or(0.0)).collect();
        let rise = ends.first().is_none_or(|first| *first > 0.0) && ends.windows(2).all(|pair| pair[0] < pair[1]);
        let positive = self.tiers.iter().all(|tier| tier.usd >= 0.0) && self.per > 0.0 && self.always_free >= 0.0;
        rise && positive && last.up_to.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> PriceFile {
        PriceFile::of_region("us-east-1").unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn assert_usd(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} isn't {expected}");
    }

    #[test]
    fn a_tier_has_the_price_of_its_own_units() {
        let prices = built_in().prices;
        assert_usd(prices.api_requests.usd(0.0, false), 0.0);
        assert_usd(prices.api_requests.usd(2_500_000.0, false), 2.50);
        assert_usd(prices.api_requests.usd(400_000_000.0, false), 300.0 + 90.0);
        // 50 TB, 450 TB and 1 TB.
        assert_usd(prices.s3_storage.usd(513_024.0, false), 51_200.0 * 0.023 + 460_800.0 * 0.022 + 1_024.0 * 0.021);
    }

    #[test]
    fn what_is_always_free_counts_only_when_asked_for() {
        let transfer = built_in().prices.transfer_out;
        assert_usd(transfer.usd(150.0, false), 13.50);
        assert_usd(transfer.usd(150.0, true), 4.50);
        assert_usd(transfer.usd(99.0, true), 0.0);
    }

    #[test]
    fn a_region_without_prices_is_named() {
        let error = PriceFile::of_region("eu-west-1").map_err(|error| error.to_string());
        assert!(error.is_err_and(|message| message.contains("eu-west-1") && message.contains("us-east-1")));
    }

    #[test]
    fn prices_that_cannot_be_are_refused() {
        let good = BUILT_IN[0];
        for (was, is) in [
            (r#"[{"up_to": 300000000, "usd": 1.00}, {"usd": 0.90}]"#, r#"[{"up_to": 300000000, "usd": 1.00}]"#),
            (r#"[{"up_to": 300000000, "usd": 1.00}, {"usd": 0.90}]"#, r#"[{"usd": 1.00}, {"usd": 0.90}]"#),
            (r#"[{"up_to": 300000000, "usd": 1.00}, {"usd": 0.90}]"#, "[]"),
            (r#""usd": 0.90"#, r#""usd": -0.90"#),
        ] {
            assert!(good.contains(was));
            let error = PriceFile::parse("mine", &good.replacen(was, is, 1));
            assert!(matches!(error, Err(PricesError::Tiers(_, "api_requests"))), "{is}: {error:?}");
        }
        assert!(matches!(
            PriceFile::parse("mine", &good.replacen("\"trace\"", "\"x\"", 1)),
            Err(PricesError::Form(..))
        ));
    }
}
