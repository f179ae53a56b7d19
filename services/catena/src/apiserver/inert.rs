//! Flags of kube-apiserver that change nothing here; each is named in the log.

/// Flags that take no value, or `=true` and `=false`.
const SWITCHES: [&str; 11] = [
    "contention-profiling",
    "enable-aggregator-routing",
    "enable-garbage-collector",
    "enable-logs-handler",
    "enable-priority-and-fairness",
    "permit-port-sharing",
    "permit-address-sharing",
    "profiling",
    "service-account-lookup",
    "shutdown-send-retry-after",
    "watch-cache",
];

/// Flags with a value, as `--flag=value` or `--flag value`.
const VALUES: [&str; 23] = [
    "apiserver-count",
    "audit-log-maxage",
    "audit-log-maxbackup",
    "audit-log-maxsize",
    "audit-log-path",
    "audit-policy-file",
    "default-watch-cache-size",
    "endpoint-reconciler-type",
    "etcd-compaction-interval",
    "etcd-count-metric-poll-period",
    "event-ttl",
    "external-hostname",
    "goaway-chance",
    "http2-max-streams-per-connection",
    "kubelet-timeout",
    "livez-grace-period",
    "min-request-timeout",
    "runtime-config",
    "service-account-max-token-expiration",
    "storage-backend",
    "storage-media-type",
    "tls-cipher-suites",
    "tls-min-version",
];

/// The arguments without inert flags, and the names of those that were given.
pub(super) fn without(args: Vec<String>) -> (Vec<String>, Vec<String>) {
    let mut kept = Vec::new();
    let mut ignored = Vec::new();
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        let name = arg.strip_prefix("--").unwrap_or_default();
        let (name, value) = name
            .split_once('=')
            .map_or((name, None), |(n, v)| (n, Some(v)));
        // As pflag has it, `_` is `-`.
        let name = name.replace('_', "-");
        if SWITCHES.contains(&name.as_str()) {
            ignored.push(name);
        } else if VALUES.contains(&name.as_str()) {
            if value.is_none() {
                args.next();
            }
            ignored.push(name);
        } else {
            kept.push(arg);
        }
    }
    (kept, ignored)
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn inert_flags_go_with_their_values() {
        let args = [
            "--secure-port=1",
            "--event-ttl",
            "1h",
            "--profiling",
            "--audit_log_path=-",
            "--v=2",
        ];
        let (kept, ignored) = without(args.map(str::to_owned).to_vec());
        assert_eq!(kept, ["--secure-port=1", "--v=2"]);
        assert_eq!(ignored, ["event-ttl", "profiling", "audit-log-path"]);
    }
}
