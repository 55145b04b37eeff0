"""``imagegen storage``."""

from typing import Any

import rich_click as click

from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, print_json
from imagegen_http.cli.progress import polled_progress

_MIB = 1_048_576


@click.group()
def storage() -> None:
    """Bring local disk and OSS in step."""


@storage.command()
@click.option("--dry-run", is_flag=True, help="Change nothing, say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def sync(context: Context, *, dry_run: bool, as_json: bool) -> None:
    """Upload to OSS and remove there whatever waits for it, also what was put off after an error."""

    async def act(api: Api) -> None:
        told = await _run_pass(api, "sync", {"dry_run": dry_run})
        if as_json:
            print_json(told)
        else:
            done = "would be " if dry_run else ""
            uploaded = f"{told['uploaded']} {done}uploaded ({told['uploaded_bytes'] / _MIB:.1f} MB)"
            click.echo(f"{uploaded}, {told['removed']} {done}removed, {told['failed']} failed")
        if told["failed"]:
            raise CommandFailed(f"{told['failed']} failed: {told['last_error']}")

    context.with_api(act)


@storage.command()
@click.option("--dry-run", is_flag=True, help="Change nothing, say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def expire(context: Context, *, dry_run: bool, as_json: bool) -> None:
    """Remove local files older than `retention_days`, once OSS has proved that it holds them."""

    async def act(api: Api) -> None:
        told = await _run_pass(api, "expire", {"dry_run": dry_run})
        if as_json:
            print_json(told)
        else:
            done = "would be removed" if dry_run else "removed"
            freed = f"{told['freed_bytes'] / _MIB:.1f} MB"
            click.echo(f"{told['expired']} local file(s) {done} ({freed}), {told['kept']} kept without proof")
        if told["unreachable"]:
            raise CommandFailed("OSS does not answer; the rest stays")
        if told["last_error"]:
            raise CommandFailed(f"some had to stay: {told['last_error']}")

    context.with_api(act)


@storage.command()
@click.option("--dry-run", is_flag=True, help="Change nothing, say what is wrong.")
@click.option("--sizes-only", is_flag=True, help="Do not read the local files, compare their sizes only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def verify(context: Context, *, dry_run: bool, sizes_only: bool, as_json: bool) -> None:
    """Compare every record with the stores, byte by byte, and mend what can be mended.

    Files without a record are told and left alone.
    """

    async def act(api: Api) -> None:
        told = await _run_pass(api, "verify", {"dry_run": dry_run, "checksums": not sizes_only})
        if as_json:
            print_json(told)
        else:
            for finding in told["findings"]:
                mended = "\tmended" if finding["mended"] else ""
                click.echo(f"{finding['kind']}\t{finding['key']}{mended}")
            checked = "" if told["archive_checked"] else "; OSS was not looked at"
            summary = f"{told['wrong']} wrong, {told['mended']} mended{checked}"
            click.echo(f"{told['pictures']} image(s), {told['blobs']} file(s): {summary}")
        if told["wrong"] > told["mended"] + told["orphans"]:
            raise CommandFailed("not everything is as recorded")
        if told["archive_error"]:
            raise CommandFailed(f"OSS could not be asked about everything: {told['archive_error']}")

    context.with_api(act)


async def _run_pass(api: Api, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """Have a pass made and show how far it is."""

    async def poll() -> tuple[int, int | None] | None:
        told = await api.call("GET", "/api/v1/storage")
        return (told["done"], told["total"]) if told["pass"] == what else None

    async with polled_progress(what, poll):
        told: dict[str, Any] = await api.call("POST", f"/api/v1/storage/{what}", json=body, timeout=None)
    return told
