//! Checks of constants, which need their types: durations, times, patterns, and
//! lists and maps whose items have one type.

use super::Checked;
use crate::{
    ast::{Expr, Kind, Literal},
    functions::{check_template, convert},
    source::Problems,
    types::Type,
};

/// Parses an argument and says whether it is fine.
type Valid = fn(&Literal) -> bool;

pub(super) fn check(checked: &Checked, places: &[Option<usize>], problems: &mut Problems) {
    let formats: [(&str, Valid); 3] = [
        ("duration", duration),
        ("timestamp", timestamp),
        ("matches", pattern),
    ];
    for (name, valid) in formats {
        checked.expr.walk(&mut |expr| {
            if let Kind::Call { function, args, .. } = &expr.kind
                && function == name
                && let Some(Expr {
                    id,
                    kind: Kind::Literal(value),
                }) = args.first()
                && !valid(value)
            {
                problems.at(places[*id], format!("invalid {name} argument"));
            }
        });
    }
    templates(checked, places, problems);
    let mut exempt = Vec::new();
    checked.expr.walk(&mut |expr| {
        if let Kind::Call { function, .. } = &expr.kind
            && function == "format"
        {
            expr.walk(&mut |e| exempt.push(e.id));
        }
    });
    let mut found = Vec::new();
    for maps in [false, true] {
        checked.expr.walk(&mut |expr| {
            let kind_fits = matches!(expr.kind, Kind::Map(_)) == maps;
            if kind_fits && !exempt.contains(&expr.id) {
                found.extend(odd_one(checked, expr));
            }
        });
    }
    for (id, message) in found {
        problems.at(places[id], message);
    }
}

/// Templates of `format` whose arguments are written out.
fn templates(checked: &Checked, places: &[Option<usize>], problems: &mut Problems) {
    checked.expr.walk(&mut |expr| {
        let Kind::Call {
            function,
            target: Some(target),
            args,
        } = &expr.kind
        else {
            return;
        };
        let (Kind::Literal(Literal::String(template)), [list]) = (&target.kind, &args[..]) else {
            return;
        };
        let (Kind::List(items), "format") = (&list.kind, function.as_str()) else {
            return;
        };
        let types: Vec<&str> = items
            .iter()
            .map(|i| checked.ty(&i.value).runtime_name())
            .collect();
        if let Some((argument, why)) = check_template(template, &types) {
            let id = argument.map_or(expr.id, |i| items[i].value.id);
            problems.at(places[id], why);
        }
    });
}

fn duration(value: &Literal) -> bool {
    !matches!(value, Literal::String(s) if convert::duration(s).is_none())
}

fn timestamp(value: &Literal) -> bool {
    match value {
        Literal::String(s) => convert::timestamp(s).is_ok_and(|t| t.is_some()),
        Literal::Int(i) => convert::unix(*i).is_some(),
        _ => true,
    }
}

fn pattern(value: &Literal) -> bool {
    !matches!(value, Literal::String(s) if catena_schema::regex::compile(s).is_err())
}

/// The first item whose type is another than that of the first.
fn odd_one(checked: &Checked, expr: &Expr) -> Option<(usize, String)> {
    let inner = |e: &Expr, optional: bool| {
        let ty = checked.ty(e).clone();
        match ty.unwrapped() {
            Some(inner) if optional => inner.clone(),
            _ => ty,
        }
    };
    let odd = |first: &Type, id: usize, ty: &Type| {
        (first != ty).then(|| (id, format!("expected type '{first}' but found '{ty}'")))
    };
    match &expr.kind {
        Kind::List(items) => {
            let first = items.first().map(|i| inner(&i.value, i.optional))?;
            let mut rest = items.iter().skip(1);
            rest.find_map(|i| odd(&first, i.value.id, &inner(&i.value, i.optional)))
        }
        Kind::Map(entries) => {
            let first = entries.first()?;
            let (key, value) = (
                inner(&first.key, false),
                inner(&first.value, first.optional),
            );
            entries.iter().skip(1).find_map(|e| {
                odd(&key, e.key.id, &inner(&e.key, false))
                    .or_else(|| odd(&value, e.value.id, &inner(&e.value, e.optional)))
            })
        }
        _ => None,
    }
}
