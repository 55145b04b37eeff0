"""``imagegen providers``."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from imagegen_core.limits import MAX_CONCURRENCY, MAX_RETRIES
from imagegen_core.messages import as_message
from imagegen_http.cli import options
from imagegen_http.cli.api import Api, api_command, quoted, with_api
from imagegen_http.cli.context import (
    EXIT_WARNINGS,
    CommandFailed,
    Context,
    WrongUsage,
    about,
    complain,
    read_secret,
    say,
)
from imagegen_http.cli.output import Column, show_table
from imagegen_http.cli.words import message, reader_language

_CONFIGS = "/api/v1/providers/config"
_LIST = (
    Column("provider", "provider_name"),
    Column("kind"),
    Column("status", lambda config: "on" if config["enabled"] else "off", "status"),
    Column("key", "api_key"),
    Column("source", kind="word"),
    Column("models", lambda config: ", ".join(model["id"] for model in config["models"]), "names"),
)
_EMPTY = "no provider is configured in {path}"

providers = click.Group("providers", help="Configure the providers that images come from.")


@providers.command("list")
@options.as_json
@api_command
async def list_providers(api: Api, *, as_json: bool) -> None:
    """List all configurations."""
    configs = [config async for config in api.every(_CONFIGS)]
    show_table(_LIST, configs, empty=message(_EMPTY, path=api.place), as_json=as_json)


@providers.command()
@click.argument("name")
@api_command
async def test(api: Api, name: str) -> None:
    """Make one cheap, unpaid call, where the provider has one."""
    probe = await api.post(f"{_CONFIGS}/{quoted(name)}/test")
    if not probe["ok"]:
        raise CommandFailed(about(name, probe["detail"]))
    if probe["outcome"] == "not_verified":
        say("{provider}: not verified: {detail}", provider=name, detail=probe["detail"])
    else:
        say(
            "{provider}: {detail} ({milliseconds} ms)",
            provider=name,
            detail=probe["detail"],
            milliseconds=probe["latency_ms"],
        )


@providers.command()
@click.argument("name")
@options.confirmed(lambda name: message("Remove {provider} and its key?", provider=name))
@api_command
async def remove(api: Api, name: str) -> None:
    """Remove a saved configuration and its key."""
    await api.call("DELETE", f"{_CONFIGS}/{quoted(name)}")
    say("removed {provider}", provider=name)


_calls, _retries = click.IntRange(1, MAX_CONCURRENCY), click.IntRange(0, MAX_RETRIES)
_several = partial(click.option, multiple=True)
_EXTRA = ("preset", "spec", "workflow", "max_concurrency", "proxy")  # the options that `extra_config` takes


@providers.command("set")
@click.argument("name")
@click.option(
    "--kind", metavar="KIND", help="The adapter that speaks to it, such as http; left out: by the name."
)
@click.option("--preset", metavar="NAME", help="A shipped declarative provider.")
@click.option("--api-base", metavar="URL", help="The provider's address.")
@click.option("--spec", type=options.file, help="A document of your own, YAML or JSON, in place of a preset.")
@_several(
    "--var",
    "vars",
    metavar="NAME=VALUE",
    help="A variable of the document; repeatable; NAME alone takes it back.",
)
@click.option(
    "--workflow",
    type=options.file,
    help="A workflow that ComfyUI has exported for its API; takes the place of its inputs, too.",
)
@_several(
    "--input",
    "inputs",
    metavar="NAME=NODE.inputs.FIELD",
    help="Which input of the workflow takes what; repeatable; NAME alone takes it back.",
)
@click.option(
    "--api-key",
    metavar="env:NAME|file:PATH|-",
    help="A variable or a file that holds the key, or - to read a line of stdin.",
)
@_several(
    "--header",
    "headers",
    metavar="NAME=VALUE",
    help="Sent with each call; a secret as env:NAME, file:PATH or -; repeatable; NAME alone takes it back.",
)
@click.option(
    "--proxy", metavar="URL", help="What calls go through; with a password as env:NAME, file:PATH or -."
)
@click.option("--max-concurrency", type=_calls, metavar="N", help="How many calls may run at once.")
@_several("--model", "models", metavar="ID", help="A model; the first is the default; repeatable.")
@click.option(
    "--timeout", "timeout_seconds", type=float, metavar="SECONDS", help="Seconds that a call may take."
)
@click.option(
    "--max-retries", type=_retries, metavar="N", help="How often a call that started nothing is sent again."
)
@click.option("--enable/--disable", "enabled", default=None, help="Switch it on or off.")
@click.option("--default", "is_default", is_flag=True, help="Have tasks go to it that name no provider.")
@click.pass_obj
def set_provider(context: Context, /, name: str, *, is_default: bool, **fields: Any) -> None:
    """Create or change the configuration NAME. A secret is never taken from the command line itself."""
    if fields["preset"] and fields["spec"]:
        raise WrongUsage("{first} and {second} exclude each other", first="--preset", second="--spec")
    fields = {key: value for key, value in fields.items() if value not in (None, ())}
    readers: Mapping[str, Callable[[Any], Any]] = {
        "api_key": lambda text: read_secret(text, context, "--api-key"),
        "spec": lambda path: _read_text(context.cwd / path),
        "workflow": lambda path: _read_workflow(context.cwd / path),
        "proxy": lambda text: _read_proxy(text, context),
        "headers": lambda pairs: dict(_read_header(pair, context) for pair in pairs),
        "vars": lambda pairs: dict(_read_pair(pair, "--var") for pair in pairs),
        "inputs": _read_inputs,
        "models": lambda ids: [{"id": model_id, "default": i == 0} for i, model_id in enumerate(ids)],
    }
    fields |= {key: read(fields[key]) for key, read in readers.items() if key in fields}
    values = {key: fields.pop(key) for key in _EXTRA if key in fields}
    items: dict[str, Any] = {key: fields.pop(key) for key in ("headers", "vars", "inputs") if key in fields}
    body = {"provider_name": name, **fields}

    async def act(api: Api) -> None:
        if values or items:
            body["extra_config"] = await _extra_config(api, name, values, items)
        if len(body) > 1 or not is_default:  # --default alone saves no configuration
            saved = await api.post(_CONFIGS, json=body)
            say(
                "saved {provider} ({kind}), key {key}, in {path}",
                provider=saved["provider_name"],
                kind=saved["kind"],
                key=saved["api_key"] or message("none"),
                path=api.place,
            )
            for warning in saved["warnings"]:
                complain(as_message(warning))
        if is_default:
            await api.call("PATCH", "/api/v1/settings", json={"default_provider": name})
            say("tasks that name no provider go to {provider}", provider=name)

    with_api(context, act, create=True)


async def _extra_config(
    api: Api, name: str, values: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the whole ``extra_config`` to save, masks included, since the API replaces it whole.

    ``values`` replace keys; ``items`` change mappings, where None removes one. What only ``config.yaml`` has
    stays there. Another document drops the old variables, another workflow the old inputs.
    """
    configs = [config async for config in api.every(_CONFIGS)]
    shown = next((config for config in configs if config["provider_name"] == name), {})
    outdated = {"preset", "spec", "vars"} if {"preset", "spec"} & values.keys() else set()
    outdated |= {"workflow", "inputs"} if "workflow" in values else set()
    extra = {key: value for key, value in shown.get("extra_config", {}).items() if key not in outdated}
    if shown.get("source") != "database":
        extra = {key: value for key, value in extra.items() if key in {*values, *items}}
    extra |= values
    for key, changes in items.items():
        merged = {**(extra.get(key) or {}), **changes}
        extra[key] = {name: value for name, value in merged.items() if value is not None}
    return extra


