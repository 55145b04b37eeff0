"""What a call costs by its price: by images, pixels or tokens, and by what the provider says."""

from decimal import Decimal

import attrs
import pytest

from imagegen_core.costs import Basis, Cost, ReportedUsage, cost_of, quote, usual
from imagegen_core.facts import TokenKind, parse_price
from imagegen_core.models import Model, Parameter
from imagegen_core.requests import ImageRequest, InputImage, Operation

PER_IMAGE = {"amount": 0.2}
PER_TOKEN = [
    {"amount": 5, "per": "million_tokens", "tokens": "text_input"},
    {"amount": 8, "per": "million_tokens", "tokens": "image_input"},
    {"amount": 2, "per": "million_tokens", "tokens": "cached_image_input"},
    {"amount": 30, "per": "million_tokens", "tokens": "image_output"},
]


def a_model(*rates, currency="CNY", **fields):
    price = parse_price({"currency": currency, "rates": list(rates)}, "price") if rates else None
    return Model(id="m", price=price, **fields)


def a_request(operation=Operation.GENERATE, **params):
    return ImageRequest(operation=operation, prompt="猫", params=params)


def cny(amount, basis=Basis.ESTIMATED):
    return Cost.from_amount(Decimal(amount), "CNY", basis)


def the_cost(model, *, request=None, images=1, usage=None):
    """Return what a call of the model cost that was quoted before."""
    request = request or a_request(num=3)
    quoted = quote(request, model, is_billed=True)
    return cost_of(request, model, model.price, usage=usage, images=images, quoted=quoted)


def tokens(**counts):
    return ReportedUsage.from_values(tokens={TokenKind(name): count for name, count in counts.items()})


def test_a_quote_is_for_all_that_is_asked_for():
    """The price of an image times their number."""
    assert cny("0.6") == quote(a_request(num=3), a_model(PER_IMAGE), is_billed=True)


def test_a_call_costs_what_was_made():
    """Two images of three are paid for as two, whatever becomes of them."""
    assert cny("0.4") == the_cost(a_model(PER_IMAGE), images=2)


def test_without_a_price_a_billed_call_costs_nobody_knows_what():
    """Before it is sent and afterwards."""
    assert Cost.unknown() == quote(a_request(), a_model(), is_billed=True)
    assert Cost.unknown() == the_cost(a_model())


def test_without_a_price_a_call_that_nobody_bills_costs_nothing():
    """Unless a price is configured for it."""
    model = a_model()

    assert quote(a_request(), model, is_billed=False) is None
    assert cost_of(a_request(), model, None, usage=None, images=1, quoted=None) is None
    assert cny("0.2") == quote(a_request(), a_model(PER_IMAGE), is_billed=False)


def test_the_first_rate_that_applies_counts():
    """By size, quality and operation, in any case of letters."""
    model = a_model(
        {"amount": 1, "operations": "edit"},
        {"amount": 2, "sizes": ["2k"], "qualities": "high"},
        {"amount": 3, "sizes": ["2K", "1024x768"]},
        {"amount": 4, "qualities": "low"},
        parameters=(Parameter(name="quality", default="low"),),
    )
    requests = [
        a_request(Operation.EDIT, size="2K"),
        a_request(image_size="2K", quality="High"),
        a_request(size="2k"),
        a_request(width=1024, height=768),
        a_request(size="4k"),
        a_request(size="4k", quality="high"),
    ]

    costs = [quote(request, model, is_billed=True) for request in requests]

    assert [cny(1), cny(2), cny(3), cny(3), cny(4), Cost.unknown()] == costs


def test_a_rate_may_be_for_a_parameter_that_is_switched_on():
    """By the request, or else by the parameter's default."""
    off, on = (Parameter(name="prompt_extend", default=default) for default in (False, True))
    rates = {"amount": 2, "qualities": "prompt_extend"}, {"amount": 1}
    requests = a_request(), a_request(prompt_extend=True), a_request(prompt_extend=False)

    costs = [quote(r, a_model(*rates, parameters=(p,)), is_billed=True) for p in (off, on) for r in requests]

    assert [cny(1), cny(2), cny(1), cny(2), cny(2), cny(1)] == costs


def test_a_request_without_a_size_has_the_models():
    """If anybody wrote it down."""
    rate = {"amount": 0.048, "sizes": "1k"}

    assert cny("0.048") == quote(a_request(), a_model(rate, default_size="1K"), is_billed=True)
    assert Cost.unknown() == quote(a_request(), a_model(rate), is_billed=True)


@pytest.mark.parametrize(
    ("params", "amount"), [({"width": 2000, "height": 1000}, "0.06"), ({"size": "1000x1000"}, "0.03")]
)
def test_a_price_by_pixels_takes_those_of_the_request(params, amount):
    """A megapixel is a million of them."""
    model = a_model({"amount": 0.03, "per": "megapixel"})

    assert cny(amount) == quote(a_request(**params), model, is_billed=True)


