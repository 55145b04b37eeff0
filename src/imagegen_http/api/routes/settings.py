"""The settings that hold now."""

from litestar import get

from imagegen_http.answers.envelope import Success, success
from imagegen_http.answers.responses import refusals
from imagegen_http.answers.settings import Setting
from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.settings.origins import effective_settings


@get("/api/v1/settings", tags=["settings"], responses=refusals())
async def list_settings(service: ServiceDependency) -> Success[list[Setting]]:
    """List the settings that hold now, secrets masked, each with its source.

    A source is the default, `config.yaml`, an environment variable, an option of `serve`, or what was saved
    here.
    """
    resolve = service.imagegen.resolve
    settings = effective_settings(
        service.settings,
        service.origins,
        configured=resolve.file_configs,
        saved=await resolve.configs.all(),
    )
    return success([Setting.from_effective(setting) for setting in settings])


HANDLERS = [list_settings]
