"""``imagegen backup`` and ``imagegen restore``."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from imagegen_core.messages import Language, Message
from imagegen_http.cli.context import CommandFailed, Context, complain, naming_data_dir
from imagegen_http.cli.messages import CommandCode, NoteCode, ProgressCode
from imagegen_http.cli.progress import progress_bar
from imagegen_http.cli.results import ResultCode

_MAX_LISTED = 20


@click.command(short_help="Write everything but the master key to FILE.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.pass_obj
def backup(context: Context, file: Path, *, force: bool) -> None:
    """Write database, images and inputs of waiting tasks to FILE, beside a running server or without one.

    `master.key` is not in it: keep that apart.
    """
    from imagegen_http.composition import offline

    settings = context.settings()
    with naming_data_dir(settings), _progress(ProgressCode.BACKING_UP(), context.language) as progress:
        report = offline.backup(settings, context.cwd / file, force=force, progress=progress)
    result = ResultCode.BACKED_UP(
        file=str(file),
        path=str(settings.data_dir),
        count=report.images,
        size=f"{report.size_bytes / 1_048_576:.1f}",
    )
    click.echo(result.text(context.language))
    for key in report.missing[:_MAX_LISTED]:
        complain(NoteCode.BACKUP_DIFFERS(path=f"images/{key}"), context.language)
    if report.missing:
        raise CommandFailed(CommandCode.BACKUP_INCOMPLETE(count=len(report.missing)))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def restore(context: Context, file: Path) -> None:
    """Fill an empty data directory from FILE. `master.key` may be there already; it is in no backup."""
    from imagegen_http.cli.privileges import become_owner
    from imagegen_http.composition import offline

    settings = context.settings()
    with (context.cwd / file).open("rb") as opened:  # while root still may
        become_owner(settings.data_dir)
        with naming_data_dir(settings), _progress(ProgressCode.RESTORING(), context.language) as progress:
            report = offline.restore(settings, opened, progress=progress)
    result = ResultCode.RESTORED(path=str(settings.data_dir), images=report.images, files=report.files)
    click.echo(result.text(context.language))
    for tasks, status, code in (
        (report.pending, "pending", NoteCode.TASKS_PENDING),
        (report.processing, "processing", NoteCode.TASKS_PROCESSING),
    ):
        if tasks:
            note = code(count=len(tasks), command=f"imagegen tasks list --status {status}")
            click.echo(note.text(context.language))
            click.echo("".join(f"  {task_id}\n" for task_id in tasks[:_MAX_LISTED]), nl=False)
    if not report.has_master_key and not context.environ.get("IMAGEGEN_MASTER_KEY"):
        note = NoteCode.KEY_NEEDED(count=report.sealed) if report.sealed else NoteCode.KEY_NOT_NEEDED()
        click.echo(note.text(context.language))
    if report.missing:
        complain(NoteCode.BACKUP_LACKS(count=report.missing), context.language)


@contextmanager
def _progress(title: Message, language: Language) -> Iterator[Callable[[int, int], None]]:
    """Show the progress; SIGTERM ends the command as Ctrl-C does, so that it cleans up after itself."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with progress_bar(title, language) as advance:
            yield lambda done, total: advance(done / max(total, 1))
    finally:
        signal.signal(signal.SIGTERM, before)
