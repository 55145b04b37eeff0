"""``imagegen batch``, ``imagegen batches`` and ``imagegen styles``."""

import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from imagegen_core.limits import DEFAULT_BATCH_CONCURRENCY, MAX_BATCH_CONCURRENCY
from imagegen_core.messages import as_message
from imagegen_http.cli import options, output
from imagegen_http.cli.api import Api, ApiRefusal, api_command, quoted, with_api
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage, about, complain, note, say, unusable
from imagegen_http.cli.output import Column, cost_note, print_json, progress_bar, show_list, show_record
from imagegen_http.cli.words import in_words, message, reader_language

_PATH = "/api/v1/batches"
_KEY_REUSED = 42201
_POLL_SECONDS = 0.5
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]{3})")
_ENCODINGS = {"UTF-16": "utf-16", "GBK": "gb18030"}
_FOREIGN_WORD = re.compile("[\u0080-\u07ff]{2,}")
_PAUSED = {
    "max_cost": "the next task could pass its ceiling",
    "failure": "a task has failed",
    "person": "somebody has paused it",
}


def _costs(batch: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, map(cost_note, batch["costs"])))


def _done(batch: Mapping[str, Any]) -> int:
    return sum(batch["counts"][status] for status in ("completed", "failed", "cancelled"))


_LIST = (
    Column("batch", "batch_id"),
    Column("status", kind="status"),
    Column("created", "created_at", "time", may_be_absent=True),
    Column("ended", _done),
    Column("tasks"),
    Column("failed", "counts.failed"),
    Column("cost", _costs),
    Column("name", kind="text"),
)
_RECORD = (*_LIST, Column("reason"), Column("error", "detail"), Column("concurrency"))


_STYLES = "/api/v1/styles"
_STYLE = (
    Column("id"),
    Column("name", lambda it: it["name"][reader_language()] or "".join(it["name"].values())),
    Column("prompt", lambda it: it["prompt"][reader_language()] or "".join(it["prompt"].values()), "text"),
)


# ---------------------------------------------------------------- files


