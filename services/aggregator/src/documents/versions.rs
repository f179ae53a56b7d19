//! `/version`.

use catena_delegate::Response;
use catena_endpoints::encode;
use catena_objects::obj;
use catena_runtime::version;

pub(super) fn answer() -> Response {
    let v = obj!({
        "major": (version::KUBERNETES_MAJOR),
        "minor": (version::KUBERNETES_MINOR),
        "emulationMajor": (version::KUBERNETES_MAJOR),
        "emulationMinor": (version::KUBERNETES_MINOR),
        "minCompatibilityMajor": (version::KUBERNETES_MAJOR),
        "minCompatibilityMinor": "35",
        "gitVersion": (version::GIT_VERSION),
        "gitCommit": (version::GIT_COMMIT),
        "gitTreeState": "clean",
        "buildDate": (version::BUILD_DATE),
        "goVersion": "none (rust)",
        "compiler": "rustc",
        "platform": (format!("{}/{}", std::env::consts::OS, platform()))
    });
    Response::json(200, encode::pretty(&v))
}

/// The name that Go has for the architecture.
fn platform() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
