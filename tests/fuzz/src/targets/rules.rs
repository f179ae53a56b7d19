//! Expressions of rules: they compile or are refused, and end within their cost.

use std::sync::{Arc, LazyLock};

use catena_cel::{Decl, Env, Input, compile};
use catena_objects::{Value, json};
use catena_schema::structural;

const SCHEMA: &str = r#"{"type":"object","properties":{
  "s":{"type":"string"},"i":{"type":"integer"},"n":{"type":"number"},"b":{"type":"boolean"},
  "ios":{"x-kubernetes-int-or-string":true},"d":{"type":"string","format":"duration"},
  "dt":{"type":"string","format":"date-time"},"by":{"type":"string","format":"byte"},
  "l":{"type":"array","items":{"type":"string"}},
  "ll":{"type":"array","items":{"type":"array","items":{"type":"integer"}}},
  "m":{"type":"object","additionalProperties":{"type":"string"}},
  "o":{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"string","nullable":true}}}}}"#;
const OBJECT: &str = r#"{"s":"wörld","i":5,"n":2.5,"b":true,"ios":"50%","d":"1h","dt":"2024-02-29T10:11:12Z",
  "by":"aGk=","l":["a","b"],"ll":[[1],[2,3]],"m":{"k":"v"},"o":{"x":1}}"#;

struct Known {
    decl: Decl,
    env: Env,
    object: Value,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let read = |text: &str| json::parse(text.as_bytes()).expect("it is JSON");
    let node = structural::parse(&read(SCHEMA)).expect("a schema");
    let decl = Decl::of(&Arc::new(node), true);
    let mut env = Env::new();
    let ty = env.declare(&decl, "selfType");
    Known {
        env: env.with("self", ty),
        decl,
        object: read(OBJECT),
    }
});

pub(crate) fn rule(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let known = &*KNOWN;
    let Ok(program) = compile(text, &known.env, Some(&known.decl)) else {
        return;
    };
    assert!(program.cost().min <= program.cost().max);
    let _ = program.run(&[Input::Data(&known.object, &known.decl)]);
}
