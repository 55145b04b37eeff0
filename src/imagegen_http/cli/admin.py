"""Operators' commands, from ``doctor`` to ``reindex``."""

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click

from imagegen_http.cli import options
from imagegen_http.cli.api import Api, api_command
from imagegen_http.cli.context import (
    EXIT_FAILED,
    EXIT_WARNINGS,
    MIB,
    CommandFailed,
    Context,
    become_owner,
    complain,
    naming_data_dir,
    say,
)
from imagegen_http.cli.output import is_watched, print_json, progress_bar
from imagegen_http.cli.words import in_words, label, reader_language, wrapped

keys = click.Group("keys", help="Look after the master key.")
storage = click.Group("storage", help="Synchronize local disk and OSS.")

_MAX_LISTED = 20
_POLL_SECONDS = 0.5
_INDENT = 6  # the column of a check's name
_HEALTH_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@options.config
@click.option("--full", is_flag=True, help="Also read every local image and compare its checksum.")
@click.option("--strict", is_flag=True, help="End with 4 for warnings.")
@options.as_json
@click.pass_obj
def doctor(context: Context, file: Path | None, *, full: bool, strict: bool, as_json: bool) -> None:
    """Look for what is wrong, beside a running server or without one, and change nothing.

    Ends with 1 for a damaged database, a missing or wrong master key, a missing image; warnings end with 0,
    unless `--strict`.
    """
    import asyncio

    from imagegen_http.doctor import Health, run_checks
    from imagegen_http.settings.loader import check_bind, exposure_warning

    settings = context.settings(file)
    check_bind(settings.server.host, settings.server.auth_token)
    warning = exposure_warning(settings, **context.sources(file))
    title = None if as_json else in_words("images")
    with naming_data_dir(settings), progress_bar(title) as advance:
        checking = run_checks(settings, context.environ, warning=warning, full=full, progress=advance)
        checks = asyncio.run(checking)
    healths = {check.health for check in checks}
    texts = [(check, check.message.text(reader_language())) for check in checks]
    if as_json:
        worst = next(health for health in reversed(Health) if health in healths)
        rows = [{"name": c.name, "status": str(c.health), "message": text} for c, text in texts]
        print_json({"status": str(worst), "checks": rows})
    else:
        room = shutil.get_terminal_size().columns - _INDENT
        for check, text in texts:
            line = f"{check.name}: {text}"
            lines = wrapped(line, room) if sys.stdout.isatty() else [line]
            word = click.style(f"{check.health:<4}", fg=_HEALTH_COLOURS[check.health])
            click.echo(f"{word}  " + f"\n{' ' * _INDENT}".join(lines))
    if Health.FAIL in healths:
        raise click.exceptions.Exit(EXIT_FAILED)
    if strict and Health.WARN in healths:
        raise click.exceptions.Exit(EXIT_WARNINGS)


@click.command()
@click.argument("file", type=options.file)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.pass_obj
def backup(context: Context, file: Path, *, force: bool) -> None:
    """Write database, images and inputs of waiting tasks to FILE, beside a running server or without one.

    `master.key` is not in it: keep that apart.
    """
    from imagegen_http import offline

    settings = context.settings()
    with naming_data_dir(settings), _progress("backup") as progress:
        report = offline.backup(settings, context.cwd / file, force=force, progress=progress)
    say(
        "{file}: {path} with {count} image(s), {size} MB, without master.key",
        file=str(file),
        path=str(settings.data_dir),
        count=report.images,
        size=f"{report.size_bytes / MIB:.1f}",
    )
    for key in report.missing[:_MAX_LISTED]:
        complain("not as recorded: {path}", path=f"images/{key}")
    if count := len(report.missing):
        raise CommandFailed(
            "{count} image(s) missing or of another size; the backup holds everything else", count=count
        )


