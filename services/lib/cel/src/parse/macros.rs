//! Calls that are written out while reading: `has`, `all`, `exists`, `map`, ...

use super::Parser;
use crate::ast::{Expr, Fold, Id, Item, Kind, Literal};

/// No expression can name it.
pub(crate) const ACCU: &str = "@result";

type Expanded = std::result::Result<Kind, (Id, String)>;

impl Parser<'_> {
    /// A call, or what it stands for.
    pub(super) fn called(
        &mut self,
        id: Id,
        function: String,
        target: Option<Expr>,
        args: Vec<Expr>,
    ) -> Expr {
        let place = self.places[id];
        let bound = self.bindings
            && function == "bind"
            && args.len() == 3
            && target.as_ref().and_then(Expr::ident) == Some("cel");
        let mut make = Make {
            parser: self,
            place,
        };
        let count = args.len();
        let expanded = match (function.as_str(), target.is_some(), count) {
            ("has", false, 1) => make.has(&args),
            ("all", true, 2 | 3) => make.all(target, args),
            ("exists", true, 2 | 3) => make.exists(target, args),
            ("exists_one", true, 2 | 3) | ("existsOne", true, 3) => make.exists_one(target, args),
            ("map", true, 2 | 3) => make.map(target, args),
            ("filter", true, 2) => make.filter(target, args),
            ("transformList", true, 3 | 4) => make.transform_list(target, args),
            ("transformMap", true, 3 | 4) => make.transform_map(target, args, false),
            ("transformMapEntry", true, 3 | 4) => make.transform_map(target, args, true),
            ("optMap", true, 2) => make.opt_map(target, args, false),
            ("optFlatMap", true, 2) => make.opt_map(target, args, true),
            ("sortBy", true, 2) => make.sort_by(target, args),
            ("bind", ..) if bound => make.bind(args),
            _ => {
                let target = target.map(Box::new);
                return Expr {
                    id,
                    kind: Kind::Call {
                        function,
                        target,
                        args,
                    },
                };
            }
        };
        match expanded {
            Ok(kind) => self.node(place, kind),
            Err((at, why)) => {
                let place = self.places[at].unwrap_or_default();
                self.refuse(place, why)
            }
        }
    }
}

struct Make<'a, 'b> {
    parser: &'a mut Parser<'b>,
    place: Option<usize>,
}

/// Variables and the rest of the arguments of a macro.
struct Vars {
    first: String,
    second: Option<String>,
    rest: std::vec::IntoIter<Expr>,
}

impl Make<'_, '_> {
    fn node(&mut self, kind: Kind) -> Expr {
        self.parser.node(self.place, kind)
    }

    fn bool(&mut self, value: bool) -> Expr {
        self.node(Kind::Literal(Literal::Bool(value)))
    }

    fn int(&mut self, value: i64) -> Expr {
        self.node(Kind::Literal(Literal::Int(value)))
    }

    fn ident(&mut self, name: &str) -> Expr {
        self.node(Kind::Ident(name.to_owned()))
    }

    fn accu(&mut self) -> Expr {
        self.ident(ACCU)
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        let function = function.to_owned();
        self.node(Kind::Call {
            function,
            target: None,
            args,
        })
    }

    fn method(&mut self, target: Expr, function: &str, args: Vec<Expr>) -> Expr {
        let function = function.to_owned();
        self.node(Kind::Call {
            function,
            target: Some(Box::new(target)),
            args,
        })
    }

    fn list(&mut self, values: Vec<Expr>) -> Expr {
        let items = values.into_iter().map(|value| Item {
            value,
            optional: false,
        });
        let items = items.collect();
        self.node(Kind::List(items))
    }

    fn has(&mut self, args: &[Expr]) -> Expanded {
        match &args[0].kind {
            Kind::Select { operand, field, .. } => Ok(Kind::Select {
                operand: operand.clone(),
                field: field.clone(),
                test: true,
            }),
            _ => Err((args[0].id, "invalid argument to has() macro".to_owned())),
        }
    }

