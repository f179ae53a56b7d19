//! Content negotiation: what the client accepts, as Kubernetes chooses it.

use catena_objects::{Reason, Status};
use catena_runtime::features::{self, Feature};

use crate::table::Include;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Yaml,
    Protobuf,
    /// With its feature gate only.
    Cbor,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
            Self::Cbor => CBOR,
        }
    }

    fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "application/json" => Some(Self::Json),
            "application/yaml" => Some(Self::Yaml),
            "application/vnd.kubernetes.protobuf" => Some(Self::Protobuf),
            CBOR if features::enabled(Feature::Cbor) => Some(Self::Cbor),
            _ => None,
        }
    }
}

/// What an object is turned into before it is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Plain,
    /// Version of meta.k8s.io.
    Table(String),
    Metadata(String),
    MetadataList(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub format: Format,
    pub shape: Shape,
    pub pretty: bool,
    /// What rows of a table carry of their objects.
    pub include: Include,
}

const BUILTIN: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const CUSTOM: &str = "application/json, application/yaml";
const CBOR: &str = "application/cbor";

/// Media types that bodies and answers may have.
fn supported(custom: bool) -> String {
    let mut list = if custom { CUSTOM } else { BUILTIN }.to_owned();
    if features::enabled(Feature::Cbor) {
        list.push_str(", ");
        list.push_str(CBOR);
    }
    list
}

const NO_ROUTE: &str = "406: Not Acceptable\n\nAvailable representations: ";

/// No route gives what the client accepts; those of collections give streams too.
fn none_matches(streams: bool) -> Status {
    let mut list = supported(false);
    if streams {
        list.push_str(", application/json;stream=watch");
        list.push_str(", application/vnd.kubernetes.protobuf;stream=watch");
        if features::enabled(Feature::Cbor) {
            list.push_str(", application/cbor-seq");
        }
    }
    no_route(&list)
}

fn no_route(available: &str) -> Status {
    let message = format!("{NO_ROUTE}{available}");
    let mut s = Status::new(Reason::NotAcceptable, message);
    s.details = Some(Box::default());
    s
}

/// Whether a route that gives one media type is what the client accepts: whole
/// types are compared, without parameters.
///
/// # Errors
/// 406, with the type.
pub fn route(accept: &str, produces: &str) -> Result<(), Status> {
    let mut clauses = accept.split(',').map(Clause::parse);
    let fits = |clause: Clause<'_>| ["*/*", produces].contains(&clause.media_type);
    if accept.trim().is_empty() || clauses.any(fits) {
        return Ok(());
    }
    Err(no_route(produces))
}

/// Which of several media types the client likes best; `None`: it accepts none.
pub fn preferred(accept: &str, types: &[&str]) -> Option<usize> {
    let accept = if accept.trim().is_empty() {
        "*/*"
    } else {
        accept
    };
    let clauses = by_quality(accept);
    clauses.iter().find_map(|clause| {
        let mut types = types.iter();
        types.position(|t| ["*/*", "application/*", *t].contains(&clause.media_type))
    })
}

/// As [`plain`], where no route comes before it.
///
/// # Errors
/// 406, with what there is.
pub fn unrouted(accept: &str) -> Result<Output, Status> {
    let mut output = plain("")?;
    if !accept.trim().is_empty() {
        output.format = shapeless(accept).ok_or_else(not_acceptable)?;
    }
    Ok(output)
}

/// A watch in a format that has no streams.
pub(crate) fn no_stream() -> Status {
    let message = "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
    Status::new(Reason::NotAcceptable, message)
}

/// The format of what has no shapes, such as discovery.
///
/// # Errors
/// 406, with what there is.
pub fn plain(accept: &str) -> Result<Output, Status> {
    let output = choose(accept, false, false, false)?;
    if output.shape == Shape::Plain {
        return Ok(output);
    }
    let format = shapeless(accept).ok_or_else(not_acceptable)?;
    Ok(Output {
        format,
        shape: Shape::Plain,
        ..output
    })
}

/// The format of a failure, which has no shapes; JSON where none is accepted.
pub(crate) fn of_failure(accept: &str) -> Format {
    shapeless(accept).unwrap_or(Format::Json)
}

/// What the client accepts, the best first.
fn by_quality(accept: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = accept.split(',').map(Clause::parse).collect();
    clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    clauses
}

