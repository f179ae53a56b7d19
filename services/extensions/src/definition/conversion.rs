//! `spec.conversion` of a definition.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names::{self, dns1035_label, dns1123_subdomain},
};

use super::{conditions, spec};

/// Versions of ConversionReview that the server speaks.
const REVIEWS: [&str; 2] = ["v1", "v1beta1"];

pub(super) fn validate(
    object: &Value,
    old: Option<&Value>,
    preserve: bool,
    at: &Path,
    errors: &mut Errors,
) {
    let Some(conversion) = object.at(&["spec", "conversion"]).filter(|c| !c.is_null()) else {
        return;
    };
    let strategy = conversion.str_at(&["strategy"]);
    if strategy != "None" && preserve {
        let why = "must be None if spec.preserveUnknownFields is true";
        errors.push(Error::invalid(&at.child("strategy"), strategy, why));
    }
    spec::one_of(
        conversion,
        &["strategy"],
        &at.child("strategy"),
        &["None", "Webhook"],
        errors,
    );
    let config = conversion
        .at(&["webhook", "clientConfig"])
        .filter(|c| !c.is_null());
    let reviews = conversion.items_at(&["webhook", "conversionReviewVersions"]);
    let config_at = at.child("webhookClientConfig");
    let reviews_at = at.child("conversionReviewVersions");
    if strategy != "Webhook" {
        let why = "should not be set when strategy is not set to Webhook";
        if config.is_some() {
            errors.push(Error::forbidden(&config_at, why));
        }
        if !reviews.is_empty() {
            errors.push(Error::forbidden(&reviews_at, why));
        }
        return;
    }
    match config {
        None => {
            let why = "required when strategy is set to Webhook";
            errors.push(Error::required(&config_at, why));
        }
        Some(config) => client(config, old, &config_at, errors),
    }
    let known = |v: &Value| v.as_str().is_some_and(|s| REVIEWS.contains(&s));
    const STORED: [&str; 4] = ["spec", "conversion", "webhook", "conversionReviewVersions"];
    let lenient = old
        .map(|o| o.items_at(&STORED))
        .is_some_and(|list| !list.is_empty() && !list.iter().any(known));
    review_versions(reviews, !lenient, &reviews_at, errors);
}

fn client(config: &Value, old: Option<&Value>, at: &Path, errors: &mut Errors) {
    let url = config.get("url").and_then(Value::as_str);
    let service = config.get("service").filter(|s| !s.is_null());
    match (url, service) {
        (Some(url), None) => self::url(url, &at.child("url"), errors),
        (None, Some(service)) => self::service(service, &at.child("service"), errors),
        _ => errors.push(Error::required(
            at,
            "exactly one of url or service is required",
        )),
    }
    let bundle = config.str_at(&["caBundle"]);
    if bundle.is_empty() || ca_bundle_is_valid(bundle) {
        return;
    }
    const STORED: [&str; 5] = ["spec", "conversion", "webhook", "clientConfig", "caBundle"];
    let strict = old.is_some_and(|o| {
        let stored = o.str_at(&STORED);
        conditions::is_true(o, "Established") && (stored.is_empty() || ca_bundle_is_valid(stored))
    });
    if strict {
        let why = "unable to load root certificates: unable to parse bytes as PEM block";
        errors.push(Error::invalid(&at.child("caBundle"), bundle, why));
    }
}

/// Base64 of PEM with a certificate in it.
pub(crate) fn ca_bundle_is_valid(text: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let Ok(pem) = STANDARD.decode(text) else {
        return false;
    };
    let Ok(pem) = String::from_utf8(pem) else {
        return false;
    };
    let Some((_, rest)) = pem.split_once("-----BEGIN CERTIFICATE-----") else {
        return false;
    };
    let Some((body, _)) = rest.split_once("-----END CERTIFICATE-----") else {
        return false;
    };
    let body: String = body.split_whitespace().collect();
    STANDARD
        .decode(body)
        .is_ok_and(|der| der.first() == Some(&0x30))
}

fn url(text: &str, at: &Path, errors: &mut Errors) {
    const FORM: &str = "; desired format: https://host[/path]";
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let authority = rest
        .strip_prefix("//")
        .map(|r| r.split('/').next().unwrap_or_default());
    let (user, host) = match authority.unwrap_or_default().rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority.unwrap_or_default()),
    };
    if scheme != "https" {
        let why = format!("'https' is the only allowed URL scheme{FORM}");
        errors.push(Error::invalid(at, scheme, why));
    }
    if host.is_empty() {
        errors.push(Error::invalid(
            at,
            "",
            format!("host must be specified{FORM}"),
        ));
    }
    if let Some(user) = user {
        let why = "user information is not permitted in the URL";
        errors.push(Error::invalid(at, user, why));
    }
    if !fragment.is_empty() {
        errors.push(Error::invalid(
            at,
            fragment,
            "fragments are not permitted in the URL",
        ));
    }
    if !query.is_empty() {
        errors.push(Error::invalid(
            at,
            query,
            "query parameters are not permitted in the URL",
        ));
    }
}

/// Upstream hands name and namespace over in the wrong order: an absent name is
/// reported at the namespace.
fn service(service: &Value, at: &Path, errors: &mut Errors) {
    for (given, reported) in [("namespace", "name"), ("name", "namespace")] {
        if service.str_at(&[given]).is_empty() {
            errors.push(Error::required(&at.child(reported), ""));
        }
    }
    let port = service.i64_at(&["port"]).unwrap_or(0);
    let why = names::port_num(port);
    if !why.is_empty() {
        let text = format!("port is not valid: {}", why.join(", "));
        errors.push(Error::invalid(&at.child("port"), port, text));
    }
    let path = service.str_at(&["path"]);
    if path.is_empty() || path == "/" {
        return;
    }
    let at = at.child("path");
    if path == "//" {
        errors.push(Error::invalid(&at, path, "segment[0] may not be empty"));
        return;
    }
    if !path.starts_with('/') {
        errors.push(Error::invalid(&at, path, "must start with a '/'"));
    }
    let mut chars = path.chars();
    chars.next();
    let rest = chars.as_str();
    for (i, step) in rest
        .strip_suffix('/')
        .unwrap_or(rest)
        .split('/')
        .enumerate()
    {
        if step.is_empty() {
            errors.push(Error::invalid(
                &at,
                path,
                format!("segment[{i}] may not be empty"),
            ));
            continue;
        }
        for why in dns1123_subdomain(step, false) {
            errors.push(Error::invalid(&at, path, format!("segment[{i}]: {why}")));
        }
    }
}

fn review_versions(list: &[Value], strict: bool, at: &Path, errors: &mut Errors) {
    if list.is_empty() {
        errors.push(Error::required(at, ""));
        return;
    }
    for (i, v) in list.iter().enumerate() {
        let name = v.as_str().unwrap_or_default();
        if list[..i].contains(v) {
            errors.push(Error::invalid(&at.index(i), name, "duplicate version"));
            continue;
        }
        for why in dns1035_label(name, false) {
            errors.push(Error::invalid(&at.index(i), name, why));
        }
    }
    let known = list
        .iter()
        .any(|v| v.as_str().is_some_and(|s| REVIEWS.contains(&s)));
    if strict && !known {
        let why = format!("must include at least one of {}", REVIEWS.join(", "));
        errors.push(Error::invalid(at, list.to_vec(), why));
    }
}
