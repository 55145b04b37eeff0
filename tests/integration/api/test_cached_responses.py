"""Responses from memory are those that the database would give."""

import threading

import httpx
import pytest

from tests.integration.api.asking import IMAGES, SEARCH, data, make_image

PROMPT = "kept in memory"
LISTS = (f"{IMAGES}?page_size=100", f"{SEARCH}?keyword={PROMPT}&page_size=100")


def ids(client, path):
    return {image["id"] for image in data(client.get(path))["items"]}


@pytest.fixture
def visitors(server):
    """Let others look at the given paths all the time, so that there always is a response in memory."""
    threads, end = [], threading.Event()

    def look(paths):
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
            while not end.is_set():
                for path in paths:
                    client.get(path)

    def start(paths):
        threads.extend(threading.Thread(target=look, args=(paths,)) for _ in range(3))
        for thread in threads:
            thread.start()

    yield start
    end.set()
    for thread in threads:
        thread.join()


def test_whoever_knows_of_a_write_reads_nothing_older(api, visitors):
    """Each record, list and search shows an image once its task is completed, and not once it is deleted."""
    first = make_image(api, PROMPT)["id"]
    visitors([*LISTS, f"{IMAGES}/{first}"])

    for _ in range(8):
        image = make_image(api, PROMPT)["id"]
        shown = [image in ids(api, path) for path in LISTS]
        record = f"{IMAGES}/{image}"
        statuses = [api.get(record).status_code, api.delete(record).status_code, api.get(record).status_code]
        shown += [image in ids(api, path) for path in LISTS]

        assert ([True, True, False, False], [200, 200, 404]) == (shown, statuses)
