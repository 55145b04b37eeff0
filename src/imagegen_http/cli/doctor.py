"""``imagegen doctor``."""

import shutil
import sys
from pathlib import Path

import click

from imagegen_http.cli.cells import wrapped
from imagegen_http.cli.context import EXIT_FAILED, EXIT_WARNINGS, Context, naming_data_dir, print_json
from imagegen_http.cli.messages import ProgressCode
from imagegen_http.cli.progress import progress_bar

_INDENT = 6
"""As far as a check's name stands from the left."""

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(short_help="Look for what is wrong, and change nothing.")
@click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="The settings file.")
@click.option("--full", is_flag=True, help="Also read every local image and compare its checksum.")
@click.option("--strict", is_flag=True, help="End with 4 for warnings.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(ctx: click.Context, file: Path | None, *, full: bool, strict: bool, as_json: bool) -> None:
    """Look for what is wrong, beside a running server or without one, and change nothing.

    Ends with 1 for a damaged database, a missing or wrong master key, a missing image; warnings end with 0,
    unless `--strict`.
    """
    import asyncio

    from imagegen_http.composition.checkup import Health, run_checks
    from imagegen_http.settings.loader import check_bind

    context: Context = ctx.obj
    settings = context.settings(file)
    check_bind(settings.server.host, settings.server.auth_token)
    warning = context.exposure_warning(settings, file)
    title = ProgressCode.CHECKING_IMAGES()
    with naming_data_dir(settings), progress_bar(title, context.language, quiet=as_json) as advance:
        checks = asyncio.run(
            run_checks(settings, context.environ, warning=warning, full=full, progress=advance)
        )
    language = context.language
    if as_json:
        healths = {check.health for check in checks}
        worst = next(health for health in (Health.FAIL, Health.WARN, Health.OK) if health in healths)
        rows = [
            {"name": c.name, "status": str(c.health), "message": c.message.text(language)} for c in checks
        ]
        print_json({"status": str(worst), "checks": rows})
    else:
        for check in checks:
            word = click.style(f"{check.health:<4}", fg=_COLOURS[check.health])
            lines = _lines(f"{check.name}: {check.message.text(language)}")
            click.echo(f"{word}  {lines[0]}")
            for line in lines[1:]:
                click.echo(f"{' ' * _INDENT}{line}")
    if any(check.health is Health.FAIL for check in checks):
        ctx.exit(EXIT_FAILED)
    if strict and any(check.health is Health.WARN for check in checks):
        ctx.exit(EXIT_WARNINGS)


def _lines(text: str) -> list[str]:
    """Return a finding in lines that fit a terminal; in a pipe it is one."""
    return wrapped(text, shutil.get_terminal_size().columns - _INDENT) if sys.stdout.isatty() else [text]
