//! URLs as Go's `net/url` reads and writes them, byte for byte.

/// The parts of a URL. `path`, `fragment` and `user` are decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    opaque: Option<Vec<u8>>,
    /// Name, and the password if there is one.
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    /// The path as it was written, where that is not how it would be.
    raw_path: Vec<u8>,
    no_host: bool,
    lone_question: bool,
    query: Vec<u8>,
    fragment: Vec<u8>,
    raw_fragment: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    User,
    Host,
    Fragment,
}

type Parsed<T> = Result<T, String>;

impl Url {
    /// # Errors
    /// Why it is none, in Go's words.
    pub(super) fn parse(text: &[u8]) -> Parsed<Self> {
        let failed = |why: &str| format!("parse {:?}: {why}", String::from_utf8_lossy(text));
        let (rest, fragment) = cut(text, b'#');
        let mut url = Self::parse_rest(rest).map_err(|why| failed(&why))?;
        if let Some(fragment) = fragment.filter(|f| !f.is_empty()) {
            url.fragment = unescape(fragment, Part::Fragment).map_err(|why| failed(&why))?;
            if escape(&url.fragment, Part::Fragment) != fragment {
                url.raw_fragment = fragment.to_vec();
            }
        }
        Ok(url)
    }

    fn parse_rest(text: &[u8]) -> Parsed<Self> {
        if text.iter().any(|b| *b < b' ' || *b == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if text == b"*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, mut rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with(b"?") && rest.iter().filter(|b| **b == b'?').count() == 1 {
            url.lone_question = true;
            rest = &rest[..rest.len() - 1];
        } else {
            let (path, query) = cut(rest, b'?');
            rest = path;
            url.query = query.unwrap_or_default().to_vec();
        }
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = Some(rest.to_vec());
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
        if authority && rest.starts_with(b"//") {
            let end = rest[2..].iter().position(|b| *b == b'/');
            let end = end.map_or(rest.len(), |i| i + 2);
            url.authority(&rest[2..end])?;
            rest = &rest[end..];
        } else if !url.scheme.is_empty() && rest.starts_with(b"/") {
            url.no_host = true;
        }
        url.path = unescape(rest, Part::Path)?;
        if escape(&url.path, Part::Path) != rest {
            url.raw_path = rest.to_vec();
        }
        Ok(url)
    }

    fn authority(&mut self, text: &[u8]) -> Parsed<()> {
        let at = text.iter().rposition(|b| *b == b'@');
        let host = at.map_or(text, |i| &text[i + 1..]);
        self.host = parse_host(&self.scheme, host)?;
        let Some(user) = at.map(|i| &text[..i]) else {
            return Ok(());
        };
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(b);
        if !user.iter().all(plain) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = cut(user, b':');
        let password = password.map(|p| unescape(p, Part::User)).transpose()?;
        self.user = Some((unescape(name, Part::User)?, password));
        Ok(())
    }

    /// As it is written.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        match self.opaque.as_ref().filter(|o| !o.is_empty()) {
            Some(opaque) => out.extend_from_slice(opaque),
            None => self.write_hierarchy(&mut out),
        }
        if self.lone_question || !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(encoded(&self.fragment, &self.raw_fragment, Part::Fragment));
        }
        out
    }

    fn write_hierarchy(&self, out: &mut Vec<u8>) {
        let bare = self.host.is_empty() && self.user.is_none();
        if !bare || !(self.scheme.is_empty() || self.no_host) {
            if !bare || !self.path.is_empty() {
                out.extend_from_slice(b"//");
            }
            if let Some((name, password)) = &self.user {
                out.extend(escape(name, Part::User));
                if let Some(password) = password {
                    out.push(b':');
                    out.extend(escape(password, Part::User));
                }
                out.push(b'@');
            }
            out.extend(escape(&self.host, Part::Host));
        }
        let path = if self.path == b"*" && self.raw_path.is_empty() {
            b"*".to_vec()
        } else {
            encoded(&self.path, &self.raw_path, Part::Path)
        };
        if !path.is_empty() && path[0] != b'/' && !self.host.is_empty() {
            out.push(b'/');
        }
        if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

/// What stands before the first `sep`, and what after it.
fn cut(text: &[u8], sep: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|b| *b == sep) {
        Some(i) => (&text[..i], Some(&text[i + 1..])),
        None => (text, None),
    }
}

