"""Expressions and patterns that read a provider's response, at a bounded cost.

An expression is JMESPath. It may also be ``header:Name``, a response header, or ``$.path``, which starts at
the whole response instead of one of its items. ``a || b`` may join all of them.

Documents come from callers and responses from providers; both run on the event loop. So work is counted
before it is done, by sizes and not by a clock. Patterns must not have what makes backtracking slow.
"""

import math
import re
import re._constants as ops  # type: ignore[import-not-found] # Python has no public parser of expressions
import re._parser as parser  # type: ignore[import-not-found] # as above
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any

import attrs
import jmespath
from jmespath import ast
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, MessageCode, ProblemCode
from imagegen_core.secrets import Secret


class DocumentCode(MessageCode, words="imagegen_adapters"):
    """Rules of documents. Each sentence goes on after the field's path."""


Path = tuple[str, ...]


class Malformed(ValueError):
    """A part of a document is not what it must be; ``reason`` says why, ``path`` where inside the part."""

    def __init__(self, reason: Message, path: Path = ()) -> None:
        super().__init__(str(reason))
        self.reason, self.path = reason, path


MAX_STEPS = 5000  # nodes for one response or request, 2-3 µs each (`benchmarks/document_limits.py`)
MAX_CHARS = 1_000_000  # of text that they make or compare
MAX_EXPRESSION_CHARS = 4096
MAX_SEARCHED_CHARS = 500
MAX_GLOB_CHARS = 200
MAX_QUOTED_CHARS = 200
_MAX_DEPTH = 64  # of a written value, and of an expression: deeper ones would overflow the stack
_MAX_PATTERN_CHARS = 200
_MAX_ALTERNATIVES = 8  # with optional parts of a pattern; each may double the work
_MAX_REPEATS = 2  # each multiplies the work by the length of the text
_MAX_NUMBER_BITS = 1024
_MAX_WAYS = 1_000_000  # to match, for all patterns of a response: some milliseconds
_MAX_COMPARISONS = MAX_STEPS.bit_length()  # of one sort key with others
_LONG_REPEAT = 20
_NUMBER = r"\d+(?:\.\d+)?"  # two repeats, but only one way to match
_REPEATS = frozenset((ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT))
_REFERENCES = frozenset((ops.GROUPREF, ops.GROUPREF_EXISTS))
_CONSTANT_TIME = frozenset(("length", "type", "not_null", "to_array"))
_HEADER = re.compile(r"header:([A-Za-z0-9!#$%&'*+.^_`|~-]+)")


class OverBudget(Exception):
    """More work or text than the budget allows; it stays exceeded."""


@attrs.define(kw_only=True)
class Budget:
    """What is left for one response or one request, over all its expressions or templates."""

    steps: int = MAX_STEPS
    chars: int = MAX_CHARS

    def spend(self, steps: int = 1, *, chars: int = 0) -> None:
        self.steps -= steps
        self.chars -= chars
        if self.steps < 0 or self.chars < 0:
            raise OverBudget

    def spend_tree(self, value: Any) -> None:
        """Spend what it costs to write a value as text; what is in it twice counts twice."""
        level, depth = [value], 0
        while level:
            self.spend(len(level))
            if depth > _MAX_DEPTH:
                raise OverBudget
            next_level: list[Any] = []
            for item in level:
                if isinstance(item, str):
                    self.spend(0, chars=len(item))
                elif isinstance(item, Mapping):
                    self.spend(len(item), chars=sum(len(str(name)) for name in item))
                    next_level += item.values()
                elif isinstance(item, list | tuple):
                    self.spend(len(item))
                    next_level += item
                elif isinstance(item, int):
                    check_digits(item)
            level, depth = next_level, depth + 1


def check_digits(number: int) -> None:
    """Refuse a number that is too long to be written."""
    if number.bit_length() > _MAX_NUMBER_BITS:
        raise OverBudget


# Patterns


@attrs.frozen
class _Choice:
    """A part that can match in several ways or up to ``max_count`` times; ``repeated`` inside a repeat."""

    max_count: int
    repeated: bool
    reference: bool = False
    ways: int = 2


def _choices(part: Any, *, repeated: bool = False) -> Iterator[_Choice]:
    """Yield the choices below one part of the parser's tree."""
    code = part[0] if isinstance(part, tuple) and part else None
    if code in _REPEATS:
        min_count, max_count, inner = part[1]
        if min_count != max_count:
            yield _Choice(int(max_count), repeated, ways=int(max_count) - int(min_count) + 1)
        yield from _choices(inner, repeated=repeated or max_count > 1)
        return
    if code is ops.BRANCH:
        yield _Choice(1, repeated, ways=min(_LONG_REPEAT, len(part[1][1])))
    elif code in _REFERENCES:
        yield _Choice(1, repeated, reference=True)
    for inner in part if isinstance(part, tuple | list | parser.SubPattern) else ():
        yield from _choices(inner, repeated=repeated)


