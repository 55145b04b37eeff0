"""``imagegen providers check``."""

from typing import Any

import click

from imagegen_core.messages import Language
from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import EXIT_WARNINGS, Context, complain, print_json
from imagegen_http.cli.messages import CommandCode, NoteCode
from imagegen_http.cli.tables import Column, Kind
from imagegen_http.cli.titles import TitleCode

_NEVER = "9999-12-31"
_COLUMNS = (
    Column(TitleCode.TITLE_PROVIDER),
    Column(TitleCode.TITLE_MODEL),
    Column(TitleCode.TITLE_STATUS, Kind.STATUS),
    Column(TitleCode.TITLE_ENDS),
    Column(TitleCode.TITLE_USE_INSTEAD),
    Column(TitleCode.TITLE_FACTS_READ),
)


@click.command(short_help="List models by end and by age of their facts.")
@click.option("--strict", is_flag=True, help="End with 4 when anything ends or has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, *, strict: bool, as_json: bool) -> None:
    """List the configured models by their coming end and the age of what is known of them.

    Each that ends is named with its replacement, and so is a preset whose provider has switched it off.
    """
    context: Context = ctx.obj
    ending: list[str | None] = []

    def show(configs: list[dict[str, Any]], place: str, language: Language) -> None:
        models = sorted((_facts(c, m) for c in configs for m in c["models"]), key=_urgency)
        ending.extend(model["model"] for model in models if model["status"] != "active")
        ending.extend(c["provider_name"] for c in configs if c["warnings"] and not c["models"])
        if as_json:
            print_json(models)
            return
        rows = [[value or "-" for value in model.values()] for model in models]
        empty = NoteCode.NO_PROVIDERS(path=place)
        tables.show(_COLUMNS, rows, language=language, empty=empty)
        for config in configs:
            for warning in config["warnings"]:
                subject = config["provider_name"]
                complain(CommandCode.CONCERNING(subject=subject, reason=warning), language)

    async def act(api: Api) -> None:
        show([c async for c in api.every("/api/v1/providers/config")], api.place, api.language)

    settings = None if context.server is not None else context.settings()
    configs = None if settings is None else _configs_without_data(settings, context.language)
    if settings is None or configs is None:
        context.with_api(act)
    else:
        show(configs, settings.place, context.language)
    if strict and ending:
        ctx.exit(EXIT_WARNINGS)


def _configs_without_data(settings: Any, language: Language) -> list[dict[str, Any]] | None:
    """Return what the API would list on a machine that has no data yet; None once it has."""
    import asyncio

    import msgspec

    from imagegen_http.composition.provider_listing import configured_without_data
    from imagegen_http.guard import asgi

    asgi.language.set(language)  # no middleware reads a header in this process
    configs = asyncio.run(configured_without_data(settings))
    return None if configs is None else msgspec.to_builtins(configs)


def _facts(config: dict[str, Any], model: dict[str, Any]) -> dict[str, str | None]:
    lifecycle = model["lifecycle"] or {"status": "active", "date": None, "replacement": None}
    return {
        "provider": config["provider_name"],
        "model": model["id"],
        "status": lifecycle["status"],
        "ends": lifecycle["date"],
        "use_instead": lifecycle["replacement"],
        "facts_read": model["facts_read"],
    }


def _urgency(model: dict[str, str | None]) -> tuple[str, bool, str]:
    """Sort by the end, then what nobody wrote down, then the age of the facts."""
    return (
        model["ends"] or (_NEVER if model["status"] == "active" else "9999-01-01"),
        model["facts_read"] is not None,
        model["facts_read"] or "",
    )
