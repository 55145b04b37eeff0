"""Input images of tasks: shown, served, kept for as long as their task, and taken again by a rerun."""

import pytest

from tests.fakes.images import png
from tests.integration.api.asking import (
    IMAGES,
    TASKS,
    WAIT,
    data,
    data_url,
    ended,
    fields,
    finished,
    make_image,
    row,
    task_of,
    until,
)
from tests.live_files import contents

REFERENCES = "/api/v1/images/generate-with-references"
EDIT = "/api/v1/images/edit"
SENT, MASK = png(71, (40, 30)), png(72, (40, 30))
UNKNOWN = f"{TASKS}/0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a/inputs/0/content"


def made_from(api, *references, prompt="a lighthouse"):
    """Return the completed task that took such references."""
    body = {"provider": "demo", "prompt": prompt, "reference_images": [*references]}
    task = data(api.post(REFERENCES, json=body, headers=WAIT))
    assert "completed" == task["status"], task
    return task


def edited(api, image=SENT, mask=MASK):
    body = {"provider": "demo", "prompt": "a tower", "image": data_url(image), "mask": data_url(mask)}
    return data(api.post(EDIT, json=body, headers=WAIT))


def released(server, task):
    """Wait until the inputs of a task that has ended are no longer spooled."""
    until((server.data_dir / "spool" / task["task_id"]).exists, lambda exists: not exists)


def rerun(api, task):
    return api.post(f"{TASKS}/{task['task_id']}/rerun", json={})


def links(task):
    return [(one["role"], one["index"], one["image_id"], one["url"]) for one in task["inputs"]]


def test_a_task_shows_its_inputs(api):
    """Those that were sent under the task, a stored image under its own address; in the list, too."""
    image = make_image(api)
    task = made_from(api, f"image:{image['id']}", data_url(SENT))
    (listed,) = [one for one in data(api.get(TASKS))["items"] if one["task_id"] == task["task_id"]]

    expected = [
        ("reference", 0, image["id"], f"{IMAGES}/{image['id']}/content"),
        ("reference", 1, None, f"{TASKS}/{task['task_id']}/inputs/1/content"),
    ]
    assert [expected] * 3 == [links(one) for one in (task, listed, task_of(api, task["task_id"]))]
    details = [
        [one[name] for name in ("mime_type", "width", "height", "size_bytes")] for one in task["inputs"]
    ]
    assert ["image/png", 40, 30, len(SENT)] == details[1]
    assert [] == finished(api)["inputs"]


def test_the_bytes_are_those_that_were_sent(api):
    """Of the image and of its mask, each under its number; a stored image has them at both addresses."""
    image = make_image(api)
    task, linked = edited(api), made_from(api, f"image:{image['id']}")
    first = f"{TASKS}/{linked['task_id']}/inputs/0/content"

    assert [("image", 0), ("mask", 1)] == [(one["role"], one["index"]) for one in task["inputs"]]
    assert [SENT, MASK] == [api.get(one["url"]).content for one in task["inputs"]]
    assert api.get(image["image_url"]).content == api.get(first).content


def test_an_input_is_served_as_an_image_is(api):
    """With a strong tag, ranges, HEAD, and headers that make it harmless."""
    url = edited(api)["inputs"][0]["url"]
    whole, head = api.get(url), api.head(url)
    part = api.get(url, headers={"Range": "bytes=10-19"})
    again = api.get(url, headers={"If-None-Match": whole.headers["etag"]})

    assert (200, "image/png", SENT) == (whole.status_code, whole.headers["content-type"], whole.content)
    assert (200, b"", whole.headers["content-length"]) == (
        head.status_code,
        head.content,
        head.headers["content-length"],
    )
    assert (206, SENT[10:20], 304) == (part.status_code, part.content, again.status_code)
    assert ("nosniff", True, True) == (
        whole.headers["x-content-type-options"],
        "sandbox" in whole.headers["content-security-policy"],
        "private" in whole.headers["cache-control"],
    )
    assert "input-0.png" in whole.headers["content-disposition"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (UNKNOWN, (404, 40401, "task_not_found")),
        (f"{TASKS}/none/inputs/0/content", (404, 40401, "task_not_found")),
        (f"{TASKS}/{{task_id}}/inputs/2/content", (404, 40402, "image_not_found")),
        (f"{TASKS}/{{task_id}}/inputs/{10**30}/content", (404, 40402, "image_not_found")),
        (f"{TASKS}/{{task_id}}/inputs/-1/content", (404, 40402, "image_not_found")),
        (f"{TASKS}/{{task_id}}/inputs/first/content", (404, 40400, "not_found")),
    ],
)
def test_what_is_no_input_is_404(api, path, error):
    """Of no task, or of a task that has fewer."""
    task = edited(api)

    assert error == row(api.get(path.format(task_id=task["task_id"])))


def test_a_completed_task_is_made_again_with_its_inputs(api):
    """As often as somebody wants; each task has its own."""
    first = edited(api)
    second = ended(api, data(rerun(api, first))["task_id"])
    third = ended(api, data(rerun(api, second))["task_id"])

    assert ["completed"] * 2 == [second["status"], third["status"]]
    assert [SENT, MASK] == [api.get(one["url"]).content for one in third["inputs"]]


