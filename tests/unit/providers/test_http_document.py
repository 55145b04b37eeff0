"""The declarative document: every mistake is reported with its place."""

import copy
import datetime as dt
import weakref
from unittest.mock import ANY

import pytest

from imagegen_adapters.providers.document.models import profile_of
from imagegen_adapters.providers.document.reading import (
    document_of,
    load_preset,
    parse_document,
    preset_names,
)
from imagegen_adapters.system import SystemClock
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import Group, Label
from imagegen_core.models import LifecycleStatus, choose_model, form_of

GOOD = {
    "schema": 1,
    "id": "x",
    "base_url": "https://api.example",
    "operations": {
        "generate": {
            "request": {"path": "/paint", "body": {"type": "json", "template": {"prompt": "${prompt}"}}},
            "response": {"images": [{"select": "data[]", "url": "url"}]},
        }
    },
}
WITH_VARS = {**GOOD, "vars": {"graph": {"1": "${prompt}"}}}


def changed(path: str, value) -> dict:
    """Return the valid document with one change."""
    document = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    place = document
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    place[last] = value
    return document


def problems(document) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        parse_document(document, "spec")
    return {p.field: p.message for p in caught.value.problems}


def config(name="p", **fields) -> ProviderConfig:
    return ProviderConfig(provider_name=name, source=ConfigSource.DATABASE, kind="http", **fields)


def test_a_document_that_nothing_uses_any_more_is_not_kept():
    """A request may bring one of its own, which may be large and contain secrets."""
    document = parse_document(GOOD, "spec")
    document.mentions(document.operations["generate"], "prompt")
    reference = weakref.ref(document)
    del document

    assert reference() is None


