"""``imagegen``: the command line. It imports little, so that ``--help`` is instant."""

import rich_click as click

from imagegen_http.cli.context import Context, run_guarded

click.rich_click.TEXT_MARKUP = "markdown"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    commands={},
    invoke_without_command=False,
)
@click.version_option(package_name="imagegen", prog_name="imagegen")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Image generation through paid providers: never lose a task, never pay twice, find it in Chinese.

    Settings come from `IMAGEGEN_CONFIG`, else `./config.yaml`, else defaults.
    """
    ctx.obj = Context.from_process()


def load() -> None:
    """Import the commands and register them."""
    from imagegen_http.cli import (
        backups,
        configuration,
        doctor,
        generate,
        images,
        keys,
        providers,
        reindex,
        serve,
        storage,
        tasks,
    )

    for command in (
        serve.serve,
        generate.generate,
        tasks.tasks,
        images.images,
        providers.providers,
        configuration.config,
        doctor.doctor,
        backups.backup,
        backups.restore,
        storage.storage,
        reindex.reindex,
        keys.keys,
    ):
        cli.add_command(command)


def main() -> None:
    """Run the command line."""
    load()
    run_guarded(cli)
