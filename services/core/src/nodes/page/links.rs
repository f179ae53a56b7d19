//! Which links lead through the proxy.

use catena_objects::Status;
use http::HeaderValue;

use super::url::Url;

/// What links of one answer are compared with.
pub(crate) struct Links {
    /// Path of the proxy, decoded, without a slash at its end.
    pub(crate) prefix: String,
    /// `host:port` that was connected to.
    pub(crate) target: String,
    /// The host that the client asked.
    pub(crate) asked: String,
}

impl Links {
    /// `Location`, rewritten.
    ///
    /// # Errors
    /// When it is no URL.
    pub(super) fn location(&self, to: &[u8]) -> Result<HeaderValue, Status> {
        let failed =
            |why: String| Status::internal(format!("error trying to parse Location header: {why}"));
        let url = Url::parse(to).map_err(failed)?;
        HeaderValue::from_bytes(&self.rewrite(url)).map_err(|e| failed(e.to_string()))
    }

    /// A link of a page; one that is no URL stays.
    pub(super) fn link(&self, link: Vec<u8>) -> Vec<u8> {
        match Url::parse(&link) {
            Ok(url) => self.rewrite(url),
            Err(_) => link,
        }
    }

    /// Absolute paths of the same host get the prefix; hosts that are others,
    /// and relative paths, stay.
    fn rewrite(&self, mut url: Url) -> Vec<u8> {
        let host = url.host.as_slice();
        let other =
            !host.is_empty() && host != self.target.as_bytes() && host != self.asked.as_bytes();
        if other || !url.path.starts_with(b"/") {
            return url.to_bytes();
        }
        if host != self.asked.as_bytes() {
            url.scheme.clear();
            url.host.clear();
        }
        if !url.path.starts_with(self.prefix.as_bytes()) {
            let slash = url.path.ends_with(b"/");
            url.path = joined(self.prefix.as_bytes(), &url.path);
            if slash {
                url.path.push(b'/');
            }
        }
        url.to_bytes()
    }
}

/// `path.Join` of two absolute paths.
pub(crate) fn joined(prefix: &[u8], path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let all = [prefix, path];
    for part in all.iter().flat_map(|p| p.split(|b| *b == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut out = Vec::new();
    for part in &parts {
        out.push(b'/');
        out.extend_from_slice(part);
    }
    if parts.is_empty() {
        out.push(b'/');
    }
    out
}
