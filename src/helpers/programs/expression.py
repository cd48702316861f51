"""Run source text as one cell of a notebook would, and keep the value of its last expression."""

import ast
from typing import Any


def value_of(source: str, names: dict[str, Any]) -> Any:
    """Run the source and return the value of its last expression, be it the last one of a `with` block.

    `names` are its global names, which stay as they are. Raises whatever the source raises.
    """
    tree = ast.parse(source)
    block = tree.body
    while isinstance(block[-1], ast.With):
        block = block[-1].body
    last = block[-1]
    if isinstance(last, ast.Expr):
        block[-1] = ast.copy_location(ast.Assign([ast.Name("value", ast.Store())], last.value), last)
    inside = {**names, "__name__": __name__, "value": None}
    exec(compile(ast.fix_missing_locations(tree), "a line", "exec"), inside)
    return inside["value"]
