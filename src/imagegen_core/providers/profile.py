"""The profile of a provider under one configuration, as its adapter describes it."""

import datetime as dt
from collections.abc import Mapping

import attrs

from imagegen_core.messages import Message
from imagegen_core.providers.capabilities import LifecycleStatus, Model
from imagegen_core.providers.prices import Price


@attrs.frozen(kw_only=True)
class ProviderProfile:
    """What a configuration of this kind provides and needs.

    ``display_name`` is how people call the service, where its configuration does not say otherwise.
    ``default_timeout`` is how many seconds one call may take where no configuration says it, None for the
    usual ones. ``max_concurrency`` is how many calls may run at once (None: as many as there are workers),
    unless ``extra_config.max_concurrency`` overrides it. ``free``: no call ever costs money, so one that a
    dying process interrupted is simply repeated. Unless it is ``billed``, calls of models without a price
    cost nothing, instead of nobody knows how much. ``key_hosts`` are hosts that may receive the key besides
    ``api_base``, or other targets that secrets are used for, in the adapter's own notation. ``key_problem``
    says what is wrong with the form of the key. ``key_url`` is where the key goes in place of ``api_base``,
    which then gets a token for it. ``ambient_credentials`` names the machine's own credentials that calls use
    instead of a key (a file, a metadata service) and what they give access to; only the operator may
    configure them.
    """

    models: tuple[Model, ...]
    display_name: str | None = None
    default_api_base: str | None = None
    default_timeout: float | None = None
    needs_api_base: bool = True
    needs_api_key: bool = True
    max_concurrency: int | None = None
    free: bool = False
    billed: bool = True
    key_hosts: tuple[str, ...] = ()
    key_problem: Message | None = None
    key_url: str | None = None
    ambient_credentials: str | None = None

    def with_default_on(self, day: dt.date) -> "ProviderProfile":
        """Return the profile with exactly one default model: never one that is retired while another lives.

        It is the one that says so, else the first; of those that live on that day, if any does.
        """
        retired = LifecycleStatus.RETIRED
        living = [m for m in self.models if m.lifecycle.status_on(day) is not retired] or self.models
        default = next((m for m in living if m.default), living[0] if living else None)
        if all(model.default is (model is default) for model in self.models):
            return self
        models = tuple(attrs.evolve(model, default=model is default) for model in self.models)
        return attrs.evolve(self, models=models)

    def with_prices(self, prices: Mapping[str, Price]) -> "ProviderProfile":
        """Return the profile with other prices of the models that are named."""
        if not prices:
            return self
        models = tuple(attrs.evolve(m, price=prices.get(m.id, m.price)) for m in self.models)
        return attrs.evolve(self, models=models)
