use super::compile;

fn matches(pattern: &str, text: &str) -> bool {
    compile(pattern)
        .unwrap_or_else(|e| panic!("{pattern}: {e}"))
        .is_match(text)
}

#[test]
fn differences_of_the_dialects() {
    for (pattern, text, expected) in [
        (r"^\d$", "٣", false),
        (r"^\w+$", "é", false),
        (r"^a{,5}$", "a{,5}", true),
        (r"^[a&&b]+$", "a&b", true),
        (r"^[[a]+$", "[a", true),
        (r"^\Qa.b\E$", "a.b", true),
        (r"^\Qa.b\E$", "axb", false),
        (r"^\012$", "\n", true),
        (r"^[\w-.]+$", "a-.", true),
        (r"^{$", "{", true),
        (r"^\<a$", "<a", true),
        (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-b", true),
        (r"^[^/]+/[^/]+$", "a/b", true),
        (r"(?i)^abc$", "ABC", true),
        (r"^(?P<x>a)|b$", "b", true),
        (r"^[[:alpha:]]+$", "abc", true),
        (r"^\p{L}+$", "é", true),
        (r"^.*\.(jpg|png)$", "a.png", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn errors_of_go() {
    for (pattern, why) in [
        ("(", "missing closing ): `(`"),
        ("a)", "unexpected ): `a)`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("x**", "invalid nested repetition operator: `**`"),
        ("[a", "missing closing ]: `[a`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        (r"\u00e9", "invalid escape sequence: `\\u`"),
    ] {
        let got = compile(pattern).map(|_| ()).expect_err(pattern);
        assert_eq!(got, format!("error parsing regexp: {why}"));
    }
}

#[test]
fn any_text_is_a_pattern_or_an_error() {
    const PIECES: [&str; 24] = [
        "[", "]", ":", "(", "?", "P", "<", ">", ")", "{", "1", ",", "}", "\\", "Q", "x", "p", "^",
        "-", "*", "é", "|", "&", "d",
    ];
    let mut seed = 7u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..8 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(PIECES[(seed >> 33) as usize % PIECES.len()]);
        }
        let _ = compile(&text);
    }
}
