"""The socket through centrifuge-python, in JSON and in protobuf."""

import asyncio
import json
import logging
import time
import unittest

import cent
import centrifuge
from server import API_KEY, Server, token

logging.getLogger("centrifuge").setLevel(logging.ERROR)


def noting(kind, events):
    """Makes a handler that writes down each event as `(name, context)`."""

    def handler(name):
        async def note(_, context):
            events.append((name, context))

        return note

    names = [name for name in dir(kind) if name.startswith("on_")]
    return type("Noting", (kind,), {name: handler(name) for name in names})()


def those(events, name):
    return [context for one, context in events if one == name]


async def until(condition):
    end = time.monotonic() + 15
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not within 15 s")
        await asyncio.sleep(0.02)


class Client(unittest.IsolatedAsyncioTestCase):
    binary = False

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.api = cent.Client(cls.server.api, API_KEY)

    def packed(self, value):
        return json.dumps(value).encode() if self.binary else value

    def unpacked(self, data):
        return json.loads(data) if isinstance(data, bytes) else data

    async def publish(self, channel, data, **more):
        await asyncio.to_thread(self.api.publish, cent.PublishRequest(channel=channel, data=data, **more))

    async def client(self, **claims):
        events = []
        client = centrifuge.Client(
            self.server.socket, noting(centrifuge.ClientEventHandler, events), token=token(sub="ann", **claims),
            use_protobuf=self.binary, min_reconnect_delay=0.02, max_reconnect_delay=0.1,
        )
        self.addAsyncCleanup(client.disconnect)
        await client.connect()
        return client, events

    async def subscribed(self, client, channel, **options):
        events = []
        one = client.new_subscription(channel, noting(centrifuge.SubscriptionEventHandler, events), **options)
        await one.subscribe()
        await one.ready()
        return one, events

    async def test_subscribe_publish_ask(self):
        client, _ = await self.client(info={"name": "Ann"})
        chat, events = await self.subscribed(client, "chat:a")
        await until(lambda: those(events, "on_join"))
        await chat.publish(self.packed({"n": 1}))
        await self.publish("chat:a", {"n": 2}, tags={"from": "cent"})
        await until(lambda: len(those(events, "on_publication")) == 2)
        first, second = [context.pub for context in those(events, "on_publication")]
        self.assertEqual((self.unpacked(first.data), first.offset, first.info.user), ({"n": 1}, 1, "ann"))
        self.assertEqual((self.unpacked(second.data), second.offset, second.tags), ({"n": 2}, 2, {"from": "cent"}))
        (present,) = (await chat.presence()).clients.values()
        self.assertEqual((present.user, self.unpacked(present.conn_info)), ("ann", {"name": "Ann"}))
        stats = await chat.presence_stats()
        self.assertEqual((stats.num_clients, stats.num_users), (1, 1))
        self.assertEqual([one.offset for one in (await chat.history(limit=5)).publications], [1, 2])
        self.assertEqual([one.offset for one in (await chat.history(limit=1, reverse=True)).publications], [2])
        for refused, code in [(client.publish("nowhere:a", self.packed(1)), 102), (client.rpc("any", self.packed(1)), 108)]:
            with self.assertRaises(centrifuge.ReplyError) as raised:
                await refused
            self.assertEqual(raised.exception.code, code)

    async def test_deltas_and_tags(self):
        client, _ = await self.client()
        _, deltas = await self.subscribed(client, "delta:a", delta=centrifuge.DeltaType.FOSSIL)
        _, tagged = await self.subscribed(client, "tags:a", tags_filter=centrifuge.Filter.eq("kind", "x"))
        texts = [{"text": "the same each time, with ö and 日本" * 5, "n": n} for n in range(3)]
        for text in texts:
            await self.publish("delta:a", text)
        for n, kind in enumerate("xyx"):
            await self.publish("tags:a", n, tags={"kind": kind})
        await until(lambda: len(those(deltas, "on_publication")) == 3 and len(those(tagged, "on_publication")) == 2)
        self.assertEqual([self.unpacked(context.pub.data) for context in those(deltas, "on_publication")], texts)
        self.assertEqual([context.pub.delta for context in those(deltas, "on_publication")], [False, True, True])
        self.assertEqual([self.unpacked(context.pub.data) for context in those(tagged, "on_publication")], [0, 2])

    async def test_tokens_of_subscriptions_are_renewed(self):
        client, _ = await self.client()
        asked = []

        async def get_token(channel):
            asked.append(channel)
            return token(sub="ann", channel=channel, exp=int(time.time()) + (2 if len(asked) == 1 else 300))

        closed, events = await self.subscribed(client, "closed:a", get_token=get_token)
        await until(lambda: len(asked) == 2)
        await asyncio.sleep(0.5)
        self.assertEqual((closed.state, len(those(events, "on_subscribing"))), (centrifuge.SubscriptionState.SUBSCRIBED, 1))

    async def test_the_server_unsubscribes_and_disconnects(self):
        client, own = await self.client(channels=["chat:given"])
        _, events = await self.subscribed(client, "chat:b")
        await until(lambda: those(own, "on_subscribed"))
        await asyncio.to_thread(self.api.unsubscribe, cent.UnsubscribeRequest(user="ann", channel="chat:b"))
        await until(lambda: those(events, "on_unsubscribed"))
        self.assertEqual(those(events, "on_unsubscribed")[0].code, 2000)
        await asyncio.to_thread(self.api.disconnect, cent.DisconnectRequest(user="ann"))
        await until(lambda: those(own, "on_disconnected"))
        self.assertEqual(those(own, "on_disconnected")[0].code, 3503)


class BinaryClient(Client):
    binary = True


if __name__ == "__main__":
    unittest.main()
