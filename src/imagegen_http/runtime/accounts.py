"""The operating system's users."""

import pwd


def user_name(uid: int) -> str:
    """Return a user's name, or ``user <uid>`` if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
