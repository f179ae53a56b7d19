//! Tokens in headers, and headers that nobody behind authentication may see.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};

use super::Refused;

/// Subprotocol of a WebSocket that carries a token.
const WEBSOCKET: &str = "base64url.bearer.authorization.k8s.io.";

/// The token of `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?;
    let value = String::from_utf8_lossy(value.as_bytes());
    let mut parts = value.trim().splitn(3, ' ');
    let scheme = parts.next()?;
    let token = parts.next().filter(|t| !t.is_empty())?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.to_owned())
}

/// The token among the subprotocols of a WebSocket: browsers set no headers.
pub(super) fn websocket(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    if !is_websocket(headers) {
        return Ok(None);
    }
    let (tokens, others): (Vec<String>, Vec<String>) =
        protocols(headers).partition(|p| p.starts_with(WEBSOCKET));
    let encoded = match tokens.as_slice() {
        [] => return Ok(None),
        [one] => one.strip_prefix(WEBSOCKET).unwrap_or_default(),
        _ => return Err("multiple base64.bearer.authorization tokens specified".into()),
    };
    let token = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| "invalid base64.bearer.authorization token encoding")?;
    let token =
        String::from_utf8(token).map_err(|_| "invalid base64.bearer.authorization token")?;
    if token.is_empty() {
        return Ok(None);
    }
    // The server answers with a subprotocol, and never with the token.
    if others.is_empty() {
        return Err("missing additional subprotocol".into());
    }
    Ok(Some(token))
}

fn is_websocket(headers: &HeaderMap) -> bool {
    let has = |name, wanted: &str| {
        let values = headers.get_all(name).iter();
        values
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .any(|v| v.trim().eq_ignore_ascii_case(wanted))
    };
    has(header::CONNECTION, "upgrade") && has(header::UPGRADE, "websocket")
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|p| p.trim().to_owned())
}

/// Removes what proved a user: `Authorization` and the subprotocol with a token.
pub(super) fn strip(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
    if protocols(headers).all(|p| !p.starts_with(WEBSOCKET)) {
        return;
    }
    let rest: Vec<String> = protocols(headers)
        .filter(|p| !p.starts_with(WEBSOCKET))
        .collect();
    match HeaderValue::from_str(&rest.join(",")) {
        Ok(value) if !rest.is_empty() => {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        _ => {
            headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
        }
    }
}
