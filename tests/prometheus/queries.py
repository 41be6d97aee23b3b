"""Queries made of every function and operator that Prometheus 2.42 has, over the series of `samples`."""

# What 2.42 lacks: nothing to compare with. Prometheus's own test data shows these, see src/query/promqltest.rs.
LACKING = {
    "functions": [
        "double_exponential_smoothing (there under its old name, holt_winters, and compared)",
        "first_over_time", "histogram_avg", "histogram_quantiles", "histogram_stddev", "histogram_stdvar", "info", "mad_over_time",
        "sort_by_label", "sort_by_label_desc", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time",
        "ts_of_min_over_time",
    ],
    "aggregations": ["limitk", "limit_ratio"],
    "syntax": [
        "anchored and smoothed", "duration expressions", "fill modifiers", "names in quotes", "durations as numbers",
        "the trim operators",
    ],
    "samples": ["native histograms: there behind a flag, and in no text format"],
}

# Where the two answer otherwise, and why; each of these is checked to differ, so that none stays here for nothing.
LIKE_3 = "2.42 kept the name of the metric; version 3 drops it, as for every other operator"
START = "near the beginning of a counter: version 3 limits the extrapolation to zero after that to half a step, 2.42 before"
DENORMAL = "the logarithm of the least number there is, 5e-324: its Go on amd64 gave -709.1, right is -744.4"
EXPLAINED = {
    "query": {"gauge atan2 3": LIKE_3, "3 atan2 gauge": LIKE_3, "odd atan2 ignoring (le) odd": LIKE_3},
    "query_range": {
        "gauge atan2 3": LIKE_3,
        "3 atan2 gauge": LIKE_3,
        "odd atan2 ignoring (le) odd": LIKE_3,
        "rate(requests_total[40s:4s])": START,
        "increase(requests_total[40s:4s])": START,
        "ln(odd)": DENORMAL,
    },
}

SELECTORS = [
    "gauge", 'gauge{host="a"}', 'gauge{host!="a"}', 'gauge{host=~"a|b"}', 'gauge{host!~"a|b"}', '{__name__=~"gauge|sparse"}',
    "gauge offset 10s", "gauge offset -10s", "gauge @ start()", "gauge @ end()", "nothing", "sparse", "odd",
]
OVER_TIME = ["avg", "sum", "min", "max", "count", "last", "present", "stddev", "stdvar"]
COUNTER = ["rate", "irate", "increase", "resets"]
GAUGE = ["delta", "idelta", "deriv", "changes"]
MATH = [
    "abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad",
]
DATE = ["minute", "hour", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "month", "year"]
AGGREGATES = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


def over_windows():
    for name in OVER_TIME:
        for inner in ["gauge[20s]", "sparse[17s]", "odd[20s]", "gauge[20s] offset 5s", "(gauge * 2)[20s:3s]"]:
            yield f"{name}_over_time({inner})"
    for name in COUNTER:
        for inner in ["requests_total[20s]", "requests_total[33s] offset 4s", "latency_bucket[20s]", "requests_total[40s:4s]"]:
            yield f"{name}({inner})"
    for name in GAUGE:
        for inner in ["gauge[20s]", "sparse[31s]", "gauge[20s:2s]"]:
            yield f"{name}({inner})"
    for q in ["0", "0.5", "0.9", "1", "-1", "2", "scalar(count(gauge)) / 10"]:
        yield f"quantile_over_time({q}, gauge[20s])"
    for inner in ["gauge[20s]", "gauge[20s] offset 3s", "requests_total[30s]"]:
        yield f"predict_linear({inner}, 60)"
    yield "holt_winters(gauge[20s], 0.5, 0.3)"
    yield "absent_over_time(gauge[5s])"
    yield 'absent_over_time(nothing{a="b"}[5s])'
    yield "max_over_time(rate(requests_total[10s])[30s:3s])"
    yield "sum_over_time(gauge[20s] @ start())"


