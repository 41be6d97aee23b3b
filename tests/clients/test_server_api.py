"""The server API through cent."""

import unittest

import cent
from server import API_KEY, Server


class ServerApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.client = cent.Client(cls.server.api, API_KEY)

    def refused(self, code, method, request):
        with self.assertRaises(cent.CentApiResponseError) as raised:
            method(request)
        self.assertEqual(raised.exception.code, code)

    def test_publish_and_history(self):
        publish, history = self.client.publish, self.client.history
        first = publish(cent.PublishRequest(channel="chat:a", data={"n": 1}, tags={"from": "cent"}))
        again = cent.PublishRequest(channel="chat:a", data={"n": 2}, idempotency_key="once")
        self.assertEqual([publish(again).offset, publish(again).offset], [2, 2])
        past = history(cent.HistoryRequest(channel="chat:a", limit=10))
        self.assertEqual([(one.data, one.offset, one.tags) for one in past.publications], [({"n": 1}, 1, {"from": "cent"}), ({"n": 2}, 2, None)])
        since = cent.StreamPosition(offset=1, epoch=first.epoch)
        self.assertEqual([one.offset for one in history(cent.HistoryRequest(channel="chat:a", limit=10, since=since)).publications], [2])
        self.assertEqual([one.offset for one in history(cent.HistoryRequest(channel="chat:a", limit=1, reverse=True)).publications], [2])
        other = cent.StreamPosition(offset=1, epoch="other")
        self.refused(112, history, cent.HistoryRequest(channel="chat:a", limit=10, since=other))
        self.refused(108, history, cent.HistoryRequest(channel="open:a", limit=10))
        self.client.history_remove(cent.HistoryRemoveRequest(channel="chat:a"))
        self.assertEqual(history(cent.HistoryRequest(channel="chat:a", limit=10)).publications, [])

    def test_what_is_refused(self):
        self.refused(102, self.client.publish, cent.PublishRequest(channel="nowhere:a", data=1))
        self.refused(107, self.client.publish, cent.PublishRequest(channel="", data=1))
        with self.assertRaises(cent.CentUnauthorizedError):
            cent.Client(self.server.api, "another").info(cent.InfoRequest())

    def test_broadcast_and_batch(self):
        request = cent.BroadcastRequest(channels=["open:a", "nowhere:a"], data=1)
        first, second = self.client.broadcast(request).responses
        self.assertIsNone(first.error)
        self.assertEqual(second.error.code, 102)
        replies = self.client.batch(cent.BatchRequest(requests=[
            cent.PublishRequest(channel="chat:b", data=1), request, cent.PresenceRequest(channel="chat:b"),
            cent.HistoryRequest(channel="chat:b", limit=1), cent.ChannelsRequest(pattern="none*"),
        ])).replies
        self.assertEqual([type(one).__name__ for one in replies], ["PublishResult", "BroadcastResult", "PresenceResult", "HistoryResult", "ChannelsResult"])

    def test_nobody_is_there(self):
        self.assertEqual(self.client.presence(cent.PresenceRequest(channel="chat:c")).presence, {})
        self.assertEqual(self.client.presence_stats(cent.PresenceStatsRequest(channel="chat:c")).num_clients, 0)
        self.assertEqual(len(self.client.info(cent.InfoRequest()).nodes), 1)
        self.client.subscribe(cent.SubscribeRequest(user="nobody", channel="chat:c", data={"n": 1}, info={"n": 1}))
        self.client.unsubscribe(cent.UnsubscribeRequest(user="nobody", channel="chat:c"))
        self.client.refresh(cent.RefreshRequest(user="nobody", expired=True))
        self.client.disconnect(cent.DisconnectRequest(user="nobody", disconnect=cent.Disconnect(code=4000, reason="go")))


if __name__ == "__main__":
    unittest.main()
