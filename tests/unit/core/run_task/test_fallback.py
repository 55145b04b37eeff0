"""Which failures go on to the next provider: those after which it is proven that nothing was charged."""

import asyncio
from decimal import Decimal

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, ImageGen, Limits, TaskStatus
from imagegen_core.attempt import Phase
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.costs import Basis, UsageGrouping
from imagegen_core.errors import ProviderDisabled, Refusal, ValidationFailed
from imagegen_core.facts import Price, Rate, Unit
from imagegen_core.secrets import Secret
from imagegen_core.services.tasks import TaskChanges
from imagegen_core.task import Submission, Target
from tests.unit.core.scripted_imagegen import AT_ONCE, crash_in, outcome, refused, resume
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

NAMES = ("scripted", "second", "third")


def price(amount, currency="USD"):
    return Price(currency=currency, rates=(Rate(amount=Decimal(amount), per=Unit.IMAGE),))


def three(*, limits=None, configs=None, adapters=None, **first):
    """Return three providers in order, and the service over them."""
    providers = ScriptedProvider(**first), ScriptedProvider(), ScriptedProvider()
    for provider in providers[1:]:
        provider.names = ()
    layers = {
        name: ProviderConfig(
            provider_name=name, kind=name, source=ConfigSource.FILE, **(configs or {}).get(name, {})
        )
        for name in NAMES
    }
    imagegen = ImageGen(
        adapters or memory_adapters(providers=dict(zip(NAMES, providers, strict=True))),
        limits=limits or Limits(default_provider="scripted", shutdown_grace_seconds=0),
        file_configs=layers,
        retry=AT_ONCE,
    )
    return providers, imagegen


def history_of(task):
    """Return whose turn it was, and why it went on."""
    return [(each["provider"], each["code"], each["possible_charge"]) for each in task.attempt_history]


ON = [
    pytest.param(refused(FailureCode.UNAVAILABLE, not_started=True), id="no connection, not admitted"),
    pytest.param(refused(FailureCode.RATE_LIMITED, not_started=True, retry_after=60), id="429"),
    pytest.param(refused(FailureCode.AUTH_FAILED, upstream_status=401), id="a refused key"),
    pytest.param(refused(FailureCode.QUOTA_EXHAUSTED, upstream_status=402), id="no credit"),
    pytest.param(refused(FailureCode.REJECTED, upstream_status=404), id="404"),
    pytest.param(refused(FailureCode.REJECTED, upstream_status=410), id="410"),
    pytest.param(refused(FailureCode.REJECTED, upstream_status=400, is_gone=True), id="no such model"),
    pytest.param(refused(FailureCode.PROVIDER_NOT_CONFIGURED), id="an address that is not allowed"),
]
OFF = [
    pytest.param(refused(FailureCode.CONTENT_POLICY), id="moderation"),
    pytest.param(refused(FailureCode.REJECTED, upstream_status=400), id="a bad request"),
    pytest.param(refused(FailureCode.REJECTED, upstream_status=422), id="422"),
    pytest.param(refused(FailureCode.TIMEOUT), id="time-out"),
    pytest.param(refused(FailureCode.OUTCOME_UNKNOWN, upstream_status=500), id="5xx"),
    pytest.param(
        refused(FailureCode.OUTCOME_UNKNOWN, upstream_status=404), id="unknown, whatever the status"
    ),
    pytest.param(refused(FailureCode.BAD_RESPONSE), id="rubbish"),
    pytest.param(refused(FailureCode.AUTH_FAILED, possible_charge=True), id="a key, after an image began"),
    pytest.param(refused(FailureCode.INTERNAL), id="a defect"),
    pytest.param(ValueError("a defect"), id="an exception"),
]


@pytest.mark.parametrize("error", ON)
async def test_what_charged_nothing_goes_on(error):
    """At once, without waiting for this provider; the second makes the image, and only that is charged."""
    (first, second, third), imagegen = three()
    first.submits = [error] * 9

    task = await outcome(imagegen, fallback=["second", "third"])

    assert (TaskStatus.COMPLETED, "second") == (task.status, task.provider_name)
    assert (0, 1, 0, 8) == (first.charged, second.charged, third.charged, len(first.submits))
    assert [("scripted", str(error.failure.code), False), ("second", None, False)] == history_of(task)
    assert 2 == task.attempts


@pytest.mark.parametrize("error", OFF)
async def test_what_may_have_been_charged_or_is_the_requests_fault_ends(error):
    """The second is never asked."""
    (first, second, _), imagegen = three()
    first.submits = [error]

    task = await outcome(imagegen, fallback=["second"])

    assert (TaskStatus.FAILED, "scripted", 0) == (task.status, task.provider_name, second.charged)
    assert [("scripted", str(task.failure.code), task.failure.possible_charge)] == history_of(task)


