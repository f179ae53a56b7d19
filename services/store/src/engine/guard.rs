//! Notices a lost end of history. A journal whose middle is damaged looks like
//! one that a crash cut off: what comes after is dropped without a word. So a
//! file of its own says, a little late, which revision was durable.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Error;

const FILE: &str = "revision";

pub(super) struct Guard {
    path: PathBuf,
    written: i64,
}

impl Guard {
    /// # Errors
    /// When a revision that was durable is not there any more.
    pub(super) fn open(dir: &Path, found: i64) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Error::read(e)),
        };
        // It is not synced, so a crash of the machine may have left it empty.
        let written = text.trim().parse().unwrap_or(0);
        if found < written {
            return Err(Error::corrupt(format!(
                "history ends at revision {found}, but revision {written} was there: \
                 restore a backup, or remove {} to go on without what is lost",
                path.display()
            )));
        }
        Ok(Self { path, written })
    }

    /// `revision` is durable.
    pub(super) fn write(&mut self, revision: i64) {
        if revision <= self.written {
            return;
        }
        let new = self.path.with_extension("new");
        let written = fs::write(&new, format!("{revision}\n"));
        match written.and_then(|()| fs::rename(&new, &self.path)) {
            Ok(()) => self.written = revision,
            Err(e) => tracing::warn!(error = %e, "the newest revision could not be noted"),
        }
    }
}