def test_a_deleted_image_is_told_as_gone(api):
    """The task still says which it was; it is made again no more, once its own copy is gone with its end."""
    image = make_image(api)
    task = made_from(api, data_url(SENT), f"image:{image['id']}")
    api.delete(f"{IMAGES}/{image['id']}")
    shown = task_of(api, task["task_id"])
    refused = until(lambda: rerun(api, task), lambda answer: answer.status_code == 400)

    assert [(1, image["id"], None)] == [link[1:] for link in links(shown)[1:]]
    assert SENT == api.get(shown["inputs"][0]["url"]).content
    assert ["task_id"] == fields(refused)
    assert (404, 40402, "image_not_found") == row(api.get(f"{TASKS}/{task['task_id']}/inputs/1/content"))


def test_an_image_names_its_relatives(api):
    """Parents in the order of the inputs; children newest first; what is deleted is in neither."""
    first, second = make_image(api), make_image(api)
    task = made_from(api, f"image:{second['id']}", data_url(SENT), f"image:{first['id']}")
    later = made_from(api, f"image:{second['id']}")
    child, younger = task["images"][0]["id"], later["images"][0]["id"]

    def relatives(image_id):
        record = data(api.get(f"{IMAGES}/{image_id}"))
        return record["parents"], record["children"]

    assert ([second["id"], first["id"]], []) == relatives(child)
    assert ([], [younger, child]) == relatives(second["id"])
    api.delete(f"{IMAGES}/{first['id']}")
    api.delete(f"{IMAGES}/{younger}")
    assert (([second["id"]], []), ([], [child])) == (relatives(child), relatives(second["id"]))


@pytest.mark.one_box
def test_only_what_was_sent_is_on_the_disk(api, server):
    """Once, in the directory of its task, for its owner's eyes; of a stored image there is no second copy."""
    image = make_image(api)
    task = made_from(api, f"image:{image['id']}", data_url(SENT))
    content = api.get(image["image_url"]).content
    released(server, task)
    folder = server.data_dir / "inputs" / task["task_id"]

    assert [folder / "reference-1"] == [*folder.iterdir()]
    assert [0o600, 0o700] == [path.stat().st_mode & 0o777 for path in (folder / "reference-1", folder)]
    # Beside the spool, from which what a call received may still have to be removed.
    stored = [each for path, each in contents(server.data_dir).items() if "spool" not in path.parts]
    assert 1 == stored.count(content)


def test_inputs_outlive_a_kill(start_server):
    """Also one between the end of a task and the keeping of its inputs, which the next start makes up for."""
    server = start_server({})
    with server.client() as api:
        task = edited(api)
    released(server, task)
    server.kill()
    inputs, spooled = (server.data_dir / name / task["task_id"] for name in ("inputs", "spool"))
    spooled.mkdir()
    (inputs / "mask").rename(spooled / "mask")
    server.start()
    with server.client() as api:
        again = ended(api, data(rerun(api, task))["task_id"])
        contents = [api.get(one["url"]).content for one in task["inputs"]]

    assert ("completed", [SENT, MASK]) == (again["status"], contents)
    assert (["image", "mask"], False) == (sorted(path.name for path in inputs.iterdir()), spooled.exists())


def test_inputs_that_are_not_to_be_kept(start_server):
    """They go with the completion, and the task says so; those that were kept before stay."""
    server = start_server({})
    with server.client() as api:
        earlier = edited(api)
    server.stop()
    server.configure({"storage": {"keep_inputs": False}})
    server.start()
    with server.client() as api:
        task_id = edited(api)["task_id"]
        task = until(lambda: task_of(api, task_id), lambda one: one["inputs"][0]["url"] is None)
        refused = rerun(api, task)
        answers = [api.get(f"{TASKS}/{one['task_id']}/inputs/0/content") for one in (task, earlier)]
        settings = {one["key"]: (one["value"], one["source"]) for one in data(api.get("/api/v1/settings"))}
        again = ended(api, data(rerun(api, earlier))["task_id"])

    assert ([None, None], ["task_id"]) == ([one["url"] for one in task["inputs"]], fields(refused))
    assert ((404, 200), SENT) == (tuple(one.status_code for one in answers), answers[1].content)
    assert (False, "file") == settings["storage.keep_inputs"]
    assert "completed" == again["status"]
    assert [earlier["task_id"]] == [path.name for path in (server.data_dir / "inputs").iterdir()]


def test_the_login_authorizes_inputs(start_server):
    """As it does images: the cookie alone, for reading."""
    server = start_server({"server": {"auth_token": "a-token-of-a-decent-length"}})
    with server.client() as api:
        api.headers["Authorization"] = "Bearer a-token-of-a-decent-length"
        url = edited(api)["inputs"][0]["url"]
        del api.headers["Authorization"]
        origin = {"Origin": str(api.base_url).rstrip("/")}
        answer = api.post("/login", data={"password": "a-token-of-a-decent-length"}, headers=origin)
        cookie = answer.headers["set-cookie"].partition(";")[0]
        api.cookies.clear()
        statuses = [api.get(url, headers={"Cookie": cookie}).status_code, api.get(url).status_code]

    assert [200, 401] == statuses
