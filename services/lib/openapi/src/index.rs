//! The index of v3 documents, `/openapi/v3`.

use catena_objects::{Map, json};

/// `entries` are paths below `/openapi/v3/` (`apis/apps/v1`) and the state of their documents.
pub fn index<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut paths = Map::new();
    for (path, etag) in entries {
        let mut one = Map::new();
        one.insert(
            "serverRelativeURL",
            format!("/openapi/v3/{path}?hash={etag}"),
        );
        paths.insert(path, one);
    }
    paths.sort_keys();
    let mut m = Map::new();
    m.insert("paths", paths);
    json::to_vec(&m.into())
}

/// State of the documents of built-in kinds: that of the program.
pub fn builtin_etag(group: &str, version: &str) -> String {
    etag(&[env!("CARGO_PKG_VERSION"), group, version])
}

/// A short text that changes with its parts, the same in every build and replica.
pub fn etag(parts: &[&str]) -> String {
    // FNV-1a, as the hasher of the library may differ between builds.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016X}")
}
