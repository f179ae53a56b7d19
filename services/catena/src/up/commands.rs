//! The command lines of the children.

use catena_runtime::log;

use super::{Options, Plan, children::Child};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// The children, in the order in which they start; they end in the reverse one.
pub(super) fn all(
    options: &Options,
    plan: &Plan,
    log: &log::Options,
) -> anyhow::Result<Vec<Child>> {
    let common = common(log);
    let mut out = Vec::new();
    if options.etcd_servers.is_empty() {
        let args = vec![
            format!("--data-dir={}", plan.dir.join("data").display()),
            format!("--listen={}", plan.dir.join("store.sock").display()),
        ];
        out.push(Child::new("store", "store", args, &common));
    }
    let cores = plan.sockets("core", options.replicas);
    for (i, socket) in cores.iter().enumerate() {
        let args = core(options, plan, socket)?;
        out.push(Child::new(&format!("core-{i}"), "core", args, &common));
    }
    let extensions = plan.sockets("extensions", options.replicas);
    for (i, socket) in extensions.iter().enumerate() {
        let args = delegate(options, plan, socket);
        let name = format!("extensions-{i}");
        out.push(Child::new(&name, "extensions", args, &common));
    }
    let mut args = aggregator(options, plan)?;
    args.push(features(options));
    args.push(format!("--core-endpoints={}", cores.join(",")));
    args.push(format!("--extensions-endpoints={}", extensions.join(",")));
    out.push(Child::new("aggregator", "aggregator", args, &common));
    Ok(out)
}

/// They are a client of the others, and start when these are ready.
pub(super) fn controllers(plan: &Plan, log: &log::Options) -> anyhow::Result<Child> {
    let config = plan.dir.join("controllers.kubeconfig");
    let args = vec![
        format!("--kubeconfig={}", config.display()),
        format!("--root-ca-file={}", plan.pki.ca()?.display()),
    ];
    Ok(Child::new("controllers", "controllers", args, &common(log)))
}

fn common(log: &log::Options) -> Vec<String> {
    let mut out = vec![
        format!("--v={}", log.verbosity),
        format!("--logging-format={}", log.logging_format),
    ];
    if let Some(file) = &log.tracing_config_file {
        out.push(format!("--tracing-config-file={}", file.display()));
    }
    if let Some(endpoint) = &log.tracing_endpoint {
        out.push(format!("--tracing-endpoint={endpoint}"));
        let rate = log.tracing_sampling_rate_per_million;
        out.push(format!("--tracing-sampling-rate-per-million={rate}"));
    }
    out
}

fn etcd(plan: &Plan) -> String {
    format!("--etcd-servers={}", plan.etcd.join(","))
}

/// What core and extensions have in common.
fn delegate(options: &Options, plan: &Plan, socket: &str) -> Vec<String> {
    vec![
        format!("--listen={socket}"),
        format!("--pki-dir={}", plan.pki_dir.display()),
        etcd(plan),
        features(options),
    ]
}

fn features(options: &Options) -> String {
    let gates = options.features.feature_gates.join(",");
    format!("--feature-gates={gates}")
}

/// Whose certificates the front believes; core publishes it.
fn trust(plan: &Plan) -> anyhow::Result<Vec<String>> {
    let proxies = plan.pki.front_proxy_ca()?;
    Ok(vec![
        format!("--client-ca-file={}", plan.pki.ca()?.display()),
        format!("--requestheader-client-ca-file={}", proxies.display()),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
    ])
}

fn core(options: &Options, plan: &Plan, socket: &str) -> anyhow::Result<Vec<String>> {
    let (signing, _) = plan.pki.signing_key("sa")?;
    let kubelets = plan.pki.client(
        "apiserver-kubelet-client",
        "kube-apiserver-kubelet-client",
        Some("system:masters"),
    )?;
    let mut out = delegate(options, plan, socket);
    out.extend([
        format!(
            "--service-cluster-ip-range={}",
            options.service_cluster_ip_range
        ),
        format!("--allow-privileged={}", options.allow_privileged),
        format!("--kubelet-client-certificate={}", kubelets.cert.display()),
        format!("--kubelet-client-key={}", kubelets.key.display()),
        // As kubeadm has it: names of nodes are rarely in the DNS of this machine.
        "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname".to_owned(),
        format!("--advertise-address={}", options.bind_address),
        format!("--secure-port={}", options.secure_port),
        format!("--service-account-issuer={ISSUER}"),
        format!("--service-account-signing-key-file={}", signing.display()),
        format!("--authorization-mode={}", options.authorization_mode),
    ]);
    out.extend(trust(plan)?);
    out.extend(options.egress.args());
    Ok(out)
}

fn aggregator(options: &Options, plan: &Plan) -> anyhow::Result<Vec<String>> {
    let (signing, public) = plan.pki.signing_key("sa")?;
    let proxy = plan.pki.front_proxy_client()?;
    let mut out = vec![
        format!("--bind-address={}", options.bind_address),
        format!("--secure-port={}", options.secure_port),
        format!("--advertise-address={}", options.bind_address),
        format!("--cert-dir={}", plan.pki_dir.display()),
        format!("--proxy-client-cert-file={}", proxy.cert.display()),
        format!("--proxy-client-key-file={}", proxy.key.display()),
        etcd(plan),
        format!("--service-account-issuer={ISSUER}"),
        format!("--service-account-key-file={}", public.display()),
        format!("--service-account-signing-key-file={}", signing.display()),
        "--enable-bootstrap-token-auth=true".to_owned(),
        format!("--authorization-mode={}", options.authorization_mode),
    ];
    out.extend(trust(plan)?);
    out.extend(options.egress.args());
    if let Some(file) = &options.token_auth_file {
        out.push(format!("--token-auth-file={}", file.display()));
    }
    Ok(out)
}
