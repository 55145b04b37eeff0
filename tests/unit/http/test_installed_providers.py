"""The adapters of an installation: built when they are needed."""

from imagegen_adapters.providers import InstalledProviders
from imagegen_adapters.providers.demo.provider import DemoProvider
from tests.contracts.clock import ManualClock


def installed(built):
    """Return an installation of two kinds that notes what it builds."""

    def demo():
        built.append("demo")
        return DemoProvider(ManualClock())

    def broken():
        raise AssertionError("nobody asked for it")

    return InstalledProviders({"demo": demo, "broken": broken}, build=lambda make: make())


def test_an_adapter_is_built_once_when_it_is_first_asked_for():
    """Every call goes to the same one, which may keep what it has read."""
    built = []
    providers = installed(built)

    first, second = providers["demo"], providers["demo"]

    assert first is second
    assert ["demo"] == built


def test_the_kinds_are_known_without_an_adapter():
    """Neither their names nor whether there is one of a kind needs it built."""
    built = []
    providers = installed(built)

    assert (["demo", "broken"], 2) == (list(providers), len(providers))
    assert (True, False) == ("broken" in providers, "other" in providers)
    assert [] == built
