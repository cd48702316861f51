"""Tell a stub from an attempt."""

import ast
import inspect
import textwrap
from typing import Any


def is_stub(answer: Any) -> bool:
    """Return True for `...` (also in a list), None, and a function or class that does nothing."""
    if answer is None or answer is ...:
        return True
    if isinstance(answer, tuple | list):
        return any(part is ... for part in answer)
    if not (inspect.isfunction(answer) or inspect.isclass(answer)):
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    except (OSError, TypeError, SyntaxError):
        return False
    return _is_empty(tree.body[0])


def _is_empty(node: ast.stmt) -> bool:
    """Return True when no statement of a definition does anything; a class is as empty as its methods."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return all(_is_empty(statement) for statement in node.body)
    if isinstance(node, ast.Return):
        return node.value is None or (
            isinstance(node.value, ast.Constant) and node.value.value in (None, ...)
        )
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass)
