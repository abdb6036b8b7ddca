"""How our templates are compiled: what never changes is worked out once for each language, and calls are plain calls.

A list of fifty conversations makes some 1,300 calls and writes 1,500 values. Jinja2 asks each callee whether it wants
the template's context, and wraps each value; here both are settled when the template is compiled. `_("Close")` and
`icon("x")` become text of the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from functools import lru_cache
from keyword import iskeyword
from typing import Any
from uuid import UUID

from django.utils import translation
from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

_special = re.compile("[&<>\"']").search


def shown(value: Any) -> str:
    """What a page writes for a value: `escape`, quick for the text without special signs that nearly all of it is."""
    kind = type(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind is str and not _special(value):
        return value  # type: ignore[no-any-return]
    if kind is int or kind is UUID:
        return str(value)
    return escape(value)


@lru_cache(maxsize=8192)
def sentence(language: str | None, message: str) -> str:
    """A translation; templates hold a fixed number of sentences."""
    with translation.override(language):
        return translation.gettext(message)


def filled(text: Markup, /, **values: Any) -> Markup:
    """A translated sentence with its values, which are escaped."""
    plain = {k: v if isinstance(v, int | float) else shown(v) for k, v in values.items()}
    return Markup(str.__mod__(text, plain))  # noqa: S704  (escaped one by one; Markup's own `%` takes three times as long)


class Generator(CodeGenerator):
    """Calls a function as Python does, unless it wants the context of the template."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802  (the visitor's naming)
        callee = node.node
        plain = isinstance(callee, (nodes.Name, nodes.Getattr)) and not forward_caller
        if isinstance(callee, nodes.Name):
            plain &= not hasattr(self.environment.globals.get(callee.name), "jinja_pass_arg")
        if not plain or node.dyn_args or node.dyn_kwargs or any(iskeyword(k.key) for k in node.kwargs):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(callee, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.shown(")


class _Known(NodeTransformer):
    """Replaces calls whose answer is known when the template is compiled by the answer."""

    def __init__(self, language: str, fixed: dict[str, Callable[..., Any]]) -> None:
        self.language, self.fixed = language, fixed

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  (the visitor's naming)
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.dyn_args or node.dyn_kwargs:
            return node
        if not all(isinstance(argument, nodes.Const) for argument in node.args):
            return node
        constants = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
        if node.node.name == "_":
            text = Markup(sentence(self.language, constants[0]))  # noqa: S704  (our own sentences)
            if not node.kwargs:
                return nodes.Const(text % {} if "%" in text else text, lineno=node.lineno)
            node.args[0] = nodes.Const(text, lineno=node.lineno)
            node.node = nodes.Name("filled", "load", lineno=node.lineno)
            return node
        named = {k.key: k.value.value for k in node.kwargs if isinstance(k.value, nodes.Const)}
        if node.node.name in self.fixed and len(named) == len(node.kwargs):
            with suppress(
                KeyError
            ):  # an icon that is not bundled fails where it is shown, not the whole template
                return nodes.Const(self.fixed[node.node.name](*constants, **named), lineno=node.lineno)
        return node


class Templates(Environment):
    """Jinja2 as our screens use it.

    `fixed` holds the globals whose answer is known from constant arguments, `by_language` makes those that depend on the
    language.
    """

    code_generator_class = Generator
    shown = staticmethod(shown)
    language = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.fixed: dict[str, Callable[..., Any]] = {}
        self.by_language: dict[str, Callable[[str], Callable[..., Any]]] = {}
        self._languages: dict[str, Templates] = {}
        self._constants: dict[str, Markup] = {}
        self.globals["constant"] = self.constant

    def in_language(self, language: str | None) -> Templates:
        """The same templates with their sentences in one language."""
        if not language:
            return self
        if language not in self._languages:
            own = self.overlay()
            own.language = language
            own._constants = {}
            own.globals = {
                **self.globals,
                "constant": own.constant,
                **{name: make(language) for name, make in self.by_language.items()},
            }
            self._languages[language] = own
        return self._languages[language]

    def constant(self, name: str) -> Markup:
        """A template that takes nothing from the page, rendered once for each language."""
        if name not in self._constants or not self.language or self.auto_reload:
            self._constants[name] = Markup(self.get_template(name).render())  # noqa: S704  (what the template escaped)
        return self._constants[name]

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A dict, quicker than Jinja2's chain of them, which would see globals that are added later."""
        return {**self.globals, **(d or {})}

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        if self.language:
            _Known(self.language, self.fixed).visit(source)
        return super()._generate(source, name, filename, defer_init)
