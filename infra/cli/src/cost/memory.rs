//! What the deployment's template says that costs: memory of functions, and how many things alarms watch.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use local::gateway::TEMPLATE;

/// Each function's folder with the megabytes of its memory.
static MEMORY: LazyLock<BTreeMap<&str, u32>> = LazyLock::new(|| {
    let value = |function: &'static str, name: &str| function.lines().find_map(|line| line.trim().strip_prefix(name));
    let functions = resources("AWS::Serverless::Function");
    let memory =
        functions.map(|text| Some((value(text, "CodeUri: functions/")?, value(text, "MemorySize: ")?.parse().ok()?)));
    memory.flatten().collect()
});

/// Megabytes of a function's memory; None when there is no such function.
pub(crate) fn megabytes(function: &str) -> Option<u32> {
    MEMORY.get(function).copied()
}

/// Metrics that alarms watch: an alarm is billed by their number.
pub(crate) fn watched_metrics() -> u32 {
    let metrics = resources("AWS::CloudWatch::Alarm").map(|alarm| alarm.matches("MetricName:").count());
    u32::try_from(metrics.sum::<usize>()).unwrap_or(u32::MAX)
}

/// The text of each resource of a type: from its id to the next one's.
fn resources(kind: &str) -> impl Iterator<Item = &'static str> {
    let wanted = format!("Type: {kind}");
    let all = TEMPLATE.split_once("\nResources:\n").map_or("", |(_, resources)| resources);
    let mut starts: Vec<usize> = all.match_indices("\n  ").map(|(at, _)| at + 1).collect();
    // An id is indented by two; what belongs to it by more, and comments say nothing.
    starts.retain(|at| all[at + 2..].starts_with(|c: char| c.is_ascii_alphabetic()));
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([all.len()]).collect();
    let texts = starts.into_iter().zip(ends).map(|(start, end)| &all[start..end]);
    texts.filter(move |text| text.lines().nth(1).is_some_and(|line| line.trim() == wanted))
}

#[cfg(test)]
mod tests {
    use protocol::Function;

    use super::*;

    #[test]
    fn every_function_has_its_memory_in_the_template() {
        for function in Function::ALL {
            let memory = megabytes(function.name());
            assert!(memory.is_some_and(|memory| (128..=10_240).contains(&memory)), "{}: {memory:?}", function.name());
        }
        assert_eq!(megabytes("none"), None);
        let said: usize = TEMPLATE.matches("MemorySize: ").count();
        assert_eq!(said, Function::ALL.len(), "one for each function, and no other place to look for it");
    }

    #[test]
    fn alarms_watch_a_metric_each_at_least() {
        let alarms = TEMPLATE.matches("Type: AWS::CloudWatch::Alarm").count();
        assert!(alarms > 0 && watched_metrics() as usize >= alarms, "{alarms} alarms, {} metrics", watched_metrics());
    }
}
