"""What click itself says, in Chinese, and in English where its own words are for programmers.

Click looks its words up with gettext, whose catalogues are binary files and whose language is the locale's. A
table beside ours is easier to read, and ``--lang`` can choose it.
"""

import gettext
from collections.abc import Mapping
from importlib import import_module

import click

from imagegen_core.messages import Language

_MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
"""Those with words for users."""

CHINESE: Mapping[str, str] = {
    "Aborted!": "已停止",
    "Missing command.": "缺少命令。",
    "required": "必填",
    "Options": "选项",
    "Positional arguments": "参数",
    "Commands": "命令",
    "env var: {var}": "环境变量：{var}",
    "default: {default}": "默认：{default}",
    "(dynamic)": "（动态）",
    "Got unexpected extra argument ({args})": "多余的参数（{args}）",
    "Got unexpected extra arguments ({args})": "多余的参数（{args}）",
    "Takes {nargs} values but 1 was given.": "需要 {nargs} 个值，只给出 1 个。",
    "Takes {nargs} values but {len} were given.": "需要 {nargs} 个值，给出了 {len} 个。",
    "Did you mean {possibility}?": "是否想写 {possibility}？",
    "(Did you mean one of: {possibilities}?)": "（是否想写其中之一：{possibilities}？）",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少参数",
    "Missing parameter: {param_name}": "缺少参数：{param_name}",
    "Missing {param_type}": "缺少 {param_type}",
    "unknown error": "未知错误",
    "Invalid value: {message}": "值无效：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 的值无效：{message}",
    "Could not open file {filename!r}: {message}": "无法打开文件 {filename!r}：{message}",
    "Error: {message}": "错误：{message}",
    "Try '{command} {option}' for help.": "用 '{command} {option}' 查看说明。",
    "No such option {name!r}.": "没有选项 {name!r}。",
    "No such command {name!r}.": "没有命令 {name!r}。",
    "Usage:": "用法：",
    "Show this message and exit.": "显示本说明。",
    "Option {name!r} does not take a value.": "选项 {name!r} 不带值。",
    "Option {name!r} requires an argument.": "选项 {name!r} 需要一个值。",
    "Option {name!r} requires {nargs} arguments.": "选项 {name!r} 需要 {nargs} 个值。",
    "Argument {name!r} takes {nargs} values.": "参数 {name!r} 需要 {nargs} 个值。",
    "Error: invalid input": "错误：输入无效",
    "Error: The two entered values do not match.": "错误：两次输入不一致。",
    "Repeat for confirmation": "再输入一次以确认",
    "Press any key to continue...": "按任意键继续……",
    "file": "文件",
    "directory": "目录",
    "path": "路径",
    "Choose from:\n\t{choices}": "可选：\n\t{choices}",
    "{value!r} is not {choice}.": "{value!r} 不是 {choice}。",
    "{value!r} is not one of {choices}.": "{value!r} 不是 {choices} 之一。",
    "{value} is not in the range {range}.": "{value} 不在范围 {range} 之内。",
    "{value!r} is not a valid {number_type}.": "{value!r} 不是有效的数字。",
    "{value!r} is not a valid boolean. Recognized values: {states}": "{value!r} 不是真假值；可用：{states}",
    "{name} {filename!r} is a file.": "{filename!r} 是文件。",
    "{name} {filename!r} is a directory.": "{filename!r} 是目录。",
    "{name} {filename!r} is not readable.": "{filename!r} 不可读。",
    "{name} {filename!r} is not writable.": "{filename!r} 不可写。",
    "{name} {filename!r} is not executable.": "{filename!r} 不可执行。",
    "{name} {filename!r} does not exist.": "{filename!r} 不存在。",
}


ENGLISH: Mapping[str, str] = {
    "{value!r} is not a valid {number_type}.": "{value!r} is not a valid number.",
}


class _MissingParameter(click.MissingParameter):
    """Ends its sentence as Chinese does; click adds a full stop that no table can change."""

    def format_message(self) -> str:
        return "'。".join(super().format_message().split("'.", maxsplit=1))


def teach_click(language: Language) -> None:
    """Let click speak the language from now on."""
    is_chinese = language is Language.ZH
    words = {
        "_": _chinese if is_chinese else _english,
        "MissingParameter": _MissingParameter if is_chinese else click.MissingParameter,
        "ngettext": _chinese_of_number if is_chinese else gettext.ngettext,
    }
    for name in _MODULES:
        module = vars(import_module(f"click.{name}"))
        module.update({word: words[word] for word in words.keys() & module.keys()})


def _chinese(text: str) -> str:
    return CHINESE.get(text, text)


def _english(text: str) -> str:
    return ENGLISH.get(text, text)


def _chinese_of_number(singular: str, plural: str, number: int) -> str:
    return _chinese(singular if number == 1 else plural)