def pattern_problem(expression: str) -> Message | None:
    """Return what is wrong with an expression for a number: malformed, without a group, or slow."""
    if len(expression) > _MAX_PATTERN_CHARS:
        return ProblemCode.TOO_LONG(maximum=_MAX_PATTERN_CHARS)
    try:
        groups = re.compile(expression).groups
    except (re.error, OverflowError, RecursionError) as error:
        return DocumentCode.NOT_A_PATTERN(detail=str(error))
    choices = list(_choices(parser.parse(expression)))
    rules = {
        DocumentCode.PATTERN_WITHOUT_GROUP(): groups < 1,
        DocumentCode.PATTERN_REFERS_BACK(): any(c.reference for c in choices),
        DocumentCode.PATTERN_NESTED(): any(c.repeated for c in choices),
        DocumentCode.PATTERN_REPEATS(maximum=_MAX_REPEATS): sum(c.max_count > 1 for c in choices)
        > _MAX_REPEATS,
        DocumentCode.PATTERN_CHOICES(maximum=_MAX_ALTERNATIVES): len(choices) > _MAX_ALTERNATIVES,
    }
    return next((reason for reason, is_broken in rules.items() if is_broken), None)


@lru_cache(maxsize=256)
def searched_chars(expression: str, number: int) -> int:
    """Return how much of a text each of ``number`` patterns may search: long repeats multiply the work."""
    choices = list(_choices(parser.parse(expression.replace(_NUMBER, r"\d+"))))
    ways = math.prod(choice.ways for choice in choices if choice.ways <= _LONG_REPEAT)
    power = 1 + sum(choice.ways > _LONG_REPEAT for choice in choices)
    chars = (_MAX_WAYS / number / ways * math.factorial(power)) ** (1 / power)
    return max(1, min(MAX_SEARCHED_CHARS, int(chars)))


def is_glob(pattern: str) -> bool:
    return not set("*?[").isdisjoint(pattern)


def matches_glob(text: str, patterns: Iterable[str]) -> bool:
    """Return whether a short text is one of the names, or matches one of the globs."""
    short = text[:MAX_SEARCHED_CHARS]
    return any(fnmatchcase(short, each) if is_glob(each) else text == each for each in patterns)


# Expressions


@attrs.frozen(kw_only=True)
class _Alternative:
    header: str | None = None
    tree: Any = None
    from_root: bool = False

    @classmethod
    def parse(cls, text: str) -> "_Alternative":
        if match := _HEADER.fullmatch(text):
            return cls(header=match[1].lower())
        try:
            tree = jmespath.compile(text.removeprefix("$.")).parsed
        except Exception as error:  # JMESPath lets some of Python's own through, such as IndexError
            detail = str(error).partition("\n")[0][:MAX_QUOTED_CHARS]
            raise Malformed(DocumentCode.NOT_JMESPATH(detail=detail)) from error
        for node in chain.from_iterable(_levels(tree)):
            if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
                raise Malformed(DocumentCode.NO_SUCH_FUNCTION(name=node["value"]))
        return cls(tree=tree, from_root=text.startswith("$."))


def _levels(tree: Any) -> Iterator[list[Any]]:
    level = [] if tree is None else [tree]
    while level:
        yield level
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]


