//! Directions between crates, read from `cargo metadata`.

use std::process::Command;

use serde_json::Value;

const PROCESSES: [&str; 7] = [
    "catena-aggregator",
    "catena-core",
    "catena-extensions",
    "catena-store",
    "catena-tunnel",
    "catena-controllers",
    "catena",
];

/// Crates that hold rules: no runtime, no transport.
const PURE: [&str; 11] = [
    "catena-objects",
    "catena-facts",
    "catena-schema",
    "catena-patch",
    "catena-apply",
    "catena-protobuf",
    "catena-cbor",
    "catena-cel",
    "catena-printers",
    "catena-openapi",
    "catena-jsonpath",
];

struct Package {
    name: String,
    manifest: String,
    dependencies: Vec<String>,
}

fn packages() -> Vec<Package> {
    let out = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(catena_tests_tidy::root())
        .output()
        .expect("cargo metadata runs");
    let v: Value = serde_json::from_slice(&out.stdout).expect("cargo metadata prints JSON");
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    v["packages"]
        .as_array()
        .expect("a list of packages")
        .iter()
        .map(|p| Package {
            name: text(&p["name"]),
            manifest: text(&p["manifest_path"]),
            dependencies: p["dependencies"]
                .as_array()
                .expect("a list of dependencies")
                .iter()
                .filter(|d| d["kind"].is_null())
                .map(|d| text(&d["name"]))
                .collect(),
        })
        .collect()
}

#[test]
fn a_library_never_depends_on_a_process() {
    for p in packages()
        .iter()
        .filter(|p| p.manifest.contains("/services/lib/"))
    {
        for d in &p.dependencies {
            assert!(
                !PROCESSES.contains(&d.as_str()),
                "{} depends on {d}",
                p.name
            );
        }
    }
}

#[test]
fn a_process_never_depends_on_another_process() {
    for p in packages()
        .iter()
        .filter(|p| PROCESSES.contains(&p.name.as_str()))
    {
        for d in p.dependencies.iter().filter(|_| p.name != "catena") {
            assert!(
                !PROCESSES.contains(&d.as_str()),
                "{} depends on {d}",
                p.name
            );
        }
    }
}

#[test]
fn rules_have_no_runtime_and_no_transport() {
    for p in packages()
        .iter()
        .filter(|p| PURE.contains(&p.name.as_str()))
    {
        for banned in ["tokio", "tonic", "hyper"] {
            assert!(
                !p.dependencies.iter().any(|d| d == banned),
                "{} depends on {banned}",
                p.name
            );
        }
    }
}

#[test]
fn only_transports_name_tonic() {
    const ALLOWED: [&str; 6] = [
        "catena-proto",
        "catena-delegate",
        "catena-egress",
        "catena-storage-etcd",
        "catena-store",
        "catena-tunnel",
    ];
    for p in packages() {
        let names = p.dependencies.iter().any(|d| d == "tonic");
        assert!(
            !names || ALLOWED.contains(&p.name.as_str()),
            "{} depends on tonic",
            p.name
        );
    }
}

#[test]
fn the_architecture_page_lists_every_crate() {
    let page = std::fs::read_to_string(catena_tests_tidy::root().join("docs/architecture.md"))
        .expect("docs/architecture.md");
    for p in packages()
        .iter()
        .filter(|p| !p.manifest.contains("/tests/"))
    {
        assert!(
            page.contains(&format!("`{}`", p.name)),
            "{} is not in docs/architecture.md",
            p.name
        );
    }
}