def _text_of(path: Path) -> str:
    """Return a file's text; one that is not UTF-8 is refused, with the encoding that it seems to have."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unusable(path, error) from error
    if not content.strip():
        raise CommandFailed("{file}: it is empty", file=path.name)
    with suppress(UnicodeDecodeError):
        text = content.decode("utf-8-sig")
        if not any(map(_mixes_scripts, _FOREIGN_WORD.findall(text))):
            return text
    name = "UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "GBK"
    with suppress(UnicodeDecodeError):
        content.decode(_ENCODINGS[name])
        sentence = "{file}: it is not UTF-8, but {name}; save it as UTF-8"
        raise CommandFailed(sentence, file=path.name, name=name)
    raise CommandFailed("{file}: it is not UTF-8", file=path.name)


def _mixes_scripts(word: str) -> bool:
    """Whether a word has letters of several alphabets, as short text in GBK may have when read as UTF-8."""
    return len({unicodedata.name(letter, "").partition(" ")[0] for letter in word if letter.isalpha()}) > 1


def _prompts(path: Path, template: str | None) -> Iterator[tuple[int, Any]]:
    """Yield each prompt of a text or CSV file, or request of a JSON file, with the number of its line."""
    text, is_csv = _text_of(path), path.suffix.lower() == ".csv"
    if is_csv == (template is None):
        raise WrongUsage("{option} is for CSV files, which need it", option="--template")
    if template is not None:
        yield from _rows(path.name, text, template)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix.lower() == ".jsonl" and line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                raise CommandFailed("{file}:{line}: it is not JSON", file=path.name, line=number) from None
        elif line.strip():
            yield number, line.strip()


def _rows(file: str, text: str, template: str) -> Iterator[tuple[int, str]]:
    from imagegen_core.batch import filled, template_variables

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if missing := [name for name in template_variables(template) if name not in header]:
            raise CommandFailed(
                "{file}: it has no column {names}; there are {columns}",
                file=file,
                names=tuple(missing),
                columns=tuple(header),
            )
        for row in filter(None, reader):
            if len(row) != len(header):
                raise CommandFailed(
                    "{file}:{line}: it has {count} fields, but the header has {expected}",
                    file=file,
                    line=reader.line_num,
                    count=len(row),
                    expected=len(header),
                )
            yield reader.line_num, filled(template, dict(zip(header, row, strict=True)))
    except csv.Error as error:
        sentence, line = "{file}:{line}: it is not CSV: {detail}", reader.line_num
        raise CommandFailed(sentence, file=file, line=line, detail=str(error)) from error


# ---------------------------------------------------------------- one batch


def _amount(_context: object, _option: object, text: str | None) -> dict[str, str] | None:
    match = None if text is None else _AMOUNT.fullmatch(text.strip())
    if text is not None and match is None:
        raise WrongUsage("{option} must be {form}", option="--max-cost", form="5CNY")
    return match and {"amount": match[1], "currency": match[2].upper()}


@click.command(short_help="Make an image of each line of FILE.")
@click.argument("file", type=options.file)
@click.option("--template", metavar="TEXT", help="The prompt of a CSV file's lines, with {columns}.")
@options.provider
@options.model
@options.param()
@click.option(
    "--concurrency",
    type=click.IntRange(1, MAX_BATCH_CONCURRENCY),
    default=DEFAULT_BATCH_CONCURRENCY,
    show_default=True,
    help="How many tasks wait or run at once.",
)
@click.option(
    "--mode",
    type=click.Choice(("now", "vendor")),
    default="now",
    show_default=True,
    help="vendor: in batch jobs of the provider, within a day, at half the price.",
)
@click.option(
    "--max-cost", metavar="AMOUNT", callback=_amount, help="What all may cost together, such as 5CNY."
)
@click.option("--stop", is_flag=True, help="Pause when a task has failed.")
@click.option("--new", is_flag=True, help="Begin another batch, although FILE has changed since the first.")
@options.as_json
@click.pass_obj
def batch(
    context: Context,
    /,
    file: Path,
    template: str | None,
    provider: str | None,
    model_id: str | None,
    *,
    stop: bool,
    new: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Make an image of each line of FILE, behind every other task, and follow them to their end.

    A line is a prompt (.txt), a row with the variables of --template (.csv), or a request as JSON (.jsonl).
    The same command again goes on with the same batch, so nothing is paid for twice.
    """
    path = context.cwd / file
    lines = [*_prompts(path, template)]
    field = "items" if path.suffix.lower() == ".jsonl" else "prompts"
    body = {
        "name": file.name,
        field: [line for _, line in lines],
        "targets": [{"provider": provider, "model_id": model_id}],
        "on_failure": "stop" if stop else "continue",
        **settings,
    }
    names = {f"{field}.{index}": f"{file.name}:{number}" for index, (number, _) in enumerate(lines)}
    seed = json.dumps([str(path.resolve()), body if new else None])
    key = {"Idempotency-Key": f"file-{hashlib.sha256(seed.encode()).hexdigest()}"}

    async def act(api: Api) -> None:
        import asyncio

        try:
            accepted = await api.post(_PATH, json=body, headers=key, names=names)
        except ApiRefusal as refusal:
            if refusal.error_code != _KEY_REUSED:
                raise
            reason = "the file or the options are not those of the batch that it began; --new begins another"
            raise CommandFailed(about(file.name, message(reason))) from refusal
        if (cost := cost_note(accepted["estimate"])) is not None and not as_json:
            note("estimated cost: {cost}", cost=cost)
        try:
            ended = await _followed(api, accepted["batch_id"], None if as_json else file.name)
        except asyncio.CancelledError:
            complain("the same command goes on with batch {id}", id=accepted["batch_id"])
            raise
        _report(api, ended, as_json=as_json)

    with_api(context, act, run_background=True, create=True)


async def _followed(api: Api, batch_id: str, title: str | None) -> dict[str, Any]:
    """Show the batch's progress until it has ended, or is paused and nothing of it runs."""
    import asyncio

    with progress_bar(title, None) as update:
        while True:
            state: dict[str, Any] = await api.get(f"{_PATH}/{quoted(batch_id)}")
            failed, is_open = state["counts"]["failed"], _done(state) < state["submitted"]
            text = in_words("{count} failed", count=failed) if failed else ""
            update(_done(state), state["tasks"], f"{_done(state)}/{state['tasks']} {text}")
            if state["completed_at"] or (state["status"] == "paused" and not is_open):
                return state
            await asyncio.sleep(_POLL_SECONDS)


