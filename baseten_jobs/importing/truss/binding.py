"""The arguments of a call -> the names that a function's parameters give them."""

import ast
from collections.abc import Mapping

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss.methods import Arguments, Keywords
from baseten_jobs.importing.truss.values import DictValue, Refused


def bound(
    parameters: ast.arguments, defaults: Mapping[str, Placed], given: Arguments, named: Keywords
) -> dict[str, Placed]:
    """Each parameter with its value; raises Refused for a call that Python refuses."""
    by_place = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
    by_name = {each.arg for each in (*parameters.args, *parameters.kwonlyargs)}
    names = dict(defaults)
    names.update(zip(by_place, given, strict=False))
    more = DictValue()
    for name, value in named.items():
        if name in by_name and name not in by_place[: len(given)]:
            names[name] = value
        elif name in by_name or parameters.kwarg is None:
            raise Refused(f"Python refuses it: '{name}' is given twice or not known")
        else:
            more[name] = value
    if len(given) > len(by_place) and parameters.vararg is None:
        raise Refused(f"Python refuses it: {len(given)} values for {len(by_place)} parameters")
    if missing := [name for name in (*by_place, *(each.arg for each in parameters.kwonlyargs)) if name not in names]:
        raise Refused(f"Python refuses it: '{missing[0]}' is not given")
    if parameters.vararg is not None:
        names[parameters.vararg.arg] = Placed(tuple(given[len(by_place) :]))
    if parameters.kwarg is not None:
        names[parameters.kwarg.arg] = Placed(more)
    return names


def default_nodes(parameters: ast.arguments) -> dict[str, ast.expr]:
    """The parameters that have a default."""
    by_place = [*parameters.posonlyargs, *parameters.args]
    trailing = by_place[len(by_place) - len(parameters.defaults) :]
    pairs = [
        *zip(trailing, parameters.defaults, strict=True),
        *zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True),
    ]
    return {parameter.arg: node for parameter, node in pairs if node is not None}
