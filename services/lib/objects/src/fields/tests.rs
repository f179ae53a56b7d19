use super::*;

#[test]
fn parse_and_print() {
    for (text, canonical) in [
        ("", ""),
        ("metadata.name=a", "metadata.name=a"),
        ("b==1,a!=2", "a!=2,b=1"),
        (r"a=x\,y\=z\\", r"a=x\,y\=z\\"),
        ("a=", "a="),
        (",,", ""),
    ] {
        assert_eq!(Selector::parse(text).expect(text).to_string(), canonical);
    }
}

#[test]
fn errors() {
    for (text, why) in [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        (
            "a=b=c",
            "invalid field selector: unescaped character in value: 61",
        ),
        (
            r"a=\x",
            r"invalid field selector: invalid escape sequence: \x",
        ),
        (
            r"a=\",
            r"invalid field selector: invalid escape sequence: \",
        ),
    ] {
        assert_eq!(Selector::parse(text).expect_err(text), why);
    }
}

#[test]
fn matching() {
    let s = Selector::parse("a=1,b!=2").expect("good");
    assert!(s.matches(|f| (f == "a").then_some("1")));
    assert!(!s.matches(|_| Some("2")));
    assert_eq!(s.exact("a"), Some("1"));
    assert_eq!(s.exact("b"), None);
}
