"""What a client says that it can read."""

from functools import lru_cache


def accepts_page(accept: str) -> bool:
    """Return whether ``Accept`` names HTML: browsers do so when they navigate, clients of an API do not."""
    return _weight(accept, "text/html") > 0


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether ``Accept-Encoding`` allows gzip."""
    return _weight(accept_encoding, "gzip", otherwise="*") > 0


@lru_cache(maxsize=64)
def _weight(header: str, name: str, otherwise: str | None = None) -> float:
    """Return the weight of a value (RFC 9110, section 12.4.2), else that of another; 0 if it has neither."""
    weights: dict[str | None, float] = dict(map(_item, header.lower().split(",")))
    return weights.get(name, weights.get(otherwise, 0.0))


def _item(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in text.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0
