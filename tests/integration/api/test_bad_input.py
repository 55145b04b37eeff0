"""Whatever is in a body, a query or a path: the right row, never a 500, and nothing is stored."""

import json

import pytest
from jsonschema_rs import Draft202012Validator

from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    GENERATE,
    IMAGES,
    SEARCH,
    TASKS,
    body_of,
    data,
    fields,
    finished,
    row,
    submit,
    total,
)

JSON = {"Content-Type": "application/json"}
REFUSED = (400, 40000, "validation_failed")


@pytest.fixture(scope="module")
def earlier_tasks(api):
    """Two tasks from before any wrong request."""
    return [finished(api, f"known {i}") for i in range(2)]


@pytest.fixture(autouse=True)
def _stores_nothing(api, earlier_tasks):
    before = total(api), total(api, IMAGES)
    yield
    assert before == (total(api), total(api, IMAGES))


def test_a_body_that_is_missing_is_named(api):
    """In a way that a caller can act on."""
    answer = api.post(GENERATE, content=b"", headers=JSON)

    assert [{"field": "body", "code": "required", "message": "为必填项"}] == answer.json()["data"]["errors"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"17",
        b"{'provider': 'demo'}",
        b'{"params": {"prompt": "a"},}',
        b'{"params": {"prompt": "a"}} {"params": {"prompt": "a"}}',
        b'{"params": {"prompt": "\xff\xfe"}}',
        '{"params": {"prompt": "a"}}'.encode("utf-16"),
        b'{"params": {"prompt": NaN}}',
        b'{"params": {"prompt": "a", "cfg_scale": NaN}}',
        b'{"params": {"prompt": "a", "cfg_scale": Infinity}}',
        b'{"params": {"prompt": "a\nb"}}',
        b"[" * 200_000,
        b'{"params":' * 50_000,
        b'{"params": {"prompt": "a", "seed": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
        b"\x00",
        b"prompt=a",
    ],
    ids=range(20),
)
def test_a_body_that_is_no_json_object_is_refused(api, content):
    """Malformed, of another type, in another encoding, nested too deeply."""
    answer = api.post(GENERATE, content=content, headers=JSON)

    assert REFUSED == row(answer)
    assert answer.json()["data"]["errors"]


