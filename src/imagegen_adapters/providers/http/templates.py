"""The template language of a document: data that holds ``${placeholders}`` and directives, never code.

A string that is exactly ``${path}`` keeps the type of what it names; within other text the value is
written as text. A null removes its key; an object that lost all its keys is removed likewise.

=========================================================== =============================================
``{$each: refs, $item: T}``                                 a list with T for each, named ``item`` within
… ``$single_as_scalar: true``, ``$omit_empty: true``        one item without its list; no empty list
``{$each: refs, $file: true}``                              the same for multipart: one part an image
``$spread: {$each: refs, $key: "image${item.suffix}", $value: T}``  keys beside the object's own
``{$concat: [T, …]}``                                       lists (and single values) joined
``{$file_of: mask}``                                        an image as a multipart file
``{$if: path, $then: T, $else: T}``                         whether the path names anything
``{$default: [T, …]}``                                      the first that is not null
``{$map: T, $to: {value: T}}``                              a value translated; itself when not listed
=========================================================== =============================================
"""

from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.http.budgets import Budget, OverBudget
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.template_nodes import Node
from imagegen_adapters.providers.http.template_parser import TemplateParser
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode


@attrs.frozen
class Template:
    """A parsed template. ``names`` maps each path that it mentions (``params.quality``) to its place."""

    source: Any
    names: Mapping[str, tuple[str, ...]] = attrs.field(eq=False, repr=False)
    _root: Node = attrs.field(eq=False, repr=False)

    @classmethod
    def parse(cls, source: Any, budget: Budget | None = None) -> "Template":
        """Return the template for plain data; each placeholder takes a step of the budget.

        Raises:
            TemplateError: a placeholder has an unknown name, or a directive is malformed.
        """
        parser = TemplateParser(Budget() if budget is None else budget)
        root = parser.parse(source)
        return cls(source, parser.names, root)

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        """Return the data with all placeholders filled in, None if nothing remains.

        Raises:
            CallError: ``rejected``, nothing was sent: it would be too large.
        """
        try:
            return self._root.render(scope, budget)
        except OverBudget as error:
            reason = DocumentCode.DOCUMENT_REQUEST_TOO_LARGE()
            raise CallError(FailureCode.REJECTED, reason, possible_charge=False) from error

    def mentions(self, name: str) -> bool:
        """Return whether it uses ``name`` or anything below it."""
        return any(n == name or n.startswith((f"{name}.", f"{name}[")) for n in self.names)