def test_the_good_document_is_good():
    """The smallest document has one operation and one way to find an image."""
    document = parse_document(GOOD, "spec")

    assert "generate" in document.operations


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("colour", "red", "spec.colour"),
        ("headers", {"Host": "thief.example"}, "spec.headers.Host"),
        ("auth", {"type": "header", "header": "HOST"}, "spec.auth.header"),
        ("download.headers", {"host": "thief.example"}, "spec.download.headers.host"),
        (
            "operations.generate.request.headers",
            {"Transfer-Encoding": "chunked"},
            "spec.operations.generate.request.headers.Transfer-Encoding",
        ),
        (
            "operations.generate.stream",
            {
                "parameter": "p",
                "completed": "done",
                "partial": {"events": "part", "base64": "b", "mime": "m"},
            },
            "spec.operations.generate.stream.partial.mime",
        ),
        (
            "operations.generate.stream",
            {"parameter": "p", "completed": [], "partial": {"events": "part", "base64": "b"}},
            "spec.operations.generate.stream.completed",
        ),
        (
            "operations.generate.stream",
            {"parameter": "p", "completed": "done", "partial": {"events": [], "base64": "b"}},
            "spec.operations.generate.stream.partial.events",
        ),
        (
            "operations.generate.stream",
            {"parameter": "a.b", "completed": "done", "partial": {"events": "part", "base64": "b"}},
            "spec.operations.generate.stream.parameter",
        ),
        (
            "operations.generate.stream",
            {"parameter": "p", "max": 17, "completed": "done", "partial": {"events": "part", "base64": "b"}},
            "spec.operations.generate.stream.max",
        ),
        (
            "operations.generate.stream",
            {"completed": "done", "partial": {"events": "part", "base64": "b"}},
            "spec.operations.generate.stream.parameter",
        ),
        ("retry", {"max_attempts": 3}, "spec.retry"),
        (
            "operations.generate.cancel",
            {"path": "/jobs/${task.id}/${prompt}"},
            "spec.operations.generate.cancel.path",
        ),
        (
            "operations.generate.response.meta",
            {"x": "'a'" + "|[@,@]" * 30},
            "spec.operations.generate.response.meta.x",
        ),
        (
            "operations.generate.response.meta",
            {"x": "[" * 70 + "a" + "]" * 70},
            "spec.operations.generate.response.meta.x",
        ),
        (
            "operations.generate.response.meta",
            {f"m{i}": "a" for i in range(501)},
            "spec.operations.generate.response.meta.m498",
        ),
        (
            "operations.generate.response.meta",
            {f"m{i}": "a" * 4000 for i in range(5)},
            "spec.operations.generate.response.meta.m4",
        ),
        ("errors", {"message": "data[::0]"}, "spec.errors.message"),
        ("errors", {"message": "[" * 4000}, "spec.errors.message"),
        ("vars", {"x": f"${{params.{'a' * 200}}}"}, "spec.vars.x"),
        ("models", [{"id": f"m{i}"} for i in range(201)], "spec.models"),
        ("form", ["seed"] * 201, "spec.form"),
        ("concurrency", 1001, "spec.concurrency"),
        ("download", {"timeout_s": 0}, "spec.download.timeout_s"),
        ("download", {"timeout_s": 3601}, "spec.download.timeout_s"),
        (
            "errors",
            {"classify": [{"as": "quota", "status": "429", "cooldown_s": -1}]},
            "spec.errors.classify.0.cooldown_s",
        ),
        (
            "errors",
            {"classify": [{"as": "quota", "codes": [f"*{i}" for i in range(60)]}] * 2},
            "spec.errors.classify.1.codes",
        ),
        ("errors", {"classify": [{"as": "quota", "codes": "x" * 201}]}, "spec.errors.classify.0.codes"),
        (
            "operations.generate.response.raw",
            {"content_types": [f"{i}/*" for i in range(101)]},
            "spec.operations.generate.response.raw.content_types",
        ),
        ("models", [{"id": "m", "patterns": ["x*" * 101]}], "spec.models.0.patterns"),
        (
            "operations.generate.request.body.max_bytes",
            0,
            "spec.operations.generate.request.body.max_bytes",
        ),
        ("errors", {"retry_after": ["header:x"] * 21}, "spec.errors.retry_after"),
        ("schema", 2, "spec.schema"),
        ("schema", "1", "spec.schema"),
        ("id", "Not A Slug", "spec.id"),
        ("base_url", "https://user:pass@api.example", "spec.base_url"),
        ("extras", "drop", "spec.extras"),
        ("n_strategy", "some", "spec.n_strategy"),
        ("concurrency", 0, "spec.concurrency"),
        ("timeout_s", 0, "spec.timeout_s"),
        ("timeout_s", 3601, "spec.timeout_s"),
        ("auth", {"type": "magic"}, "spec.auth.type"),
        ("auth", {"type": "signer", "signer": "nobody"}, "spec.auth.signer"),
        ("auth", {"type": "oauth_client_credentials"}, "spec.auth.token_url"),
        (
            "auth",
            {"type": "oauth_client_credentials", "token_url": "http://login.example/token"},
            "spec.auth.token_url",
        ),
        (
            "auth",
            {"type": "oauth_client_credentials", "token_url": "https://login.example/token?tenant=1"},
            "spec.auth.token_url",
        ),
        (
            "auth",
            {"type": "signer", "signer": "aws_sigv4", "options": {"service": "s"}},
            "spec.auth.options.region",
        ),
        (
            "auth",
            {"type": "signer", "signer": "volcengine", "options": {"region": "r", "service": "a/b"}},
            "spec.auth.options.service",
        ),
        ("operations", {}, "spec.operations"),
        ("operations.generate.request.method", "FETCH", "spec.operations.generate.request.method"),
        ("operations.generate.request.path", "paint", "spec.operations.generate.request.path"),
        ("operations.generate.request.body.type", "xml", "spec.operations.generate.request.body.type"),
        (
            "operations.generate.request.body.template.a",
            ["${nope}"],
            "spec.operations.generate.request.body.template.a.0",
        ),
        (
            "operations.generate.request.body.template.a",
            "${params.nope}",
            "spec.operations.generate.request.body.template.a",
        ),
        ("operations.generate.request.body.template.a", "${task.id}", "spec.operations.generate.request"),
        (
            "operations.generate.request.body.template.a",
            {"$loop": 1},
            "spec.operations.generate.request.body.template.a.$loop",
        ),
        (
            "operations.generate.request.body.template.a",
            {"$each": "refs"},
            "spec.operations.generate.request.body.template.a",
        ),
        (
            "operations.generate.request.body.template.a",
            "x${refs[0].base64}",
            "spec.operations.generate.request.body.template.a",
        ),
        (
            "operations.generate.request.body.template.a",
            "${refs[0].colour}",
            "spec.operations.generate.request.body.template.a",
        ),
        (
            "operations.generate.request.headers",
            {"X": "${secret}"},
            "spec.operations.generate.request.headers.X",
        ),
        (
            "operations.generate.response.images.0.select",
            "data[",
            "spec.operations.generate.response.images.0.select",
        ),
        (
            "operations.generate.response.images.0.select",
            "zip(a, b)",
            "spec.operations.generate.response.images.0.select",
        ),
        (
            "operations.generate.response.images",
            [{"select": "@"}],
            "spec.operations.generate.response.images.0",
        ),
        ("operations.generate.response", {}, "spec.operations.generate.response"),
        ("operations.generate.task", {"id": "id"}, "spec.operations.generate.poll"),
        ("errors", {"classify": [{"as": "quota"}]}, "spec.errors.classify.0"),
        ("errors", {"classify": [{"status": 9999, "as": "quota"}]}, "spec.errors.classify.0.status"),
        ("errors", {"classify": [{"status": 429, "as": "slow"}]}, "spec.errors.classify.0.as"),
        (
            "errors",
            {"retry_after": [{"jmespath": "m", "regex": "no group"}]},
            "spec.errors.retry_after.0.regex",
        ),
        ("models", [{"id": "m", "capabilities": ["edit"]}], "spec.models.0.capabilities.0"),
        ("models", [{"id": "m", "capabilities": ["draw"]}], "spec.models.0.capabilities.0"),
        ("models", [{"id": "m", "operation": {"generate": "none"}}], "spec.models.0.operation.generate"),
        ("models", [{"id": "m", "size": {"kind": "enum"}}], "spec.models.0.size.values"),
        (
            "models",
            [{"id": "m", "size_for": {"generate": {"kind": "enum"}}}],
            "spec.models.0.size_for.generate.values",
        ),
        ("models", [{"id": "m", "size_for": {"edit": {}}}], "spec.models.0.size_for.edit"),
        ("models", [{"id": "m", "size_for": {"draw": {}}}], "spec.models.0.size_for.draw"),
        ("models", [{"name": "m"}], "spec.models.0.id"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(path, value, field):
    """Each mistake is reported with its own dotted path, and no other."""
    assert [field] == list(problems(changed(path, value)))


def test_all_problems_are_told_at_once():
    """Two mistakes are two problems."""
    document = changed("colour", "red")
    document["operations"]["generate"]["response"]["images"][0]["select"] = "["

    assert {"spec.colour", "spec.operations.generate.response.images.0.select"} == set(problems(document))


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_a_document_is_an_object(document):
    """Any other type is one problem at the top."""
    assert {"spec": "must be an object"} == problems(document)


@pytest.mark.parametrize("name", preset_names())
def test_shipped_presets_default_to_a_model_that_is_served(name):
    """It fails on the day on which a preset's default model retires."""
    document = load_preset(name)
    models = profile_of(document, None).models

    today = SystemClock().now().date()
    default = choose_model(models, None) if models else None
    assert default is None or default.lifecycle.status_on(today) is not LifecycleStatus.RETIRED
    assert default is None or default.operations


@pytest.mark.parametrize(
    ("models", "field"),
    [
        ([{"id": "a", "replaced_by": "a"}], "spec.models.0.replaced_by"),
        ([{"id": "a", "replaced_by": "b"}, {"id": "b", "replaced_by": "a"}], "spec.models.0.replaced_by"),
        ([{"id": "a", "retires": "soon"}], "spec.models.0.retires"),
        ([{"id": "a", "retired": "2026-12-01"}], "spec.models.0.retired"),
        ([{"id": "a", "price": {"rates": [{"amount": 1}]}}], "spec.models.0.price.currency"),
        ([{"id": "a", "sources": [{"url": "https://x.example"}]}], "spec.models.0.sources.0.read"),
        ([{"id": "a", "refuses": ["colour"]}], "spec.models.0.refuses.0"),
        ([{"id": "a", "refuses": ["seed"], "params": {"seed": {}}}], "spec.models.0.refuses.0"),
        ([{"id": "a", "excludes": [{"k": 1}], "params": {"k": {}}}], "spec.models.0.excludes.0"),
        ([{"id": "a", "excludes": [{"k": 1, "l": 2}], "params": {"k": {}}}], "spec.models.0.excludes.0.l"),
    ],
)
def test_a_wrong_fact_of_a_model_has_its_path(models, field):
    """A model that replaces itself, by itself or by way of others; a price in no currency."""
    assert field in problems(changed("models", models))


LABEL = {"zh": "锐度", "en": "Sharpness"}


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("form", ["prompt"], "spec.form.0"),
        ("form", ["num", "colour"], "spec.form.1"),
        ("form", ["seed"], "spec.form.0"),
        ("form", ["width"], "spec.form.0"),
        ("form", ["num", "num"], "spec.form.1"),
        ("form", {"num": 1}, "spec.form.0"),
        ("models", [{"id": "a", "params": {"p": {"label": "P"}}}], "spec.models.0.params.p.label"),
        (
            "models",
            [{"id": "a", "params": {"p": {"label": {"zh": "锐"}}}}],
            "spec.models.0.params.p.label.en",
        ),
        (
            "models",
            [{"id": "a", "params": {"p": {"label": {**LABEL, "en": " "}}}}],
            "spec.models.0.params.p.label.en",
        ),
        (
            "models",
            [{"id": "a", "params": {"p": {"label": {**LABEL, "fr": "x"}}}}],
            "spec.models.0.params.p.label.fr",
        ),
        ("models", [{"id": "a", "params": {"p": {"group": "mine"}}}], "spec.models.0.params.p.group"),
        (
            "models",
            [{"id": "a", "params": {"p": {"choices": {"x": {"en": "X"}}}}}],
            "spec.models.0.params.p.choices.x.zh",
        ),
    ],
)
def test_a_mistake_in_a_form_has_its_path(path, value, field):
    """A parameter that no model takes, one of a size by itself, a label in one language."""
    assert [field] == list(problems(changed(path, value)))


