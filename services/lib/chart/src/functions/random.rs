//! What is different each time.

use rand::RngExt as _;

use super::{Answer, Entry, fixed};
use crate::{
    exec::{
        Args,
        Type::{Int, Text},
    },
    fault::Fault,
    session::Env,
    value::Value,
};

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) const TABLE: &[Entry] = &[
    (
        "randAlphaNum",
        fixed(&[Int], |e, a| characters(e, a, &[DIGITS, LETTERS])),
    ),
    (
        "randAlpha",
        fixed(&[Int], |e, a| characters(e, a, &[LETTERS])),
    ),
    (
        "randNumeric",
        fixed(&[Int], |e, a| characters(e, a, &[DIGITS])),
    ),
    (
        "randAscii",
        fixed(&[Int], |e, a| {
            let printable: String = (' '..='~').collect();
            characters(e, a, &[&printable])
        }),
    ),
    (
        "randInt",
        fixed(&[Int, Int], |_, a| {
            if a.int(1) <= a.int(0) {
                return Err(Fault::new("invalid argument to Intn"));
            }
            Ok(Value::Int(rand::rng().random_range(a.int(0)..a.int(1))))
        }),
    ),
    ("shuffle", fixed(&[Text], shuffle)),
    ("uuidv4", fixed(&[], |_, _| Ok(Value::text(uuid())))),
];

/// From the generator of the system: charts make passwords of it.
fn characters(env: Env<'_>, args: &Args, sets: &[&str]) -> Answer {
    let Ok(count) = usize::try_from(args.int(0)) else {
        return Err(Fault::new("the number of characters must not be below 0"));
    };
    env.budget().text(count)?;
    let set: Vec<u8> = sets.iter().flat_map(|s| s.bytes()).collect();
    let mut rng = rand::rng();
    let text = (0..count).map(|_| char::from(set[rng.random_range(0..set.len())]));
    Ok(Value::text(text.collect::<String>()))
}

fn shuffle(env: Env<'_>, args: &Args) -> Answer {
    env.budget().text(args.text(0).len() * 4)?;
    let mut chars: Vec<char> = args.text(0).chars().collect();
    let mut rng = rand::rng();
    for i in (1..chars.len()).rev() {
        chars.swap(i, rng.random_range(0..=i));
    }
    Ok(Value::text(chars.into_iter().collect::<String>()))
}

/// Version 4 of RFC 9562.
fn uuid() -> String {
    let bits: u128 = rand::rng().random();
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
