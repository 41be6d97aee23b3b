"""A server of the tests' own, with a configuration of Centrifugo, and tokens for it."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

API_KEY = "key-of-the-tests"
SECRET = b"secret of the tests"
ANYONE = {"allow_subscribe_for_client": True}
HISTORY = {"history_size": 5, "history_ttl": "300s", "force_recovery": True}
CONFIG = {
    "client": {"token": {"hmac_secret_key": SECRET.decode()}},
    "http_server": {"address": "127.0.0.1"},
    "http_api": {"key": API_KEY},
    "channel": {
        "namespaces": [
            {"name": "open", **ANYONE},
            {"name": "closed"},
            {
                "name": "chat", **ANYONE, **HISTORY, "presence": True, "join_leave": True, "force_push_join_leave": True,
                "allow_publish_for_subscriber": True, "allow_presence_for_subscriber": True, "allow_history_for_subscriber": True,
            },
            {"name": "delta", **ANYONE, **HISTORY, "allowed_delta_types": ["fossil"], "delta_publish": True},
            {"name": "tags", **ANYONE, "allow_tags_filter": True},
        ]
    },
}


def token(**claims):
    """Signs a token with HS256."""

    def encoded(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    signed = encoded(b'{"alg":"HS256","typ":"JWT"}') + b"." + encoded(json.dumps(claims).encode())
    return (signed + b"." + encoded(hmac.new(SECRET, signed, hashlib.sha256).digest())).decode()


class Server:
    """A running server; `stop` ends it and clears it away."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="watchroom-clients-"))
        (self.directory / "config.json").write_text(json.dumps(CONFIG))
        (self.directory / "watchroom.toml").write_text("")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.process = subprocess.Popen(
            [os.environ["WATCHROOM_BIN"], "--config", self.directory, "--centrifugo", self.directory / "config.json",
             "--data", self.directory / "data", "--listen", self.address],
            stdout=subprocess.DEVNULL,
        )
        self.api = f"http://{self.address}/api"
        self.socket = f"ws://{self.address}/connection/websocket"
        try:
            self.wait()
        except Exception:
            self.stop()
            raise

    def wait(self):
        end = time.monotonic() + 15
        while True:
            try:
                return urllib.request.urlopen(f"http://{self.address}/-/healthy", timeout=5).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
