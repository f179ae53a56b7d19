//! `proto/src/gen` is what the `.proto` files say.
//!
//! `CATENA_UPDATE=1 cargo test -p catena-tests-generated` writes it anew.

use std::{fs, path::Path};

const FILES: [&str; 4] = [
    "catena/delegate/v1/delegate.proto",
    "catena/tunnel/v1/tunnel.proto",
    "etcd/v3/kv.proto",
    "etcd/v3/rpc.proto",
];

fn generate(proto: &Path, out: &Path) {
    let files = FILES.map(|f| proto.join(f));
    let descriptors = protox::compile(files, [proto]).expect("the files compile");
    tonic_prost_build::configure()
        .bytes(".")
        .out_dir(out)
        .compile_fds(descriptors)
        .expect("code is generated");
}

#[test]
fn committed_code_is_current() {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let committed = proto.join("src/gen");
    if std::env::var_os("CATENA_UPDATE").is_some() {
        generate(&proto, &committed);
        return;
    }
    let out = tempfile::tempdir().expect("a directory");
    generate(&proto, out.path());
    let mut seen = 0;
    for entry in fs::read_dir(out.path()).expect("generated files") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let new = fs::read_to_string(entry.path()).expect("generated code");
        let old = fs::read_to_string(committed.join(&name)).unwrap_or_default();
        assert!(new == old, "{} is out of date", name.display());
        seen += 1;
    }
    let committed = fs::read_dir(&committed).expect("committed code").count();
    assert_eq!(seen, committed, "files that nothing generates");
}