@pytest.mark.parametrize(
    ("params", "amount"),
    [
        ({"size": "1000x1000"}, "0.1"),
        ({"width": 1001, "height": 1000}, "0.3"),
        ({}, "0.3"),
    ],
)
def test_a_rate_may_hold_up_to_a_number_of_pixels(params, amount):
    """At it the cheaper one counts; above it, and where nobody knows the pixels, the next."""
    model = a_model({"amount": 0.1, "max_pixels": 1_000_000}, {"amount": 0.3})

    assert cny(amount) == quote(a_request(**params), model, is_billed=True)


def test_input_images_come_on_top():
    """Each once a call, however many images it makes; a mask is none."""
    image = InputImage(key="k", mime_type="image/png", width=9, height=9, size_bytes=9, sha256="")
    model = a_model({"amount": 0.01, "per": "input_image"}, PER_IMAGE)
    edit = attrs.evolve(a_request(Operation.EDIT, num=2), image=image, mask=image)
    reference = attrs.evolve(a_request(Operation.REFERENCE), references=(image, image))

    assert cny("0.41") == quote(edit, model, is_billed=True)
    assert cny("0.22") == quote(reference, model, is_billed=True)
    assert cny("0.2") == quote(a_request(), model, is_billed=True)


def test_the_first_input_images_may_be_free():
    """Of each call; there may be fewer than that."""
    image = InputImage(key="k", mime_type="image/png", width=9, height=9, size_bytes=9, sha256="")
    model = a_model({"amount": 0.01, "per": "input_image", "free": 2}, PER_IMAGE)
    one, three = (
        attrs.evolve(a_request(Operation.REFERENCE), references=(image,) * count) for count in (1, 3)
    )

    assert cny("0.2") == quote(one, model, is_billed=True)
    assert cny("0.21") == quote(three, model, is_billed=True)


def test_an_estimate_counts_the_input_image_that_there_must_be():
    """It is asked for without images, of which an edit has one and a new image none."""
    model = a_model({"amount": 0.01, "per": "input_image"}, PER_IMAGE)

    assert cny("0.21") == quote(a_request(Operation.EDIT), model, is_billed=True)


def test_an_upscaled_image_has_as_many_pixels_more():
    """Each side is as many times as long."""
    image = InputImage(key="", mime_type="image/png", width=500, height=1000, size_bytes=1, sha256="")
    request = attrs.evolve(a_request(Operation.UPSCALE, upscale_factor="x4"), image=image)

    assert cny("0.24") == quote(request, a_model({"amount": 0.03, "per": "megapixel"}), is_billed=True)


def test_without_a_size_a_price_by_pixels_is_unknown():
    """The provider chooses it then."""
    model = a_model({"amount": 0.03, "per": "megapixel"})

    assert Cost.unknown() == quote(a_request(aspect_ratio="16:9"), model, is_billed=True)


def test_tokens_are_multiplied_by_their_rates():
    """Each kind by its own; cached ones without a rate cost what others do."""
    usage = tokens(text_input=1000, cached_text_input=100, cached_image_input=200, image_output=4160)

    cost = the_cost(a_model(*PER_TOKEN), usage=usage)

    assert cny("0.1307") == cost  # 0.005 + 0.0005 + 0.0004 + 0.1248


def test_before_it_is_sent_nobody_knows_a_cost_by_tokens():
    """Only the provider can count them."""
    assert Cost.unknown() == quote(a_request(), a_model(*PER_TOKEN), is_billed=True)


def test_tokens_without_a_rate_leave_the_cost_unknown():
    """A sum without them would be too small; and so would one of no tokens at all."""
    model = a_model(*PER_TOKEN)

    assert Cost.unknown() == the_cost(model, usage=tokens(image_output=4160, text_output=1))
    assert Cost.unknown() == the_cost(model, usage=tokens(image_output=0))
    assert Cost.unknown() == the_cost(model, usage=None)


def test_images_count_where_tokens_do_not():
    """A price list may have both."""
    model = a_model(*PER_TOKEN, PER_IMAGE)

    assert cny("0.2") == quote(a_request(), model, is_billed=True)
    assert cny("0.4") == the_cost(model, images=2)
    assert cny("0.1248") == the_cost(model, images=2, usage=tokens(image_output=4160))


def test_the_providers_own_amount_is_known():
    """Whatever the price list says, in whichever currency, also where nobody bills."""
    usage = ReportedUsage.from_values(4, currency="USD", unit=Decimal("0.01"))
    usd = Cost.from_amount(Decimal("0.04"), "USD", Basis.KNOWN)

    assert usd == the_cost(a_model(PER_IMAGE), usage=usage)
    assert usd == cost_of(a_request(), a_model(), None, usage=usage, images=1, quoted=None)


def test_a_price_that_came_later_changes_nothing():
    """The call is priced by what was the price when it was sent, and so is one that had none."""
    cost = cost_of(a_request(), a_model(PER_IMAGE), None, usage=None, images=1, quoted=Cost.unknown())

    assert Cost.unknown() == cost


GRID = {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96}


