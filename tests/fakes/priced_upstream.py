"""A provider whose ledger is money: it charges by what it says, by images, by tokens, or nobody knows how.

It fails at random, and writes down for each request what may be known of its charge.
"""

import random
from collections import Counter
from decimal import Decimal

import attrs

from tests.fakes.http_server import Break, HttpServer, Reply, Request
from tests.fakes.images import png_base64

KEY = "priced-key-0123456789abcdef"

MODELS = ("said", "by-image", "by-token", "unpriced")
"""What they charge by; the first says what each call cost, in cents."""

CENTS, PER_IMAGE, LIST_PRICE = Decimal("0.04"), Decimal("0.2"), Decimal("0.5")
"""What ``said`` says and what its price list would say, and the price of ``by-image``."""

INPUT_TOKENS, OUTPUT_TOKENS = 3, 100
"""What a request and an image count."""

DOCUMENT = {
    "schema": 1,
    "id": "priced",
    "operations": {
        "generate": {
            "request": {
                "path": "/paint/${model}/${n}/${random_seed}",
                "body": {"type": "json", "template": {"prompt": "${prompt}"}},
            },
            "response": {
                "images": [
                    {"select": "made[]", "base64": "data", "item_error": {"code": "why", "message": "why"}}
                ],
                "usage": {
                    "amount": "usage.cents",
                    "unit": 0.01,
                    "currency": "USD",
                    "tokens": {"text_input": "usage.in", "image_output": "usage.out"},
                },
            },
        }
    },
    "errors": {
        "code": "why",
        "message": "why",
        "classify": [
            {"codes": ["no"], "as": "blocked"},
            {"codes": ["busy"], "as": "rate_limited"},
        ],
    },
    "models": [
        {"id": "said", "default": True, "price": {"currency": "CNY", "rates": [{"amount": 0.5}]}},
        {"id": "by-image", "price": {"currency": "CNY", "rates": [{"amount": 0.2}]}},
        {
            "id": "by-token",
            "price": {
                "currency": "USD",
                "rates": [
                    {"amount": 5, "per": "million_tokens", "tokens": "text_input"},
                    {"amount": 30, "per": "million_tokens", "tokens": "image_output"},
                ],
            },
        },
        {"id": "unpriced"},
    ],
}

_LOST = (Break.RESET_AFTER_READ, Break.TRUNCATED, Break.EMPTY, Break.HTML, Break.SERVER_ERROR)
_FAULTS = (*_LOST, Break.RESET_BEFORE_READ, "busy", "refused", "partial", "rubbish")


@attrs.define
class Charges:
    """What one model charged, as far as it can be known to whoever called it; amounts by currency."""

    known_amounts: Counter = attrs.field(factory=Counter)
    estimated: Counter = attrs.field(factory=Counter)
    possible: Counter = attrs.field(factory=Counter)
    unknown_attempts: int = 0

    def as_usage(self):
        """Return the same as ``GET /api/v1/usage`` says it."""
        sums = {"known": self.known_amounts, "estimated": self.estimated, "possible": self.possible}
        amounts = {name: {c: amount for c, amount in sum_.items() if amount} for name, sum_ in sums.items()}
        return {**amounts, "unknown_attempts": self.unknown_attempts}


class FakePriced:
    """Strict about its key and its body; ``fault_share`` of its calls go wrong, by the seed."""

    key = KEY

    def __init__(self, *, seed=0, fault_share=0.0):
        self.ledger = {model: Charges() for model in MODELS}
        self.calls = Counter()
        self._random = random.Random(seed)
        self._fault_share = fault_share
        self._faults = {}

    def fault_for(self, path):
        """Decide how the next call goes, and write down what can be known of it if its answer is lost."""
        is_faulty = self._random.random() < self._fault_share
        fault = self._random.choice(_FAULTS) if is_faulty else None
        self.calls[fault] += 1
        self._faults[path] = fault
        if not isinstance(fault, Break):
            return None
        self._lose(*_model_and_count(path))
        return fault

    def __call__(self, request: Request) -> Reply:
        fault = self._faults.pop(request.path)
        assert request.headers.get("authorization") == f"Bearer {self.key}"
        assert request.method == "POST"
        assert set(request.json) == {"prompt"}
        model, count = _model_and_count(request.path)
        if fault == "busy":
            return Reply.json({"why": "busy"}, 429, Retry_After="0")
        if fault == "refused":
            return Reply.json({"why": "no"}, 400)
        number = max(1, count - 1) if fault == "partial" else count
        images = [{"data": "bm8gaW1hZ2U=" if fault == "rubbish" else png_base64(n)} for n in range(number)]
        usage = {} if isinstance(fault, Break) else self._charge(model, number)
        return Reply.json({"made": images + [{"why": "no"}] * (count - number), "usage": usage})

    def _charge(self, model, images):
        charges = self.ledger[model]
        if model == "said":
            charges.known_amounts["USD"] += CENTS * images
            return {"cents": int(CENTS * 100) * images}
        if model == "by-image":
            charges.estimated["CNY"] += PER_IMAGE * images
        elif model == "by-token":
            tokens = {"in": INPUT_TOKENS, "out": OUTPUT_TOKENS * images}
            charges.estimated["USD"] += Decimal(5 * tokens["in"] + 30 * tokens["out"]) / 10**6
            return tokens
        else:
            charges.unknown_attempts += 1
        return {}

    def _lose(self, model, count):
        charges, prices = self.ledger[model], {"said": LIST_PRICE, "by-image": PER_IMAGE}
        if model in prices:
            charges.possible["CNY"] += prices[model] * count
        else:
            charges.unknown_attempts += 1


class PricedServer(HttpServer):
    """Serves it, with its own faults."""

    def _how(self, method, path):
        return self.fake.fault_for(path)


def _model_and_count(path):
    """Return what a call asks for; its path is no other call's."""
    _, name, model, count, _ = path.split("/")
    assert name == "paint", path
    return model, int(count)