fn shapeless(accept: &str) -> Option<Format> {
    let clauses = by_quality(accept);
    let mut plain = clauses.iter().filter(|c| c.param("as").is_empty());
    plain.find_map(|c| c.format(false))
}

/// Custom resources are told of protobuf here, which they have for lists of
/// metadata and tables.
fn not_acceptable() -> Status {
    let message = format!(
        "only the following media types are accepted: {}",
        supported(false)
    );
    Status::new(Reason::NotAcceptable, message)
}

struct Clause<'a> {
    media_type: &'a str,
    params: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl<'a> Clause<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let mut quality = 1.0;
        let mut params = Vec::new();
        for (k, v) in parts.filter_map(|p| p.split_once('=')) {
            if k == "q" {
                quality = v.parse().unwrap_or(1.0);
            } else {
                params.push((k, v.trim_matches('"')));
            }
        }
        Self {
            media_type,
            params,
            quality,
        }
    }

    fn param(&self, key: &str) -> &'a str {
        self.params
            .iter()
            .find(|(k, _)| *k == key)
            .map_or("", |(_, v)| v)
    }

    fn format(&self, custom: bool) -> Option<Format> {
        match self.media_type {
            "*/*" | "application/*" => Some(Format::Json),
            "application/cbor-seq" => Format::of(CBOR),
            other => Format::of(other).filter(|f| !(custom && *f == Format::Protobuf)),
        }
    }

    /// `None`: this clause asks for a shape that there is not.
    fn shape(&self) -> Option<Shape> {
        let version = self.param("v").to_owned();
        let known =
            self.param("g") == "meta.k8s.io" && matches!(version.as_str(), "v1" | "v1beta1");
        match self.param("as") {
            "" => Some(Shape::Plain),
            "Table" if known => Some(Shape::Table(version)),
            "PartialObjectMetadata" if known => Some(Shape::Metadata(version)),
            "PartialObjectMetadataList" if known => Some(Shape::MetadataList(version)),
            _ => None,
        }
    }
}

/// Whether a failure is that no route gives what the client accepts.
pub(crate) fn is_unrouted(s: &Status) -> bool {
    s.message.starts_with(NO_ROUTE)
}

/// The first acceptable clause by quality, of answers that are no streams.
///
/// # Errors
/// 406, with what there is.
pub fn output(accept: &str, custom: bool, pretty: bool) -> Result<Output, Status> {
    choose(accept, custom, pretty, false)
}

/// As [`output`], for lists and watches.
///
/// # Errors
/// 406, with what there is.
pub(crate) fn collection(accept: &str, custom: bool, pretty: bool) -> Result<Output, Status> {
    choose(accept, custom, pretty, true)
}

fn choose(accept: &str, custom: bool, pretty: bool, streams: bool) -> Result<Output, Status> {
    if accept.trim().is_empty() {
        return Ok(Output {
            format: Format::Json,
            shape: Shape::Plain,
            pretty,
            include: Include::Metadata,
        });
    }
    let clauses = by_quality(accept);
    let mut known_type = false;
    for clause in &clauses {
        let Some(format) = clause.format(custom) else {
            continue;
        };
        // Routes are matched by whole types.
        known_type |= clause.media_type != "application/*";
        let shape = clause.shape();
        let shape = shape.filter(|s| format != Format::Protobuf || !matches!(s, Shape::Table(_)));
        if let Some(shape) = shape.filter(|_| known_type || custom) {
            return Ok(Output {
                format,
                shape,
                pretty,
                include: Include::Metadata,
            });
        }
    }
    // Paths of custom resources are no routes that could be left out.
    Err(if known_type || custom {
        not_acceptable()
    } else {
        none_matches(streams)
    })
}

/// Format of a body by its Content-Type; absent means JSON.
pub fn input(content_type: &str, custom: bool) -> Result<Format, Status> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.is_empty() {
        return Ok(Format::Json);
    }
    match Format::of(&media_type.to_ascii_lowercase()) {
        Some(Format::Protobuf) if custom => Err(unsupported(custom)),
        Some(f) => Ok(f),
        None => Err(unsupported(custom)),
    }
}

fn unsupported(custom: bool) -> Status {
    Status::new(
        Reason::UnsupportedMediaType,
        format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            supported(custom)
        ),
    )
}