def a_forecast_model(**forecast):
    """Return a model whose image output tokens are a millionth each, and whose input tokens cost more."""
    rates = [
        {"amount": 1, "per": "million_tokens", "tokens": "image_output"},
        {"amount": 10_000, "per": "million_tokens", "tokens": "text_input"},
        {"amount": 100_000, "per": "million_tokens", "tokens": "image_input"},
    ]
    price = {"currency": "CNY", "rates": rates, "forecast": {"grid": GRID, **forecast}}
    return Model(id="m", price=parse_price(price, "price"))


def forecast_tokens(model, request):
    return quote(attrs.evolve(request, prompt=""), model, is_billed=True).amount * 1_000_000


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ("1024x1024", [196, 439, 1756, 3122, 7024]),
        ("1536x1024", [158, 343, 1372, 2459, 5488]),
        ("1536x864", [120, 280, 1078, 1917, 4312]),
        ("2160x3840", [371, 865, 3336, 5930, 13342]),
        ("3072x1024", [103, 247, 988, 1729, 3952]),
    ],
)
def test_output_tokens_are_those_of_the_calculator(size, counts):
    """The numbers of OpenAI's guide for GPT Image 2.5, each quality and shape."""
    model = a_forecast_model()

    assert counts == [forecast_tokens(model, a_request(size=size, quality=quality)) for quality in GRID]


def test_a_forecast_is_for_all_that_is_billed():
    """Prompt, input images and images on the way are billed with each image."""
    model = a_forecast_model(input_image=1536, partial_image=100)
    request = a_request(size="1024x1024", quality="Low", num=2, partial_images=3)

    assert cny("0.020992") == quote(request, model, is_billed=True)  # 2 times 496 tokens, and one of text
    edit = attrs.evolve(a_request(Operation.EDIT, size="1024x1024", quality="low"), prompt="")
    assert 196 + 153_600_000 == forecast_tokens(model, edit)


def test_a_quality_that_the_provider_chooses_is_forecast_as_the_dearest():
    """So that no bill is dearer than its estimate."""
    model = a_forecast_model()
    qualities = ({}, {"quality": "auto"}, {"quality": "max"})

    assert [7024] * 3 == [forecast_tokens(model, a_request(size="1024x1024", **q)) for q in qualities]


@pytest.mark.parametrize("size", [{}, {"size": "auto"}, {"aspect_ratio": "1:1"}])
def test_a_size_that_the_provider_chooses_has_no_forecast(size):
    """The largest would cost several times the usual one; a price list may say which one counts."""
    request = a_request(quality="low", **size)

    assert Cost.unknown() == quote(request, a_forecast_model(), is_billed=True)
    estimate = quote(request, a_forecast_model(size="1024x1024"), is_billed=True)
    assert ("aspect_ratio" in size) == (estimate == Cost.unknown())


def test_the_usual_cost_is_the_median_in_the_newest_currency():
    """Of two in the middle the higher one, which was paid, too; nothing without a cost or unknown counts."""
    dollar = Cost.from_amount(Decimal("0.04"), "USD", Basis.KNOWN)
    costs = [None, Cost.unknown(), cny("0.3", Basis.KNOWN), dollar, cny("0.2"), cny("0"), cny("9")]

    assert (Decimal("0.3"), "CNY", 4) == usual(costs)
    assert (Decimal(0), "CNY", 1) == usual([cny("0")])
    assert [None, None] == [usual([]), usual([None, Cost.unknown()])]


@pytest.mark.parametrize(("kind", "basis"), [("gif", Basis.ESTIMATED), ("svg", Basis.UNKNOWN)])
def test_a_gif_and_an_svg_have_no_forecast(kind, basis):
    """What is counted of an SVG is a part of its cost: a second model charges, too."""
    model = a_forecast_model()
    request = a_request(size="1024x1024", quality="low", output_format=kind)
    counted = the_cost(model, request=request, usage=tokens(image_output=1000))

    assert Cost.unknown() == quote(request, model, is_billed=True)
    assert (basis, True) == (counted.basis, counted.amount is not None)


def test_tokens_that_the_provider_counts_replace_the_forecast():
    """Without them, an image costs its part of it."""
    model, request = a_forecast_model(), a_request(size="1024x1024", quality="low", num=2)
    quoted = quote(request, model, is_billed=True)

    def cost(images, usage):
        return cost_of(request, model, model.price, usage=usage, images=images, quoted=quoted)

    assert cny("0.00015") == cost(2, tokens(image_output=150))
    assert [cny("0.020392"), cny("0.010196")] == [cost(images, None) for images in (2, 1)]


@pytest.mark.parametrize("images", [1, 3])
def test_a_forecast_is_divided_once(images):
    """A response that is read again, since an image could not be stored, costs what it cost before."""
    model, request = a_forecast_model(), a_request(size="1024x1024", quality="low", num=2)
    cost = the_cost(model, request=request, images=images)

    again = cost_of(request, model, model.price, usage=None, images=images, quoted=cost)

    assert again == cost