@pytest.mark.parametrize("code", [FailureCode.QUOTA_EXHAUSTED, FailureCode.AUTH_FAILED, FailureCode.REJECTED])
async def test_an_accepted_job_never_goes_on(code):
    """Although the provider says that it failed for free: it had the job."""
    (first, second, _), imagegen = three(as_job=True)
    first.polls = [refused(code, possible_charge=False, upstream_status=404, is_gone=True)] * 9

    task = await outcome(imagegen, fallback=["second"])

    assert (TaskStatus.FAILED, 0) == (task.status, second.charged)


@pytest.mark.parametrize("target", ["", "/demo", Target(), Target("scripted")])
async def test_no_provider_is_asked_twice(target):
    """Neither by its name nor as the default."""
    (first, *_), imagegen = three()

    with pytest.raises(ValidationFailed, match=r"fallback\.0\.provider"):
        await imagegen.submit("猫", fallback=[Target.parse(target, "/") if target == "/demo" else target])
    assert 0 == first.charged


async def test_an_operator_who_repeats_unknown_outcomes_pays_no_third():
    """After one attempt that may have been charged, the others prove nothing."""
    configs = {"scripted": {"extra_config": {"on_unknown": "retry"}, "max_retries": 1}}
    (first, second, _), imagegen = three(configs=configs)
    first.submits = [refused(FailureCode.OUTCOME_UNKNOWN), refused(FailureCode.QUOTA_EXHAUSTED)]

    task = await outcome(imagegen, fallback=["second"])

    assert (TaskStatus.FAILED, FailureCode.QUOTA_EXHAUSTED, 0) == (
        task.status,
        task.failure.code,
        second.charged,
    )


async def test_the_last_of_the_list_has_its_own_retries():
    """There is nobody else to ask: it is waited for, as if it were the only one."""
    (first, second, _), imagegen = three(configs={"second": {"max_retries": 2}})
    first.submits = [refused(FailureCode.QUOTA_EXHAUSTED)]
    second.submits = [refused(FailureCode.UNAVAILABLE, not_started=True)] * 2

    task = await outcome(imagegen, fallback=["second"])

    assert (TaskStatus.COMPLETED, 1, 4) == (task.status, second.charged, task.attempts)


async def test_when_all_of_them_refuse_the_last_failure_is_told():
    """And the history has all."""
    providers, imagegen = three()
    for provider in providers:
        provider.submits = [refused(FailureCode.QUOTA_EXHAUSTED)]

    task = await outcome(imagegen, fallback=["second", "third"])

    assert [(name, "quota_exhausted", False) for name in NAMES] == history_of(task)
    assert (TaskStatus.FAILED, "third", FailureCode.QUOTA_EXHAUSTED) == (
        task.status,
        task.provider_name,
        task.failure.code,
    )


async def test_what_is_switched_off_meanwhile_is_passed_over():
    """The configuration of a provider that is asked later is that of then."""
    (first, second, third), imagegen = three()
    first.submits = [refused(FailureCode.AUTH_FAILED)]
    task = await imagegen.submit("猫", fallback=["second", "third"])
    saved = ProviderConfig(provider_name="second", kind="second", source=ConfigSource.DATABASE, enabled=False)
    await imagegen.parts.configs.save(saved, key_origin="")

    async with imagegen:
        task = await imagegen.wait(task, timeout=60)

    assert [
        ("scripted", "auth_failed", False),
        ("second", "provider_disabled", False),
        ("third", None, False),
    ] == history_of(task)
    assert (0, 1) == (second.charged, third.charged)


async def test_a_first_provider_that_is_off_is_passed_over():
    """Somebody switched it off, and its callers still name it first."""
    (first, second, _), imagegen = three(configs={"scripted": {"enabled": False}})

    task = await outcome(imagegen, fallback=["second"])

    assert [("scripted", "provider_disabled", False), ("second", None, False)] == history_of(task)
    assert (0, 1) == (first.charged, second.charged)


async def test_all_of_them_being_off_is_refused():
    """As one alone would be."""
    off = {"enabled": False}
    _, imagegen = three(configs={"scripted": off, "second": off})

    with pytest.raises(ProviderDisabled):
        await imagegen.submit("猫", fallback=["second"])


async def test_several_calls_go_on_only_together():
    """One of four images is there and paid for: the others are lost, and the task completes."""
    (first, second, _), imagegen = three(fan_out=True)
    first.submits = [refused(FailureCode.QUOTA_EXHAUSTED)] * 3

    task = await outcome(imagegen, fallback=["second"], num=4)

    assert (TaskStatus.COMPLETED, "scripted", 1, 0, 3) == (
        task.status,
        task.provider_name,
        first.charged,
        second.charged,
        len(task.warnings),
    )