@pytest.mark.parametrize("name", ["aspect_ratio", "width", "partial_images"])
def test_a_form_has_one_field_for_the_size_and_none_for_a_stream(name):
    """Not even where a model declares the parameter, or where an operation streams by it."""
    document = changed("models", [{"id": "a", "params": {"aspect_ratio": {}, "width": {"type": "integer"}}}])
    document["form"] = [name]
    document["operations"]["generate"]["stream"] = {
        "parameter": "partial_images",
        "partial": {"events": ["partial"], "base64": "b64"},
        "completed": ["done"],
    }
    document["operations"]["generate"]["request"]["query"] = {"partials": "${params.partial_images}"}

    assert ["spec.form.0"] == list(problems(document))


def test_a_document_says_what_a_form_shows():
    """Its own parameter with its label, in its order; of one that is known, only what is said otherwise."""
    params = {
        "sharpness": {"type": "integer", "label": LABEL, "group": "look"},
        "quality": {"enum": ["high", "huge"], "choices": {"huge": {"zh": "极高", "en": "Huge"}}},
    }
    document = changed("models", [{"id": "a", "params": params}])
    document["form"] = ["sharpness", "num", "quality"]

    (model,) = profile_of(parse_document(document, "spec"), None).models

    assert ("sharpness", "num", "quality") == form_of(model)
    fields = {parameter.name: parameter.form_field for parameter in model.parameters}
    assert (Label(**LABEL), Group.LOOK) == (fields["sharpness"].label, fields["sharpness"].group)
    assert "质量" == fields["quality"].label.zh
    assert ["High", "Huge"] == [fields["quality"].choices[value].en for value in ("high", "huge")]