@pytest.mark.parametrize("path", [GENERATE, CONFIG, "/api/v1/images/edit"])
def test_a_missing_body_is_required(api, path):
    """With and without a Content-Type."""
    answers = [api.post(path, headers=ENGLISH), api.post(path, content=b"", headers={**JSON, **ENGLISH})]

    assert [[{"field": "body", "code": "required", "message": "is required"}]] * 2 == [
        a.json()["data"].get("errors") for a in answers
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider": 7}, "provider"),
        ({"provider": ""}, "provider"),
        ({"provider": "x" * 65}, "provider"),
        ({"model_id": 7}, "model_id"),
        ({"model_id": {}}, "model_id"),
        ({"params": []}, "params"),
        ({"params": "prompt"}, "params"),
        ({"params": None}, "params"),
        ({"use_saved_config": "yes"}, "use_saved_config"),
        ({"use_saved_config": 1}, "use_saved_config"),
        ({"config": []}, "config"),
        ({"config": {"timeout": "60"}}, "config.timeout"),
        ({"config": {"timeout": 0}}, "config.timeout"),
        ({"config": {"timeout": -1}}, "config.timeout"),
        ({"config": {"max_retries": 1.5}}, "config.max_retries"),
        ({"config": {"max_retries": -1}}, "config.max_retries"),
        ({"config": {"api_base": ""}}, "config.api_base"),
        ({"config": {"api_base": "ftp://x"}}, "config.api_base"),
        ({"config": {"api_base": "http://user:password@x"}}, "config.api_base"),
        ({"config": {"api_base": "http://x/?key=1"}}, "config.api_base"),
        ({"config": {"api_key": "line\nbreak"}}, "config.api_key"),
        ({"config": {"api_key": "密钥"}}, "config.api_key"),
        ({"config": {"kind": "demo"}}, "config.kind"),
        ({"colour": "red"}, "colour"),
        ({"": "red"}, ""),
        ({"prompt": "beside params"}, "prompt"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(api, change, field):
    """And so is an unknown one."""
    answer = api.post(GENERATE, json={**body_of(), **change})

    assert REFUSED == row(answer)
    assert [field] == fields(answer)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n\t\u3000"}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "长" * 32_001}, "prompt"),
        ({"prompt": "x" * 40_000}, "prompt"),
        ({"prompt": "a\u0000b"}, "prompt"),
        ({"num": 0}, "num"),
        ({"num": 11}, "num"),
        ({"num": -1}, "num"),
        ({"num": 1.5}, "num"),
        ({"num": "2"}, "num"),
        ({"num": True}, "num"),
        ({"num": [1]}, "num"),
        ({"n": 11}, "num"),
        ({"number_of_images": 0}, "num"),
        ({"n": 1, "num": 2}, "n"),
        ({"num": 10**30}, "num"),
        ({"width": 0}, "width"),
        ({"width": -64}, "width"),
        ({"width": 10**9}, "width"),
        ({"height": 10**9}, "height"),
        ({"width": "64"}, "width"),
        ({"width": 64.5}, "width"),
        ({"size": "-1x-1"}, "size"),
        ({"size": "64x64x64"}, "size"),
        ({"size": "0x0"}, "size"),
        ({"size": "999999x999999"}, "size"),
        ({"size": 64}, "size"),
        ({"size": "large"}, "size"),
        ({"steps": -1}, "steps"),
        ({"steps": 10**6}, "steps"),
        ({"cfg_scale": "7"}, "cfg_scale"),
        ({"cfg_scale": -1}, "cfg_scale"),
        ({"seed": 1.5}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": -2}, "seed"),
        ({"seed": 10**400}, "seed"),
        ({"aspect_ratio": "1:0"}, "aspect_ratio"),
        ({"aspect_ratio": 1}, "aspect_ratio"),
        ({"image_size": "9K"}, "image_size"),
        ({"negative_prompt": 7}, "negative_prompt"),
        ({"negative_prompt": "a\u0000"}, "negative_prompt"),
        ({"sampler": "Euler"}, "sampler"),
        ({"__class__": "x"}, "__class__"),
        ({"": 1}, ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_parameter_out_of_its_range_is_named(api, params, field):
    """By its path in the body."""
    body = body_of(**params)
    if "size" in params:
        del body["params"]["width"], body["params"]["height"]
    answer = api.post(GENERATE, json=body)

    assert REFUSED == row(answer)
    assert [f"params.{field}"] == fields(answer)


def test_all_wrong_parameters_are_named_at_once(api):
    """A caller can correct them together."""
    answer = submit(api, num=0, width=0, steps=0)

    assert ["params.num", "params.steps", "params.width"] == fields(answer)


@pytest.mark.parametrize(
    "content",
    [
        r'{"params": {"prompt": "\ud800"}}',
        r'{"params": {"prompt": "\udfff tail"}}',
        r'{"params": {"prompt": "a", "negative_prompt": "\ud800"}}',
        r'{"params": {"prompt": "a", "\ud800": 1}}',
        r'{"provider": "\ud800", "params": {"prompt": "a"}}',
        r'{"model_id": "\ud800", "params": {"prompt": "a"}}',
    ],
)
def test_half_a_surrogate_pair_is_refused(api, content):
    """It can neither be stored nor shown."""
    assert REFUSED == row(api.post(GENERATE, content=content.encode(), headers=JSON))


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1" + "0" * 400, "1" + "0" * 5000, "1e-400000", "0." + "1" * 5000]
)
@pytest.mark.parametrize("name", ["num", "width", "seed", "cfg_scale", "unknown"])
def test_a_number_beyond_all_bounds_is_no_defect(api, number, name):
    """A tiny one may round to zero; nothing else is accepted."""
    content = f'{{"params": {{"prompt": "a", "num": 0, "{name}": {number}}}}}'.encode()

    assert REFUSED == row(api.post(GENERATE, content=content, headers=JSON))


def test_a_duplicate_key_bypasses_no_check(api):
    """Whichever value counts, both would have been refused."""
    content = b'{"params": {"prompt": "a", "num": 0, "num": 11}, "params": {"prompt": ""}}'

    assert REFUSED == row(api.post(GENERATE, content=content, headers=JSON))


@pytest.mark.parametrize("path", [TASKS, IMAGES, f"{SEARCH}?keyword=a", CONFIG])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=one", "page"),
        ("page=1.5", "page"),
        (f"page={10**30}", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=all", "page_size"),
    ],
)
def test_an_invalid_page_is_refused(api, path, query, field):
    """On every list alike."""
    answer = api.get(f"{path}{'&' if '?' in path else '?'}{query}")

    assert REFUSED == row(answer)
    assert [field] == fields(answer)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{TASKS}?status=done", "status"),
        (f"{TASKS}?status=COMPLETED", "status"),
        (f"{IMAGES}?operation=paint", "operation"),
        (f"{IMAGES}?from=yesterday", "from"),
        (f"{IMAGES}?to=2026-13-01", "to"),
        (f"{IMAGES}?to=9999-12-31T23:59:59-23:59", "to"),
        (f"{SEARCH}?keyword=a&mode=fuzzy", "mode"),
        (SEARCH, "keyword"),
        (f"{SEARCH}?keyword=", "keyword"),
        (f"{SEARCH}?keyword=%20%E3%80%80", "keyword"),
        (f"{TASKS}?cursor=abc", "cursor"),
        (f"{IMAGES}?cursor=%00", "cursor"),
        (f"{IMAGES}?cursor={'x' * 600}", "cursor"),
        (f"{IMAGES}?cursor=WzEyMywiYWJjIl0", "cursor"),
    ],
)
def test_an_invalid_query_is_refused(api, path, field):
    """With the parameter's name."""
    answer = api.get(path)

    assert REFUSED == row(answer)
    assert [field] == fields(answer)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (TASKS, "status=&provider=&page=&page_size=&cursor="),
        (IMAGES, "page=1&page_size=20&provider=&model_id=&operation=&from=&to=&cursor="),
        (SEARCH, "keyword=known&page=&page_size=&mode=&provider="),
        (CONFIG, "page=&page_size"),
    ],
)
def test_a_parameter_without_a_value_is_ignored(api, path, query):
    """A form with empty fields sends it."""
    plain = data(api.get(path, params={"keyword": "known"} if path == SEARCH else None))

    assert plain == data(api.get(f"{path}?{query}"))
    assert plain["items"]


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        (f"{TASKS}/nothing", "task_not_found"),
        (f"{TASKS}/%00", "task_not_found"),
        (f"{TASKS}/%F0%9F%90%B1", "task_not_found"),
        (f"{TASKS}/00000000-0000-7000-8000-000000000000", "task_not_found"),
        (f"{TASKS}/00000000-0000-7000-8000-000000000000/events", "task_not_found"),
        (f"{IMAGES}/0", "image_not_found"),
        (f"{IMAGES}/-1", "image_not_found"),
        (f"{IMAGES}/1.0", "image_not_found"),
        (f"{IMAGES}/0x1", "image_not_found"),
        (f"{IMAGES}/99999999999999999999999", "image_not_found"),
        (f"{IMAGES}/9223372036854775808/content", "image_not_found"),
        (f"{IMAGES}/one/thumbnail", "image_not_found"),
        (f"{CONFIG}/nobody", "provider_config_not_found"),
        (f"{CONFIG}/%00", "provider_config_not_found"),
        (f"{CONFIG}/NOBODY", "provider_config_not_found"),
    ],
)
def test_an_unknown_id_is_not_found(api, path, slug):
    """Whatever it looks like."""
    answer = api.get(path)

    assert (404, slug) == (answer.status_code, answer.json()["data"]["error"])


