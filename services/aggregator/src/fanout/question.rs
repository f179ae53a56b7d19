//! What a watch asks for: what it shares with others, and what is its own.

use std::time::Duration;

use catena_delegate::Request;
use catena_endpoints::query::Query;
use form_urlencoded::Serializer;
use http::header;

use super::Key;

/// Bounds of the random duration of a watch without `timeoutSeconds`
/// (`--min-request-timeout` and twice as long).
const SHORTEST: u64 = 1800;
/// The shared watch outlives its clients; when it ends, it is resumed.
const UPSTREAM_SECONDS: &str = "86400";
/// Parameters that do not tell watches apart: where they begin, and the rest.
const START: [&str; 3] = [
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
];
const OWN: [&str; 3] = ["watch", "allowWatchBookmarks", "timeoutSeconds"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    After(i64),
    /// The objects that there are come first, then a bookmark.
    State,
}

#[derive(Debug)]
pub(super) struct Question {
    pub(super) key: Key,
    pub(super) start: Start,
    /// The client wants bookmarks.
    pub(super) bookmarks: bool,
    pub(super) timeout: Duration,
}

impl Question {
    /// `None`: no watch, or one that is not shared. Tables carry their columns in
    /// the first event; what is malformed the delegate answers.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let info = &request.info;
        let watch = request.method == "GET" && info.is_resource && info.verb == "watch";
        let accepted = request.header(header::ACCEPT.as_str());
        if !watch || !info.subresource.is_empty() || accepted.contains("as=Table") {
            return None;
        }
        let query = Query::parse(&request.query);
        // Paths of watches have rules of their own.
        if !query.bool("watch") {
            return None;
        }
        let start = start(&query)?;
        let timeout = match query.int("timeoutSeconds") {
            Ok(None) => rand::random_range(SHORTEST..2 * SHORTEST),
            Ok(Some(seconds)) => u64::try_from(seconds).ok().filter(|s| *s > 0)?,
            Err(_) => return None,
        };
        Some(Self {
            key: [request.path.clone(), accepted.to_owned(), shared(&query)],
            start,
            bookmarks: query.bool("allowWatchBookmarks"),
            timeout: Duration::from_secs(timeout),
        })
    }

    /// The request for a watch that others may share: with bookmarks, and longer
    /// than any of them.
    pub(super) fn upstream(&self, mut request: Request) -> Request {
        let given = Query::parse(&request.query);
        let mut query = base(&self.key);
        for name in START {
            if let Some(value) = given.get(name) {
                query.append_pair(name, value);
            }
        }
        request.query = query.finish();
        request
    }
}

/// The request that goes on after a revision.
pub(super) fn resumed(mut request: Request, key: &Key, revision: i64) -> Request {
    let mut query = base(key);
    query.append_pair("resourceVersion", &revision.to_string());
    request.query = query.finish();
    request
}

fn base(key: &Key) -> Serializer<'static, String> {
    let mut query = Serializer::new(String::new());
    query.append_pair("watch", "true");
    query.append_pair("allowWatchBookmarks", "true");
    query.append_pair("timeoutSeconds", UPSTREAM_SECONDS);
    query.extend_pairs(form_urlencoded::parse(key[2].as_bytes()));
    query
}

fn shared(query: &Query) -> String {
    let same = |name: &str| !START.contains(&name) && !OWN.contains(&name);
    let pairs = query.pairs().filter(|(name, _)| same(name));
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Where a watch begins, if it is one of the usual ways.
fn start(query: &Query) -> Option<Start> {
    let text = |name| query.get(name).unwrap_or_default();
    let revision = match text("resourceVersion") {
        "" => 0,
        digits => digits.parse::<i64>().ok().filter(|r| *r >= 0)?,
    };
    match (query.get("sendInitialEvents"), text("resourceVersionMatch")) {
        (None, "") if revision > 0 => Some(Start::After(revision)),
        (None, "") | (Some("true" | "1"), "NotOlderThan") => Some(Start::State),
        _ => None,
    }
}
