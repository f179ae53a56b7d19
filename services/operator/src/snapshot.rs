//! `backup`: one snapshot of a store into a directory, checked, with the oldest
//! ones beyond a number deleted.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{Context as Hash, SHA256, SHA256_OUTPUT_LEN};
use catena_storage_etcd::EtcdStorage;

use crate::{options::BackupOptions, storage::backup::Report};

/// A snapshot is blocks of that many bytes and a hash of them, as `etcdctl` has it.
const BLOCK: usize = 512;
/// No backup takes longer: its Job is ended then.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);

/// Takes a backup, whole or not at all, and reports it.
///
/// # Errors
/// When the store does not give all of it, or it cannot be written.
pub(crate) async fn take(options: &BackupOptions) -> anyhow::Result<()> {
    let path = options.directory.join(&options.file);
    let part = options.directory.join(format!(".{}.part", options.file));
    let written = write(options, &part).await;
    let size = match written {
        Ok(size) => size,
        Err(e) => {
            let _ = fs::remove_file(&part);
            return Err(e);
        }
    };
    fs::rename(&part, &path).with_context(|| path.display().to_string())?;
    fs::File::open(&options.directory)?.sync_all()?;
    let files = tidy(options)?;
    tracing::info!(file = options.file, size, "the backup is there");
    let report = Report {
        file: options.file.clone(),
        size: i64::try_from(size)?,
        files,
    };
    let text = serde_json::to_string(&report)?;
    // Only a container has one.
    if options.report.exists()
        || options
            .report
            .parent()
            .is_some_and(|p| p != Path::new("/dev"))
    {
        fs::write(&options.report, &text).with_context(|| options.report.display().to_string())?;
    }
    Ok(())
}

async fn write(options: &BackupOptions, part: &Path) -> anyhow::Result<usize> {
    let storage = EtcdStorage::connect(&options.etcd)?;
    let mut pieces = storage.snapshot().await?;
    let file = fs::File::create(part).with_context(|| part.display().to_string())?;
    let mut file = io::BufWriter::new(file);
    let mut sum = Sum::new();
    while let Some(piece) = pieces.next().await? {
        sum.add(&piece);
        file.write_all(&piece)?;
    }
    sum.check()?;
    file.into_inner()?.sync_all()?;
    Ok(sum.length)
}

/// Hashes all but the last bytes, which are the hash.
struct Sum {
    hash: Hash,
    tail: Vec<u8>,
    length: usize,
}

impl Sum {
    fn new() -> Self {
        Self {
            hash: Hash::new(&SHA256),
            tail: Vec::new(),
            length: 0,
        }
    }

    fn add(&mut self, piece: &[u8]) {
        self.length += piece.len();
        self.tail.extend_from_slice(piece);
        let known = self.tail.len().saturating_sub(SHA256_OUTPUT_LEN);
        self.hash.update(&self.tail[..known]);
        self.tail.drain(..known);
    }

    fn check(&self) -> anyhow::Result<()> {
        let hash = self.hash.clone().finish();
        if self.length % BLOCK != SHA256_OUTPUT_LEN || hash.as_ref() != self.tail {
            bail!("the snapshot is not whole: its hash does not fit");
        }
        Ok(())
    }
}

/// Deletes the oldest backups beyond those that are kept; the names of the rest.
/// Names begin with the time, so their order is that of age.
fn tidy(options: &BackupOptions) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(&options.directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".part") && is_left(&entry) {
            let _ = fs::remove_file(entry.path());
        } else if name.ends_with(".db") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    let surplus = names.len().saturating_sub(options.keep);
    let kept = |name: &String| *name == options.file || options.never_delete.contains(name);
    let old: Vec<String> = names[..surplus]
        .iter()
        .filter(|n| !kept(n))
        .cloned()
        .collect();
    for name in &old {
        fs::remove_file(options.directory.join(name)).with_context(|| name.clone())?;
    }
    names.retain(|n| !old.contains(n));
    Ok(names)
}

/// Whether no backup that runs still writes a file.
fn is_left(entry: &fs::DirEntry) -> bool {
    let changed = entry.metadata().and_then(|m| m.modified());
    changed.is_ok_and(|t| t.elapsed().is_ok_and(|age| age > LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_is_cut_is_noticed() {
        let block = vec![7; BLOCK];
        let hash = aws_lc_rs::digest::digest(&SHA256, &block);
        let mut whole = Sum::new();
        whole.add(&block[..100]);
        whole.add(&block[100..]);
        whole.add(&hash.as_ref()[..5]);
        whole.add(&hash.as_ref()[5..]);
        whole.check().expect("whole");
        let mut cut = Sum::new();
        cut.add(&block);
        cut.add(&hash.as_ref()[..31]);
        assert!(cut.check().is_err());
    }
}
