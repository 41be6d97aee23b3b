use super::parse;
use crate::query::expr::{Expr, Over};

/// The tree in brackets of its own, as `(a + (b * c))`.
fn shape(expr: &Expr) -> String {
    match expr {
        Expr::Number(v, _) => v.to_string(),
        Expr::Text(text, _) => format!("{text:?}"),
        Expr::Selector(of) => {
            let parts: Vec<String> =
                of.matchers.iter().map(|m| format!("{}{:?}{}", m.name, m.op, m.value)).collect();
            format!("<{}>{}", parts.join(" "), shift(of.shift))
        }
        Expr::Range(of) => match &of.over {
            Over::Selector(_) => format!("range {}{}", of.range, shift(of.shift)),
            Over::Subquery { expr, step } => {
                format!("{}[{}:{step}]{}", shape(expr), of.range, shift(of.shift))
            }
        },
        Expr::Negate(of, _) => format!("-{}", shape(of)),
        Expr::Plus(of, _) => format!("+{}", shape(of)),
        Expr::Call(of) => {
            format!("{:?}({})", of.function, of.args.iter().map(shape).collect::<Vec<_>>().join(", "))
        }
        Expr::Aggregate(of) => {
            let param = of.param.as_ref().map(|param| format!("{}, ", shape(param))).unwrap_or_default();
            let word = if of.without { "without" } else { "by" };
            format!("{:?} {word} {:?} ({param}{})", of.op, of.labels, shape(&of.of))
        }
        Expr::Binary(of) => {
            let (m, bool_result) = (&of.matching, if of.bool_result { " bool" } else { "" });
            let on = match (m.on, m.labels.is_empty()) {
                (false, true) => String::new(),
                (on, _) => format!(" {} {:?}", if on { "on" } else { "ignoring" }, m.labels),
            };
            let group =
                if m.include.is_empty() { String::new() } else { format!(" {:?} {:?}", m.group, m.include) };
            let fill = match (m.fill_left, m.fill_right) {
                (None, None) => String::new(),
                fills => format!(" fill {fills:?}"),
            };
            format!("({} {:?}{bool_result}{on}{group}{fill} {})", shape(&of.left), of.op, shape(&of.right))
        }
    }
}

