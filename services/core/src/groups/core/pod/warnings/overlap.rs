//! Files of a volume at the same path, or below one another
//! (`warningsForOverlappingVirtualPaths`).

use crate::rules::At;

/// Where a file is, and where it comes from in a projected volume.
#[derive(Clone, PartialEq)]
struct File {
    path: String,
    source: String,
}

impl File {
    fn shown(&self) -> String {
        match self.source.as_str() {
            "" => format!("{:?}", self.path),
            source => format!("{:?} ({source})", self.path),
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let below =
            |a: &Self, b: &Self| format!("{}/", a.path).starts_with(&format!("{}/", b.path));
        !self.path.is_empty()
            && !other.path.is_empty()
            && (self == other || below(self, other) || below(other, self))
    }
}

pub(super) fn warn(volumes: &At, out: &mut Vec<String>) {
    for volume in volumes.items() {
        let name = volume.text("name");
        let mut say = |what: &str, pairs: Vec<(File, File)>| {
            out.extend(pairs.iter().map(|(a, b)| {
                let (a, b) = (a.shown(), b.shown());
                format!("volume {name:?} ({what}): overlapping paths: {a} with {b}")
            }));
        };
        for (source, kind, key) in [
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
        ] {
            let at = volume.child(source);
            let what = format!("{kind} {:?}", at.text(key));
            say(&what, overlaps(items(&at, "")));
        }
        say(
            "DownwardAPI",
            overlaps(items(&volume.child("downwardAPI"), "")),
        );
        let sources = volume.child("projected").child("sources");
        say(
            "Projected",
            overlaps(sources.items().flat_map(|s| projected(&s)).collect()),
        );
    }
}

fn items(source: &At, from: &str) -> Vec<File> {
    let file = |item: At| File {
        path: item.text("path").trim_end_matches('/').to_owned(),
        source: from.to_owned(),
    };
    source.child("items").items().map(file).collect()
}

/// Files of one source of a projected volume.
fn projected(at: &At) -> Vec<File> {
    for (source, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        let from = at.child(source);
        if from.child("items").has() {
            return items(&from, &format!("{kind} {:?}", from.text("name")));
        }
    }
    if at.child("downwardAPI").child("items").has() {
        return items(&at.child("downwardAPI"), "DownwardAPI");
    }
    let file = |path: &str, source: String| File {
        path: path.trim_end_matches('/').to_owned(),
        source,
    };
    if at.child("serviceAccountToken").has() {
        let path = at.child("serviceAccountToken");
        return vec![file(path.text("path"), "ServiceAccountToken".to_owned())];
    }
    let bundle = at.child("clusterTrustBundle");
    if bundle.has() {
        let name = match bundle.text("name") {
            "" => bundle.text("signerName"),
            name => name,
        };
        return vec![file(
            bundle.text("path"),
            format!("ClusterTrustBundle {name:?}"),
        )];
    }
    let certificate = at.child("podCertificate");
    [
        ("certificateChainPath", "PodCertificate chain"),
        ("keyPath", "PodCertificate key"),
        ("credentialBundlePath", "PodCertificate credential bundle"),
    ]
    .into_iter()
    .filter(|(key, _)| !certificate.text(key).is_empty())
    .map(|(key, source)| file(certificate.text(key), source.to_owned()))
    .collect()
}

/// Each file with those before it that it meets.
fn overlaps(files: Vec<File>) -> Vec<(File, File)> {
    let mut out = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let before = files[..i].iter().filter(|other| file.meets(other));
        out.extend(before.map(|other| (file.clone(), other.clone())));
    }
    out
}