@attrs.frozen
class Expression:
    """One compiled expression; equal texts are equal expressions."""

    text: str
    alternatives: tuple[_Alternative, ...] = attrs.field(eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Expression":
        if len(text) > MAX_EXPRESSION_CHARS:
            raise Malformed(ProblemCode.TOO_LONG(maximum=MAX_EXPRESSION_CHARS))
        parts = text.split("||") if "header:" in text or "$." in text else [text]
        return cls(text, tuple(_Alternative.parse(part.strip()) for part in parts))

    @property
    def problem(self) -> Message | None:
        """What is wrong with it whatever the response is; such a document is not saved."""
        for alternative in self.alternatives:
            for depth, level in enumerate(_levels(alternative.tree), start=1):
                if depth > _MAX_DEPTH:
                    return ProblemCode.TOO_DEEP()
                if any(node["type"] == "slice" and node["children"][2] == 0 for node in level):
                    return DocumentCode.SLICE_WITHOUT_STEP()
        return None

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the response headers that it reads, in lower case."""
        return tuple(a.header for a in self.alternatives if a.header is not None)

    def failure(self, error: Exception) -> CallError:
        detail = DocumentCode.TOO_COSTLY() if isinstance(error, OverBudget) else type(error).__name__
        reason = DocumentCode.EXPRESSION_FAILED(expression=self.text[:MAX_QUOTED_CHARS], detail=detail)
        return CallError(FailureCode.BAD_RESPONSE, reason)


@attrs.frozen(kw_only=True)
class UpstreamResponse:
    """A response, as far as expressions and errors need it, and what may be spent on reading it.

    What its images depend on has a budget of its own. An ``optional`` expression that fails finds nothing.
    """

    status: int
    headers: Mapping[str, str]  # by lower-case name
    tree: Any = None  # None if the body is not JSON
    text: str = ""
    secret: Secret | None = None  # must never be repeated from it
    skipped: dict[str, None] = attrs.field(factory=dict)  # texts of failed optional expressions: warnings
    essential: Budget = attrs.field(factory=Budget)
    optional: Budget = attrs.field(factory=Budget)

    def find(self, expression: Expression | None, item: Any = None, *, optional: bool = True) -> Any:
        """Return what an expression finds, in one ``item`` or in all of it; None for no expression.

        A JMESPath type error gives None, too: a response may have any shape.
        """
        if expression is None:
            return None
        value: Any = None
        interpreter = _Interpreter(self.optional if optional else self.essential)
        try:
            for alternative in expression.alternatives:
                if alternative.header is not None:
                    value = self.headers.get(alternative.header)
                else:
                    is_part = item is not None and not alternative.from_root
                    value = interpreter.evaluate(alternative.tree, item if is_part else self.tree)
                if not _is_falsy(value):
                    break
            if isinstance(value, int):
                check_digits(value)
        except Exception as error:  # JMESPath lets some of Python's own through, such as TypeError
            if not optional:
                raise expression.failure(error) from error
            self.skipped[expression.text] = None
            return None
        return value

    def text_at(
        self, expression: Expression | None, item: Any = None, *, optional: bool = True
    ) -> str | None:
        """Return the scalar that it finds as text; None for nothing, a list or an object."""
        value = self.find(expression, item, optional=optional)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else None

    def holds(self, expression: Expression | None, item: Any = None) -> bool:
        """Return whether a condition holds; one that fails does not, so that it costs no image."""
        return not _is_falsy(self.find(expression, item))


def _is_falsy(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)


class _Interpreter(TreeInterpreter):
    """Spends the budget before each step. It keeps no bound methods, which would make reference cycles."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(Options(custom_functions=_Functions(budget)))
        self._budget = budget

    def evaluate(self, tree: Any, value: Any) -> Any:
        try:
            return self.visit(tree, value)
        except JMESPathError:
            return None

    def visit(self, node: Any, value: Any) -> Any:
        self._budget.spend()
        return _VISITS[node["type"]](self, node, value)

    def visit_slice(self, node: Any, value: Any) -> Any:
        self._budget.spend(len(value) if isinstance(value, list) else 0)
        return super().visit_slice(node, value)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        for element in base if isinstance(base, list) else ():
            self._budget.spend(len(element) if isinstance(element, list) else 1)
        flatten: Any = ast.flatten(ast.literal(base))
        return super().visit_flatten(flatten, None)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        one, other = (self.visit(child, value) for child in node["children"])
        if isinstance(one, list | dict | str) and type(one) is type(other):
            self._budget.spend_tree(min(one, other, key=len))
        comparator: Any = ast.comparator(node["value"], ast.literal(one), ast.literal(other))
        return super().visit_comparator(comparator, None)


_VISITS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {name[len("visit_") :]: getattr(_Interpreter, name) for name in dir(_Interpreter) if "visit_" in name}
)


class _Functions(Functions):
    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        arguments = list(resolved_args)
        if function_name == "to_string":
            self._budget.spend_tree(arguments)
        elif function_name not in _CONSTANT_TIME:
            for argument in arguments:
                self._spend(function_name, argument, arguments)
        return super().call_function(function_name, arguments)

    def _spend(self, name: str, argument: Any, arguments: list[Any]) -> None:
        if isinstance(argument, str):
            # Reading a number takes longer than reading text.
            self._budget.spend(len(argument) // 16 if name == "to_number" else 0, chars=len(argument))
        elif isinstance(argument, list | dict):
            count, searched = len(argument), arguments[-1]
            self._budget.spend(count)
            if name == "contains" and isinstance(searched, list | dict):
                self._budget.spend_tree(argument)
            if name in ("contains", "join"):
                text = searched if name == "contains" else arguments[0]
                self._budget.spend(0, chars=count * len(text) if isinstance(text, str) else 0)
            if name in ("join", "sort", "min", "max"):
                comparisons = 1 if name == "join" else count.bit_length()
                texts = (len(item) for item in argument if isinstance(item, str))
                self._budget.spend(0, chars=comparisons * sum(texts))

    def _create_key_func(self, *args: Any) -> Callable[[Any], Any]:
        read_key = super()._create_key_func(*args)  # type: ignore[misc] # not among the types

        def key(item: Any) -> Any:
            value = read_key(item)
            self._budget.spend(0, chars=_MAX_COMPARISONS * len(value) if isinstance(value, str) else 0)
            return value

        return key