def test_a_line_of_successors_may_be_long():
    """Only one that comes back to its start is wrong."""
    models = [{"id": "a", "replaced_by": "b"}, {"id": "b", "replaced_by": "c"}, {"id": "c"}]

    assert "b" == parse_document(changed("models", models), "spec").models[0].replaced_by


def test_a_model_refuses_a_parameter_that_another_takes():
    """The request is the same for both."""
    document = changed("models", [{"id": "a"}, {"id": "b", "refuses": ["seed"]}])
    document["operations"]["generate"]["request"]["body"]["template"]["seed"] = "${seed}"

    profile = profile_of(parse_document(document, "spec"), None)

    names = {model.id: {p.name for p in model.parameters} for model in profile.models}
    assert [True, False] == ["seed" in names["a"], "seed" in names["b"]]


def test_a_model_that_is_not_listed_has_no_life_and_no_price():
    """It takes what the first model can, but nobody said what it costs."""
    price = {"currency": "USD", "rates": [{"amount": 1}]}
    source = {"url": "https://x.example", "read": "2026-11-26"}
    document = changed("models", [{"id": "a", "retires": "2026-12-01", "price": price, "sources": [source]}])

    entries = (ModelEntry(id="a"), ModelEntry(id="z"))
    models = profile_of(parse_document(document, "spec"), entries).models

    facts = [(m.lifecycle.retires, m.price and m.price.currency, len(m.sources)) for m in models]
    assert [(dt.date(2026, 12, 1), "USD", 1), (None, None, 0)] == facts


