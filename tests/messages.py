"""The messages of the program as patterns, read from its sources: what varies in them is an ellipsis.

A message is the first argument of an error class.  Where that names a variable, these are followed: a variable is
what its function assigns to it; a parameter is what the calls in the same file hand over; an exception of a class of
the same file, caught under a name, is what that class is called with.  All else varies.  `python tests/messages.py`
prints them with their places.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import provoked

VARIES = "…"
_NAMES = ("key",)
"""Variables that are never followed: they hold the name of some field, each message would come with every one."""
_DEEPEST = 4


class Source:
    """A file, and who encloses whom in it."""

    def __init__(self, path: Path):
        self.tree = ast.parse(path.read_text())
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.calls: dict[str, list[ast.Call]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                self.calls.setdefault(called(node), []).append(node)

    def functions(self, node: ast.AST) -> Iterator[ast.FunctionDef]:
        """Those around a node, from the innermost on."""
        while node := self.parents.get(node):
            if isinstance(node, ast.FunctionDef):
                yield node

    def patterns(self, node: ast.AST, depth: int = 0) -> list[str]:
        """What a text may be."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.FormattedValue(value=inner):
                return self.patterns(inner, depth)
            case ast.JoinedStr(values=parts):
                return self._joined(parts, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], depth)
            case ast.IfExp(body=body, orelse=other):
                return self.patterns(body, depth) + self.patterns(other, depth)
            case ast.Name(id=name) if name not in _NAMES and depth < _DEEPEST:
                return self._variable(node, depth + 1) or [VARIES]
        return [VARIES]

    def _joined(self, parts: list, depth: int) -> list[str]:
        return ["".join(each) for each in itertools.product(*(self.patterns(part, depth) for part in parts))]

    def _variable(self, name: ast.Name, depth: int) -> list[str]:
        found = []
        for function in self.functions(name):
            for node in ast.walk(function):
                match node:
                    case ast.Assign(targets=[ast.Name(id=name.id)], value=value):
                        found += self.patterns(value, depth)
                    case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                        found += self._unpacked(name.id, targets, value, depth)
                    case ast.ExceptHandler(type=ast.Name(id=kind), name=name.id) if kind.startswith("_"):
                        found += [text for call in self.calls[kind] for text in self.patterns(call.args[0], depth)]
            names = [argument.arg for argument in function.args.args if argument.arg != "self"]
            if name.id in names and not found:
                at = names.index(name.id)
                # A method and a class's own __init__ are called without `self`.
                for call in self.calls.get(function.name, []):
                    found += self.patterns(call.args[at], depth) if at < len(call.args) else [VARIES]
            if found:
                break
        return found

    def _unpacked(self, name: str, targets: list, value: ast.AST, depth: int) -> list[str]:
        names = [getattr(target, "id", None) for target in targets]
        if name not in names:
            return []
        match value:
            case ast.Tuple(elts=values):
                return self.patterns(values[names.index(name)], depth)
            case ast.Call(func=ast.Name(id=function)):
                tuples = [node.value for each in ast.walk(self.tree)
                          if isinstance(each, ast.FunctionDef) and each.name == function
                          for node in ast.walk(each) if isinstance(node, ast.Return)]
                return [text for each in tuples if isinstance(each, ast.Tuple)
                        for text in self.patterns(each.elts[names.index(name)], depth)]
        return [VARIES]


def called(call: ast.Call) -> str:
    """The name of what is called, without what is in front of the point."""
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def normal(text: str) -> str:
    """White space is one blank, ellipses that follow one another are one, quotation marks around one go."""
    return re.sub(r"…(?:\s?…)+", VARIES, " ".join(text.replace("`", "").split()))


def messages(package: Path = provoked.PACKAGE) -> dict[str, set[str]]:
    """Patterns of all messages, and the places (file:line) that make them."""
    found: dict[str, set[str]] = {}
    names = provoked.error_classes(package)
    for path in sorted(package.rglob("*.py")):
        source = Source(path)
        for call in itertools.chain(*source.calls.values()):
            if provoked.makes_error(call.func, names):
                texts = source.patterns(call.args[0]) if call.args else ["interrupted"]
                for text in [_shown(called(call), text) for text in texts]:
                    if re.search("[a-z]", text):        # else it is another message handed on
                        found.setdefault(text, set()).add(f"{path.relative_to(package)}:{call.lineno}")
    return found


def _shown(kind: str, text: str) -> str:
    """As the command line shows it."""
    if kind == "ArgumentTypeError":
        text = f"argument …: {text.partition(';')[0]}"
    return normal(text)


if __name__ == "__main__":
    for text, where in sorted(messages().items(), key=lambda item: sorted(item[1])):
        print(*sorted(where), "\n     ", text)
