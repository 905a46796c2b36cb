//! What the user sees of blobs on their way: a bar for each on a terminal, and a line for each that has arrived.

use std::io::IsTerminal as _;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressFinish, ProgressStyle};
use protocol::{Digest, RepositoryName};

/// Repository and start of the digest, bar, bytes, rate.
const TEMPLATE: &str = "{prefix} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}";

/// Where progress is shown: None when nobody looks at it.
pub(crate) struct Display(Option<MultiProgress>);

/// The progress of one blob.
#[derive(Clone)]
pub(crate) struct Track {
    bar: ProgressBar,
    bars: Option<MultiProgress>,
    what: String,
    started: Instant,
}

impl Display {
    pub(crate) fn new() -> Self {
        Self(std::io::stderr().is_terminal().then(MultiProgress::new))
    }

    pub(crate) fn track(&self, name: &RepositoryName, digest: &Digest, size: u64) -> Track {
        let bar = match &self.0 {
            Some(bars) => {
                let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
                let short = digest.encoded().get(..12).unwrap_or_default();
                let bar = ProgressBar::new(size).with_style(style).with_prefix(format!("{name} {short}"));
                // Also when the blob doesn't arrive.
                bars.add(bar.with_finish(ProgressFinish::AndClear))
            }
            None => ProgressBar::hidden(),
        };
        Track { bar, bars: self.0.clone(), what: format!("{name}@{digest}: {size} bytes"), started: Instant::now() }
    }
}

impl Track {
    /// So many bytes were sent.
    pub(crate) fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// The registry has it.
    pub(crate) fn arrived(&self, how: &'static str) {
        let line = format!("{} {how} in {:.1} s", self.what, self.started.elapsed().as_secs_f32());
        self.bar.finish_and_clear();
        match &self.bars {
            // A terminal that is gone needs no line.
            Some(bars) => drop(bars.println(line)),
            None => tracing::info!("{line}"),
        }
    }
}
