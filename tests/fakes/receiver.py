"""A receiver of webhooks on loopback: keeps what arrives, verifies it, and answers as a test says."""

import json
import threading
from collections import Counter, deque

from standardwebhooks import Webhook

from tests.fakes.loopback import Answer, Loopback

PATIENCE = 60


class Receiver(Loopback):
    """``answers`` come first, one for each request, then 204. While it is ``held``, nothing is answered.

    ``together`` is how many requests with one id were there at once, at most.
    """

    def __init__(self):
        super().__init__(self._take)
        self.answers = deque()
        self.together = 0
        self._present = Counter()
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._released.set()

    def __exit__(self, *error):
        self.release()
        super().__exit__(*error)

    def hold(self):
        self._released.clear()

    def release(self):
        self._released.set()

    def wait_for(self, number, *, path=None, seconds=PATIENCE):
        """Return the first requests, once so many have arrived."""

        def arrived():
            return [each for each in self.requests if path in (None, each.path)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(arrived()) >= number, seconds), len(arrived())
            return arrived()[:number]

    def events(self, secret=None):
        """Return all bodies so far; with a secret each must be signed with it."""
        return [event_of(request, secret) for request in list(self.requests)]

    @property
    def ids(self):
        """How often each event has arrived."""
        return Counter(request.headers["webhook-id"] for request in list(self.requests))

    def _take(self, request):
        event_id = request.headers["webhook-id"]
        with self._changed:
            self._present[event_id] += 1
            self.together = max(self.together, self._present[event_id])
            answer = self.answers.popleft() if self.answers else Answer(status=204)
            self._changed.notify_all()
        self._released.wait(PATIENCE)
        with self._changed:
            self._present[event_id] -= 1
        return answer


def event_of(request, secret=None):
    """Return the body; with a secret the request must be signed with it."""
    if secret is not None:
        Webhook(secret).verify(request.body, dict(request.headers))
    return json.loads(request.body)
