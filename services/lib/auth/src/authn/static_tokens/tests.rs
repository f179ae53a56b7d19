use super::*;

#[test]
fn users_and_groups_are_those_of_the_columns() {
    let file = "t1,ann,1\n\n\"t2\",\"b, \"\"ob\"\"\",2,\"g1,g2\"\r\nt3,cy,3,g3,ignored\n,none,4\nt4,dee,\n";
    let tokens = StaticTokens::parse(file).expect("readable");
    let cases: [(&str, &str, &str, &[&str]); 4] = [
        ("t1", "ann", "1", &[]),
        ("t2", "b, \"ob\"", "2", &["g1", "g2"]),
        ("t3", "cy", "3", &["g3"]),
        ("t4", "dee", "", &[]),
    ];
    for (token, name, uid, groups) in cases {
        let user = tokens.user(token).expect(token);
        assert_eq!((user.name.as_str(), user.uid.as_str()), (name, uid));
        assert_eq!(user.groups, groups);
    }
    for token in ["", "t", "t1 ", "none"] {
        assert_eq!(tokens.user(token), None, "{token:?}");
    }
}

#[test]
fn what_is_no_csv_is_refused() {
    let cases = [
        (
            "a,b\n",
            "must have at least 3 columns (token, user name, user uid), found 2",
        ),
        ("a\"b,c,d\n", "record 1: bare \" in non-quoted field"),
        (
            "x,y,z\n\"a,c,d\n",
            "record 2: extraneous or missing \" in quoted-field",
        ),
        (
            "\"a\"b,c,d\n",
            "record 1: extraneous or missing \" in quoted-field",
        ),
    ];
    for (text, why) in cases {
        assert_eq!(StaticTokens::parse(text).err().as_deref(), Some(why));
    }
}
