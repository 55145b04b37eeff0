"""What the document says of the API as a whole: how to begin, the groups of routes, who may call them."""

from typing import Any

from litestar.openapi.spec import Components, License, SecurityScheme, Server, Tag

from imagegen_http.guard.sessions import COOKIE

TITLE = "imagegen"

DESCRIPTION = """
Self-hosted image generation: a durable queue, stored images, Chinese search.

**How to get an image**

1. `POST /api/v1/tasks/generate` answers 202 with a `task_id`. From then on the task survives a restart.

2. `GET /api/v1/tasks/{task_id}` shows it; when `status` is `completed`, `failed` or `cancelled`, it has
ended. `GET /api/v1/tasks/{task_id}/events` tells each step as it happens, and `Prefer: wait=60` with the
first request waits for the end.

3. `GET` the `image_url` of the task: these are the bytes of its first image.

The examples use the built-in provider `demo`, which draws offline and free of charge, so that each of them
can be sent as it is. Those that name a task or an image name the newest one of this server, if there is
one.

Every answer below `/api/v1` is `{"code": 0, "message": "success", "data": …}`. An error has another `code`,
its HTTP status is `code // 100`, and `data.error` is a stable slug to decide by. `Accept-Language` chooses
between Chinese (the default) and English messages.
"""

TAGS = [
    Tag(name="tasks", description="Make images, and see what becomes of the requests: begin here"),
    Tag(name="operations", description="Make images from images; each makes a task, as a generation does"),
    Tag(name="images", description="What was made: list, search, download, delete"),
    Tag(name="collections", description="Named sets of images; an image may be in several"),
    Tag(name="providers", description="What can be asked for images, and how it is configured"),
    Tag(name="openai", description="The same queue for clients of OpenAI's Images API"),
    Tag(name="storage", description="Maintenance of the stores and of the search index, by hand"),
    Tag(name="settings", description="The settings that hold now"),
    Tag(name="health", description="For people, supervisors and load balancers; never needs a token"),
]
"""The groups, in the order of the page."""

LICENSE = License(name="MIT", identifier="MIT")

SERVERS = [Server(url=".", description="where this document comes from, below whatever prefix a proxy has")]

COMPONENTS = Components(
    security_schemes={
        "token": SecurityScheme(
            type="http",
            scheme="bearer",
            description="The access token, `server.auth_token`. Without that setting nothing needs one.",
        ),
        "session": SecurityScheme(
            type="apiKey",
            name=COOKIE,
            security_scheme_in="cookie",
            description="The cookie that `/login` sets, which a browser sends along. It works from our own "
            "pages and for the bytes of images.",
        ),
    }
)


def security(*, needs_token: bool) -> list[dict[str, list[str]]]:
    """Return who may call a route: with a token set, whoever has it or has logged in, else everybody."""
    return [*([] if needs_token else [{}]), {"token": []}, {"session": []}]


def is_public(path: str) -> bool:
    """Return whether a route never needs a token."""
    return path.startswith("/health")


def in_order(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the paths by their groups; what deletes is the last of its own, and the others come first."""
    ranks = {tag.name: rank for rank, tag in enumerate(TAGS)}

    def place(path: str) -> tuple[int, bool]:
        (tag, *_) = next(iter(paths[path].values()))["tags"]
        return ranks.get(tag, len(ranks)), "delete" in paths[path]

    return {
        path: dict(sorted(paths[path].items(), key=lambda method: method[0] == "delete"))
        for path in sorted(paths, key=place)
    }
