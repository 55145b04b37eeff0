"""The settings that hold now."""

import attrs
from litestar import get, patch
from litestar.params import JSONBody

from imagegen_http.answers.envelope import Success, success
from imagegen_http.answers.responses import BODY_REFUSALS, refusals
from imagegen_http.answers.settings import Setting
from imagegen_http.api.bodies.providers import SettingsBody
from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.runtime.service import Service
from imagegen_http.settings.shown import Origin, effective_settings


@get("/api/v1/settings", tags=["settings"], responses=refusals())
async def list_settings(service: ServiceDependency) -> Success[list[Setting]]:
    """List the settings that hold now, secrets masked, each with its source.

    A source is the default, `config.yaml`, an environment variable, an option of `serve`, or what was saved
    here.
    """
    return await _settings(service)


@patch(
    "/api/v1/settings",
    tags=["settings"],
    responses=refusals(
        *BODY_REFUSALS, "provider_not_configured", "provider_disabled", "api_key_required", "unavailable"
    ),
)
async def change_settings(data: JSONBody[SettingsBody], service: ServiceDependency) -> Success[list[Setting]]:
    """Save the provider that tasks go to which name none.

    It counts more than `config.yaml` and its variable, holds at once and on all nodes, and must be one that a
    task could be sent to now.
    """
    resolve = service.imagegen.resolve
    if data.default_provider is not None:
        await resolve(provider_name=data.default_provider)
    await resolve.configs.set_default(data.default_provider)
    return await _settings(service)


HANDLERS = [list_settings, change_settings]


async def _settings(service: Service) -> Success[list[Setting]]:
    resolve, settings, origins = service.imagegen.resolve, service.settings, service.origins
    default = await resolve.configs.default()
    if default is not None:
        settings = attrs.evolve(settings, default_provider=default)
        origins = {**origins, "default_provider": Origin.DATABASE}
    effective = effective_settings(
        settings, origins, configured=resolve.file_configs, saved=await resolve.configs.all()
    )
    return success([Setting.from_effective(setting) for setting in effective])
