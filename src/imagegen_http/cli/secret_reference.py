"""Secrets that a command takes by reference, so that neither the shell's history nor ``ps`` has them."""

import sys

from imagegen_core.messages import Message
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage
from imagegen_http.cli.messages import CommandCode, UsageCode
from imagegen_http.problems.system_errors import read_problem


def read_secret(reference: str, context: Context, option: Message | str) -> str:
    """Return the secret that ``env:NAME``, ``file:PATH`` or ``-`` (a line of stdin) refers to.

    Raises:
        WrongUsage: it is not a reference; a literal secret would be in the shell's history.
        CommandFailed: there is no such variable or file.
    """
    if reference == "-":
        return sys.stdin.readline().strip()
    scheme, _, name = reference.partition(":")
    if scheme not in ("env", "file") or not name:
        raise WrongUsage(UsageCode.NOT_A_REFERENCE(option=option))
    if scheme == "file":
        try:
            secret = (context.cwd / name).read_text().strip()
        except (OSError, ValueError) as error:
            problem = read_problem(error)
            reason = CommandCode.OPTION_FILE_UNREADABLE(option=option, name=name, reason=problem)
            raise CommandFailed(reason) from error
        if not secret:
            raise CommandFailed(CommandCode.OPTION_FILE_EMPTY(option=option, name=name))
        return secret
    if not context.environ.get(name):
        raise CommandFailed(CommandCode.OPTION_VARIABLE_NOT_SET(option=option, name=name))
    return context.environ[name]


def read_token(text: str, context: Context) -> str:
    """Return the token that is meant: a reference's, else the text itself.

    Raises:
        CommandFailed: there is no such variable or file, or what it holds cannot be sent.
    """
    is_reference = text == "-" or text.startswith(("env:", "file:"))
    token = read_secret(text, context, "--token") if is_reference else text.strip()
    if not token or not token.isprintable():
        raise CommandFailed(CommandCode.TOKEN_UNUSABLE())
    return token