@click.command()
@click.argument("file", type=options.file)
@click.pass_obj
def restore(context: Context, file: Path) -> None:
    """Fill an empty data directory from FILE. `master.key` may be there already; it is in no backup."""
    from imagegen_http import offline

    settings = context.settings()
    with (context.cwd / file).open("rb") as opened:  # as root, before the change of user
        become_owner(settings.data_dir)
        with naming_data_dir(settings), _progress("restore") as progress:
            report = offline.restore(settings, opened, progress=progress)
    path = str(settings.data_dir)
    say("{path}: {images} image(s), {files} file(s)", path=path, images=report.images, files=report.files)
    if report.pending:
        say(
            "{count} task(s) are pending: the next start sends them, also if they were sent after the "
            "backup. Look first, and cancel what is not to be sent (imagegen tasks cancel): {command}",
            count=len(report.pending),
            command="imagegen tasks list --status pending",
        )
        _list_ids(report.pending)
    if report.processing:
        say(
            "{count} task(s) are processing: the next start fetches what the provider has accepted, "
            "sends what was not sent yet, and ends as outcome_unknown what may have been sent. "
            "Look first: {command}",
            count=len(report.processing),
            command="imagegen tasks list --status processing",
        )
        _list_ids(report.processing)
    if not report.has_master_key and not context.environ.get("IMAGEGEN_MASTER_KEY"):
        if report.sealed:
            say(
                "master.key is missing: {count} saved secret(s) cannot be read without it, "
                "so put it back before the start",
                count=report.sealed,
            )
        else:
            say("master.key is missing: no saved key needs it")
    if report.missing:
        complain("{count} image(s) missing in the backup", count=report.missing)


def _list_ids(task_ids: Any) -> None:
    for task_id in task_ids[:_MAX_LISTED]:
        click.echo(f"  {task_id}")


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show the progress. SIGTERM ends the command as Ctrl-C does, so that it cleans up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with progress_bar(in_words(title)) as advance:
            yield advance
    finally:
        signal.signal(signal.SIGTERM, before)


@keys.command(short_help="Change the master key; no server may run.")
@click.pass_obj
def rotate(context: Context) -> None:
    """Give the data directory a new master key and seal every saved secret with it; no server may run.

    Where `IMAGEGEN_MASTER_KEY` takes the place of `master.key`, put the new key first: `NEW,OLD`.
    An interrupted rotation is finished by the next one.
    """
    import asyncio

    from imagegen_http import offline

    settings = context.settings()
    become_owner(settings.data_dir)
    with naming_data_dir(settings):
        count = asyncio.run(offline.rotate_keys(settings, context.environ))
    path = str(settings.data_dir)
    say("{path}: {count} saved secret(s) sealed with the new master key", path=path, count=count)


@click.command()
@click.option("--to", "dsn", required=True, metavar="DSN", help="The database, postgresql://USER@HOST/NAME.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing, say what would be moved.")
@click.option("--accept-missing", is_flag=True, help="Finish although images are in neither store.")
@click.pass_obj
def migrate(context: Context, dsn: str, *, dry_run: bool, accept_missing: bool) -> None:
    """Move the data directory to PostgreSQL, and its images to the bucket; no server may run.

    The data directory is only read. An interrupted move is resumed by the next one.
    """
    import asyncio

    from imagegen_http.service import require_cluster

    require_cluster()  # says what has to be installed
    from imagegen_http import offline

    settings = context.settings()
    become_owner(settings.data_dir)
    moving = offline.move(
        settings,
        context.environ,
        dsn=dsn,
        dry_run=dry_run,
        accept_missing=accept_missing,
        progress=_tenths_printer(),
    )
    with naming_data_dir(settings):
        report = asyncio.run(moving)
    if report.finished_at is not None and not report.tables:
        say("{path} was moved to this database before; nothing was done", path=str(settings.data_dir))
        return
    _show_move(report)
    if report.finished_at is not None:
        path, key = str(settings.data_dir), settings.data_dir / "master.key"
        say("moved: start the nodes, and {path} no more; it is unchanged, as the way back", path=path)
        if key.exists() and not context.environ.get("IMAGEGEN_MASTER_KEY"):
            say(
                "the nodes need the master key in their environment: IMAGEGEN_MASTER_KEY=$(cat {path})",
                path=str(key),
            )
    elif report.files.missing:
        raise CommandFailed(
            "{count} image(s) are in neither store; a move would not finish without --accept-missing. It "
            "copies only from this disk: what is in another bucket has to be copied from there before"
            if dry_run
            else "{count} image(s) are in neither store; everything else is moved. Bring them back, from "
            "another bucket too, since a move copies only from this disk, and run this again, or run it with "
            "--accept-missing",
            count=len(report.files.missing),
        )


