"""The same queries to our server and to Debian's Prometheus, over the same samples; and its tools against our server."""

import datetime
import math
import subprocess
import time
import unittest

import prometheus_api_client
from queries import EXPLAINED, LACKING, QUERIES, renamed
from samples import SECONDS, open_metrics
from servers import PROMTOOL, Prometheus, Watchroom

# Sums are compensated in Prometheus 3, and were not in 2.42: the last digits differ.
RELATIVE = 1e-9
QUERIES_MIN = 300


def is_close(ours, theirs):
    a, b = float(ours), float(theirs)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or math.isclose(a, b, rel_tol=RELATIVE, abs_tol=1e-12)


def points(series):
    return series.get("values") or [series["value"]]


def differ(ours, theirs, is_sorted=False):
    """Why two answers are not the same, or nothing."""
    if isinstance(ours, str) or isinstance(theirs, str):
        return None if isinstance(ours, str) and isinstance(theirs, str) else f"ours: {ours}; theirs: {theirs}"
    if ours["resultType"] != theirs["resultType"]:
        return f"{ours['resultType']} and {theirs['resultType']}"
    a, b = ours["result"], theirs["result"]
    if ours["resultType"] == "string":
        return None if a[1] == b[1] else f"{a} and {b}"
    if ours["resultType"] == "scalar":
        return None if is_close(a[1], b[1]) else f"{a} and {b}"
    if not is_sorted:
        a, b = ([*sorted(one, key=lambda series: sorted(series["metric"].items()))] for one in (a, b))
    if [one["metric"] for one in a] != [one["metric"] for one in b]:
        return f"series {[one['metric'] for one in a]} and {[one['metric'] for one in b]}"
    for one, other in zip(a, b):
        if [t for t, _ in points(one)] != [t for t, _ in points(other)]:
            return f"times of {one['metric']}: {points(one)[:4]} and {points(other)[:4]}"
        for mine, theirs_ in zip(points(one), points(other)):
            if not is_close(mine[1], theirs_[1]):
                return f"{one['metric']}: {mine} and {theirs_}"
    return None


class Compared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Half a second off: the steps of subqueries are whole seconds, and none falls on the edge of a window. By which
        # sample of theirs a subquery begins is the same in each run.
        time.sleep(-(time.time() - 2) % 4)
        cls.base = int(time.time())
        cls.at = cls.base + 0.5
        exposition = open_metrics(cls.base)
        cls.ours = Watchroom(exposition)
        cls.addClassCleanup(cls.ours.stop)
        cls.theirs = Prometheus(exposition)
        cls.addClassCleanup(cls.theirs.stop)

    def compare(self, other, queries, call, **parameters):
        explained = EXPLAINED[call] if other is self.theirs else {}
        wrong = []
        for query in queries:
            is_sorted = call == "query" and query.startswith(("sort", "topk", "bottomk"))
            ours = self.ours.ask(call, query=renamed(query), **parameters)
            why = differ(ours, other.ask(call, query=query, **parameters), is_sorted)
            if (why is None) == (query in explained):
                wrong.append(f"{query}: {why or 'equal, and said to differ'}")
        self.assertEqual(wrong, [], f"{len(wrong)} of {len(queries)}:\n" + "\n".join(wrong))
        print(f"{call}: {len(queries)} queries, {len(queries) - len(explained)} equal answers", flush=True)
        for query, why in explained.items():
            print(f"  {query}: {why}", flush=True)

    def test_instants(self):
        self.assertGreaterEqual(len(QUERIES), QUERIES_MIN)
        self.compare(self.theirs, QUERIES, "query", time=self.at)

    def test_ranges(self):
        ranges = [query for query in QUERIES if not query.startswith(('"', "sort"))]
        start, end = self.at - SECONDS + 5, self.at + SECONDS - 5
        self.compare(self.theirs, ranges, "query_range", start=start, end=end, step=7)

    def test_what_it_lacks_is_named(self):
        for kind, names in LACKING.items():
            print(f"not in 2.42, {kind}: {', '.join(names)}", flush=True)

    def test_remote_read(self):
        reader = Prometheus(read_from=self.ours.url)
        self.addCleanup(reader.stop)
        selecting = [query for query in QUERIES if "gauge" in query][:40]
        self.compare(reader, selecting, "query", time=self.at)

    def tool(self, *arguments):
        return subprocess.run([PROMTOOL, "query", *arguments], check=True, capture_output=True, text=True).stdout

    def test_promtool(self):
        url, at = self.ours.url, str(self.at)
        self.assertIn('gauge{host="a", job="web"} =>', self.tool("instant", f"--time={at}", url, 'gauge{host="a"}'))
        out = self.tool("range", f"--start={self.base - 10}", f"--end={self.base}", "--step=5s", url, "sum(steady)")
        self.assertEqual(out.count("1 @["), 3, out)
        series = self.tool("series", "--match=facts", f"--start={self.base - 60}", f"--end={self.base + 60}", url)
        self.assertIn('{__name__="facts", job="db", zone="south"}', series)
        self.assertEqual(self.tool("labels", f"--start={self.base - 60}", f"--end={self.base + 60}", url, "zone").split(), ["north", "south"])

    def test_api_client(self):
        client = prometheus_api_client.PrometheusConnect(url=self.ours.url)
        self.assertTrue(client.check_prometheus_connection())
        self.assertIn("gauge", client.all_metrics())
        self.assertEqual(client.get_label_values("zone"), ["north", "south"])
        found = client.custom_query("sum(steady)", params={"time": self.at})
        self.assertEqual(found[0]["value"][1], "1")
        start, end = (datetime.datetime.fromtimestamp(self.base - ago) for ago in (10, 0))
        ranged = client.custom_query_range("steady", start_time=start, end_time=end, step="5")
        self.assertEqual([len(series["values"]) for series in ranged], [3, 3, 3])


if __name__ == "__main__":
    unittest.main()
