"""Short words for the requests of most tests."""

import base64
import time

GENERATE = "/api/v1/tasks/generate"
CONFIG = "/api/v1/providers/config"
IMAGES = "/api/v1/images"
SEARCH = "/api/v1/images/search"
TASKS = "/api/v1/tasks"
SMALL = {"width": 64, "height": 64}
WAIT = {"Prefer": "wait=60"}
UNFINISHED = ("pending", "processing")

ENGLISH = {"Accept-Language": "en"}


def body_of(prompt="a lighthouse", **params):
    """Return the body of a task that draws a small image."""
    return {"provider": "demo", "params": {"prompt": prompt, **SMALL, **params}}


def submit(api, prompt="a lighthouse", *, headers=None, **params):
    """Post such a task; return the response."""
    return api.post(GENERATE, json=body_of(prompt, **params), headers=headers)


def data(response):
    """Return the data of a successful response; fail with its text otherwise."""
    body = response.json()
    assert body["code"] == 0, body
    return body["data"]


def finished(api, prompt="a lighthouse", **params):
    """Make an image and return the completed task."""
    task = data(submit(api, prompt, headers=WAIT, **params))
    assert task["status"] == "completed", task
    return task


def make_image(api, prompt="a lighthouse", **params):
    """Make an image and return its record."""
    return finished(api, prompt, **params)["images"][0]


def task_of(api, task_id):
    return data(api.get(f"{TASKS}/{task_id}"))


def ended(api, task_id):
    """Return the task once it has ended."""
    return until(lambda: task_of(api, task_id), lambda t: t["status"] not in UNFINISHED)


def running(api, task_id):
    """Return the task once a worker has claimed it."""
    return until(lambda: task_of(api, task_id), lambda t: t["status"] != "pending")


def stop_all(api):
    """Cancel all tasks, and return once none is left to end."""
    lists = [data(api.get(TASKS, params={"status": status, "page_size": 100})) for status in UNFINISHED]
    ids = [task["task_id"] for page in lists for task in page["items"]]
    for task_id in ids:
        api.post(f"{TASKS}/{task_id}/cancel")
    for task_id in ids:
        ended(api, task_id)


def until(look, good, *, seconds=120):
    """Poll ``look`` until its result is ``good``; return that."""
    deadline = time.monotonic() + seconds
    while not good(result := look()):
        assert time.monotonic() < deadline, f"it never came: {result}"
        time.sleep(0.02)
    return result


def total(api, path=TASKS):
    return data(api.get(path))["total"]


def row(response):
    """Return what identifies a row of the error table in a response."""
    body = response.json()
    return response.status_code, body["code"], body["data"].get("error")


def fields(response):
    """Return the fields that a 40000 names."""
    body = response.json()
    assert body["code"] == 40000, body
    return sorted(problem["field"] for problem in body["data"]["errors"])


def data_url(content, mime_type="image/png"):
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"
