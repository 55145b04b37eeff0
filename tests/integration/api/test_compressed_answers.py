"""What the API sends compressed, over a real connection."""

import pytest

from tests.integration.api.asking import CONFIG, IMAGES, TASKS, data, make_image

PROVIDERS = "/api/v1/providers"
GZIP, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}


@pytest.fixture(scope="module")
def image(api):
    return make_image(api, "一座灯塔" * 800)


def test_a_long_answer_is_a_tenth(api, image):
    """The providers with all that forms need, and lists, here of the long prompt alone."""
    for path in (PROVIDERS, f"{IMAGES}?page_size=1", f"{TASKS}?page_size=1"):
        packed, plain = api.get(path, headers=GZIP), api.get(path, headers=PLAIN)

        assert ("gzip", None) == (
            packed.headers.get("content-encoding"),
            plain.headers.get("content-encoding"),
        )
        assert data(packed) == data(plain)
        assert 8 * int(packed.headers["content-length"]) < int(plain.headers["content-length"])
        policy = "private, no-cache" if path == PROVIDERS else "no-store"
        assert ("Accept-Encoding", policy) == (packed.headers["vary"], packed.headers["cache-control"])


def test_the_providers_are_sent_again_only_if_they_have_changed(api):
    """A change by the API has another tag; a client that cannot read gzip asks alike."""
    tag = api.get(PROVIDERS, headers=GZIP).headers["etag"]
    same = [api.get(PROVIDERS, headers={"If-None-Match": tag, **form}) for form in (GZIP, PLAIN)]
    api.post(CONFIG, json={"provider_name": "one-more", "kind": "demo"})
    changed = api.get(PROVIDERS, headers={"If-None-Match": tag})
    api.delete(f"{CONFIG}/one-more")

    assert [(304, b"", tag)] * 2 == [(r.status_code, r.content, r.headers["etag"]) for r in same]
    assert "one-more" in {provider["name"] for provider in data(changed)["providers"]}


def test_neither_images_nor_events_are_compressed(api, image):
    """Images are already, and an event must not wait for the next one."""
    for path in (image["image_url"], image["thumbnail_url"], f"{TASKS}/{image['task_id']}/events"):
        with api.stream("GET", path, headers=GZIP) as answer:
            assert (200, None) == (answer.status_code, answer.headers.get("content-encoding"))
