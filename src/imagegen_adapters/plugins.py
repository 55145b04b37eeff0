"""Adapters of other packages, found by their entry points; one that cannot be loaded stops nothing else.

Entry points are read only when a kind is none of ours, or when somebody asks what there is.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ImagegenError, ProviderEnded
from imagegen_core.messages import Message, MessageCode
from imagegen_core.models import ProviderProfile

PROVIDERS, ARCHIVES = "imagegen.providers", "imagegen.archives"
_PATH = re.compile(r"(?<![\w.])/[^\s'\")]+")
_MAX_REASON_CHARS = 200
_log = logging.getLogger(__name__)


class PluginCode(MessageCode, words="imagegen_adapters"):
    """Why an adapter of another package cannot be used."""


class PluginBroken(ImagegenError):
    """A package has the kind, and what it gives is no adapter."""


@cache
def installed(group: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return the entry points of a group by kind, as they are when this process first asks."""
    entries: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=group):
        entries[entry.name] = (*entries.get(entry.name, ()), entry)
    return dict(sorted(entries.items()))


def packages_of(group: str, kind: str) -> str:
    """Return the names and versions of the packages that have the kind."""
    dists = (entry.dist for entry in installed(group).get(kind, ()))
    return ", ".join(sorted("?" if dist is None else f"{dist.name} {dist.version}" for dist in dists))


def load(group: str, kind: str, build: Callable[[Any], Any], port: type, *more: str) -> Any:
    """Return what ``build`` makes of the callable of the kind's package: a ``port`` with ``more`` members.

    Raises:
        PluginBroken: it is none, or something on the way there failed, in whatever way.
    """
    members = {*more, *(name for base in port.__mro__ for name in vars(base) if not name.startswith("_"))}
    entries, package = installed(group).get(kind, ()), packages_of(group, kind)
    if len(entries) != 1:
        reason = (
            PluginCode.SEVERAL_PACKAGES(packages=package) if entries else PluginCode.NO_PACKAGE(kind=kind)
        )
        raise PluginBroken(reason)
    try:
        adapter = build(entries[0].load())
        missing = sorted(name for name in members if isinstance(adapter, type) or not hasattr(adapter, name))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException as error:  # a module may also end the process, or panic
        _log.debug("an adapter cannot be loaded", extra={"kind": kind, "package": package}, exc_info=True)
        raise PluginBroken(PluginCode.NOT_LOADED(package=package, reason=_reason(error))) from error
    if missing:
        raise PluginBroken(PluginCode.NO_ADAPTER(package=package, names=tuple(missing)))
    return adapter


def _reason(error: BaseException) -> str:
    """Return the error on one line, without paths of this machine."""
    return " ".join(_PATH.sub("…", f"{type(error).__name__}: {error}").split())[:_MAX_REASON_CHARS]


class ForeignProvider:
    """The provider adapter of another package, or the ``problem`` for which there is none.

    What goes wrong when it describes a configuration makes that one unusable, and no others.
    """

    names = ()  # ``kind`` has to say it: no package takes a name that implies another kind

    def __init__(self, adapter: Any, problem: Message | None = None) -> None:
        self._adapter = adapter
        self._problem = problem

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    @property
    def extra_keys(self) -> frozenset[str]:
        if self._problem is not None:
            raise ProviderEnded.for_field("kind", self._problem)
        return frozenset(self._adapter.extra_keys)

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        if self._problem is not None:
            raise ProviderEnded.for_field("kind", self._problem)
        try:
            profile = self._adapter.describe(config)
            if isinstance(profile, ProviderProfile):
                return profile
            raise TypeError(f"describe() gave a {type(profile).__name__}")
        except ImagegenError:
            raise
        except Exception as error:
            raise ProviderEnded.for_field("kind", PluginCode.NOT_DESCRIBED(reason=_reason(error))) from error