def test_a_preset_follows_from_the_name():
    """A provider named like a preset, or its alias, uses it without further configuration."""

    assert "openai" == document_of(config("openai-dalle")).id
    assert "dashscope" == document_of(config("dashscope")).id
    assert "openai-compatible" == document_of(config("my-gateway")).id


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"preset": "nobody"}, "extra_config.preset"),
        ({"preset": ["openai"]}, "extra_config.preset"),
        ({"preset": "openai", "spec": GOOD}, "extra_config"),
        ({"spec": {**GOOD, "colour": 1}}, "extra_config.spec.colour"),
        ({"spec": {"a": float("nan")}}, "extra_config.spec"),
        ({"preset": "tencent"}, "extra_config.preset"),
        ({"preset": "comfyui", "vars": {"workflow": {}}}, "extra_config.preset"),
        ({"spec": WITH_VARS, "vars": {"planet": "mars"}}, "extra_config.vars.planet"),
        ({"spec": WITH_VARS, "vars": {"graph": {"1": "${nope}"}}}, "extra_config.vars.graph.1"),
        ({"spec": {**GOOD, "vars": {"x": "${prompt}" * 6000}}}, "extra_config.spec"),
        ({"spec": WITH_VARS, "vars": {"graph": "${prompt}" * 6000}}, "extra_config.vars"),
    ],
)
def test_a_wrong_configuration_is_named_by_its_place(extra, field):
    """Mistakes in ``extra_config`` are reported with their path there."""
    with pytest.raises(ValidationFailed) as caught:
        document_of(config(extra_config=extra))

    assert [field] == [p.field for p in caught.value.problems]


def test_an_unknown_model_gets_what_the_first_one_can():
    """A model that the document does not list gets the first one's operations, under its own id."""
    document = load_preset("bfl")

    (model,) = profile_of(document, (ModelEntry(id="flux-9"),)).models

    assert ("flux-9", "flux-9", ("generate", "reference", "edit")) == (
        model.id,
        model.upstream_id,
        model.operations,
    )


@pytest.mark.parametrize(
    ("model_id", "operations"), [("ink-pro-2", ("upscale",)), ("paint-pro", ("generate",)), ("b", ("edit",))]
)
def test_an_unknown_model_gets_what_one_with_a_fitting_pattern_can(model_id, operations):
    """Else what the first can; a listed id is itself."""
    operation = {"implements": ["generate", "edit", "upscale"], **GOOD["operations"]["generate"]}
    models = [
        {"id": "a", "capabilities": "generate"},
        {"id": "b", "capabilities": "edit", "patterns": "ink-*"},
        {"id": "c", "capabilities": "upscale", "patterns": ["b", "ink-pro*"]},
    ]
    models[1], models[2] = models[2], models[1]
    document = parse_document({**GOOD, "operations": {"any": operation}, "models": models}, "spec")

    (model,) = profile_of(document, (ModelEntry(id=model_id),)).models

    assert (model_id, operations) == (model.id, model.operations)


def test_a_model_cannot_be_given_what_its_document_lacks():
    """Capabilities that no operation implements are refused on saving."""
    entry = ModelEntry(id="m", capabilities=("segment",))

    with pytest.raises(ValidationFailed) as caught:
        profile_of(load_preset("openai"), (entry,))

    assert "models.0.capabilities" == caught.value.problems[0].field


def test_a_job_streams_nothing():
    """What is asked for has no events of its own; both together are a mistake."""
    document = changed(
        "operations.generate.stream",
        {"parameter": "p", "completed": "done", "partial": {"events": "part", "base64": "b"}},
    )
    document["operations"]["generate"] |= {
        "task": {"id": "id"},
        "poll": {"request": {"path": "/job"}, "status": {"source": "state", "succeeded": "done"}},
    }

    assert ["spec.operations.generate.stream"] == list(problems(document))


