//! Findings for people, one by one as they come, and for programs, all at once.

use lambda_registry::Registry;
use serde::Serialize;

use super::check::Check;
use super::finding::{Finding, Verdict};
use crate::console::print;

/// Everything that was found.
pub(super) struct Report {
    findings: Vec<Finding>,
    form: Form,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines, as soon as something is found.
    Lines,
    /// One JSON object, at the end.
    Json,
}

#[derive(Serialize)]
struct Document<'a> {
    registry: String,
    findings: &'a [Finding],
    summary: Summary,
}

/// How many there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Summary {
    ok: usize,
    warning: usize,
    pub(super) failure: usize,
    not_checked: usize,
}

impl Report {
    pub(super) fn new(form: Form) -> Self {
        Self { findings: Vec::new(), form }
    }

    /// Takes a finding down.
    pub(super) fn found(&mut self, finding: Finding) {
        if self.form == Form::Lines {
            // Whoever closed our output still has the exit status.
            drop(print(&lines(&finding)));
        }
        self.findings.push(finding);
    }

    /// Takes down that these couldn't be looked at.
    pub(super) fn skip(&mut self, checks: &[Check], why: &str) {
        for &check in checks {
            self.found(Finding::not_checked(check, why));
        }
    }

    /// The same of every check from this one on.
    pub(super) fn skip_from(&mut self, first: Check, why: &str) {
        let rest: Vec<_> = Check::ALL.iter().copied().filter(|check| *check >= first).collect();
        self.skip(&rest, why);
    }

    /// Counts.
    pub(super) fn summary(&self) -> Summary {
        let count = |verdict| self.findings.iter().filter(|finding| finding.verdict == verdict).count();
        let [ok, warning, failure, not_checked] = Verdict::ALL.map(count);
        Summary { ok, warning, failure, not_checked }
    }

    /// What stands at its end.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn finish(&self, registry: &Registry) -> Result<Summary, String> {
        let summary = self.summary();
        let text = match self.form {
            Form::Lines => format!("\n{}\n", summary.sentence()),
            Form::Json => {
                let document = Document { registry: registry.to_string(), findings: &self.findings, summary };
                serde_json::to_string_pretty(&document).map_err(|error| error.to_string())? + "\n"
            }
        };
        print(&text).map_err(|error| format!("the report can't be written: {error}"))?;
        Ok(summary)
    }
}

impl Summary {
    fn sentence(self) -> String {
        let Self { ok, warning, failure, not_checked } = self;
        let many = |count, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        format!("{ok} ok, {}, {}, {not_checked} not checked", many(warning, "warning"), many(failure, "failure"))
    }
}

fn lines(finding: &Finding) -> String {
    let (verdict, check) = (finding.verdict.as_str(), finding.check.id());
    let mut text = format!("{verdict:<12} {check:<17} {}\n", finding.observed);
    if let Some(advice) = &finding.advice {
        text += &format!("{:13}means: {}\n{:13}do:    {}\n", "", advice.meaning, "", advice.remedy);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_and_says_what_to_do_when_it_isnt_good() {
        assert_eq!(lines(&Finding::ok(Check::Pull, "equal")), "ok           pull              equal\n");
        assert_eq!(
            lines(&Finding::failure(Check::Pull, "unequal", "bytes change", "look")),
            "failure      pull              unequal\n             means: bytes change\n             do:    look\n"
        );
    }

    #[test]
    fn a_summary_counts_each_verdict() {
        let mut report = Report::new(Form::Json);
        report.found(Finding::ok(Check::Reachable, ""));
        report.found(Finding::warning(Check::Redirect, "", "", ""));
        report.found(Finding::failure(Check::Clock, "", "", ""));
        report.skip_from(Check::BlobCredentials, "");
        assert_eq!(report.summary().sentence(), "1 ok, 1 warning, 1 failure, 2 not checked");
    }
}