async def test_several_calls_that_all_charged_nothing_go_on():
    """The second makes all images by one call; what the first was split into is forgotten."""
    (first, second, _), imagegen = three(fan_out=True)
    first.submits = [refused(FailureCode.QUOTA_EXHAUSTED)] * 4

    task = await outcome(imagegen, fallback=["second"], num=4)

    assert (TaskStatus.COMPLETED, "second", 0, 1) == (
        task.status,
        task.provider_name,
        first.charged,
        second.charged,
    )


async def test_one_refused_content_among_several_calls_ends_it():
    """The request is at fault wherever it is sent."""
    (first, second, _), imagegen = three(fan_out=True)
    first.submits = [refused(FailureCode.QUOTA_EXHAUSTED), refused()]

    task = await outcome(imagegen, fallback=["second"], num=2)

    assert (TaskStatus.FAILED, FailureCode.CONTENT_POLICY, 0) == (
        task.status,
        task.failure.code,
        second.charged,
    )


async def test_a_kill_between_two_providers_loses_nothing():
    """It is stored that the next one's turn has come before anything is sent there."""
    (first, second, _), imagegen = three()
    first.submits = [refused(FailureCode.AUTH_FAILED)]
    task = await imagegen.submit("猫", fallback=["second"])
    parts, limits = imagegen.parts, dict.fromkeys(NAMES, 9)
    (claimed,) = await parts.queue.claim("dead", limit=1, now=parts.clock.now(), provider_limits=limits)
    await imagegen.runner.run(claimed)
    between = await parts.tasks.get(task.task_id)
    await parts.queue.claim("dead", limit=1, now=parts.clock.now(), provider_limits={"second": 1})

    async with imagegen:
        await resume(imagegen, "me")
        ended = await imagegen.wait(task, timeout=60)

    assert (TaskStatus.PENDING, "second", 0) == (between.status, between.provider_name, first.charged)
    assert (TaskStatus.COMPLETED, 1, 2) == (ended.status, second.charged, ended.attempts)


@pytest.mark.parametrize("phase", [Phase.SUBMITTING, Phase.ACCEPTED, Phase.RECEIVED])
async def test_a_crash_after_the_first_byte_never_goes_on(phase):
    """The second provider is not asked, however the first one's attempt ends."""
    (first, second, _), imagegen = three(as_job=True)
    first.polls = first.collects = [refused(FailureCode.QUOTA_EXHAUSTED)] * 9
    task_id = await crash_in(imagegen, phase, fallback=["second"])

    async with imagegen:
        await resume(imagegen, "me")
        task = await imagegen.wait(task_id, timeout=60)

    assert (TaskStatus.FAILED, 0) == (task.status, second.charged)


async def test_a_cancelled_task_goes_nowhere():
    """Its caller has left, whatever the provider answers."""
    (first, second, _), imagegen = three()

    async def refuse():
        await imagegen.tasks.cancel(task.task_id)
        raise refused(FailureCode.QUOTA_EXHAUSTED)

    first.submits = [refuse]
    async with imagegen:
        task = await imagegen.submit("猫", fallback=["second"])
        ended = await imagegen.wait(task, timeout=60)

    assert (TaskStatus.CANCELLED, 0) == (ended.status, second.charged)


async def test_a_key_for_the_first_goes_to_no_other():
    """The request's own configuration is wiped when the first has refused it."""
    (first, second, _), imagegen = three()
    keys = []
    submit = second.submit

    async def look(call, exchange):
        keys.append(call.config.api_key)
        return await submit(call, exchange)

    second.submit = look
    first.submits = [refused(FailureCode.AUTH_FAILED)]
    override = ProviderConfig(
        provider_name="scripted", source=ConfigSource.REQUEST, api_key=Secret("sk-of-the-request")
    )
    async with imagegen:
        request = Submission(prompt="猫", override=override, fallback=(Target("second"),))
        added = await imagegen.tasks.submit(request)
        task = await imagegen.wait(added.task, timeout=60)

    assert (TaskStatus.COMPLETED, [None], None) == (task.status, keys, task.override)


