//! A month's operations, put together from those that were measured.

use super::time::Clock;
use super::usage::Usage;
use super::work::{Measured, MeasuredError, Work};

/// The largest blob that the push helper sends through the gateway, in bytes; larger ones go straight to the bucket.
const MOST_IN_A_REQUEST: f64 = 4_000_000.0;
/// Numbers of layers that manifest PUTs were measured with, between which the others lie on a line.
const MEASURED_LAYERS: (f64, f64) = (10.0, 96.0);

/// Adds operations up.
pub(crate) struct Month<'a> {
    pub(crate) measured: &'a Measured,
    pub(crate) clock: Clock,
}

/// What one push and one pull are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Each {
    pub(crate) push: Work,
    pub(crate) pull: Work,
}

impl Each {
    /// All of a month's pushes and pulls.
    pub(crate) fn work(&self, usage: &Usage) -> Work {
        self.push * usage.pushes + self.pull * usage.pulls
    }
}

impl Month<'_> {
    /// A push and a pull of the images of this usage, whatever their numbers.
    pub(crate) fn each(&self, usage: &Usage) -> Result<Each, MeasuredError> {
        Ok(Each { push: self.push(usage)?, pull: self.pull(usage)? })
    }

    /// A push of an image by way of the push helper: login, a look for each layer, uploads of those that are missing, the
    /// config, the manifest.
    fn push(&self, usage: &Usage) -> Result<Work, MeasuredError> {
        let (new, there) = usage.pushed_layers();
        let missing = self.one("blob-head-missing")?;
        let config = missing + self.small_upload(0.0)?;
        let layer = if usage.layer_size() > MOST_IN_A_REQUEST {
            missing + self.large_upload()?
        } else {
            missing + self.small_upload(usage.layer_size())?
        };
        Ok(self.login()? + layer * new + self.one("blob-head")? * there + config + self.manifest_put(usage.layers)?)
    }

    /// A pull of an image by tag: login, the manifest's digest and its bytes, the config, the layers.
    fn pull(&self, usage: &Usage) -> Result<Work, MeasuredError> {
        let stored = self.one("manifest-by-tag")? * (1.0 - usage.converted.0);
        let by_tag = stored + self.one("manifest-converted")? * usage.converted.0;
        let blobs = self.one("blob")? * (usage.fetched_layers() + 1.0);
        Ok(self.login()? + by_tag + self.one("manifest-by-digest")? + blobs)
    }

    /// The answer that asks who it is, and a token.
    fn login(&self) -> Result<Work, MeasuredError> {
        Ok(self.one("challenge")? + self.one("token-user")?)
    }

    fn one(&self, operation: &str) -> Result<Work, MeasuredError> {
        self.measured.work(operation, 0.0, &self.clock)
    }

    /// A session and the bytes in one request.
    fn small_upload(&self, bytes: f64) -> Result<Work, MeasuredError> {
        Ok(self.one("upload-open")? + self.measured.work("upload-put", bytes, &self.clock)?)
    }

    /// A session that a client asks for, and instead of it one straight to the bucket.
    fn large_upload(&self) -> Result<Work, MeasuredError> {
        let direct = self.one("direct-open")? + self.one("direct-finish")?;
        Ok(self.one("upload-open")? + direct + self.one("upload-cancel")?)
    }

    fn manifest_put(&self, layers: f64) -> Result<Work, MeasuredError> {
        let (few, many) = MEASURED_LAYERS;
        let of = |layers: f64| self.one(&format!("manifest-put-{layers}-new"));
        let (less, more) = (of(few)?, of(many)?);
        // Below the line's beginning it goes on; it never becomes negative, as a transaction has its least.
        let part = (layers - few) / (many - few);
        Ok(less * (1.0 - part) + more * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::quantity::Share;
    use crate::cost::tests::usage;

    fn month(test: impl Fn(Month<'_>)) {
        let measured = Measured::built_in().unwrap_or_else(|error| panic!("{error}"));
        test(Month { measured: &measured, clock: Clock::Estimate });
    }

    #[track_caller]
    fn done(work: Result<Work, MeasuredError>) -> Work {
        work.unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_pull_of_ten_layers_is_fifteen_requests_and_eleven_objects() {
        month(|month| {
            let pull = done(month.pull(&usage()));
            // Challenge, token, manifest by tag and by digest, config, ten layers.
            assert_eq!((pull.requests, pull.invocations), (15.0, 15.0));
            assert_eq!((pull.s3_gets, pull.s3_puts, pull.write_units), (11.0, 0.0, 0.0));
            // Token, tag and bytes, digest, blobs.
            assert_eq!(pull.read_units, 1.0 + 2.0 + 1.0 + 11.0);
        });
    }

    #[test]
    fn a_push_of_large_layers_goes_straight_to_the_bucket() {
        month(|month| {
            let push = done(month.push(&crate::cost::usage::Usage { shared: Share(0.5), ..usage() }));
            // Challenge, token; five layers with HEAD, two POSTs, PUT, DELETE; five with HEAD; config with three; manifest.
            assert_eq!(push.requests, 2.0 + 5.0 * 5.0 + 5.0 + 3.0 + 1.0);
            // Five layers and the config are put; five layers are looked at there, and five when they have come.
            assert_eq!((push.s3_puts, push.s3_gets), (6.0, 10.0));
        });
    }

    #[test]
    fn small_layers_go_through_the_gateway_which_bills_each_half_megabyte() {
        month(|month| {
            let one = done(month.small_upload(512.0 * 1_024.0));
            let seven = done(month.small_upload(3.5e6));
            assert_eq!((one.requests, seven.requests), (2.0, 8.0));
            assert_eq!(Work { requests: 2.0, gb_seconds: one.gb_seconds, ..seven }, one);
            assert!(seven.gb_seconds > one.gb_seconds);
        });
    }

    #[test]
    fn manifests_between_two_that_were_measured_lie_on_a_line() {
        month(|month| {
            let (ten, many) = (done(month.one("manifest-put-10-new")), done(month.one("manifest-put-96-new")));
            assert_eq!(done(month.manifest_put(10.0)), ten);
            assert_eq!(done(month.manifest_put(96.0)), many);
            let between = done(month.manifest_put(53.0));
            assert_eq!(between.write_units, (ten.write_units + many.write_units) / 2.0);
            let least = done(month.manifest_put(1.0));
            assert!(least.read_units > 0.0 && least.write_units > 0.0 && least.gb_seconds > 0.0, "{least:?}");
        });
    }
}
