"""Tasks that run for as long as a test needs: their provider blocks the call until it is released."""

from tests.integration.api.asking import GENERATE, body_of, data

HELD = "stable-diffusion"
"""The provider's name."""


def behind(upstream, **config):
    """Return a configuration with the provider, a `FakeA1111`, as a provider."""
    return {
        "providers": {HELD: {"api_base": upstream.url}},
        "security": {"allow_private_upstreams": [upstream.host]},
        **config,
    }


def call_of(api, upstream, prompt="a call"):
    """Return the id of a task whose request has reached the provider."""
    task_id = data(api.post(GENERATE, json={**body_of(prompt), "provider": HELD}))["task_id"]
    assert upstream.begun.wait(60)
    return task_id
