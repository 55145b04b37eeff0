"""``imagegen storage`` and ``imagegen reindex``."""

from typing import Any

import click

from imagegen_http.cli.access import api_command
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import MIB, CommandFailed, print_json, say
from imagegen_http.cli.options import as_json, dry_run_option
from imagegen_http.cli.output import polled_progress
from imagegen_http.cli.words import label


@click.group()
def storage() -> None:
    """Synchronize local disk and OSS."""


@storage.command(short_help="Carry out what waits for OSS.")
@dry_run_option
@as_json
@api_command
async def sync(api: Api, *, dry_run: bool, as_json: bool) -> None:
    """Carry out all pending uploads to OSS and removals there, also those deferred after an error."""
    totals = await _run_pass(api, "sync", {"dry_run": dry_run})
    if as_json:
        print_json(totals)
    else:
        say(
            "{uploaded} would be uploaded ({size} MB), {removed} would be removed, {failed} failed"
            if dry_run
            else "{uploaded} uploaded ({size} MB), {removed} removed, {failed} failed",
            uploaded=totals["uploaded"],
            size=_megabytes(totals["uploaded_bytes"]),
            removed=totals["removed"],
            failed=totals["failed"],
        )
    if totals["failed"]:
        raise CommandFailed("{count} failed: {reason}", count=totals["failed"], reason=totals["last_error"])


@storage.command(short_help="Remove old local files that OSS holds.")
@dry_run_option
@as_json
@api_command
async def expire(api: Api, *, dry_run: bool, as_json: bool) -> None:
    """Remove local files older than `retention_days`, once OSS has proved that it holds them."""
    totals = await _run_pass(api, "expire", {"dry_run": dry_run})
    if as_json:
        print_json(totals)
    else:
        say(
            "{count} local file(s) would be removed ({size} MB), {kept} kept without proof"
            if dry_run
            else "{count} local file(s) removed ({size} MB), {kept} kept without proof",
            count=totals["expired"],
            size=_megabytes(totals["freed_bytes"]),
            kept=totals["kept"],
        )
    if totals["unreachable"]:
        raise CommandFailed("OSS does not answer; the rest stays")
    if totals["last_error"]:
        raise CommandFailed("some had to stay: {reason}", reason=totals["last_error"])


@storage.command(short_help="Compare the records with the stores, and repair.")
@click.option("--dry-run", is_flag=True, help="Change nothing, say what is wrong.")
@click.option("--sizes-only", is_flag=True, help="Do not read the local files, compare their sizes only.")
@as_json
@api_command
async def verify(api: Api, *, dry_run: bool, sizes_only: bool, as_json: bool) -> None:
    """Compare every record with the stores, byte by byte, and repair what can be repaired.

    Files without a record are reported and left alone.
    """
    report = await _run_pass(api, "verify", {"dry_run": dry_run, "checksums": not sizes_only})
    if as_json:
        print_json(report)
    else:
        for finding in report["findings"]:
            mended = "\tmended" if finding["mended"] else ""
            click.echo(f"{finding['kind']}\t{finding['key']}{mended}")
        say(
            "{images} image(s), {files} file(s): {wrong} wrong, {mended} mended"
            if report["archive_checked"]
            else "{images} image(s), {files} file(s): {wrong} wrong, {mended} mended; OSS was not looked at",
            images=report["pictures"],
            files=report["blobs"],
            wrong=report["wrong"],
            mended=report["mended"],
        )
    if report["wrong"] > report["mended"] + report["orphans"]:
        raise CommandFailed("not everything is as recorded")
    if report["archive_error"]:
        raise CommandFailed(
            "OSS could not be asked about everything: {reason}", reason=report["archive_error"]
        )


async def _run_pass(api: Api, name: str, body: dict[str, Any]) -> dict[str, Any]:

    async def poll() -> tuple[int, int | None] | None:
        progress = await api.get("/api/v1/storage")
        return (progress["done"], progress["total"]) if progress["pass"] == name else None

    async with polled_progress(name, poll):
        result: dict[str, Any] = await api.post(f"/api/v1/storage/{name}", json=body, timeout=None)
    return result


def _megabytes(size: int) -> str:
    return f"{size / MIB:.1f}"


@click.command()
@api_command
async def reindex(api: Api) -> None:
    """Rebuild the search index, when an update asked for it or when it is missing.

    Searches go on meanwhile. An interrupted rebuild is resumed by the next call.
    """

    async def poll() -> tuple[int, int] | None:
        index = await api.get("/api/v1/search/index")
        return None if index["reached"] is None else (index["reached"], index["until"])

    async with polled_progress("reindex", poll):
        result = await api.post("/api/v1/search/reindex", timeout=None)
    say("the search index is {state}", state=label("status", result["state"]))
