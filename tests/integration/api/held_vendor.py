"""Tasks that run for as long as a test wants: their vendor holds the call until it is let go."""

from tests.integration.api.asking import GENERATE, body_of, data

HELD = "stable-diffusion"
"""The provider's name."""


def behind(vendor, **config):
    """Return a configuration with the vendor, a `FakeA1111`, as a provider."""
    return {
        "providers": {HELD: {"api_base": vendor.url}},
        "security": {"allow_private_upstreams": [vendor.host]},
        **config,
    }


def call_of(api, vendor, prompt="a call"):
    """Return the id of a task whose request the vendor has."""
    task_id = data(api.post(GENERATE, json={**body_of(prompt), "provider": HELD}))["task_id"]
    assert vendor.begun.wait(60)
    return task_id