def test_a_stream_declares_the_parameter_that_asks_for_it():
    """Models of the operation have it, but for one that refuses it; a template may send it on."""
    document = changed(
        "operations.generate.stream",
        {"parameter": "previews", "max": 2, "completed": "d", "partial": {"events": "p", "base64": "b"}},
    )
    document["operations"]["generate"]["request"]["body"]["template"]["k"] = "${params.previews}"
    document["models"] = [{"id": "a"}, {"id": "b", "refuses": "previews"}]
    first, second = profile_of(parse_document(document, "spec"), None).models
    (parameter,) = [p for p in first.parameters if p.name == "previews"]

    assert ("integer", 0, 2) == (parameter.type, parameter.minimum, parameter.maximum)
    assert "previews" not in {p.name for p in second.parameters}


TEXT = """\
schema: 1
id: x
base_url: https://api.example
operations:
  generate: &call
    request: {path: /paint, body: {template: {prompt: "${prompt}"}}}
    response:
      images:
        - {select: "data[]", url: url}
models:
  - {id: a.1, default: true, retires: 2030-01-31, params: {steps.x: {type: integer}}}
"""


def placed(text):
    """Return the problems of a document as it was written, each with its line and column."""
    with pytest.raises(ValidationFailed) as caught:
        document_of(config(extra_config={"spec": text}))
    return {p.field.removeprefix("extra_config.spec"): (p.line, p.column) for p in caught.value.problems}


def test_a_document_may_be_its_text():
    """YAML as the shipped ones, with days and comments; or JSON with tabs."""
    document = document_of(config(extra_config={"spec": TEXT}))
    again = document_of(config(extra_config={"spec": '{\n\t"schema": 1' + str(GOOD)[12:].replace("'", '"')}))

    assert dt.date(2030, 1, 31) == document.models[0].retires
    assert ["generate"] == list(again.operations)


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ("path: /paint", "pat: /paint", {".operations.generate.request.pat": (6, 15)}),
        ("id: x\n", "", {".id": (1, 1)}),
        ("type: integer", "type: whole", {".models.0.params.steps.x.type": (11, 70)}),
        ('[]", url: url}', '[", url: url}', {".operations.generate.response.images.0.select": (9, 12)}),
        ("${prompt}", "${promt}", {".operations.generate.request.body.template.prompt": (6, 47)}),
        ("    request: {path: /paint", "    request: {pat:", {"": (6, 18)}),
        ("    request:", "\trequest:", {"": (6, 1)}),
        ("2030-01-31", "2030-31-01", {"": (1, 1)}),
        ("models:", "schema: 1\nmodels:", {"": (10, 1)}),
        ("id: x", "? [x]\n: x", {"": (2, 3)}),
        ("x\n", "x\n<<: {colour: red}\n", {".colour": (3, 6)}),
        (TEXT, '{"schema": 1,\n\t"id": "A", "operations": {}\n}', {".id": (2, 2), ".operations": (2, 13)}),
        (TEXT, "", {"": (None, None)}),
    ],
)
def test_a_mistake_has_the_line_and_the_column_of_its_part(old, new, problems):
    """Of its key, of the item of a list, or of what something is missing in."""
    places = placed(TEXT.replace(old, new, 1))

    assert problems.items() <= places.items()


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        ALIASES,
        MERGES,
        f"{ALIASES}? *a11\n: 1",
        "a: &a [*a]",
        "&a {<<: *a}",
        "&a {? *a : 1}",
        "- " * 100_000,
        "[" * 200_000,
        '{"a":' * 40_000,
        "x" * 10_000_000,
        "a: b\n" * 50_000,
        "--- \n" * 40_000,
        "a: !!python/object:os.system x",
        "a: !!int x",
        "a: 1" + ":1" * 120_000,
        'a: !!int {=: "1' + ":1" * 120_000 + '"}',
    ],
    ids=range(16),
)
def test_a_text_that_would_become_too_large_is_never_built(text):
    """However deep, long or full of aliases it is, or whatever it asks to be made."""
    assert {"": ANY} == placed(text)
