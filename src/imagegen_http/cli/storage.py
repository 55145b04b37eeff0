"""``imagegen storage``."""

from typing import Any

import click

from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, print_json
from imagegen_http.cli.messages import CommandCode, ProgressCode
from imagegen_http.cli.progress import polled_progress
from imagegen_http.cli.results import ResultCode

_MIB = 1_048_576
_TITLES = {
    "sync": ProgressCode.SYNCING,
    "expire": ProgressCode.EXPIRING,
    "verify": ProgressCode.VERIFYING,
}


@click.group()
def storage() -> None:
    """Synchronize local disk and OSS."""


@storage.command(short_help="Carry out what waits for OSS.")
@click.option("--dry-run", is_flag=True, help="Change nothing, say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def sync(context: Context, *, dry_run: bool, as_json: bool) -> None:
    """Carry out all pending uploads to OSS and removals there, also those deferred after an error."""

    async def act(api: Api) -> None:
        totals = await _run_pass(api, "sync", {"dry_run": dry_run})
        if as_json:
            print_json(totals)
        else:
            code = ResultCode.WOULD_SYNC if dry_run else ResultCode.SYNCED
            result = code(
                uploaded=totals["uploaded"],
                size=_megabytes(totals["uploaded_bytes"]),
                removed=totals["removed"],
                failed=totals["failed"],
            )
            click.echo(result.text(api.language))
        if totals["failed"]:
            raise CommandFailed(CommandCode.SOME_FAILED(count=totals["failed"], reason=totals["last_error"]))

    context.with_api(act)


@storage.command(short_help="Remove old local files that OSS holds.")
@click.option("--dry-run", is_flag=True, help="Change nothing, say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def expire(context: Context, *, dry_run: bool, as_json: bool) -> None:
    """Remove local files older than `retention_days`, once OSS has proved that it holds them."""

    async def act(api: Api) -> None:
        totals = await _run_pass(api, "expire", {"dry_run": dry_run})
        if as_json:
            print_json(totals)
        else:
            code = ResultCode.WOULD_EXPIRE if dry_run else ResultCode.EXPIRED
            result = code(
                count=totals["expired"], size=_megabytes(totals["freed_bytes"]), kept=totals["kept"]
            )
            click.echo(result.text(api.language))
        if totals["unreachable"]:
            raise CommandFailed(CommandCode.ARCHIVE_SILENT())
        if totals["last_error"]:
            raise CommandFailed(CommandCode.SOME_STAYED(reason=totals["last_error"]))

    context.with_api(act)


@storage.command(short_help="Compare the records with the stores, and repair.")
@click.option("--dry-run", is_flag=True, help="Change nothing, say what is wrong.")
@click.option("--sizes-only", is_flag=True, help="Do not read the local files, compare their sizes only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def verify(context: Context, *, dry_run: bool, sizes_only: bool, as_json: bool) -> None:
    """Compare every record with the stores, byte by byte, and repair what can be repaired.

    Files without a record are reported and left alone.
    """

    async def act(api: Api) -> None:
        report = await _run_pass(api, "verify", {"dry_run": dry_run, "checksums": not sizes_only})
        if as_json:
            print_json(report)
        else:
            for finding in report["findings"]:
                mended = "\tmended" if finding["mended"] else ""
                click.echo(f"{finding['kind']}\t{finding['key']}{mended}")
            is_checked = report["archive_checked"]
            code = ResultCode.VERIFIED if is_checked else ResultCode.VERIFIED_WITHOUT_ARCHIVE
            result = code(
                images=report["pictures"],
                files=report["blobs"],
                wrong=report["wrong"],
                mended=report["mended"],
            )
            click.echo(result.text(api.language))
        if report["wrong"] > report["mended"] + report["orphans"]:
            raise CommandFailed(CommandCode.NOT_AS_RECORDED())
        if report["archive_error"]:
            raise CommandFailed(CommandCode.ARCHIVE_NOT_CHECKED(reason=report["archive_error"]))

    context.with_api(act)


async def _run_pass(api: Api, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Run a maintenance pass and show its progress."""

    async def poll() -> tuple[int, int | None] | None:
        progress = await api.call("GET", "/api/v1/storage")
        return (progress["done"], progress["total"]) if progress["pass"] == name else None

    async with polled_progress(_TITLES[name](), api.language, poll):
        result: dict[str, Any] = await api.call("POST", f"/api/v1/storage/{name}", json=body, timeout=None)
    return result


def _megabytes(size: int) -> str:
    return f"{size / _MIB:.1f}"
