//! Our own conversations: answers that follow from the rules, and in `asked.jsonl`,
//! `deletions.jsonl`, `posts.jsonl`, `writes.jsonl` and `kube_apiserver.jsonl` those that
//! kube-apiserver 1.36.2 gave.
//! All are right.

use std::path::{Path, PathBuf};

use catena_tests_conformance::{Client, Conversation, read, replay_all};
use catena_tests_it::ControlPlane;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_follow_the_rules() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("cases")
        .map(|e| e.expect("an entry").path())
        .collect();
    files.sort();
    let conversations: Vec<Conversation> = files
        .iter()
        .flat_map(|file| read(file).expect("conversations"))
        .collect();
    let plane = ControlPlane::start(&[]);
    let client = Client::new(&plane.url()).expect("a client");
    let outcome = replay_all(&client, &conversations).await;
    println!("{} of {} right", outcome.same, outcome.steps);
    assert!(outcome.wrong.is_empty(), "{}", outcome.wrong.join("\n"));
}