    /// Variables of a macro: `two` of them, or one.
    fn vars(&mut self, args: Vec<Expr>, two: bool, what: &str) -> Result<Vars, (Id, String)> {
        let name = |e: &Expr| match e.ident() {
            Some(name) => Ok(name.to_owned()),
            None => Err((e.id, what.to_owned())),
        };
        let free = |e: &Expr, name: &str| match name {
            ACCU | "__result__" => Err((
                e.id,
                "iteration variable overwrites accumulator variable".to_owned(),
            )),
            _ => Ok(()),
        };
        let first = name(&args[0])?;
        let second = if two { Some(name(&args[1])?) } else { None };
        if second.as_ref() == Some(&first) {
            return Err((args[1].id, format!("duplicate variable name: {first}")));
        }
        free(&args[0], &first)?;
        if let Some(second) = &second {
            free(&args[1], second)?;
        }
        let mut rest = args.into_iter();
        rest.next();
        if two {
            rest.next();
        }
        Ok(Vars {
            first,
            second,
            rest,
        })
    }

    fn fold(
        &mut self,
        target: Option<Expr>,
        vars: Vars,
        [init, condition, step, result]: [Expr; 4],
    ) -> Kind {
        let range = target.unwrap_or_else(|| self.node(Kind::Broken));
        Kind::Fold(Box::new(Fold {
            range,
            var: vars.first,
            var2: vars.second,
            accu: ACCU.to_owned(),
            init,
            condition,
            step,
            result,
        }))
    }

    fn next(&mut self, vars: &mut Vars) -> Expr {
        let next = vars.rest.next();
        next.unwrap_or_else(|| self.node(Kind::Broken))
    }

    fn all(&mut self, target: Option<Expr>, args: Vec<Expr>) -> Expanded {
        let two = args.len() == 3;
        let mut vars = self.vars(args, two, "argument must be a simple name")?;
        let test = self.next(&mut vars);
        let init = self.bool(true);
        let accu = self.accu();
        let condition = self.call("@not_strictly_false", vec![accu]);
        let accu = self.accu();
        let step = self.call("_&&_", vec![accu, test]);
        let result = self.accu();
        Ok(self.fold(target, vars, [init, condition, step, result]))
    }

    fn exists(&mut self, target: Option<Expr>, args: Vec<Expr>) -> Expanded {
        let two = args.len() == 3;
        let mut vars = self.vars(args, two, "argument must be a simple name")?;
        let test = self.next(&mut vars);
        let init = self.bool(false);
        let accu = self.accu();
        let not = self.call("!_", vec![accu]);
        let condition = self.call("@not_strictly_false", vec![not]);
        let accu = self.accu();
        let step = self.call("_||_", vec![accu, test]);
        let result = self.accu();
        Ok(self.fold(target, vars, [init, condition, step, result]))
    }

    fn exists_one(&mut self, target: Option<Expr>, args: Vec<Expr>) -> Expanded {
        let two = args.len() == 3;
        let mut vars = self.vars(args, two, "argument must be a simple name")?;
        let test = self.next(&mut vars);
        let init = self.int(0);
        let condition = self.bool(true);
        let (accu, one) = (self.accu(), self.int(1));
        let more = self.call("_+_", vec![accu, one]);
        let accu = self.accu();
        let step = self.call("_?_:_", vec![test, more, accu]);
        let (accu, one) = (self.accu(), self.int(1));
        let result = self.call("_==_", vec![accu, one]);
        Ok(self.fold(target, vars, [init, condition, step, result]))
    }

    /// Collects `value` into a list, where `filter` holds.
    fn collect(
        &mut self,
        target: Option<Expr>,
        vars: Vars,
        filter: Option<Expr>,
        value: Expr,
    ) -> Kind {
        let init = self.list(Vec::new());
        let condition = self.bool(true);
        let (accu, one) = (self.accu(), self.list(vec![value]));
        let mut step = self.call("_+_", vec![accu, one]);
        if let Some(filter) = filter {
            let accu = self.accu();
            step = self.call("_?_:_", vec![filter, step, accu]);
        }
        let result = self.accu();
        self.fold(target, vars, [init, condition, step, result])
    }

    fn map(&mut self, target: Option<Expr>, args: Vec<Expr>) -> Expanded {
        let filtered = args.len() == 3;
        let mut vars = self.vars(args, false, "argument is not an identifier")?;
        let filter = filtered.then(|| self.next(&mut vars));
        let value = self.next(&mut vars);
        Ok(self.collect(target, vars, filter, value))
    }

    fn filter(&mut self, target: Option<Expr>, args: Vec<Expr>) -> Expanded {
        let value = args[0].clone();
        let mut vars = self.vars(args, false, "argument is not an identifier")?;
        let filter = self.next(&mut vars);
        Ok(self.collect(target, vars, Some(filter), value))
    }

