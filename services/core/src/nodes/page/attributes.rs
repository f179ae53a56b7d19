//! Attributes that hold a URL (`atomsToAttrs`).

/// Whether the attribute of this element is a link; both names in lower case.
pub(super) fn is_link(element: &[u8], attribute: &[u8]) -> bool {
    let links: &[&[u8]] = match element {
        b"a" | b"area" | b"base" | b"link" => &[b"href"],
        b"applet" => &[b"codebase"],
        b"audio" | b"embed" | b"script" | b"source" => &[b"src"],
        b"blockquote" | b"del" | b"ins" | b"q" => &[b"cite"],
        b"body" => &[b"background"],
        b"button" => &[b"formaction"],
        b"command" => &[b"icon"],
        b"form" => &[b"action"],
        b"frame" | b"iframe" => &[b"longdesc", b"src"],
        b"head" => &[b"profile"],
        b"html" => &[b"manifest"],
        b"img" => &[b"longdesc", b"src", b"usemap"],
        b"input" => &[b"src", b"usemap", b"formaction"],
        b"object" => &[b"classid", b"codebase", b"data", b"usemap"],
        b"video" => &[b"poster", b"src"],
        _ => &[],
    };
    links.contains(&attribute)
}
