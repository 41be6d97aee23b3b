"""Ours and Debian's Prometheus, on loopback, ended with the tests."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

TOOLS = pathlib.Path(os.environ["PROMETHEUS_BIN"])
PROMTOOL = TOOLS / "promtool"
START_SECONDS = 30


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % free.getsockname()[1]


class Process:
    """A server in a folder of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="watchroom-prometheus-"))
        self.address = free_address()
        self.url = f"http://{self.address}"
        self.process = None

    def start(self, *command):
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen([str(part) for part in command], stdout=self.log, stderr=self.log)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                return urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
            time.sleep(0.05)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.log.close()
        shutil.rmtree(self.folder)

    def ask(self, call, **parameters):
        """The answer's `data`, or the text of its error."""
        url = f"{self.url}/api/v1/{call}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            return json.load(error)["error"]


class Watchroom(Process):
    def __init__(self, exposition):
        super().__init__()
        (self.folder / "watchroom.toml").write_text("collect_host = false\n")
        (self.folder / "alerts.toml").write_text("")
        self.start(os.environ["WATCHROOM_BIN"], "--config", self.folder, "--data", self.folder / "data", "--listen", self.address)
        request = urllib.request.Request(f"{self.url}/api/v1/import/prometheus", exposition.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as response:
            report = json.load(response)
        assert report["refused_total"] == 0, report


class Prometheus(Process):
    """With the same samples in its store, or with another server to read them from."""

    def __init__(self, exposition=None, read_from=None):
        super().__init__()
        data, config = self.folder / "data", self.folder / "prometheus.yml"
        config.write_text("")
        if exposition is not None:
            (self.folder / "samples").write_text(exposition)
            command = [PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", self.folder / "samples", data]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        if read_from is not None:
            config.write_text(f"remote_read:\n  - url: {read_from}/api/v1/read\n    read_recent: true\n")
        self.start(
            TOOLS / "prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=10y",
            f"--web.listen-address={self.address}", "--log.level=warn", "--enable-feature=promql-at-modifier,promql-negative-offset",
        )
