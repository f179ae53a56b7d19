//! From when and from where to list: `resourceVersion`, its match, `continue`.

use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use catena_objects::{Map, Status, field, json};

use crate::{
    query::{Query, number_error},
    verbs::Call,
};

/// Go's decoder does not mind bits after the last byte.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// The state that a list or watch asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::verbs) enum At {
    /// Whatever is at hand.
    Any,
    /// This revision or a later one.
    Least(i64),
    Exact(i64),
    /// What every finished write is in.
    Now,
}

/// Where and from when to list.
pub(in crate::verbs) struct Options {
    /// 0: all.
    pub(super) limit: i64,
    pub(super) at: At,
    /// Key to go on from, without the prefix of the resource.
    pub(super) start: Option<String>,
}

impl Options {
    /// `ValidateListOptions`.
    ///
    /// # Errors
    /// 422, with everything that is wrong.
    pub(in crate::verbs) fn check(q: &Query) -> Result<(), Status> {
        let text = |key: &str| q.get(key).unwrap_or_default();
        let errors = check(
            text("resourceVersion"),
            text("resourceVersionMatch"),
            text("continue"),
            q.get("sendInitialEvents").is_some(),
        );
        if errors.is_empty() {
            return Ok(());
        }
        Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors))
    }

    /// Checked options, as `ShouldDelegateList` of `storage` reads them.
    pub(super) fn parse(call: &Call<'_>) -> Result<Self, Status> {
        let q = &call.query;
        let limit = q.int("limit")?.unwrap_or(0).max(0);
        let rv = q.get("resourceVersion").unwrap_or_default();
        let matching = q.get("resourceVersionMatch").unwrap_or_default();
        let continued = q.get("continue").unwrap_or_default();
        if !continued.is_empty() {
            return continue_options(continued, rv, limit);
        }
        let revision = parse_revision(rv)
            .map_err(|why| Status::bad_request(format!("invalid resource version: {why}")))?;
        // Collections are always deleted by pages (`deleteCollectionPageSize`).
        let paged = limit > 0 || call.request.info.verb == "deletecollection";
        let at = match revision {
            _ if rv.is_empty() => At::Now,
            r if matching == "Exact" || (matching.is_empty() && paged && r > 0) => At::Exact(r),
            0 => At::Any,
            r => At::Least(r),
        };
        // What is at hand comes whole: `computeListLimit`.
        let limit = if at == At::Any { 0 } else { limit };
        Ok(Self {
            limit,
            at,
            start: None,
        })
    }
}

/// A `resourceVersion`; "" is 0.
pub(in crate::verbs) fn parse_revision(text: &str) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse::<i64>().ok().filter(|r| *r >= 0).ok_or_else(|| {
        let why = match text.starts_with(['+', '-']) {
            true => "invalid syntax",
            false => number_error(text),
        };
        format!(
            "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: {why}"
        )
    })
}

/// `ValidateListOptions` of `internalversion` for lists.
fn check(rv: &str, matching: &str, continued: &str, initial: bool) -> field::Errors {
    let mut errors = field::Errors::new();
    let path = field::Path::new("resourceVersionMatch");
    if !matching.is_empty() {
        if rv.is_empty() {
            errors.push(field::Error::forbidden(
                &path,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        if !continued.is_empty() {
            errors.push(field::Error::forbidden(
                &path,
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
        if !matches!(matching, "Exact" | "NotOlderThan") {
            errors.push(field::Error::not_supported(
                &path,
                matching,
                &["Exact", "NotOlderThan", ""],
            ));
        }
        if matching == "Exact" && rv == "0" {
            errors.push(field::Error::forbidden(
                &path,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
    }
    if initial {
        errors.push(field::Error::forbidden(
            &field::Path::new("sendInitialEvents"),
            "sendInitialEvents is forbidden for list",
        ));
    }
    errors
}

/// The token of a list that goes on at `start`; a negative revision goes on with
/// what there is then (`EncodeContinue`).
pub(super) fn token(revision: i64, start: &str) -> String {
    let mut m = Map::new();
    m.insert("v", "meta.k8s.io/v1");
    m.insert("rv", revision);
    m.insert("start", start);
    BASE64.encode(json::to_vec(&m.into()))
}

/// `DecodeContinue`.
fn continue_options(token: &str, rv: &str, limit: i64) -> Result<Options, Status> {
    const INVALID: &str = "continue key is not valid";
    let bad = |why: String| {
        Err(Status::bad_request(format!(
            "invalid continue token: {why}"
        )))
    };
    let raw = match BASE64.decode(token) {
        Ok(raw) => raw,
        Err(e) => {
            let at = illegal_at(&e, token);
            return bad(format!("{INVALID}: illegal base64 data at input byte {at}"));
        }
    };
    let v = match json::parse(&raw) {
        Ok(v) => v,
        Err(e) => return bad(format!("{INVALID}: {e}")),
    };
    let version = v.str_at(&["v"]);
    if version != "meta.k8s.io/v1" {
        return bad(format!(
            "{INVALID}: server does not recognize this encoded version {version}"
        ));
    }
    let revision = v.i64_at(&["rv"]).unwrap_or(0);
    if revision == 0 {
        return bad(format!(
            "{INVALID}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"
        ));
    }
    let start = v.str_at(&["start"]).to_owned();
    if start.is_empty() {
        return bad(format!(
            "{INVALID}: encoded start key empty (version meta.k8s.io/v1)"
        ));
    }
    if !is_clean(&start) {
        return bad(format!("{INVALID}: {start}"));
    }
    if !rv.is_empty() && rv != "0" {
        return Err(Status::bad_request(
            "specifying resource version is not allowed when using continue",
        ));
    }
    Ok(Options {
        // As without a token, what is at hand comes whole.
        limit: if rv == "0" { 0 } else { limit },
        at: if revision > 0 {
            At::Exact(revision)
        } else {
            At::Now
        },
        start: Some(start.trim_start_matches('/').to_owned()),
    })
}

/// Where Go's decoder stops.
fn illegal_at(e: &base64::DecodeError, token: &str) -> usize {
    use base64::DecodeError::*;
    match e {
        InvalidByte(at, _) | InvalidLastSymbol(at, _) => *at,
        InvalidLength(_) | InvalidPadding => token.len() / 4 * 4,
    }
}

/// Whether `path.Clean` leaves the key as it is, so that it cannot leave its resource.
fn is_clean(start: &str) -> bool {
    let start = start.strip_prefix('/').unwrap_or(start);
    start
        .split('/')
        .all(|part| !part.is_empty() && part != "." && part != "..")
}
