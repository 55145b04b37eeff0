"""``imagegen``: the command line. It imports little, so that ``--help`` answers at once."""

import rich_click as click

from imagegen_http.cli.context import Context, guarded

click.rich_click.TEXT_MARKUP = "markdown"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    commands={},
    invoke_without_command=False,
)
@click.version_option(package_name="imagegen", prog_name="imagegen")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Picture generation through paid vendors: never lose a task, never pay twice, find it in Chinese.

    Settings come from `IMAGEGEN_CONFIG`, else `./config.yaml`, else defaults.
    """
    ctx.obj = Context.from_process()


def main() -> None:
    """Run the command that was typed."""
    from imagegen_http.cli import configuration, generate, images, providers, serve, tasks

    cli.add_command(serve.serve)
    cli.add_command(generate.generate)
    for group in (providers.providers, tasks.tasks, images.images, configuration.config):
        cli.add_command(group)
    guarded(cli)