async def test_usage_is_of_the_provider_that_charged():
    """The one that refused has none."""
    (first, second, _), imagegen = three()
    first.price, second.price = price("0.5"), price("0.2")
    first.submits = [refused(FailureCode.AUTH_FAILED)]

    async with imagegen:
        task = await imagegen.submit("猫", fallback=["second"])
        await imagegen.wait(task, timeout=60)
        usage = await imagegen.tasks.usage(UsageGrouping.PROVIDER)
        (image,) = await imagegen.images(task)

    assert ["second"] == list(usage)
    assert ("second", "m1") == (image.record.provider_name, image.record.model_id)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (price("0.2"), price("0.5"), [("0.50", "USD", Basis.ESTIMATED)]),
        (price("0.5"), price("0.2"), [("0.50", "USD", Basis.ESTIMATED)]),
        (
            price("0.2"),
            price("1", "CNY"),
            [("0.20", "USD", Basis.ESTIMATED), ("1.00", "CNY", Basis.ESTIMATED)],
        ),
        (price("0.2"), None, [("0.20", "USD", Basis.UNKNOWN)]),
        (None, None, [(None, None, Basis.UNKNOWN)]),
    ],
)
async def test_the_estimate_is_the_dearest(first, second, expected):
    """In each currency; nobody knows if one of them is unknown."""
    providers, imagegen = three()
    providers[0].price, providers[1].price = first, second

    costs = await imagegen.estimates.estimate(Submission(prompt="猫", fallback=(Target("second"),)))

    assert expected == [(cost.text, cost.currency, cost.basis) for cost in costs]


REFUSED = [
    (["scripted"], "fallback.0.provider", "is named twice"),
    (["second", "third", "second:m1"], "fallback.2.provider", "is named twice"),
    (["second", "third", "a", "b"], "fallback", "at most 3 items"),
    (["nobody"], None, "fallback.0: "),
    (["second:m9"], None, "fallback.0: model 'm9' is not among m1"),
]


@pytest.mark.parametrize(("fallback", "field", "words"), REFUSED)
async def test_a_list_that_cannot_be_is_refused(fallback, field, words):
    """By one sentence that says which of them is wrong; nothing is stored, and the estimate says the same."""
    _, imagegen = three()
    refusals = []
    submission = Submission(prompt="猫", fallback=tuple(map(Target.parse, fallback)))
    for act in (imagegen.tasks.submit, imagegen.estimates.estimate):
        with pytest.raises(Refusal, match=words) as caught:
            await act(submission)
        refusals.append(caught.value)

    assert (await imagegen.parts.tasks.counts())[TaskStatus.PENDING] == 0
    assert refusals[0].reason == refusals[1].reason
    if field is not None:
        assert field == refusals[0].problems[0].field


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"operations": ()}, "fallback.0: operation 'generate' is not among none"),
        ({"parameters": ()}, "fallback.0: params.width"),
        ({"max_num": 1}, "fallback.0: params.num"),
    ],
)
async def test_each_of_them_must_be_able_to(changes, words):
    """What the request asks for is checked at all of them, before anything is stored."""
    (_, second, _), imagegen = three()
    describe = second.describe

    def narrower(config):
        profile = describe(config)
        return attrs.evolve(profile, models=(attrs.evolve(profile.models[0], **changes),))

    second.describe = narrower
    with pytest.raises(Refusal, match=words):
        await imagegen.submit("猫", fallback=["second"], width=64, height=64, num=2)

    assert (await imagegen.parts.tasks.counts())[TaskStatus.PENDING] == 0


async def test_made_again_it_begins_with_the_first():
    """A retry and a rerun keep the list; another provider is asked once."""
    (first, _, _), imagegen = three()
    first.submits = [refused(FailureCode.AUTH_FAILED)]
    async with imagegen:
        task = await imagegen.submit("猫", fallback=["second", "third"])
        await imagegen.wait(task, timeout=60)
        rerun = imagegen.tasks.rerun
        again = (await rerun(task.task_id, TaskChanges())).task
        other = (await rerun(task.task_id, TaskChanges(provider_name="third"))).task
        alone = (await rerun(task.task_id, TaskChanges(fallback=()))).task

    assert [list(NAMES), ["third", "second"], ["scripted"]] == [
        [target.provider_name for target in each.targets] for each in (again, other, alone)
    ]


async def test_the_list_is_part_of_what_a_key_stands_for():
    """The same request with another list is another one; without a list, keys of earlier versions stay."""
    plain = Submission(prompt="猫")
    listed = Submission(prompt="猫", fallback=(Target("second"),))
    other = Submission(prompt="猫", fallback=(Target("second", "m1"),))

    assert 3 == len({await each.digest() for each in (plain, listed, other)})


async def test_each_provider_has_its_own_limit():
    """One that refuses keeps no place of the other: the task waits for the second's only slot."""
    (first, second, _), imagegen = three(
        limits=Limits(default_provider="scripted", workers=4, shutdown_grace_seconds=0)
    )
    second.max_concurrency = 1
    first.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)] * 3

    async def wait():
        await asyncio.sleep(0)

    second.submits = [wait] * 3
    async with imagegen:
        tasks = [await imagegen.submit("猫", fallback=["second"]) for _ in range(3)]
        ended = [await imagegen.wait(task, timeout=60) for task in tasks]

    assert [TaskStatus.COMPLETED] * 3 == [task.status for task in ended]
    assert (1, 3) == (second.most_in_flight, second.charged)
