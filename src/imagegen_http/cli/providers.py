"""``imagegen providers``."""

import sys
from typing import Any

import rich_click as click

from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, print_json


@click.group()
def providers() -> None:
    """Configure the vendors that pictures come from."""


@providers.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_providers(context: Context, *, as_json: bool) -> None:
    """List all configurations."""

    async def act(api: Api) -> None:
        found = [c async for c in api.every("/api/v1/providers/config")]
        if as_json:
            print_json(found)
            return
        rows = [
            (
                c["provider_name"],
                c["kind"],
                "on" if c["enabled"] else "off",
                c["api_key"],
                c["source"],
                ", ".join(m["id"] for m in c["models"])[:60],
            )
            for c in found
        ]
        columns = ("provider", "kind", "", "key", "source", "models")
        tables.show(columns, rows, empty=f"no provider is configured in {api.data_dir}")

    context.with_api(act)


@providers.command("set")
@click.argument("name")
@click.option("--kind", help="gemini, stable_diffusion, http or demo; left out: by the name.")
@click.option("--preset", help="A shipped declarative provider.")
@click.option("--api-base", help="The vendor's address.")
@click.option(
    "--api-key", metavar="env:NAME|-", help="A variable that holds the key, or - to read it from stdin."
)
@click.option(
    "--model", "models", multiple=True, metavar="ID", help="A model; the first is the default; repeatable."
)
@click.option("--timeout", type=float, help="Seconds that a call may take.")
@click.option("--max-retries", type=click.IntRange(0, 10))
@click.option("--enable/--disable", "enabled", default=None, help="Switch it on or off.")
@click.pass_obj
def set_provider(
    context: Context,
    name: str,
    kind: str | None,
    preset: str | None,
    api_base: str | None,
    api_key: str | None,
    models: tuple[str, ...],
    timeout: float | None,
    max_retries: int | None,
    *,
    enabled: bool | None,
) -> None:
    """Create or change the configuration NAME. A key is never taken from the command line itself."""
    said: dict[str, Any] = {
        "kind": kind,
        "api_base": api_base,
        "api_key": None if api_key is None else _key(api_key, context),
        "timeout_seconds": timeout,
        "max_retries": max_retries,
        "enabled": enabled,
        "models": [{"id": m, "default": i == 0} for i, m in enumerate(models)] or None,
        "extra_config": {"preset": preset} if preset else None,
    }
    body = {"provider_name": name, **{k: v for k, v in said.items() if v is not None}}

    async def act(api: Api) -> None:
        saved = await api.call("POST", "/api/v1/providers/config", json=body)
        key = f"key {saved['api_key'] or 'none'}"
        click.echo(f"saved {saved['provider_name']} ({saved['kind']}), {key}, in {api.data_dir}")
        for warning in saved["warnings"]:
            click.echo(f"imagegen: {warning}", err=True)

    context.with_api(act, create=True)


def _key(given: str, context: Context) -> str:
    if given == "-":
        return sys.stdin.readline().strip()
    name = given.removeprefix("env:")
    if name == given:
        raise click.UsageError("--api-key takes env:NAME or -, so that the key is in no shell history")
    if not context.environ.get(name):
        raise CommandFailed(f"the environment variable {name} is not set")
    return context.environ[name]


@providers.command()
@click.argument("name")
@click.pass_obj
def test(context: Context, name: str) -> None:
    """Make one cheap, unpaid call, where the vendor has one."""

    async def act(api: Api) -> None:
        probe = await api.call("POST", f"/api/v1/providers/config/{name}/test")
        if not probe["ok"]:
            raise CommandFailed(f"{name}: {probe['detail']}")
        click.echo(f"{name}: {probe['detail']} ({probe['latency_ms']} ms)")

    context.with_api(act)


@providers.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(context: Context, name: str, *, yes: bool) -> None:
    """Remove a saved configuration and its key."""
    if not yes:
        click.confirm(f"Remove {name} and its key?", abort=True)

    async def act(api: Api) -> None:
        await api.call("DELETE", f"/api/v1/providers/config/{name}")
        click.echo(f"removed {name}")

    context.with_api(act)
