"""The commands that make images: one for each operation of the core's table."""

import click

from imagegen_core.operations import UPSCALE_FACTORS, Operation
from imagegen_http.cli.context import Context
from imagegen_http.cli.submission import Submission, submission_options

_image_option = click.option(
    "--image",
    required=True,
    metavar="FILE",
    help="The image: a file, image:ID for one that is kept, or - for standard input.",
)


@click.command(short_help="Make an image from PROMPT and keep it.")
@click.argument("prompt")
@submission_options
@click.pass_obj
def generate(context: Context, prompt: str, submission: Submission) -> None:
    """Make an image from PROMPT and keep it; with -o also write it to a file.

    Needs no server. Where one runs on the same data directory, it does the work.
    """
    submission.run(context, Operation.GENERATE, prompt=prompt)


@click.command(short_help="Make an image from PROMPT and reference images.")
@click.argument("prompt")
@click.option(
    "--image",
    "names",
    multiple=True,
    required=True,
    metavar="FILE",
    help="A reference image: a file, image:ID for one that is kept, or -; repeatable, up to 14.",
)
@click.option("--image-size", metavar="SIZE", help="The size, such as 2K.")
@click.option("--aspect-ratio", metavar="RATIO", help="The shape, such as 16:9.")
@submission_options
@click.pass_obj
def reference(
    context: Context,
    prompt: str,
    names: tuple[str, ...],
    image_size: str | None,
    aspect_ratio: str | None,
    submission: Submission,
) -> None:
    """Make an image from PROMPT and from images that show what it means."""
    from imagegen_http.cli.input_files import InputFiles

    submission.run(
        context,
        Operation.REFERENCE,
        prompt=prompt,
        inputs=InputFiles.of_references(names, context.cwd),
        parameters={"image_size": image_size, "aspect_ratio": aspect_ratio},
    )


@click.command(short_help="Repaint an image as PROMPT says.")
@click.argument("prompt")
@_image_option
@click.option("--mask", metavar="FILE", help="What to repaint: an image of the same size, white where.")
@click.option("--edit-mode", metavar="MODE", help="How, where the model knows several ways.")
@submission_options
@click.pass_obj
def edit(
    context: Context, prompt: str, image: str, mask: str | None, edit_mode: str | None, submission: Submission
) -> None:
    """Repaint an image as PROMPT says, all of it or where a mask is white or transparent."""
    from imagegen_http.cli.input_files import InputFiles

    submission.run(
        context,
        Operation.EDIT,
        prompt=prompt,
        inputs=InputFiles.of_image(image, context.cwd, mask=mask),
        parameters={"edit_mode": edit_mode},
    )


@click.command(short_help="Make an image larger.")
@click.argument("prompt", default="")
@_image_option
@click.option("--factor", type=click.Choice([*UPSCALE_FACTORS]), help="How much larger; left out: x2.")
@submission_options
@click.pass_obj
def upscale(context: Context, prompt: str, image: str, factor: str | None, submission: Submission) -> None:
    """Make an image two or four times as large."""
    from imagegen_http.cli.input_files import InputFiles

    submission.run(
        context,
        Operation.UPSCALE,
        prompt=prompt,
        inputs=InputFiles.of_image(image, context.cwd),
        parameters={"upscale_factor": factor},
    )


@click.command(short_help="Put what an image shows into another scene.")
@click.argument("prompt")
@_image_option
@submission_options
@click.pass_obj
def recontext(context: Context, prompt: str, image: str, submission: Submission) -> None:
    """Put what an image shows into the scene that PROMPT describes."""
    from imagegen_http.cli.input_files import InputFiles

    submission.run(
        context, Operation.RECONTEXT, prompt=prompt, inputs=InputFiles.of_image(image, context.cwd)
    )


@click.command(short_help="Mark what an image shows.")
@click.argument("prompt", default="")
@_image_option
@click.option("--mode", metavar="MODE", help="What to mark, where the model knows several ways.")
@submission_options
@click.pass_obj
def segment(context: Context, prompt: str, image: str, mode: str | None, submission: Submission) -> None:
    """Mark what an image shows, or that of it which PROMPT names; the result is an image."""
    from imagegen_http.cli.input_files import InputFiles

    submission.run(
        context,
        Operation.SEGMENT,
        prompt=prompt,
        inputs=InputFiles.of_image(image, context.cwd),
        parameters={"mode": mode},
    )
