"""``imagegen providers``."""

from pathlib import Path
from typing import Any

import click

from imagegen_core.limits import MAX_CONCURRENCY, MAX_RETRIES
from imagegen_http.cli import tables
from imagegen_http.cli.api import Api, segment
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage, complain, print_json
from imagegen_http.cli.extra_config import (
    ExtraChanges,
    read_header,
    read_inputs,
    read_pair,
    read_proxy,
    read_spec,
    read_workflow,
)
from imagegen_http.cli.messages import CommandCode, NoteCode, UsageCode
from imagegen_http.cli.provider_facts import check
from imagegen_http.cli.results import ResultCode
from imagegen_http.cli.secret_reference import read_secret
from imagegen_http.cli.tables import Column, Kind
from imagegen_http.cli.titles import TitleCode

_COLUMNS = (
    Column(TitleCode.TITLE_PROVIDER),
    Column(TitleCode.TITLE_ADAPTER),
    Column(TitleCode.TITLE_STATUS, Kind.STATUS),
    Column(TitleCode.TITLE_KEY),
    Column(TitleCode.TITLE_SOURCE, Kind.WORD),
    Column(TitleCode.TITLE_MODELS, Kind.NAMES),
)


@click.group()
def providers() -> None:
    """Configure the providers that images come from."""


providers.add_command(check)


@providers.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_providers(context: Context, *, as_json: bool) -> None:
    """List all configurations."""

    async def act(api: Api) -> None:
        configs = [c async for c in api.every("/api/v1/providers/config")]
        if as_json:
            print_json(configs)
            return
        rows = [
            (
                c["provider_name"],
                c["kind"],
                "on" if c["enabled"] else "off",
                c["api_key"],
                c["source"],
                ", ".join(m["id"] for m in c["models"]),
            )
            for c in configs
        ]
        empty = NoteCode.NO_PROVIDERS(path=api.place)
        tables.show(_COLUMNS, rows, language=api.language, empty=empty)

    context.with_api(act)


@providers.command("set")
@click.argument("name")
@click.option(
    "--kind", metavar="KIND", help="The adapter that speaks to it, such as http; left out: by the name."
)
@click.option("--preset", metavar="NAME", help="A shipped declarative provider.")
@click.option("--api-base", metavar="URL", help="The provider's address.")
@click.option(
    "--spec",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A document of your own, YAML or JSON, in place of a preset.",
)
@click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable of the document; repeatable; NAME alone takes it back.",
)
@click.option(
    "--workflow",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A workflow that ComfyUI has exported for its API; takes the place of its inputs, too.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=NODE.inputs.FIELD",
    help="Which input of the workflow takes what; repeatable; NAME alone takes it back.",
)
@click.option(
    "--api-key",
    metavar="env:NAME|file:PATH|-",
    help="A variable or a file that holds the key, or - to read a line of stdin.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Sent with each call; a secret as env:NAME, file:PATH or -; repeatable; NAME alone takes it back.",
)
@click.option(
    "--proxy", metavar="URL", help="What calls go through; with a password as env:NAME, file:PATH or -."
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(1, MAX_CONCURRENCY),
    metavar="N",
    help="How many calls may run at once.",
)
@click.option(
    "--model", "models", multiple=True, metavar="ID", help="A model; the first is the default; repeatable."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="Seconds that a call may take.")