def _read_proxy(text: str, context: Context) -> str | None:
    """Return the address, None for an empty one; with a user it must be a secret's reference."""
    if text.startswith(("http://", "https://")) and "@" not in text:
        return text
    return read_secret(text, context, message("--proxy with a user")) if text else None


def _read_header(pair: str, context: Context) -> tuple[str, str | None]:
    """Return name and value; a secret header's value must be a secret's reference."""
    from imagegen_core.config import is_secret_header

    name, value = _read_pair(pair, "--header")
    if value is not None and (is_secret_header(name) or value == "-" or value.startswith(("env:", "file:"))):
        value = read_secret(value, context, f"--header {name}")
    return name, value


def _read_pair(pair: str, option: str) -> tuple[str, str | None]:
    """Split ``NAME=VALUE``; a name alone has None, which removes it."""
    name, equals, value = pair.partition("=")
    if not name:
        raise WrongUsage("{option} must be {form}", option=option, form="NAME=VALUE")
    return name, value if equals else None


def _read_inputs(pairs: Iterable[str]) -> dict[str, list[str] | None]:
    """Return the paths of each ``NAME=PATH``; a name alone has None."""
    inputs: dict[str, list[str] | None] = {}
    for pair in pairs:
        name, path = _read_pair(pair, "--input")
        inputs[name] = None if path is None else [*(inputs.get(name) or []), path]
    return inputs


