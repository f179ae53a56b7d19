//! Pods that are there when a namespace is to enforce a level.

use std::collections::BTreeMap;

use catena_objects::Value;

use super::{policy::Standard, violations};

/// Most pods that are looked at.
const PODS: usize = 3000;

/// What is told of pods that break a level (`EvaluatePodsInNamespace`): a line for
/// each way to break it, with one of the pods.
pub(super) fn warnings(pods: &[Value], namespace: &str, standard: &Standard) -> Vec<String> {
    let mut out = Vec::new();
    if pods.len() > PODS {
        out.push(format!(
            "new PodSecurity enforce level only checked against the first {PODS} of {} existing pods",
            pods.len()
        ));
    }
    let mut ways: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in &pods[..pods.len().min(PODS)] {
        let found = violations(pod, standard.level);
        if found.is_empty() {
            continue;
        }
        let reasons = found.iter().map(|f| f.split(" (").next().unwrap_or(f));
        let way = reasons.collect::<Vec<_>>().join(", ");
        let names = ways.entry(way).or_default();
        names.push(pod.str_at(&["metadata", "name"]));
    }
    if !ways.is_empty() {
        out.push(format!(
            "existing pods in namespace {namespace:?} violate the new PodSecurity enforce level \"{standard}\""
        ));
    }
    let mut lines: Vec<String> = ways
        .into_iter()
        .map(|(way, names)| {
            let first = names.iter().min().copied().unwrap_or_default();
            match names.len() {
                1 => format!("{first}: {way}"),
                2 => format!("{first} (and 1 other pod): {way}"),
                n => format!("{first} (and {} other pods): {way}", n - 1),
            }
        })
        .collect();
    lines.sort();
    out.append(&mut lines);
    out
}