def of_values():
    for name in MATH:
        yield f"{name}(gauge)"
    for name in ["abs", "exp", "ln", "sqrt", "sgn"]:
        yield f"{name}(odd)"
    for name in DATE:
        yield f"{name}()"
        yield f"{name}(when)"
    yield from ["clamp(gauge, 1, 5)", "clamp(gauge, 5, 1)", "clamp_min(gauge, 2)", "clamp_max(gauge, 2)", "round(gauge, 0.25)"]
    yield from ["time()", "pi()", "vector(1)", "vector(time())", "scalar(gauge)", 'scalar(gauge{host="a"})', "timestamp(gauge)"]
    yield from ["timestamp(gauge offset 5s)", "timestamp(gauge + 1)", "absent(gauge)", 'absent(nothing{a="b", c=~"d"})']
    yield from ["sort(gauge)", "sort_desc(gauge)", "-gauge", "+gauge", "1 + 2 * 3 ^ 2 % 5", "-1 ^ 2", '"a text"', "0x1F", "1e3", "NaN"]
    yield 'label_replace(gauge, "short", "$1", "host", "(.).*")'
    yield 'label_replace(gauge, "host", "", "", "")'
    yield 'label_join(gauge, "both", "-", "host", "job")'
    for q in ["0", "0.5", "0.99", "1", "-1", "2"]:
        yield f"histogram_quantile({q}, rate(latency_bucket[20s]))"
    yield "histogram_quantile(0.9, sum by (le) (rate(latency_bucket[20s])))"
    yield "histogram_quantile(0.9, gauge)"


def of_groups():
    for name in AGGREGATES:
        for inner in ["(gauge)", " by (host) (gauge)", " without (host) (gauge)", " by (nowhere) (gauge)", "(odd)"]:
            yield f"{name}{inner}"
    for name in ["topk", "bottomk"]:
        for k in ["1", "2", "9"]:
            yield f"{name}({k}, gauge)"
            yield f"{name} by (job) ({k}, gauge)"
    for q in ["0", "0.3", "1", "-1", "2"]:
        yield f"quantile({q}, gauge)"
        yield f"quantile by (job) ({q}, gauge)"
    yield from ['count_values("value", steady)', 'count_values by (job) ("value", steady)', "sum(gauge) by (job)", "sum(nothing)"]


def of_operators():
    for op in ARITHMETIC:
        yield f"gauge {op} 3"
        yield f"3 {op} gauge"
        yield f"gauge {op} on (host, job) other"
        yield f"odd {op} ignoring (le) odd"
        yield f"7 {op} 3"
    for op in COMPARISONS:
        yield f"gauge {op} 3"
        yield f"3 {op} gauge"
        yield f"gauge {op} bool 3"
        yield f"gauge {op} on (host, job) other"
        yield f"gauge {op} bool on (host, job) other"
        yield f"7 {op} bool 3"
    for op in ["and", "or", "unless"]:
        yield f'gauge {op} gauge{{host="a"}}'
        yield f"gauge {op} on (host) other"
        yield f"gauge {op} ignoring (job) other"
        yield f"gauge > 2 {op} gauge < 6"
    yield "gauge * on (job) group_left () sum by (job) (gauge)"
    yield "gauge * on (job) group_left (zone) facts"
    yield "facts * on (job) group_right (zone) gauge"
    yield "sum by (job) (gauge) / ignoring (zone) facts"
    yield "requests_total / on (host, job) gauge + 1 > 0 and gauge"
    yield "sum(rate(requests_total[20s])) by (job) / sum(gauge) by (job)"


QUERIES = [*SELECTORS, *over_windows(), *of_values(), *of_groups(), *of_operators()]


def renamed(query):
    """The query under the names of version 3."""
    return query.replace("holt_winters(", "double_exponential_smoothing(")


assert len(QUERIES) == len(set(QUERIES)), "each query once"