    fn transform_list(&mut self, target: Option<Expr>, args: Vec<Expr>) -> Expanded {
        let filtered = args.len() == 4;
        let mut vars = self.vars(args, true, "argument must be a simple name")?;
        let filter = filtered.then(|| self.next(&mut vars));
        let value = self.next(&mut vars);
        Ok(self.collect(target, vars, filter, value))
    }

    fn transform_map(&mut self, target: Option<Expr>, args: Vec<Expr>, entry: bool) -> Expanded {
        let filtered = args.len() == 4;
        let mut vars = self.vars(args, true, "argument must be a simple name")?;
        let filter = filtered.then(|| self.next(&mut vars));
        let value = self.next(&mut vars);
        let init = self.node(Kind::Map(Vec::new()));
        let condition = self.bool(true);
        let mut insert = vec![self.accu()];
        if !entry {
            let name = vars.first.clone();
            insert.push(self.ident(&name));
        }
        insert.push(value);
        let mut step = self.call("cel.@mapInsert", insert);
        if let Some(filter) = filter {
            let accu = self.accu();
            step = self.call("_?_:_", vec![filter, step, accu]);
        }
        let result = self.accu();
        Ok(self.fold(target, vars, [init, condition, step, result]))
    }

    /// `target.hasValue() ? optional.of(expr over target.value()) : optional.none()`.
    fn opt_map(&mut self, target: Option<Expr>, args: Vec<Expr>, flat: bool) -> Expanded {
        let name = if flat { "optFlatMap()" } else { "optMap()" };
        let Some(var) = args[0].ident().map(str::to_owned) else {
            let why = format!("{name} variable name must be a simple identifier");
            return Err((args[0].id, why));
        };
        let mut rest = args.into_iter().skip(1);
        let body = rest.next().unwrap_or_else(|| self.node(Kind::Broken));
        let target = target.unwrap_or_else(|| self.node(Kind::Broken));
        let value = self.method(target.clone(), "value", Vec::new());
        let bound = self.binding(var, value, body);
        let bound = self.node(bound);
        let bound = match flat {
            true => bound,
            false => self.call("optional.of", vec![bound]),
        };
        let present = self.method(target, "hasValue", Vec::new());
        let none = self.call("optional.none", Vec::new());
        Ok(Kind::Call {
            function: "_?_:_".to_owned(),
            target: None,
            args: vec![present, bound, none],
        })
    }

    /// `result`, in which a name stands for a value.
    fn binding(&mut self, name: String, value: Expr, result: Expr) -> Kind {
        let range = self.list(Vec::new());
        let condition = self.bool(false);
        let step = self.ident(&name);
        Kind::Fold(Box::new(Fold {
            range,
            var: "#unused".to_owned(),
            var2: None,
            accu: name,
            init: value,
            condition,
            step,
            result,
        }))
    }

    /// `cel.bind(name, value, result)`.
    fn bind(&mut self, args: Vec<Expr>) -> Expanded {
        let Some(name) = args[0].ident().map(str::to_owned) else {
            let why = "cel.bind() variable names must be simple identifiers";
            return Err((args[0].id, why.to_owned()));
        };
        let mut rest = args.into_iter().skip(1);
        let mut next = |make: &mut Self| rest.next().unwrap_or_else(|| make.node(Kind::Broken));
        let (value, result) = (next(self), next(self));
        Ok(self.binding(name, value, result))
    }

    /// The list, sorted by the list of keys that the expression makes of it.
    fn sort_by(&mut self, target: Option<Expr>, args: Vec<Expr>) -> Expanded {
        const VAR: &str = "@__sortBy_input__";
        let target = target.unwrap_or_else(|| self.node(Kind::Broken));
        let simple = matches!(
            target.kind,
            Kind::Select { .. }
                | Kind::Ident(_)
                | Kind::List(_)
                | Kind::Fold(_)
                | Kind::Call { .. }
        );
        if !simple {
            let why = "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
            return Err((target.id, why.to_owned()));
        }
        let input = self.ident(VAR);
        let keys = self.map(Some(input), args)?;
        let keys = self.node(keys);
        let input = self.ident(VAR);
        let result = self.method(input, "@sortByAssociatedKeys", vec![keys]);
        Ok(self.binding(VAR.to_owned(), target, result))
    }
}
