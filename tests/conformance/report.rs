//! What the suite reports of each of its tests.

/// The names of its tests, by what became of them, in order.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) passed: Vec<String>,
    pub(crate) skipped: Vec<String>,
    pub(crate) failed: Vec<String>,
}

impl Report {
    /// Reads a `junit.xml`: of each `<testcase name="…" … status="…">`, these two attributes.
    #[track_caller]
    pub(crate) fn read(junit: &str) -> Self {
        let mut report = Self::default();
        // In text and in attributes, `<` is escaped.
        for testcase in junit.split("<testcase ").skip(1) {
            let name = attribute(testcase, "name");
            match attribute(testcase, "status").as_str() {
                "passed" => report.passed.push(name),
                "skipped" => report.skipped.push(name),
                // Whatever else it may be called.
                status => report.failed.push(format!("{name}: {status}")),
            }
        }
        report.skipped.sort();
        report.skipped.dedup();
        report
    }
}

#[track_caller]
fn attribute(element: &str, name: &str) -> String {
    let head = element.split_once('>').expect("the end of the tag").0;
    let value = head.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.unwrap_or_else(|| panic!("no {name} in <testcase {head}>")).0.to_owned()
}
