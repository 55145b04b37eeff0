"""API.md section 5: health, and the page that documents the API."""

import re

import pytest

from tests.integration.api.asking import CONFIG, GENERATE, WAIT, data, finished

HTML = {"Accept": "text/html"}


@pytest.mark.one_box
def test_health_reports_what_the_service_depends_on(api):
    """Not in the envelope."""
    answer = api.get("/health")
    report = answer.json()

    assert (200, "ok") == (answer.status_code, report["status"])
    assert {"status", "version", "uptime_seconds", "checks"} == set(report)
    assert {"database", "storage", "queue", "disk_free_bytes"} <= set(report["checks"])
    assert {"pending", "processing", "workers", "size"} == set(report["checks"]["queue"])
    assert report["checks"]["disk_free_bytes"] > 0
    assert "oss" not in report["checks"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_liveness_and_readiness_are_200_while_it_runs(api, path):
    """For supervisors and load balancers."""
    answer = api.get(path)

    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])


def test_locked_keys_are_degraded_and_ready_all_the_same(start_server):
    """Tasks that need no saved key go on, so a load balancer must keep sending."""
    server = start_server()
    with server.client() as api:
        data(api.post(CONFIG, json={"provider_name": "kept", "kind": "demo", "api_key": "sk-saved-secret-1"}))
    server.stop()
    (server.data_dir / "master.key").unlink()
    server.start()
    with server.client() as api:
        health, ready = api.get("/health"), api.get("/health/ready")

        assert (503, "degraded", "locked") == (
            health.status_code,
            health.json()["status"],
            health.json()["checks"]["keys"],
        )
        assert (200, {"status": "ok"}) == (ready.status_code, ready.json())
        assert "completed" == finished(api)["status"]


def test_a_disk_without_room_is_not_ready(start_server):
    """No task is accepted."""
    with start_server({"storage": {"min_free_mb": 10**9}}).client() as api:
        assert (503, {"status": "degraded"}) == (
            api.get("/health/ready").status_code,
            api.get("/health/ready").json(),
        )


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_can_be_asked_for_without_a_body(api, path):
    """Monitors send HEAD."""
    answer = api.head(path)

    assert (200, b"", "no-store") == (answer.status_code, answer.content, answer.headers["cache-control"])


def test_the_version_is_the_packages(api):
    """The document has the same."""
    assert api.get("/health").json()["version"] == api.get("/openapi.json").json()["info"]["version"]


def test_the_documentation_page_needs_no_other_host(api):
    """Nor do its scripts and styles, which all exist."""
    page = api.get("/docs")
    files = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    policy = page.headers["content-security-policy"]

    assert (200, True) == (page.status_code, page.headers["content-type"].startswith("text/html"))
    assert files
    assert [] == [f for f in files if f.startswith("/") or ":" in f]
    assert [] == re.findall(r"https?://", page.text + policy)
    assert {200} == {api.get(f"/{file}", headers=HTML).status_code for file in files}


def test_the_documentation_page_works_with_a_slash_at_its_end(api):
    """Its addresses are relative, so that a proxy may put a prefix before them."""
    page = api.get("/docs/")
    files = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)

    assert {True} == {file.startswith("../") for file in files}
    assert {200} == {api.get(str(page.url.join(file)), headers=HTML).status_code for file in files}


