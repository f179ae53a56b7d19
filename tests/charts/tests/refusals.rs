//! Values that are refused, and why.

use catena_tests_charts::Helm;

/// Values, and a part of the message.
const REFUSED: [(&str, &str); 17] = [
    ("core.replica=2", "'replica' not allowed"),
    ("cores.replicas=2", "'cores' not allowed"),
    ("aggregator.service.prot=443", "'prot' not allowed"),
    ("aggregator.autoscaling.cpu=50", "'cpu' not allowed"),
    ("store.persistence.siez=1Gi", "'siez' not allowed"),
    (
        "controllers.autoscaling.enabled=true",
        "'autoscaling' not allowed",
    ),
    ("core.resources.request.cpu=1", "'request' not allowed"),
    ("tracing.protocol=http", "/tracing/protocol"),
    ("tracing.samplingRatio=2", "/tracing/samplingRatio"),
    ("certificates.mode=certmanager", "/certificates/mode"),
    ("store.replicas=3", "/store/replicas"),
    (
        "store.enabled=false",
        "store.enabled=false needs etcd.servers",
    ),
    (
        "etcd.servers={http://etcd:2379}",
        "needs store.enabled=false",
    ),
    (
        "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "image.digest is that of one image",
    ),
    ("tunnel.enabled=true", "tunnel.sshSecretName"),
    (
        "tunnel.reverse.enabled=true",
        "tunnel.reverse.enabled needs tunnel.enabled",
    ),
    ("tunnel.reverse.port=443", "/tunnel/reverse/port"),
];

#[test]
fn what_is_misspelt_or_contradicts_itself_is_refused() {
    let Some(helm) = Helm::find() else { return };
    for (values, why) in REFUSED {
        let said = helm.refusal(&["--set", values]);
        assert!(said.contains(why), "{values}: {said}");
    }
}

#[test]
fn what_contradicts_several_values_is_refused() {
    let Some(helm) = Helm::find() else { return };
    let both = [
        (
            "core.autoscaling.minReplicas=9,core.autoscaling.enabled=true",
            "must not be above maxReplicas",
        ),
        (
            "core.autoscaling.cpuUtilization=0,core.autoscaling.enabled=true",
            "needs cpuUtilization or requestsInFlight",
        ),
        (
            "store.enabled=false,etcd.servers={https://etcd:2379}",
            "needs etcd.tls.secretName",
        ),
        (
            "certificates.helm.days=30,certificates.helm.renewDays=30",
            "must be more than",
        ),
    ];
    for (values, why) in both {
        let said = helm.refusal(&["--set", values]);
        assert!(said.contains(why), "{values}: {said}");
    }
}
