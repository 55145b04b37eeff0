"""Entity tags, by which a client asks whether it has the current content."""

PRIVATE_REVALIDATE = "private, no-cache"
"""``Cache-Control`` of an answer that a client may keep if it asks each time whether it still holds."""


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether the client has it; weak tags count too, since proxies weaken ours when they compress."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
