//! Certificates, which somebody else makes.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Answer, Entry, fixed};
use crate::{
    Certificates, Pair, Subject,
    exec::{
        Args,
        Type::{Any, Int, Pair as PairType, Text},
    },
    fault::Fault,
    session::Env,
    value::{Native, Value},
};

pub(super) const TABLE: &[Entry] = &[
    (
        "genPrivateKey",
        fixed(&[Text], |e, a| {
            Ok(Value::text(maker(e)?.private_key(a.text(0))?))
        }),
    ),
    (
        "genCA",
        fixed(&[Text, Int], |e, a| {
            let key = maker(e)?.private_key("rsa")?;
            pair(maker(e)?.authority(a.text(0), a.int(1), &key))
        }),
    ),
    (
        "genCAWithKey",
        fixed(&[Text, Int, Text], |e, a| {
            pair(maker(e)?.authority(a.text(0), a.int(1), a.text(2)))
        }),
    ),
    (
        "genSelfSignedCert",
        fixed(&[Text, Any, Any, Int], |e, a| {
            let key = maker(e)?.private_key("rsa")?;
            self_signed(e, a, &key)
        }),
    ),
    (
        "genSelfSignedCertWithKey",
        fixed(&[Text, Any, Any, Int, Text], |e, a| {
            self_signed(e, a, a.text(4))
        }),
    ),
    (
        "genSignedCert",
        fixed(&[Text, Any, Any, Int, PairType], |e, a| {
            let key = maker(e)?.private_key("rsa")?;
            signed(e, a, &key)
        }),
    ),
    (
        "genSignedCertWithKey",
        fixed(&[Text, Any, Any, Int, PairType, Text], |e, a| {
            signed(e, a, a.text(5))
        }),
    ),
    ("buildCustomCert", fixed(&[Text, Text], custom)),
];

fn maker<'s>(env: Env<'s>) -> Result<&'s dyn Certificates, Fault> {
    let made = env.session.cluster.certificates();
    made.ok_or_else(|| Fault::new("nobody here makes certificates"))
}

fn pair(made: Result<Pair, String>) -> Answer {
    Ok(Value::Native(Native::Pair(Arc::new(made?))))
}

/// Addresses and names: lists of texts, or nil.
fn texts(value: &Value, what: &str) -> Result<Vec<String>, Fault> {
    let wrong = || Fault::new(format!("{what} must be a list of strings"));
    match value {
        Value::Missing | Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let items = list.items.iter().map(|item| match item {
                Value::Text(text) => Ok(text.to_string()),
                _ => Err(wrong()),
            });
            items.collect()
        }
        _ => Err(wrong()),
    }
}

fn with_subject(args: &Args, make: impl FnOnce(&Subject<'_>) -> Result<Pair, String>) -> Answer {
    let ips = texts(args.get(1), "addresses")?;
    let dns = texts(args.get(2), "names")?;
    pair(make(&Subject {
        common_name: args.text(0),
        ips: &ips,
        dns: &dns,
        days: args.int(3),
    }))
}

fn self_signed(env: Env<'_>, args: &Args, key: &str) -> Answer {
    let maker = maker(env)?;
    with_subject(args, |subject| maker.self_signed(subject, key))
}

fn signed(env: Env<'_>, args: &Args, key: &str) -> Answer {
    let maker = maker(env)?;
    let Value::Native(Native::Pair(authority)) = args.get(4) else {
        return Err(Fault::new("an authority is expected"));
    };
    with_subject(args, |subject| maker.signed(subject, authority, key))
}

/// A certificate and a key in Base64.
fn custom(env: Env<'_>, args: &Args) -> Answer {
    let maker = maker(env)?;
    let decoded = |i: usize, what: &str| {
        let bytes = STANDARD.decode(args.text(i)).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| Fault::new(format!("unable to decode base64 {what}")))
    };
    let made = Pair {
        cert: decoded(0, "cert")?,
        key: decoded(1, "private key")?,
    };
    maker.check(&made)?;
    pair(Ok(made))
}
