"""``imagegen migrate``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from imagegen_core.messages import Language
from imagegen_http.cli.context import CommandFailed, Context, complain, naming_data_dir
from imagegen_http.cli.messages import CommandCode, NoteCode
from imagegen_http.cli.results import ResultCode

_MAX_LISTED = 20
_MIB = 1_048_576


@click.command(short_help="Move the data to PostgreSQL and a bucket.")
@click.option("--to", "dsn", required=True, metavar="DSN", help="The database, postgresql://USER@HOST/NAME.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing, say what would be moved.")
@click.option("--accept-missing", is_flag=True, help="Finish although images are in neither store.")
@click.pass_obj
def migrate(context: Context, dsn: str, *, dry_run: bool, accept_missing: bool) -> None:
    """Move the data directory to PostgreSQL, and its images to the bucket; no server may run.

    The data directory is only read. An interrupted move is resumed by the next one.
    """
    import asyncio

    from imagegen_http.cli.privileges import become_owner
    from imagegen_http.composition.backends import cluster_module

    cluster_module()  # or the error that says what has to be installed
    from imagegen_http.composition import move

    settings = context.settings()
    become_owner(settings.data_dir)
    if dry_run:
        moving = move.rehearse_move(settings, context.environ, dsn=dsn)
    else:
        progress = _progress(context.language)
        moving = move.move(
            settings, context.environ, dsn=dsn, accept_missing=accept_missing, progress=progress
        )
    with naming_data_dir(settings):
        report = asyncio.run(moving)
    if report.finished_at is not None and not report.tables:
        click.echo(NoteCode.MOVED_BEFORE(path=str(settings.data_dir)).text(context.language))
        return
    _show(report, context.language)
    if report.finished_at is not None:
        _show_next_steps(context, settings.data_dir)
    elif report.files.missing:
        code = CommandCode.IMAGES_WOULD_BE_MISSING if dry_run else CommandCode.IMAGES_IN_NEITHER_STORE
        raise CommandFailed(code(count=len(report.files.missing)))


def _progress(language: Language) -> Callable[[str, int, int], None]:
    """Return what says in a line each time that another tenth of something is done."""
    tenths: dict[str, int] = {}

    def show(name: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth > tenths.get(name, 0):
            tenths[name] = tenth
            complain(NoteCode.MOVED_SO_FAR(name=name, done=done, total=total), language)

    return show


def _show(report: Any, language: Language) -> None:
    for table in report.tables:
        row = ResultCode.TABLE_MOVED(table=table.name, rows=table.rows, sha256=table.sha256)
        click.echo(row.text(language))
    files = report.files
    row = ResultCode.FILES_MOVED(
        images=files.images,
        unrecorded=files.unrecorded,
        spooled=files.spooled,
        size=f"{files.sent_bytes / _MIB:.1f}",
    )
    click.echo(row.text(language))
    for key in list(files.missing.values())[:_MAX_LISTED]:
        complain(NoteCode.IN_NEITHER_STORE(path=f"images/{key}"), language)


def _show_next_steps(context: Context, data_dir: Path) -> None:
    click.echo(NoteCode.MOVE_DONE(path=str(data_dir)).text(context.language))
    key = data_dir / "master.key"
    if key.exists() and not context.environ.get("IMAGEGEN_MASTER_KEY"):
        click.echo(NoteCode.NODES_NEED_KEY(path=str(key)).text(context.language))
