//! Recorded conversations with kube-apiserver 1.36: as many answers are the
//! same as at any time before.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use catena_tests_conformance::{Client, read, replay_all};
use catena_tests_it::ControlPlane;

/// Conversations whose answers tell how far a controller has come.
const RACES: [&str; 1] = ["defaults/apiextensions-CustomResourceDefinition"];

/// Differences that a failure shows.
const SHOWN: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_recorded() {
    let files = recordings();
    if files.is_empty() {
        println!("skipped: recordings are absent");
        return;
    }
    let plane = ControlPlane::start(&["--controllers=false"]);
    let client = Client::new(&plane.url()).expect("a client");
    let least = counts();
    let mut now = least.clone();
    let mut worse = Vec::new();
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy();
        let mut conversations = read(&file).expect("conversations");
        conversations.retain(|c| !RACES.contains(&c.id.as_str()));
        let outcome = replay_all(&client, &conversations).await;
        println!("{name}: {} of {} same", outcome.same, outcome.steps);
        let least = least.get(&*name).copied().unwrap_or(0);
        if outcome.same < least {
            let first = &outcome.wrong[..outcome.wrong.len().min(SHOWN)];
            println!("{}", first.join("\n"));
            worse.push(format!("{name}: {} same, {least} before", outcome.same));
        }
        now.insert(name.into_owned(), least.max(outcome.same));
    }
    if std::env::var_os("CATENA_UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&now).expect("counts");
        std::fs::write(counts_file(), text + "\n").expect("counts are written");
    }
    assert!(worse.is_empty(), "{worse:?}");
}

/// Files of `CATENA_RECORDED`, or of the folder beside the workspace.
fn recordings() -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/recorded");
    let folder = std::env::var_os("CATENA_RECORDED").map_or(beside, PathBuf::from);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    files.sort();
    files
}

fn counts_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.json")
}

/// Steps that have to be the same, by file; they only grow.
fn counts() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(counts_file()).expect("counts.json");
    serde_json::from_str(&text).expect("counts")
}
