use clap::Parser;

use super::Options;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
}

fn options(line: &str) -> Options {
    let args = line.split_whitespace();
    Args::parse_from(std::iter::once("test").chain(args)).options
}

#[test]
fn all_problems_are_told() {
    let cases = [
        ("", &[][..]),
        ("--requestheader-allowed-names= --api-audiences=", &[]),
        (
            "--authorization-mode=RBAC,Webhook,Other,RBAC",
            &[
                "authorization-mode Webhook is not supported",
                "authorization-mode \"Other\" is not a valid mode",
                "authorization-mode [\"RBAC\" \"Webhook\" \"Other\" \"RBAC\"] has mode specified more than once",
            ],
        ),
        (
            "--service-account-issuer=a --service-account-issuer=1:b --service-account-issuer=a --service-account-issuer= --service-account-jwks-uri=http://x",
            &[
                "service-account-issuer \"1:b\" contained a ':' but was not a valid URL",
                "service-account-issuer \"a\" is already specified",
                "service-account-issuer should not be an empty string",
                "service-account-jwks-uri requires https scheme, parsed as: http://x",
            ],
        ),
        (
            "--service-account-signing-key-file=k",
            &[
                "--service-account-signing-key-file, --service-account-issuer, and --api-audiences should be specified together",
            ],
        ),
        (
            "--requestheader-group-headers=a, --requestheader-uid-headers=X-Uid",
            &[
                "empty value in \"requestheader-group-headers\"",
                "--requestheader-uid-headers is set without specifying the standard X-Remote-Uid header - API aggregation will not work",
            ],
        ),
    ];
    for (line, problems) in cases {
        assert_eq!(options(line).problems(), problems, "{line}");
    }
}

#[test]
fn audiences_are_the_issuers_unless_given() {
    let issuers = "--service-account-issuer=a --service-account-issuer=b";
    assert_eq!(options(issuers).audiences(), ["a", "b"]);
    let given = format!("{issuers} --api-audiences=x,y");
    assert_eq!(options(&given).audiences(), ["x", "y"]);
}

#[test]
fn switches_take_values_or_none() {
    let on = options("--enable-bootstrap-token-auth --anonymous-auth=false");
    assert!(on.enable_bootstrap_token_auth && !on.anonymous_auth);
    let default = options("");
    assert!(!default.enable_bootstrap_token_auth && default.anonymous_auth);
    assert_eq!(default.authorization_mode, ["AlwaysAllow"]);
}