@pytest.mark.parametrize(
    ("method", "path", "slug"),
    [
        ("POST", f"{TASKS}/nothing/cancel", "task_not_found"),
        ("POST", f"{TASKS}/nothing/retry", "task_not_found"),
        ("DELETE", f"{IMAGES}/nothing", "image_not_found"),
        ("DELETE", f"{IMAGES}/999999999", "image_not_found"),
        ("DELETE", f"{CONFIG}/nobody", "provider_config_not_found"),
        ("POST", f"{CONFIG}/nobody/test", "provider_config_not_found"),
    ],
)
def test_a_change_to_a_missing_object_is_not_found(api, method, path, slug):
    """Rather than applied."""
    answer = api.request(method, path)

    assert (404, slug) == (answer.status_code, answer.json()["data"]["error"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider_name": ""}, "provider_name"),
        ({"provider_name": "A"}, "provider_name"),
        ({"provider_name": "a b"}, "provider_name"),
        ({"provider_name": "a/b"}, "provider_name"),
        ({"provider_name": "a\n"}, "provider_name"),
        ({"provider_name": "猫"}, "provider_name"),
        ({"provider_name": "a" * 65}, "provider_name"),
        ({"provider_name": None}, "provider_name"),
        ({"kind": "painter"}, "kind"),
        ({"kind": 7}, "kind"),
        ({"api_base": "example.com"}, "api_base"),
        ({"api_base": "ftp://example.com"}, "api_base"),
        ({"api_base": "http://"}, "api_base"),
        ({"api_base": "http://user:secret@example.com"}, "api_base"),
        ({"api_base": "http://example.com?key=1"}, "api_base"),
        ({"api_base": "http://exam ple.com"}, "api_base"),
        ({"api_base": "http://example.com:99999"}, "api_base"),
        ({"api_key": "with\nbreak"}, "api_key"),
        ({"api_key": "密钥密钥密钥密钥"}, "api_key"),
        ({"api_key": 7}, "api_key"),
        ({"models": {}}, "models"),
        ({"models": [{}]}, "models.0.id"),
        ({"models": [{"id": ""}]}, "models.0.id"),
        ({"models": [{"id": "a"}, {"id": "a"}]}, "models.1.id"),
        ({"models": [{"id": "a", "default": True}, {"id": "b", "default": True}]}, "models.1.default"),
        ({"models": [{"id": "a", "capabilities": ["paint"]}]}, "models.0.capabilities"),
        ({"models": [{"id": "a", "cost": 1}]}, "models.0.cost"),
        ({"enabled": "yes"}, "enabled"),
        ({"enabled": None}, "enabled"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": "60"}, "timeout_seconds"),
        ({"max_retries": 11}, "max_retries"),
        ({"max_retries": -1}, "max_retries"),
        ({"extra_config": []}, "extra_config"),
        ({"extra_config": {"headers": {"X": 1}}}, "extra_config.headers"),
        ({"extra_config": {"headers": {"X": "a\r\nY: b"}}}, "extra_config.headers"),
        ({"extra_config": {"headers": {"Host": "b"}}}, "extra_config.headers"),
        ({"extra_config": {"proxy": "socks5://x"}}, "extra_config.proxy"),
        ({"extra_config": {"max_concurrency": 0}}, "extra_config.max_concurrency"),
        ({"apikey": "sk-x"}, "apikey"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_invalid_configuration_is_refused(api, change, field):
    """Before it is saved."""
    answer = api.post(CONFIG, json={"provider_name": "senseless", "kind": "demo", **change})

    assert REFUSED == row(answer)
    assert field in fields(answer)[0]
    assert 404 == api.get(f"{CONFIG}/senseless").status_code


@pytest.mark.parametrize("body", [{}, {"enabled": 1}, {"enabled": "false"}, {"enabled": True, "x": 1}])
def test_a_toggle_wants_a_boolean(api, body):
    """And nothing else."""
    assert REFUSED == row(api.patch(f"{CONFIG}/on-file/toggle", json=body))


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "a\tb", "schlüssel".encode()])
def test_a_malformed_idempotency_key_is_refused(api, key):
    """1 to 255 visible ASCII characters."""
    answer = submit(api, headers={"Idempotency-Key": key})

    assert REFUSED == row(answer)
    assert ["Idempotency-Key"] == fields(answer)


def test_a_cursor_belongs_to_its_query(api):
    """One of another list or filter is refused, not misinterpreted."""
    cursor = data(api.get(f"{TASKS}?page_size=1"))["next_cursor"]
    elsewhere = (
        f"{IMAGES}?cursor={cursor}",
        f"{TASKS}?status=failed&cursor={cursor}",
        f"{SEARCH}?keyword=a&cursor={cursor}",
    )

    assert [REFUSED] * 3 == [row(api.get(path)) for path in elsewhere]


def test_a_refusal_never_shows_a_key(api):
    """Not even the one that was just sent."""
    key = "sk-mistyped-\u00e9-0001"
    answers = [
        api.post(CONFIG, json={"provider_name": "leaky", "kind": "demo", "api_key": key}),
        api.post(GENERATE, json={**body_of(), "config": {"api_key": key}}),
        api.post(CONFIG, json={"provider_name": "leaky", "api_base": f"http://u:{key}@h"}),
    ]

    assert [REFUSED] * 3 == [row(answer) for answer in answers]
    assert [] == [a.text for a in answers if "mistyped" in json.dumps(a.json(), ensure_ascii=False)]


@pytest.mark.parametrize("last", ["-1", "abc", "1.5", "\u00b2".encode()])
def test_a_last_event_id_that_is_no_number_is_refused(api, earlier_tasks, last):
    """The stream never sends one."""
    answer = api.get(f"{TASKS}/{earlier_tasks[0]['task_id']}/events", headers={"Last-Event-ID": last})

    assert REFUSED == row(answer)


def test_a_query_parameter_has_one_value(api):
    """The router would take one of several, and nobody could tell which; the same twice says nothing else."""
    answers = [
        api.get(f"{IMAGES}?{query}")
        for query in ("provider=nope&provider=demo", "page=1&%70age=2", "page=1&page=1", "page=&page=1")
    ]

    assert [["provider"], ["page"]] == [fields(answer) for answer in answers[:2]]
    assert [200, 200] == [answer.status_code for answer in answers[2:]]


@pytest.mark.parametrize("path", [IMAGES, "/api/v1/usage"])
@pytest.mark.parametrize("query", [{"to": "9999-12-31"}, {"from": "0001-01-01", "tz": "Asia/Shanghai"}])
def test_the_first_and_the_last_day_are_days(api, path, query):
    """They stand for "any time" in some clients."""
    assert 200 == api.get(path, params=query).status_code


@pytest.mark.parametrize(
    ("headers", "message"), [({}, "须为布尔值 true 或 false"), (ENGLISH, "must be true or false")]
)
def test_a_type_is_told_with_its_spaces(api, headers, message):
    """In both languages."""
    answer = api.post(GENERATE, json={**body_of(), "use_saved_config": 1}, headers=headers)

    assert message == answer.json()["data"]["errors"][0]["message"]


@pytest.fixture(scope="module")
def document(api):
    return api.get("/openapi.json").json()


def estimate_of(**more):
    return {"params": {"prompt": "a"}, **more}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", GENERATE, {}),
        ("post", GENERATE, {"params": {}}),
        ("post", GENERATE, {"params": {"prompt": " \n"}}),
        ("post", GENERATE, {"params": {"prompt": "a" * 32_001}}),
        ("post", GENERATE, {"params": {"prompt": None}}),
        ("post", GENERATE, {**body_of(), "config": {"api_base": "ftp://a.example"}}),
        ("post", f"{IMAGES}/edit", {"prompt": "a", "image": "image:0"}),
        ("post", f"{IMAGES}/edit", {"prompt": "a", "image": "https://a.example/cat.png"}),
        ("post", f"{IMAGES}/upscale", {"image": "image:1", "upscale_factor": "x3"}),
        ("post", f"{IMAGES}/generate-with-references", {"prompt": "a", "reference_images": []}),
        ("post", f"{IMAGES}/generate-with-references", {"prompt": "a", "reference_images": ["image:1"] * 15}),
        ("post", f"{TASKS}/estimate", estimate_of(mode="x")),
        ("post", f"{TASKS}/estimate", estimate_of(operation="upscale", edit_mode="x")),
        ("post", f"{TASKS}/cancel", {"status": "completed"}),
        ("post", f"{IMAGES}/batch", {"ids": [1], "action": "tag"}),
        ("post", f"{IMAGES}/batch", {"ids": [1], "action": "tag", "tag": None}),
        ("post", f"{IMAGES}/batch", {"ids": [1], "action": "tag", "tag": "a" * 41}),
        ("post", f"{IMAGES}/batch", {"ids": [1], "action": "favourite", "tag": "a"}),
        ("post", f"{IMAGES}/batch", {"ids": [1], "action": "add_to"}),
        ("patch", f"{IMAGES}/1", {"tags": [" "]}),
        ("patch", f"{IMAGES}/1", {"tags": ["a\u200bb"]}),
        ("post", "/api/v1/collections", {"name": "a\nb"}),
        ("post", "/api/v1/collections", {"name": "a" * 101}),
        ("post", CONFIG, {"provider_name": "a", "api_key": ""}),
        ("post", CONFIG, {"provider_name": "a", "api_base": "https://u:p@a.example"}),
        (
            "post",
            CONFIG,
            {"provider_name": "a", "models": [{"id": "m", "capabilities": ["fly"]}]},
        ),
        ("post", "/v1/images/generations", {"prompt": ""}),
        ("post", "/v1/images/generations", {"prompt": "a", "n": 11}),
    ],
)
def test_what_is_refused_by_its_shape_is_no_body_of_the_document(api, document, method, path, body):
    """Whoever checks a body by the document knows before it is sent."""
    template = path.replace(f"{IMAGES}/1", f"{IMAGES}/{{image_id}}")
    content = document["paths"][template][method]["requestBody"]["content"]["application/json"]
    schema = {**content["schema"], "components": document["components"]}

    assert 400 == api.request(method, path, json=body).status_code
    assert not Draft202012Validator(schema).is_valid(body)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (IMAGES, "from", "yesterday"),
        (IMAGES, "to", "2026-13-01"),
        (IMAGES, "tz", "Asia Shanghai"),
        (IMAGES, "cursor", "%"),
        (IMAGES, "tag", "a\u200bb"),
        (SEARCH, "keyword", " "),
        (f"{IMAGES}/0", "image_id", "0"),
        (f"{TASKS}/none", "task_id", "none"),
        ("/api/v1/providers/config/A", "provider_name", "A"),
    ],
)
def test_what_is_refused_by_its_shape_is_no_parameter_of_the_document(api, document, path, name, value):
    """Those of a path are 404: nothing can have such an id."""
    template = path if value not in path else path.replace(value, f"{{{name}}}")
    parameters = document["paths"][template]["get"]["parameters"]
    (schema,) = [parameter["schema"] for parameter in parameters if parameter["name"] == name]
    query = {} if value in path else {"keyword": "a", name: value}

    assert api.get(path, params=query).status_code in ((404,) if value in path else (400,))
    assert not Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        (
            IMAGES,
            "from",
            [
                "2026-11-24",
                "20261124",
                "2026-11-24T08:00:00.000Z",
                "2026-11-24 08:00",
                "2026-11-24T08:00+08:00",
            ],
        ),
        (IMAGES, "tz", ["UTC", "Asia/Shanghai", "+08:00", "America/Port-au-Prince", "Etc/GMT+3"]),
        (IMAGES, "tag", ["猫", "a b", "👩\u200d🎨"]),
    ],
)
def test_what_is_taken_is_a_parameter_of_the_document(api, document, path, name, values):
    """The document is no stricter than the service."""
    parameters = document["paths"][path]["get"]["parameters"]
    (schema,) = [parameter["schema"] for parameter in parameters if parameter["name"] == name]

    assert [200] * len(values) == [api.get(path, params={name: value}).status_code for value in values]
    assert [] == [value for value in values if not Draft202012Validator(schema).is_valid(value)]