@click.option(
    "--max-retries",
    type=click.IntRange(0, MAX_RETRIES),
    metavar="N",
    help="How often a call that started nothing is sent again.",
)
@click.option("--enable/--disable", "enabled", default=None, help="Switch it on or off.")
@click.option("--default", "is_default", is_flag=True, help="Have tasks go to it that name no provider.")
@click.pass_obj
def set_provider(
    context: Context,
    name: str,
    kind: str | None,
    preset: str | None,
    api_base: str | None,
    spec: Path | None,
    variables: tuple[str, ...],
    workflow: Path | None,
    inputs: tuple[str, ...],
    api_key: str | None,
    headers: tuple[str, ...],
    proxy: str | None,
    max_concurrency: int | None,
    models: tuple[str, ...],
    timeout: float | None,
    max_retries: int | None,
    *,
    enabled: bool | None,
    is_default: bool,
) -> None:
    """Create or change the configuration NAME. A secret is never taken from the command line itself."""
    if preset and spec:
        raise WrongUsage(UsageCode.EXCLUDE_EACH_OTHER(first="--preset", second="--spec"))
    fields: dict[str, Any] = {
        "kind": kind,
        "api_base": api_base,
        "api_key": None if api_key is None else read_secret(api_key, context, "--api-key"),
        "timeout_seconds": timeout,
        "max_retries": max_retries,
        "enabled": enabled,
        "models": [{"id": m, "default": i == 0} for i, m in enumerate(models)] or None,
    }
    values: dict[str, Any] = {
        "preset": preset,
        "spec": None if spec is None else read_spec(context.cwd / spec),
        "workflow": None if workflow is None else read_workflow(context.cwd / workflow),
        "max_concurrency": max_concurrency,
    }
    values = {key: value for key, value in values.items() if value is not None}
    if proxy is not None:
        values["proxy"] = read_proxy(proxy, context)
    extra = ExtraChanges(
        values=values,
        headers=dict(read_header(pair, context) for pair in headers),
        variables=dict(read_pair(pair, "--var") for pair in variables),
        inputs=read_inputs(inputs),
    )
    body = {"provider_name": name, **{k: v for k, v in fields.items() if v is not None}}

    async def act(api: Api) -> None:
        if is_default and len(body) == 1 and not extra:  # what config.yaml says of it stays all there is
            await _make_default(api, name)
            return
        if extra:
            body["extra_config"] = await _merged(api, name, extra)
        saved = await api.call("POST", "/api/v1/providers/config", json=body)
        result = ResultCode.PROVIDER_SAVED(
            provider=saved["provider_name"],
            kind=saved["kind"],
            key=saved["api_key"] or ResultCode.NO_KEY(),
            path=api.place,
        )
        click.echo(result.text(api.language))
        for warning in saved["warnings"]:
            complain(warning, api.language)
        if is_default:
            await _make_default(api, name)

    context.with_api(act, create=True)


async def _make_default(api: Api, name: str) -> None:
    await api.call("PATCH", "/api/v1/settings", json={"default_provider": name})
    click.echo(ResultCode.DEFAULT_SAVED(provider=name).text(api.language))


async def _merged(api: Api, name: str, extra: ExtraChanges) -> dict[str, Any]:
    """Return the extra settings of a configuration, if there is one, with the changes."""
    every = api.every("/api/v1/providers/config")
    shown = next((c for c in [c async for c in every] if c["provider_name"] == name), {})
    return extra.merged_into(shown.get("extra_config", {}), saved=shown.get("source") == "database")


@providers.command()
@click.argument("name")
@click.pass_obj
def test(context: Context, name: str) -> None:
    """Make one cheap, unpaid call, where the provider has one."""

    async def act(api: Api) -> None:
        probe = await api.call("POST", f"/api/v1/providers/config/{segment(name)}/test")
        if not probe["ok"]:
            raise CommandFailed(CommandCode.CONCERNING(subject=name, reason=probe["detail"]))
        if probe["outcome"] == "not_verified":
            result = ResultCode.PROVIDER_NOT_VERIFIED(provider=name, detail=probe["detail"])
        else:
            result = ResultCode.PROVIDER_OK(
                provider=name, detail=probe["detail"], milliseconds=probe["latency_ms"]
            )
        click.echo(result.text(api.language))

    context.with_api(act)


@providers.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(context: Context, name: str, *, yes: bool) -> None:
    """Remove a saved configuration and its key."""
    if not yes:
        click.confirm(NoteCode.CONFIRM_REMOVAL(provider=name).text(context.language), abort=True)

    async def act(api: Api) -> None:
        await api.call("DELETE", f"/api/v1/providers/config/{segment(name)}")
        click.echo(ResultCode.PROVIDER_REMOVED(provider=name).text(api.language))

    context.with_api(act)