def _read_text(path: Path) -> str:
    from imagegen_http.settings.loader import read_file

    return read_file(path)


def _read_workflow(path: Path) -> Any:
    """Return a file's workflow; text that is not JSON is left for the server to refuse."""
    text = _read_text(path)
    try:
        return json.loads(text)
    except ValueError:
        return text


_FACTS = (
    Column("provider"),
    Column("model"),
    Column("status", kind="status"),
    Column("ends", lambda model: model["ends"] or "-"),
    Column("use instead", lambda model: model["use_instead"] or "-"),
    Column("facts read", lambda model: model["facts_read"] or "-"),
)


@providers.command(short_help="List models by end and by age of their facts.")
@click.option("--strict", is_flag=True, help="End with 4 when anything ends or has ended.")
@options.as_json
@click.pass_obj
def check(context: Context, *, strict: bool, as_json: bool) -> None:
    """List the configured models by their coming end and the age of what is known of them.

    Each that ends is named with its replacement, and so is a preset whose provider has switched it off.
    """

    async def listed(api: Api) -> tuple[list[dict[str, Any]], str]:
        return [config async for config in api.every(_CONFIGS)], api.place

    configs, place = _configured_without_data(context) or with_api(context, listed)
    models = sorted((_facts(config, model) for config in configs for model in config["models"]), key=_urgency)
    show_table(_FACTS, models, empty=message(_EMPTY, path=place), as_json=as_json)
    for config in () if as_json else configs:
        for warning in config["warnings"]:
            complain(about(config["provider_name"], warning))
    is_switched_off = any(config["warnings"] and not config["models"] for config in configs)
    if strict and (is_switched_off or any(model["status"] != "active" for model in models)):
        raise click.exceptions.Exit(EXIT_WARNINGS)


def _configured_without_data(context: Context) -> tuple[list[dict[str, Any]], str] | None:
    """Return the configurations and their place while this machine has no data; None once it has."""
    if context.server is not None:
        return None
    import asyncio

    import msgspec

    from imagegen_http.guard import asgi
    from imagegen_http.offline import configured_without_data

    settings = context.settings()
    asgi.language.set(reader_language())  # no middleware reads the header here
    configs = asyncio.run(configured_without_data(settings))
    return None if configs is None else (msgspec.to_builtins(configs), settings.place)


def _facts(config: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, str | None]:
    lifecycle = model["lifecycle"] or {"status": "active", "date": None, "replacement": None}
    return {
        "provider": config["provider_name"],
        "model": model["id"],
        "status": lifecycle["status"],
        "ends": lifecycle["date"],
        "use_instead": lifecycle["replacement"],
        "facts_read": model["facts_read"],
    }


def _urgency(model: Mapping[str, str | None]) -> tuple[str, bool, str]:
    """Sort by end, then models without dated facts, then the oldest facts."""
    end = model["ends"] or ("9999-12-31" if model["status"] == "active" else "9999-01-01")
    return end, model["facts_read"] is not None, model["facts_read"] or ""