fn scheme(text: &[u8]) -> Parsed<(&[u8], &[u8])> {
    for (i, b) in text.iter().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..i], &text[i + 1..])),
            _ => break,
        }
    }
    Ok((b"", text))
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Parsed<Vec<u8>> {
    let invalid = |port: &[u8]| {
        let port = String::from_utf8_lossy(port).into_owned();
        format!("invalid port {port:?} after host")
    };
    let bracket = host.iter().rposition(|b| *b == b'[');
    if bracket.is_some_and(|at| at > 0) {
        return Err("invalid IP-literal".to_owned());
    }
    if bracket == Some(0) {
        let Some(end) = host.iter().rposition(|b| *b == b']') else {
            return Err("missing ']' in host".to_owned());
        };
        if !is_port(&host[end + 1..]) {
            return Err(invalid(&host[end + 1..]));
        }
        let inner = std::str::from_utf8(&host[1..end]).unwrap_or_default();
        let (address, zone) = match inner.split_once("%25") {
            Some((address, zone)) => (address, Some(zone)),
            None => (inner, None),
        };
        if address.parse::<std::net::Ipv6Addr>().is_err() || zone == Some("") {
            return Err(format!("invalid host: {inner:?}"));
        }
        // A zone is decoded, and written with its escapes again.
        let mut out = format!("[{address}").into_bytes();
        if let Some(zone) = zone {
            out.push(b'%');
            out.extend(unescape(zone.as_bytes(), Part::User)?);
        }
        out.push(b']');
        out.extend_from_slice(&host[end + 1..]);
        return Ok(out);
    }
    // More than one colon is for lists of hosts, which the web has not.
    let web = matches!(scheme, b"http" | b"https");
    let mut colons = host.iter().enumerate().filter(|(_, b)| **b == b':');
    let colon = if web {
        colons.next()
    } else {
        colons.next_back()
    };
    if let Some((colon, _)) = colon
        && !is_port(&host[colon..])
    {
        return Err(invalid(&host[colon..]));
    }
    unescape(host, Part::Host)
}

/// Empty, or a colon with digits or none.
fn is_port(text: &[u8]) -> bool {
    match text.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    }
}

fn hex(b: u8) -> Option<u8> {
    char::from(b)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

fn unescape(text: &[u8], part: Part) -> Parsed<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while i < text.len() {
        let b = text[i];
        if b == b'%' {
            let digits = text.get(i + 1).zip(text.get(i + 2));
            let value = digits.and_then(|(a, b)| Some(hex(*a)? << 4 | hex(*b)?));
            // In hosts only bytes that are not ASCII may be escaped.
            let value = value.filter(|v| part != Part::Host || *v >= 0x80);
            let Some(value) = value else {
                let end = text.len().min(i + 3);
                let bad = String::from_utf8_lossy(&text[i..end]).into_owned();
                return Err(format!("invalid URL escape {bad:?}"));
            };
            out.push(value);
            i += 3;
            continue;
        }
        if part == Part::Host && b < 0x80 && is_escaped(b, part) {
            let bad = char::from(b).to_string();
            return Err(format!("invalid character {bad:?} in host name"));
        }
        out.push(b);
        i += 1;
    }
    Ok(out)
}

fn is_escaped(b: u8, part: Part) -> bool {
    if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
        return false;
    }
    if part == Part::Host && b"!$&'()*+,;=:[]<>\"".contains(&b) {
        return false;
    }
    if b"$&+,/:;=?@".contains(&b) {
        return match part {
            Part::Path => b == b'?',
            Part::User => b"@/?:".contains(&b),
            Part::Fragment => false,
            Part::Host => true,
        };
    }
    !(part == Part::Fragment && b"!()*".contains(&b))
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for b in text {
        if is_escaped(*b, part) {
            out.extend_from_slice(format!("%{b:02X}").as_bytes());
        } else {
            out.push(*b);
        }
    }
    out
}

/// As it was written, where that still means the same.
fn encoded(plain: &[u8], raw: &[u8], part: Part) -> Vec<u8> {
    let fits = |b: &u8| b"!$&'()*+,;=:@[]%".contains(b) || !is_escaped(*b, part);
    if !raw.is_empty()
        && raw.iter().all(fits)
        && unescape(raw, part).is_ok_and(|again| again == plain)
    {
        return raw.to_vec();
    }
    escape(plain, part)
}
