"""Expressions that read a provider's response: JMESPath, compiled when the document is loaded.

In addition to JMESPath there are ``header:Name``, the value of a response header, and ``$.path``, which
starts at the whole response where an expression otherwise starts at one of its items. Both may be
alternatives in ``a || b``. All work is charged to a `Budget`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

import attrs
import jmespath
from jmespath import ast
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

from imagegen_adapters.providers.http.budgets import MAX_STEPS, Budget, OverBudget, Reading, check_digits
from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.messages import Message
from imagegen_core.problems.fields import ProblemCode

MAX_EXPRESSION_CHARS = 4096
MAX_EXPRESSION_DEPTH = 64
"""Nesting of an expression; deeper ones would overflow the stack."""

MAX_QUOTED_CHARS = 200

_CONSTANT_TIME = frozenset(("length", "type", "not_null", "to_array"))
_MAX_COMPARISONS = MAX_STEPS.bit_length()
"""Of one key with others, while what has keys is sorted."""
_HEADER = re.compile(r"header:([A-Za-z0-9!#$%&'*+.^_`|~-]+)")
_FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@attrs.frozen
class Expression:
    """One compiled expression; equal texts are equal expressions."""

    text: str
    _alternatives: tuple["_Alternative", ...] = attrs.field(eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Expression":
        """Return the compiled expression.

        Raises:
            Malformed: it is no expression, or calls a function that JMESPath does not have.
        """
        if len(text) > MAX_EXPRESSION_CHARS:
            raise Malformed(ProblemCode.TOO_LONG(maximum=MAX_EXPRESSION_CHARS))
        parts = text.split("||") if "header:" in text or "$." in text else [text]
        return cls(text, tuple(_parse_alternative(part.strip()) for part in parts))

    @property
    def problem(self) -> Message | None:
        """What can be seen of it without a response, and no document is saved with; None if nothing is."""
        return next(
            filter(None, (_problem_of(a.tree) for a in self._alternatives if a.tree is not None)), None
        )

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the response headers that it reads, in lower case."""
        return tuple(a.header for a in self._alternatives if a.header is not None)

    def search(
        self,
        item: Any,
        *,
        root: Any = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        reading: Reading | None = None,
        optional: bool = False,
    ) -> Any:
        """Return what the expression finds in ``item``, or None.

        ``root`` is the whole response, ``headers`` are its headers by lower-case name. A JMESPath type error
        gives None: a response may have any shape. So does any other error of one that is ``optional``; it
        is then among those that the ``reading`` skipped.

        Raises:
            CallError: ``bad_response``; it takes more than the budget, or cannot be evaluated.
        """
        reading = Reading() if reading is None else reading
        interpreter = _Interpreter(reading.optional if optional else reading.essential)
        try:
            for alternative in self._alternatives:
                value = alternative.search(interpreter, item, root if root is not None else item, headers)
                if not _is_falsy(value):
                    break
            if isinstance(value, int):
                check_digits(value)
            return value
        except Exception as error:  # JMESPath lets some of Python's own through, such as TypeError
            if optional:
                reading.skipped[self.text] = None
                return None
            raise self.failure(error) from error

    def search_text(self, item: Any, **places: Any) -> str | None:
        """Return the scalar that it finds as text; None for nothing, a list or an object. As `search`."""
        value = self.search(item, **places)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else None

    def holds(self, item: Any, **places: Any) -> bool:
        """Return whether it finds something that is true in the sense of JMESPath. As `search`."""
        return not _is_falsy(self.search(item, **places))

    def failure(self, error: Exception) -> CallError:
        """Return the error of a call whose response it cannot read."""
        detail = DocumentCode.TOO_COSTLY() if isinstance(error, OverBudget) else type(error).__name__
        reason = DocumentCode.EXPRESSION_FAILED(expression=self.text[:MAX_QUOTED_CHARS], detail=detail)
        return CallError(FailureCode.BAD_RESPONSE, reason)


@attrs.frozen(kw_only=True)
class _Alternative:
    header: str | None = None
    tree: Any = None
    from_root: bool = False

    def search(self, interpreter: "_Interpreter", item: Any, root: Any, headers: Mapping[str, str]) -> Any:
        if self.header is not None:
            return headers.get(self.header)
        try:
            return interpreter.visit(self.tree, root if self.from_root else item)
        except JMESPathError:
            return None


class _Interpreter(TreeInterpreter):
    """Evaluates trees, and spends a budget before it works.

    Unlike the one of JMESPath it keeps no bound methods: they would make a cycle of each that is used up.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__(Options(custom_functions=_Functions(budget)))
        self._budget = budget

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
    {
        name.removeprefix("visit_"): getattr(_Interpreter, name)
        for name in dir(_Interpreter)
        if "visit_" in name
    }
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


def _parse_alternative(text: str) -> _Alternative:
    header = _HEADER.fullmatch(text)
    if header:
        return _Alternative(header=header[1].lower())
    from_root = text.startswith("$.")
    try:
        tree = jmespath.compile(text.removeprefix("$.")).parsed
    except Exception as error:  # JMESPath lets some of Python's own through, such as IndexError
        detail = str(error).partition("\n")[0][:MAX_QUOTED_CHARS]
        raise Malformed(DocumentCode.NOT_JMESPATH(detail=detail)) from error
    for node in chain.from_iterable(_levels(tree)):
        if node["type"] == "function_expression" and node["value"] not in _FUNCTIONS:
            raise Malformed(DocumentCode.NO_SUCH_FUNCTION(name=node["value"]))
    return _Alternative(tree=tree, from_root=from_root)


def _levels(tree: Any) -> Iterator[list[Any]]:
    """Yield the nodes of a tree, level by level."""
    level = [tree]
    while level:
        yield level
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]


def _problem_of(tree: Any) -> Message | None:
    for depth, level in enumerate(_levels(tree), start=1):
        if depth > MAX_EXPRESSION_DEPTH:
            return ProblemCode.TOO_DEEP()
        if any(node["type"] == "slice" and node["children"][2] == 0 for node in level):
            return DocumentCode.SLICE_WITHOUT_STEP()
    return None


def _is_falsy(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)