def _report(api: Api, ended: Mapping[str, Any], *, as_json: bool) -> None:
    counts, batch_id = ended["counts"], ended["batch_id"]
    if as_json:
        print_json(ended)
    else:
        say(
            "batch {id}: {done} of {tasks} completed; cost: {cost}",
            id=batch_id,
            done=counts["completed"],
            tasks=ended["tasks"],
            cost=_costs(ended) or "0",
        )
    if ended["status"] == "paused":
        reason = ended["detail"] and as_message(ended["detail"])
        command = f"{api.program} batches resume {batch_id}"
        sentence = "the batch is paused: {reason}; `{command}` goes on with it"
        raise CommandFailed(sentence, reason=reason or message(_PAUSED[ended["reason"]]), command=command)
    if counts["failed"]:
        command = f"{api.program} batches retry {batch_id}"
        sentence = "{count} tasks failed; `{command}` makes them again, and is charged again"
        raise CommandFailed(sentence, count=counts["failed"], command=command)


# ---------------------------------------------------------------- all batches

batches = click.Group("batches", help="See batches, pause, resume and cancel them.")


@batches.command("list")
@click.option(
    "--status", type=click.Choice(["running", "paused", "completed", "cancelled"]), help="Only these."
)
@options.listing
@api_command
async def list_batches(api: Api, status: str | None, listing: Mapping[str, Any]) -> None:
    """List batches, newest first."""
    query = {} if status is None else {"status": status}
    await show_list(
        api, _PATH, query, _LIST, empty=message("no batches in {path}", path=api.place), **listing
    )


styles = click.Group("styles", help="Keep patterns of prompts, and carry them elsewhere.")


def _command(name: str, method: str, path: str, help_: str, group: click.Group = batches) -> None:
    """Add a command that sends one request about a batch or a style, and prints it."""
    place, columns = (_PATH, _RECORD) if group is batches else (_STYLES, _STYLE)

    @group.command(name, help=help_)
    @click.argument("id_", metavar="BATCH_ID" if group is batches else "STYLE_ID")
    @options.as_json
    @api_command
    async def act(api: Api, id_: str, *, as_json: bool) -> None:
        show_record(await api.call(method, f"{place}/{quoted(id_)}{path}"), columns, as_json=as_json)


_command("show", "GET", "", "Print one batch.")
_command("pause", "POST", "/pause", "Submit no more tasks of a batch; those that run go on.")
_command("resume", "POST", "/resume", "Go on with a paused batch.")
_command("cancel", "POST", "/cancel", "Cancel what waits or runs of a batch, for good.")
_command("retry", "POST", "/retry-failed", "Make the failed tasks of a batch again; is charged again.")
_command("show", "GET", "", "Print one style.", styles)


# ---------------------------------------------------------------- styles


@styles.command("list")
@options.as_json
@api_command
async def list_styles(api: Api, *, as_json: bool) -> None:
    """List all styles: those that ship, then those that were saved."""
    items = (await api.get(_STYLES))["items"]
    output.show_table(_STYLE, items, empty=message("no styles in {path}", path=api.place), as_json=as_json)


@styles.command("import", short_help="Save the styles of FILE.")
@click.argument("file", type=options.file)
@api_command
async def import_styles(api: Api, file: Path) -> None:
    """Save the styles of FILE, each in place of that with its id: all of them or, if one is refused, none."""
    try:
        content = json.loads(_text_of(file))
    except json.JSONDecodeError as error:
        sentence = "{file}:{line}: it is not JSON"
        raise CommandFailed(sentence, file=file.name, line=error.lineno) from None
    body = content if isinstance(content, dict) else {"styles": content}
    for style in (await api.post(_STYLES, json=body))["items"]:
        click.echo(style["id"])


@styles.command(short_help="Print all styles as JSON, for `import`.")
@api_command
async def export(api: Api) -> None:
    """Print all styles as JSON, for `import`, without what belongs to this service alone."""
    own = ("shipped", "thumbnail", "image_id")
    items = (await api.get(_STYLES))["items"]
    print_json({"styles": [{name: style[name] for name in style if name not in own} for style in items]})


@styles.command("delete")
@click.argument("style_id")
@options.confirmed(lambda style_id: message("Delete style {id}?", id=style_id))
@api_command
async def delete_style(api: Api, style_id: str) -> None:
    """Delete a style that was saved; one that ships is then as it came."""
    await api.call("DELETE", f"{_STYLES}/{quoted(style_id)}")
    say("deleted {id}", id=style_id)
