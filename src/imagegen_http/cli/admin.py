"""Operators' commands: ``config``, ``doctor``, ``backup``, ``restore``, ``keys`` and ``migrate``."""

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click

from imagegen_http.cli.context import (
    EXIT_FAILED,
    EXIT_WARNINGS,
    MIB,
    CommandFailed,
    Context,
    become_owner,
    complain,
    naming_data_dir,
    print_json,
    say,
)
from imagegen_http.cli.options import as_json, config_option
from imagegen_http.cli.output import progress_bar
from imagegen_http.cli.words import wrapped

_MAX_LISTED = 20


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@config_option
@click.pass_obj
def check(context: Context, file: Path | None) -> None:
    """Say whether the settings can be used."""
    import asyncio

    from imagegen_http import offline
    from imagegen_http.settings.loader import check_bind, exposure_warning, variable_warnings

    settings, sources = context.settings(file), context.sources(file)
    check_bind(settings.server.host, settings.server.auth_token)
    warnings = [*variable_warnings(**sources), exposure_warning(settings, **sources)]
    for warning in filter(None, (*warnings, *asyncio.run(offline.check_settings(settings)))):
        complain(warning)
    say("the configuration is valid")


@config.command(short_help="Print the settings as YAML, secrets masked.")
@config_option
@click.pass_obj
def show(context: Context, file: Path | None) -> None:
    """Print the settings as YAML, defaults and environment included, secrets masked."""
    import yaml

    from imagegen_http.settings.schema import masked

    click.echo(yaml.safe_dump(masked(context.settings(file)), allow_unicode=True, sort_keys=False), nl=False)


_INDENT = 6  # the column of a check's name
_HEALTH_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@config_option
@click.option("--full", is_flag=True, help="Also read every local image and compare its checksum.")
@click.option("--strict", is_flag=True, help="End with 4 for warnings.")
@as_json
@click.pass_context
def doctor(ctx: click.Context, file: Path | None, *, full: bool, strict: bool, as_json: bool) -> None:
    """Look for what is wrong, beside a running server or without one, and change nothing.

    Ends with 1 for a damaged database, a missing or wrong master key, a missing image; warnings end with 0,
    unless `--strict`.
    """
    import asyncio

    from imagegen_http.doctor import Health, run_checks
    from imagegen_http.settings.loader import check_bind, exposure_warning

    context: Context = ctx.obj
    settings = context.settings(file)
    check_bind(settings.server.host, settings.server.auth_token)
    warning = exposure_warning(settings, **context.sources(file))
    with naming_data_dir(settings), progress_bar("images", quiet=as_json) as advance:
        checking = run_checks(settings, context.environ, warning=warning, full=full, progress=advance)
        checks = asyncio.run(checking)
    healths = {check.health for check in checks}
    texts = [(check, check.message.text(context.language)) for check in checks]
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
        ctx.exit(EXIT_FAILED)
    if strict and Health.WARN in healths:
        ctx.exit(EXIT_WARNINGS)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
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
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
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
        with progress_bar(title) as advance:
            yield lambda done, total: advance(done / max(total, 1))
    finally:
        signal.signal(signal.SIGTERM, before)


@click.group()
def keys() -> None:
    """Look after the master key."""


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