def _tenths_printer() -> Callable[[str, int, int], None]:
    """Return a progress callback that prints a line for each further tenth."""
    tenths: dict[str, int] = {}

    def tell(name: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth > tenths.get(name, 0):
            tenths[name] = tenth
            complain("{name}: {done} of {total}", name=name, done=done, total=total)

    return tell


def _show_move(report: Any) -> None:
    for table in report.tables:
        say("{table}\t{rows} row(s)\tsha256 {sha256}", table=table.name, rows=table.rows, sha256=table.sha256)
    files = report.files
    say(
        "files\t{images} image(s), {unrecorded} file(s) without a record, {spooled} spooled\t"
        "{size} MB for the bucket",
        images=files.images,
        unrecorded=files.unrecorded,
        spooled=files.spooled,
        size=f"{files.sent_bytes / MIB:.1f}",
    )
    for key in islice(files.missing.values(), _MAX_LISTED):
        complain("in neither store: {path}", path=f"images/{key}")


# ---------------------------------------------------------------- storage and search index


@storage.command(short_help="Carry out what waits for OSS.")
@options.dry_run
@options.as_json
@api_command
async def sync(api: Api, *, dry_run: bool, as_json: bool) -> None:
    """Carry out all pending uploads to OSS and removals there, also those deferred after an error."""
    totals = await _run_pass(api, "sync", as_json=as_json, dry_run=dry_run)
    if not as_json:
        say(
            "{uploaded} would be uploaded ({size} MB), {removed} would be removed, {failed} failed"
            if dry_run
            else "{uploaded} uploaded ({size} MB), {removed} removed, {failed} failed",
            uploaded=totals["uploaded"],
            size=f"{totals['uploaded_bytes'] / MIB:.1f}",
            removed=totals["removed"],
            failed=totals["failed"],
        )
    if totals["failed"]:
        raise CommandFailed("{count} failed: {reason}", count=totals["failed"], reason=totals["last_error"])


@storage.command(short_help="Remove old local files that OSS holds.")
@options.dry_run
@options.as_json
@api_command
async def expire(api: Api, *, dry_run: bool, as_json: bool) -> None:
    """Remove local files older than `retention_days`, once OSS has proved that it holds them."""
    totals = await _run_pass(api, "expire", as_json=as_json, dry_run=dry_run)
    if not as_json:
        say(
            "{count} local file(s) would be removed ({size} MB), {kept} kept without proof"
            if dry_run
            else "{count} local file(s) removed ({size} MB), {kept} kept without proof",
            count=totals["expired"],
            size=f"{totals['freed_bytes'] / MIB:.1f}",
            kept=totals["kept"],
        )
    if totals["unreachable"]:
        raise CommandFailed("OSS does not answer; the rest stays")
    if totals["last_error"]:
        raise CommandFailed("some had to stay: {reason}", reason=totals["last_error"])


@storage.command(short_help="Compare the records with the stores, and repair.")
@click.option("--dry-run", is_flag=True, help="Change nothing, say what is wrong.")
@click.option("--sizes-only", is_flag=True, help="Do not read the local files, compare their sizes only.")
@options.as_json
@api_command
async def verify(api: Api, *, dry_run: bool, sizes_only: bool, as_json: bool) -> None:
    """Compare every record with the stores, byte by byte, and repair what can be repaired.

    Files without a record are reported and left alone.
    """
    report = await _run_pass(api, "verify", as_json=as_json, dry_run=dry_run, checksums=not sizes_only)
    if not as_json:
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


async def _run_pass(api: Api, name: str, *, as_json: bool, **body: bool) -> dict[str, Any]:
    paths = (f"/api/v1/storage/{name}", "/api/v1/storage")
    result = await _post_watched(api, name, *paths, ("done", "total"), json=body)
    if as_json:
        print_json(result)
    return result


async def _post_watched(
    api: Api, name: str, path: str, progress_path: str, counts: tuple[str, str], **request: Any
) -> dict[str, Any]:
    """Post, and wait however long it takes; a terminal shows what is done and the total, if it is known."""
    import asyncio
    import logging

    async def watch(update: Callable[..., None]) -> None:
        try:
            while True:
                await asyncio.sleep(_POLL_SECONDS)
                progress = await api.get(progress_path)
                done, total = (progress[count] for count in counts)
                if done is not None and progress.get("pass", name) == name:
                    update(done, total, f"{done}/{'?' if total is None else total}")
        except Exception:  # a bar is no reason to fail
            logging.getLogger(__name__).debug("the progress cannot be shown", exc_info=True)

    with progress_bar(in_words(name), None) as update:
        watching = [asyncio.create_task(watch(update))] if is_watched() else []
        try:
            result: dict[str, Any] = await api.post(path, timeout=None, **request)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
    return result


@click.command()
@api_command
async def reindex(api: Api) -> None:
    """Rebuild the search index, when an update asked for it or when it is missing.

    Searches go on meanwhile. An interrupted rebuild is resumed by the next call.
    """
    paths = ("/api/v1/search/reindex", "/api/v1/search/index")
    result = await _post_watched(api, "reindex", *paths, ("reached", "until"))
    say("the search index is {state}", state=label("status", result["state"]))
