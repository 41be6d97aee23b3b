"""The samples that both servers get: two minutes around now, 137 ms off the whole seconds.

Prometheus 2.42 counts a sample at the start of a window to the window, later versions do not; off the grid there is none.
"""

import math
import random

OFF_GRID = 0.137
SECONDS = 55  # before and after: a push may be 60 s late or ahead


def series():
    """Yields (name, type, labels, function of the second)."""
    chance = random.Random(5)
    noise = [chance.uniform(-1, 1) for _ in range(4 * SECONDS)]
    hosts = [("a", "web"), ("b", "web"), ("c", "db")]
    for n, (host, job) in enumerate(hosts):
        labels = {"host": host, "job": job}
        yield "gauge", "gauge", labels, lambda s, n=n: 3 + 2 * n + noise[(s + 7 * n) % len(noise)] * 3
        yield "other", "gauge", labels, lambda s, n=n: 4 - n + (s % 5)
        # It begins anew three times.
        yield "requests_total", "counter", labels, lambda s, n=n: ((s + SECONDS + 3 * n) % 31) * (n + 1.5)
        yield "steady", "gauge", labels, lambda s, n=n: n % 2
        yield "when", "gauge", labels, lambda s, n=n: 1_700_000_000 + n * 40_000_000 + s
        if host != "b":
            yield "sparse", "gauge", labels, lambda s, n=n: s * n if s % 7 == n else None
        for le, share in [("0.1", 1), ("0.5", 3), ("1", 6), ("+Inf", 7)]:
            yield "latency_bucket", "counter", {**labels, "le": le}, lambda s, n=n, k=share: (s + SECONDS) * k * (n + 1)
    odd = [math.nan, math.inf, -math.inf, 0.0, -1.5, 1e300, 5e-324]
    for n in range(3):
        yield "odd", "gauge", {"host": "abc"[n], "job": "odd"}, lambda s, n=n: odd[(s + n) % len(odd)]
    for job, zone in [("web", "north"), ("db", "south")]:
        yield "facts", "gauge", {"job": job, "zone": zone}, lambda s: 1


def text(value):
    """A number as the text formats write it."""
    if math.isnan(value):
        return "NaN"
    return ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else repr(float(value))


def open_metrics(base):
    """All samples as OpenMetrics, for one server to take and for `promtool` to make blocks of."""
    lines, families = [], {}
    for name, kind, labels, value in series():
        families.setdefault(name, []).append((labels, value))
    for name, members in families.items():
        lines.append(f"# TYPE {name} unknown")
        for labels, value in members:
            pairs = ",".join(f'{key}="{text_}"' for key, text_ in labels.items())
            for second in range(-SECONDS, SECONDS + 1):
                number = value(second)
                if number is not None:
                    lines.append(f"{name}{{{pairs}}} {text(number)} {base + second + OFF_GRID:.3f}")
    return "\n".join([*lines, "# EOF", ""])
