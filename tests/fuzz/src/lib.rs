//! Everything that reads bytes of clients, as functions for a fuzzer.
//!
//! A target panics when a promise is broken: nothing a client sends may panic,
//! and what is read and written again reads the same. `make fuzz` runs them
//! under libFuzzer; `tests/corpus.rs` runs each over its corpus.

mod targets;

pub type Target = fn(&[u8]);

/// All targets; a folder of `corpus` has the name of each.
pub const TARGETS: &[(&str, Target)] = &[
    ("json", targets::encodings::json),
    ("yaml", targets::encodings::yaml),
    ("protobuf", targets::encodings::protobuf),
    ("cbor", targets::encodings::cbor),
    ("object", targets::encodings::object),
    ("json_patch", targets::patches::json_patch),
    ("merge_patch", targets::patches::merge_patch),
    ("strategic", targets::patches::strategic),
    ("apply", targets::patches::apply),
    ("selectors", targets::texts::selectors),
    ("texts", targets::texts::texts),
    ("headers", targets::texts::headers),
    ("rules", targets::rules::rule),
    ("charts", targets::charts::template),
    ("frames", targets::frames::frames),
    ("query", targets::requests::query),
    ("continue", targets::requests::continued),
    ("core", targets::requests::core),
    ("extensions", targets::requests::extensions),
];

/// A target by name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
}