fn shift(of: crate::query::expr::Shift) -> String {
    let at = of.at.map(|at| format!(" @{at:?}")).unwrap_or_default();
    let offset = if of.offset == 0 { String::new() } else { format!(" offset {}", of.offset) };
    format!("{at}{offset}")
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = match parse(text) {
        Ok(parsed) => shape(&parsed.expr).replace("__name__Equal", ""),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn precedence_and_associativity() {
    check("1 + 2 * 3 ^ 2 ^ 0", "(1 Add (2 Mul (3 Pow (2 Pow 0))))");
    check("1 - 2 - 3", "((1 Sub 2) Sub 3)");
    check("-1 ^ 2", "-(1 Pow 2)");
    check("-a * b", "(-<a> Mul <b>)");
    check("2 ^ -1 * 3", "((2 Pow -1) Mul 3)");
    check("2 * -3 ^ 2", "(2 Mul -(3 Pow 2))");
    check("- - 1", "1");
    check("+a", "+<a>");
    check("a or b and c unless d == e", "(<a> Or ((<b> And <c>) Unless (<d> Equal <e>)))");
    check("a atan2 b % c", "((<a> Atan2 <b>) Mod <c>)");
    check("a + b offset 5m ^ 2", "(<a> Add (<b> offset 300000 Pow 2))");
    check("(a + b) * c", "((<a> Add <b>) Mul <c>)");
    check("A AND b", "(<A> And <b>)");
}

#[test]
fn modifiers_of_operators() {
    check("a > bool 1", "(<a> Greater bool 1)");
    check("a * on (x, y) b", "(<a> Mul on [\"x\", \"y\"] <b>)");
    check("a * on () b", "(<a> Mul on [] <b>)");
    check("a - ignoring (x,) group_left (\"z\", w) b", "(<a> Sub ignoring [\"x\"] Left [\"w\", \"z\"] <b>)");
    check("a * on (x) group_right b", "(<a> Mul on [\"x\"] <b>)");
    check("a + fill (-1) b", "(<a> Add fill (Some(-1.0), Some(-1.0)) <b>)");
    check("a + fill_right (2) fill_left (1m) b", "(<a> Add fill (Some(60.0), Some(2.0)) <b>)");
    check("fill + fill_left", "(<fill> Add <fill_left>)");
    check("1 + on () a", "(1 Add on [] <a>)");
}

#[test]
fn words_are_names_where_they_can_be() {
    check("sum", "<sum>");
    check("a * sum", "(<a> Mul <sum>)");
    check("offset{step=\"1s\"}[5m]", "range 300000");
    check("and and and", "(<and> And <and>)");
    check("start + step", "(<start> Add <step>)");
    check("{by=\"x\", inf='y', on!=\"\"}", "<byEqualx infEqualy onNotEqual>");
    check(
        "sum by (on, bool, by, a:b, \"c d\") (x)",
        "Sum by [\"a:b\", \"bool\", \"by\", \"c d\", \"on\"] (<x>)",
    );
    check("SUM(x) WITHOUT (a)", "Sum without [\"a\"] (<x>)");
    check("sum by (without) (x)", "1:9: parse error: unexpected \"without\", expected a label name or \")\"");
    check("bool", "1:1: parse error: unexpected \"bool\", expected an expression");
    check("by(x)", "1:3: parse error: unexpected \"(\", expected an operator or the end of the text");
}

#[test]
fn names_in_quotes() {
    check("{\"a.b\", \"c d\"='x'}", "<a.b c dEqualx>");
    check("{'\\u00e9'}", "<é>");
    check("a{__name__='b'}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\"");
    check("sum by (\"\") (a)", "1:9: parse error: invalid label name for grouping: \"\"");
    check("count_values(\"a\\xc5z\", a)", "1:14: parse error: invalid label name \"a\\xc5z\"");
    check("{a=\"\\xc5\"}", "1:4: parse error: the text is not UTF-8: \"\\xc5\"");
}

#[test]
fn ranges_and_places_in_time() {
    check("max_over_time(a[5m:] offset 1m @ 3)", "Window(Max)(<a>[300000:60000] @Time(3000) offset 60000)");
    check("a[1h30m] @ -1.5 offset -5m", "range 5400000 @Time(-1500) offset -300000");
    check("a[30] offset 0x10", "range 30000 offset 16000");
    check("a @ start() offset 1", "<a> @Start offset 1000");
    check("a @ END()", "<a> @End");
    check("(a + b)[1m:5s]", "(<a> Add <b>)[60000:5000]");
    check("a offset 5m offset 1m", "1:1: parse error: offset may not be set multiple times");
    check("a @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times");
    check("a @ inf", "1:5: parse error: timestamp out of bounds for @ modifier");
    check("a offset 5m[1m]", "1:12: parse error: no offset modifiers allowed before range; put it after");
    check(
        "(a)[1m]",
        "1:4: parse error: ranges only allowed for vector selectors; a subquery has a colon, as in [5m:]",
    );
    check(
        "a[1m][1m:]",
        "1:1: parse error: subquery is only allowed on instant vector, got range vector instead",
    );
    check(
        "sum(a) offset 1m",
        "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector \
         or a subquery",
    );
    check("a[5m:1m", "1:2: parse error: \"[\" is not closed");
    check("a[1m 1m]", "1:6: parse error: unexpected \"1m\", expected \":\" or \"]\" after the range");
    check(
        "a offset x",
        "1:10: parse error: unexpected \"x\", expected a duration such as 5m, or step() or range()",
    );
}

#[test]
fn durations_are_computed() {
    check("a[2m*(10+5)]", "range 1800000");
    check("a[-5m+35m]", "range 1800000");
    check("a[1h30m % 1h]", "range 1800000");
    check("a[-2^2+5s]", "range 1000");
    check("a[min_of(1m, MAX_OF(1s, 3))]", "range 3000");
    check("a offset (5s-8)", "<a> offset -3000");
    check("a offset -(1^2)", "<a> offset -1000");
    check("a offset -1^2", "(<a> offset -1000 Pow 2)");
    check("a offset (1)*2", "<a> offset 2000");
    check("a offset 5m + 3", "(<a> offset 300000 Add 3)");
    check("a[step()]", "range 1");
    check("a[0.0015]", "range 1");
    check("a[1.001]", "range 1001");
    check("a[0]", "1:3: parse error: duration must be greater than 0, at least 1ms");
    check("a[5m:-1]", "1:6: parse error: duration must be greater than 0, at least 1ms");
    check("a[5m/0]", "1:5: parse error: division by zero");
    check("a[5m%(1-1)]", "1:5: parse error: modulo by zero");
    check("a[201y]", "1:3: parse error: the duration is out of range");
    check("a offset inf", "1:10: parse error: the duration is out of range");
    check("a offset nan", "1:10: parse error: the duration is not a number");
    check("999999999999y", "1:1: parse error: the duration is out of range");
    check(
        "a[inf]",
        "1:3: parse error: unexpected \"inf\", expected a duration such as 5m, or step() or range()",
    );
}

#[test]
fn types_are_checked() {
    let of_rate = "in call to function \"rate\", got";
    check(
        "rate(a)",
        &format!(
            "1:6: parse error: expected type range vector {of_rate} instant vector; put a range such as [5m] after it"
        ),
    );
    check(
        "rate(sum(a))",
        &format!(
            "1:6: parse error: expected type range vector {of_rate} instant vector; \
             put a range and a colon such as [5m:] after it"
        ),
    );
    check("rate(a[1m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2");
    check(
        "label_join(a)",
        "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1",
    );
    check("round(a, 1, 2)", "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3");
    check(
        "sum(1)",
        "1:5: parse error: expected type instant vector in aggregation expression, got scalar; vector() makes one of it",
    );
    check(
        "topk(a, b)",
        "1:6: parse error: expected type scalar in aggregation parameter, got instant vector; scalar() makes one of it",
    );
    check("sum()", "1:1: parse error: no arguments for aggregate expression provided");
    check(
        "sum(a, b)",
        "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2",
    );
    check("abs(a,)", "1:6: parse error: trailing commas not allowed in function call args");
    check("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier");
    check("a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators");
    check("1 and a", "1:3: parse error: set operator \"and\" not allowed in binary scalar expression");
    check("a + on (x) 1", "1:3: parse error: vector matching only allowed between instant vectors");
    check("a and on (x) group_left b", "1:3: parse error: no grouping allowed for \"and\" operation");
    check(
        "a * on (x) group_left (x) b",
        "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once",
    );
    check(
        "{}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher, such as {job=\"node\"}",
    );
    check(
        "{a=~'.*'}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher, such as {job=\"node\"}",
    );
    check(
        "-a[1m]",
        "1:2: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \
         \"range vector\"",
    );
}

#[test]
fn refusals_say_what_to_do() {
    check("", "1:1: parse error: no expression found in input");
    check("# a\n", "1:1: parse error: no expression found in input");
    check("sum(a", "1:4: parse error: \"(\" is not closed");
    check("{a='b'", "1:1: parse error: \"{\" is not closed");
    check("sum by (a", "1:8: parse error: \"(\" is not closed");
    check("rate(a[5m)", "1:10: parse error: unexpected \")\", expected \":\" or \"]\" after the range");
    check("{a='\\q'}", "1:5: parse error: unknown escape in the text; a backslash is written \"\\\\\"");
    check("raet(a[5m])", "1:1: parse error: unknown function with name \"raet\", did you mean \"rate\"?");
    check("xyzzy_of_it(a)", "1:1: parse error: unknown function with name \"xyzzy_of_it\"");
    check("{a=b}", "1:4: parse error: unexpected \"b\", expected a value in quotes");
    check("{a}", "1:3: parse error: unexpected \"}\", expected \"=\", \"!=\", \"=~\" or \"!~\"");
    check("info(a, b)", "1:9: parse error: expected label selectors only, got vector selector instead");
    check("sum x", "1:5: parse error: unexpected \"x\", expected an operator or the end of the text");
    check("sum by (a) x", "1:12: parse error: unexpected \"x\", expected \"(\" and what sum puts together");
}

/// The texts of all nodes, parents first.
fn texts<'t>(expr: &Expr, text: &'t str, found: &mut Vec<&'t str>) {
    found.push(expr.span().of(text));
    match expr {
        Expr::Number(..) | Expr::Text(..) | Expr::Selector(_) => {}
        Expr::Negate(of, _) | Expr::Plus(of, _) => texts(of, text, found),
        Expr::Range(of) => match &of.over {
            Over::Selector(selector) => found.push(selector.span.of(text)),
            Over::Subquery { expr, .. } => texts(expr, text, found),
        },
        Expr::Call(of) => of.args.iter().for_each(|arg| texts(arg, text, found)),
        Expr::Aggregate(of) => {
            of.param.iter().for_each(|param| texts(param, text, found));
            texts(&of.of, text, found);
        }
        Expr::Binary(of) => {
            texts(&of.left, text, found);
            texts(&of.right, text, found);
        }
    }
}

#[test]
fn every_node_knows_where_it_stands() {
    let text = "sum by (e) (rate(a{b='c'}[5m] offset 1m)) / (-(b) + (1)) ";
    let parsed = parse(text).unwrap();
    let mut found = Vec::new();
    texts(&parsed.expr, text, &mut found);
    assert_eq!(
        found,
        [
            text.trim(),
            "sum by (e) (rate(a{b='c'}[5m] offset 1m))",
            "rate(a{b='c'}[5m] offset 1m)",
            "a{b='c'}[5m] offset 1m",
            "a{b='c'}",
            "-(b) + (1)",
            "-(b)",
            "b",
            "1",
        ]
    );
}
