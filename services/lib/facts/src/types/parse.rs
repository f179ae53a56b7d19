//! Reads one line of `types.txt`.
//!
//! Columns by tab: name, shape, map type, kinds, then a column a field. Words
//! of a field: protobuf name, tag, type, Go type, flags (`r` repeated, `R`
//! required, `o` optional, `e` omitempty, `z` omitzero, `i` inline), then
//! `key=value`, of which `v=` takes the rest.

use super::{Field, Gvk, Message, Omit, Scalar, Shape, Ty};

pub(super) fn message(line: &'static str) -> Message {
    let mut columns = line.split('\t');
    let name = columns.next().unwrap_or_default();
    let shape = match columns.next().unwrap_or_default() {
        "object" => Shape::Object,
        "=[]string" => Shape::StringList,
        named if named.starts_with('=') => Shape::Named,
        _ => Shape::Struct,
    };
    let map_type = columns.next().unwrap_or_default();
    columns.next();
    let fields: Vec<Field> = columns.filter_map(field).collect();
    let mut wire_order: Vec<u16> = (0..).take(fields.len()).collect();
    wire_order.sort_by_key(|i| fields[usize::from(*i)].tag);
    Message {
        name,
        go_type: go_type_of(name),
        shape,
        map_type,
        gvk: gvks(line).collect(),
        fields,
        wire_order,
    }
}

/// `k8s.io.api.core.v1.Pod` → `v1.Pod`.
fn go_type_of(name: &'static str) -> &'static str {
    let mut dots = name.rmatch_indices('.').map(|(i, _)| i);
    dots.next();
    dots.next().map_or(name, |i| &name[i + 1..])
}

pub(super) fn gvks(line: &'static str) -> impl Iterator<Item = Gvk> {
    let column = line.split('\t').nth(3).unwrap_or_default();
    column.split(',').filter_map(|g| {
        let mut parts = g.split('/');
        Some(Gvk {
            group: parts.next()?,
            version: parts.next()?,
            kind: parts.next()?,
        })
    })
}

fn field(column: &'static str) -> Option<Field> {
    let (head, validation) = match column.find(" v=") {
        Some(at) => (&column[..at], &column[at + 3..]),
        None => (column, ""),
    };
    let mut words = head.split(' ');
    let name = words.next()?;
    let tag = words.next()?.parse().ok()?;
    let ty = ty(words.next()?);
    let go = words.next()?;
    let flags = words.next()?;
    let inline = flags.contains('i');
    let mut f = Field {
        name,
        json: (!inline).then_some(name),
        tag,
        ty,
        repeated: flags.contains('r'),
        required: flags.contains('R'),
        optional: flags.contains('o'),
        inline,
        pointer: go.starts_with('*'),
        omit: match (flags.contains('e'), flags.contains('z')) {
            (_, true) => Omit::Zero,
            (true, _) => Omit::Empty,
            _ => Omit::Never,
        },
        go_type: go.trim_start_matches('*'),
        default: None,
        list_type: "",
        list_map_keys: Vec::new(),
        map_type: "",
        patch_merge_key: "",
        patch_strategy: "",
        feature_gate: "",
        union_discriminator: false,
        validation,
    };
    for (key, value) in words.filter_map(|w| w.split_once('=')) {
        match key {
            "j" => f.json = (value != "-").then_some(value),
            "d" => f.default = Some(value),
            "lt" => f.list_type = value,
            "lk" => f.list_map_keys = value.split(',').collect(),
            "mt" => f.map_type = value,
            "mk" => f.patch_merge_key = value,
            "ps" => f.patch_strategy = value,
            "g" => f.feature_gate = value,
            "u" => f.union_discriminator = true,
            _ => {}
        }
    }
    Some(f)
}

fn scalar(text: &str) -> Option<Scalar> {
    Some(match text {
        "string" => Scalar::String,
        "bytes" => Scalar::Bytes,
        "bool" => Scalar::Bool,
        "int32" => Scalar::Int32,
        "int64" => Scalar::Int64,
        "double" => Scalar::Double,
        _ => return None,
    })
}

fn ty(text: &'static str) -> Ty {
    let value = text
        .strip_prefix("map<string,")
        .and_then(|t| t.strip_suffix('>'));
    match (value, value.and_then(scalar)) {
        (_, Some(s)) => Ty::ScalarMap(s),
        (Some(v), None) => Ty::MessageMap(v),
        (None, None) => scalar(text).map_or(Ty::Message(text), Ty::Scalar),
    }
}
