//! What a server of some version can do.

/// Whether answers to progress requests are ordered with events. Before 3.4.31
/// and 3.5.13 a server sent them past events that waited (etcd issue 15220);
/// kube-apiserver draws the same line (`FeatureSupportChecker`).
pub(crate) fn orders_progress(version: &str) -> bool {
    let mut parts = version.split(['.', '-', '+']).map(str::parse::<u32>);
    let mut next = || parts.next().and_then(std::result::Result::ok);
    match (next(), next(), next()) {
        (Some(3), Some(4), Some(patch)) => patch >= 31,
        (Some(3), Some(5), Some(patch)) => patch >= 13,
        (Some(3), Some(minor), Some(_)) => minor >= 6,
        (Some(major), Some(_), Some(_)) => major > 3,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::orders_progress;

    #[test]
    fn old_servers_are_known() {
        for old in ["3.4.23", "3.5.12", "3.3.30", "2.3.8", "", "x"] {
            assert!(!orders_progress(old), "{old}");
        }
        for new in ["3.4.31", "3.5.13", "3.6.0", "3.6.0-rc.1", "4.0.0"] {
            assert!(orders_progress(new), "{new}");
        }
    }
}