def test_the_document_describes_every_route(api):
    """Each path of the contract, with its method."""
    paths = api.get("/openapi.json").json()["paths"]
    promised = {
        "/api/v1/providers/config": {"get", "post"},
        "/api/v1/providers/config/{provider_name}": {"get", "delete"},
        "/api/v1/providers/config/{provider_name}/toggle": {"patch"},
        "/api/v1/providers/config/{provider_name}/test": {"post"},
        "/api/v1/providers": {"get"},
        "/api/v1/tasks/generate": {"post"},
        "/api/v1/images/generate-with-references": {"post"},
        "/api/v1/images/edit": {"post"},
        "/api/v1/images/upscale": {"post"},
        "/api/v1/images/recontext": {"post"},
        "/api/v1/images/segment": {"post"},
        "/api/v1/tasks": {"get"},
        "/api/v1/tasks/{task_id}": {"get"},
        "/api/v1/tasks/{task_id}/cancel": {"post"},
        "/api/v1/tasks/{task_id}/retry": {"post"},
        "/api/v1/tasks/{task_id}/rerun": {"post"},
        "/api/v1/tasks/{task_id}/inputs/{index}/content": {"get", "head"},
        "/api/v1/tasks/counts": {"get"},
        "/api/v1/tasks/cancel": {"post"},
        "/api/v1/tasks/{task_id}/events": {"get"},
        "/api/v1/images": {"get"},
        "/api/v1/images/search": {"get"},
        "/api/v1/images/{image_id}": {"get", "patch", "delete"},
        "/api/v1/images/{image_id}/content": {"get", "head"},
        "/api/v1/images/{image_id}/thumbnail": {"get"},
        "/api/v1/images/batch": {"post"},
        "/api/v1/images/ids": {"get"},
        "/api/v1/trash": {"get", "delete"},
        "/api/v1/trash/{image_id}/thumbnail": {"get"},
        "/api/v1/tags": {"get"},
        "/api/v1/collections": {"get", "post"},
        "/api/v1/collections/{collection_id}": {"patch", "delete"},
        "/api/v1/settings": {"get", "patch"},
        "/api/v1/events": {"get"},
        "/health": {"get"},
    }

    assert {} == {
        path: methods for path, methods in promised.items() if not methods <= set(paths.get(path, {}))
    }


def test_the_document_is_openapi_and_describes_errors(api):
    """Version 3.1; bodies refuse unknown fields."""
    document = api.get("/openapi.json").json()
    operation = document["paths"][GENERATE]["post"]

    assert document["openapi"].startswith("3.1")
    assert "202" in operation["responses"]
    assert "4XX" in operation["responses"]
    assert document["components"]["schemas"]["GenerateBody"]["additionalProperties"] is False


def test_providers_lists_what_can_be_used_now(api, saved):
    """Name, kind, models with capabilities and limits; not the disabled ones."""
    saved("usable", models=[{"id": "m", "capabilities": ["generate"]}])
    saved("unusable", enabled=False)
    listing = data(api.get("/api/v1/providers"))
    by_name = {provider["name"]: provider for provider in listing["providers"]}
    model = by_name["usable"]["models"][0]

    assert {"demo", "on-file", "usable"} <= set(by_name)
    assert "unusable" not in by_name
    assert ("demo", "m", ["generate"]) == (by_name["usable"]["kind"], model["id"], model["capabilities"])
    assert {"max_num": 10, "prompt_chars": 32_000}.items() <= model["limits"].items()
    assert {"openai", "dashscope", "siliconflow"} <= {preset["name"] for preset in listing["presets"]}


def test_presets_can_be_listed_without_their_models(api):
    """Who does not configure one needs no more than its name; all else is the same."""
    whole, short = (
        data(api.get("/api/v1/providers", params=query)) for query in ({}, {"preset_models": False})
    )

    assert any(preset["models"] for preset in whole["presets"])
    assert [{**preset, "models": []} for preset in whole["presets"]] == short["presets"]
    assert whole | {"presets": []} == short | {"presets": []}


def test_a_form_is_made_of_what_is_listed(api):
    """Labels in both languages, known groups, and sizes whose parameters give an image of that size."""
    listing = data(api.get("/api/v1/providers"))
    (demo,) = next(p["models"] for p in listing["providers"] if p["name"] == "demo")
    groups = {group["id"] for group in listing["groups"]}
    wide = next(size for size in demo["sizes"] if (size["ratio"], size["resolution"]) == ("16:9", "512"))
    request = {"provider": "demo", "params": {"prompt": "a lighthouse", **wide["params"]}}
    image = data(api.post(GENERATE, json=request, headers=WAIT))["images"][0]

    assert (wide["width"], wide["height"]) == (image["width"], image["height"])
    assert ["size", "num"] == demo["form"][:2]
    assert {"zh": "随机种子", "en": "Seed"} in [parameter["label"] for parameter in demo["parameters"]]
    assert {parameter["group"] for parameter in demo["parameters"]} <= groups
    assert ["upscale"] == next(
        parameter["operations"] for parameter in demo["parameters"] if parameter["name"] == "upscale_factor"
    )


def test_the_list_of_providers_never_shows_an_address_or_a_key(api, saved):
    """It is for clients."""
    saved("hidden", api_base="http://127.0.0.1:9/v1", api_key="sk-hidden-secret-0001")
    text = api.get("/api/v1/providers").text

    assert (False, False, False) == ("sk-" in text, "0001" in text, "127.0.0.1:9" in text)
