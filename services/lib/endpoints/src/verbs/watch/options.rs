//! How a watch begins and how long it lasts.

use std::time::Duration;

use catena_objects::{
    Reason, Status,
    field::{Error, Errors, Path},
};

use crate::{
    query::Query,
    verbs::list::{self, At, parse_revision},
};

/// Bounds of the random duration of a watch without `timeoutSeconds`.
const SHORTEST_SECONDS: u64 = 1800;

pub(super) struct Options {
    pub(super) timeout: Duration,
    pub(super) bookmarks: bool,
    /// Without a state to begin with: events after this revision.
    pub(super) revision: i64,
    /// The watch begins with a state of the resource...
    pub(super) state: Option<At>,
    /// ...whose objects are sent as ADDED...
    pub(super) initial: bool,
    /// ...and a bookmark tells when they are complete.
    pub(super) announce: bool,
}

impl Options {
    /// Without a version, and from version 0, a watch starts with what there is,
    /// unless `sendInitialEvents` says otherwise (`SetListOptionsDefaults`).
    pub(super) fn parse(q: &Query) -> Result<Self, Status> {
        let timeout = match q.int("timeoutSeconds")? {
            Some(s) if s > 0 => s.unsigned_abs(),
            _ => rand::random_range(SHORTEST_SECONDS..2 * SHORTEST_SECONDS),
        };
        let rv = q.get("resourceVersion").unwrap_or_default();
        let revision = parse_revision(rv);
        let asked = q.get("sendInitialEvents");
        let asked = asked.map(|_| q.bool("sendInitialEvents"));
        // Paths of watches are read as lists at first (`forceWatch`).
        let named = q.bool("watch");
        let defaulted = named
            && asked.is_none()
            && q.get("resourceVersionMatch").is_none_or(str::is_empty)
            && matches!(rv, "" | "0");
        match named {
            true => check(q, asked, defaulted)?,
            false => list::Options::check(q)?,
        }
        // The watch cache reports it as it comes.
        let revision = revision.map_err(|why| Status::new(Reason::Unknown, why))?;
        let state = match (asked, revision) {
            (_, 0) if rv.is_empty() => Some(At::Now),
            (_, 0) => Some(At::Any),
            (Some(true), r) => Some(At::Least(r)),
            (Some(false) | None, _) => None,
        };
        Ok(Self {
            timeout: Duration::from_secs(timeout),
            bookmarks: q.bool("allowWatchBookmarks"),
            revision,
            state,
            initial: asked != Some(false),
            announce: asked == Some(true) || defaulted,
        })
    }
}

/// `validateWatchOptions` of `internalversion`.
fn check(q: &Query, sends: Option<bool>, defaulted: bool) -> Result<(), Status> {
    let mut errors = Errors::new();
    let (matching, sends) = if defaulted {
        ("NotOlderThan", Some(true))
    } else {
        (q.get("resourceVersionMatch").unwrap_or_default(), sends)
    };
    let continued = q.get("continue").unwrap_or_default();
    let path = Path::new("resourceVersionMatch");
    if sends.is_some() && matching != "NotOlderThan" {
        errors.push(Error::forbidden(
            &path,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    if !matching.is_empty() {
        if sends.is_none() {
            errors.push(Error::forbidden(
                &path,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if matching != "NotOlderThan" {
            errors.push(Error::not_supported(&path, matching, &["NotOlderThan"]));
        }
        if !continued.is_empty() {
            errors.push(Error::forbidden(
                &path,
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors))
}
