"""The messages of the program as patterns, read from its sources: what varies in them is an ellipsis.

A message is the first argument of an error class, its remedy the second.  Where these name variables, they are
followed: a variable is what its function or its module assigns to it; a parameter is what the calls in the same file
hand over; an exception of a class of the same file, caught under a name, is what that class is called with.  All else
varies.  `python tests/messages.py` prints all messages with their places.

What there is to know beyond the remedy stands in comments that begin with `#:`, above the statement that makes the
error, or above the call, assignment or `return` that gave it this text.  docs/generate.py makes a page of all.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import provoked

from bigconst.base import errors

VARIES = "…"
_NONE = "\0"
"""Where None is handed over for a text."""
_NAMES = ("key",)
"""Variables that are never followed: they hold the name of some field, each message would come with every one."""
_DEEPEST = 4

Chosen = dict[object, ast.AST]
"""Which call, assignment or `return` was followed, wherever there are several."""


@dataclass(frozen=True)
class Message:
    """A message that a place in the sources makes: a pattern of it, and what to do about it."""

    text: str
    file: str
    """below bigconst/"""
    line: int
    kind: str
    """name of the error class; empty where that depends"""
    advice: str
    """what the comment says; empty without one"""
    remedy: str
    """a pattern, too; empty where the message has none"""

    @property
    def place(self) -> str:
        """file:line"""
        return f"{self.file}:{self.line}"


class Source:
    """A file, and who encloses whom in it."""

    def __init__(self, path: Path):
        text = path.read_text()
        self.lines = text.splitlines()
        self.tree = ast.parse(text)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.calls: dict[str, list[ast.Call]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                self.calls.setdefault(called(node), []).append(node)
        for calls in self.calls.values():
            calls.sort(key=lambda call: (call.lineno, call.col_offset))

    def advice(self, call: ast.Call, chosen: Chosen) -> str:
        """The comment that is nearest to where the text comes from."""
        for node in (*reversed(chosen.values()), call):
            while node in self.parents:
                if (isinstance(node, ast.stmt) or node is call) and (comment := self._comment(node.lineno)):
                    return comment
                if isinstance(node, ast.stmt):
                    break
                node = self.parents[node]
        return ""

    def _comment(self, line: int) -> str:
        """The one that ends above a line, counted from 1."""
        above = reversed(self.lines[:line - 1])
        block = itertools.takewhile(lambda text: text.startswith("#:"), map(str.strip, above))
        return " ".join(text.removeprefix("#:").strip() for text in reversed(list(block)))

    def patterns(self, node: ast.AST | None, chosen: Chosen, depth: int = 0) -> list[tuple[str, Chosen]]:
        """What a text may be after these choices, and the choices that lead there."""
        match node:
            case ast.Constant(value=str(text)):
                return [(text, chosen)]
            case ast.Constant(value=None):
                return [(_NONE, chosen)]
            case ast.FormattedValue(value=inner):
                return self.patterns(inner, chosen, depth)
            case ast.JoinedStr(values=parts):
                return self._joined(parts, chosen, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], chosen, depth)
            case ast.IfExp(body=body, orelse=other):
                return self.patterns(body, chosen, depth) + self.patterns(other, chosen, depth)
            case ast.Name(id=name) if name not in _NAMES and depth < _DEEPEST:
                return _distinct(self._variable(node, chosen, depth + 1), chosen)
            case ast.Call(func=ast.Name(id=function)) if depth < _DEEPEST:
                return _distinct([each for scope, returned in self._returns(function) for each in self.patterns(
                    returned.value, {**chosen, scope: node, node: returned}, depth + 1)], chosen)
        return [(VARIES, chosen)]

    def _joined(self, parts: list, chosen: Chosen, depth: int) -> list[tuple[str, Chosen]]:
        found = [("", chosen)]
        for part in parts:
            found = [(text + more, then) for text, now in found
                     for more, then in _texts(self.patterns(part, now, depth), now)]
        return found

    def _variable(self, name: ast.Name, chosen: Chosen, depth: int) -> list[tuple[str, Chosen]]:
        for scope in self._scopes(name):
            found = []
            for key, choice, value in self._values(name.id, scope, chosen):
                if chosen.get(key, choice) is choice:
                    found += self.patterns(value, {**chosen, key: choice}, depth)
            if found:
                return found
        return []

    def _scopes(self, node: ast.AST) -> Iterator[ast.FunctionDef | ast.Module]:
        """Those around a node, from the innermost on."""
        while node := self.parents.get(node):
            if isinstance(node, ast.FunctionDef | ast.Module):
                yield node

    def _values(self, name: str, scope: ast.FunctionDef | ast.Module,
                chosen: Chosen) -> Iterator[tuple[object, ast.AST, ast.AST | None]]:
        """What is assigned to a variable, each with the choice that it takes."""
        for node in ast.walk(scope) if isinstance(scope, ast.FunctionDef) else scope.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    yield (scope, name), node, value
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value) if name in (at := _names(targets)):
                    for choice, row in self._rows(node, value):
                        if chosen.get((scope, *at), node) is node:
                            yield node, choice, row.elts[at.index(name)] if row else None
                case ast.For(target=ast.Tuple(elts=targets), iter=ast.Tuple(elts=rows)) if name in _names(targets):
                    for row in rows:
                        yield node, row, row.elts[_names(targets).index(name)]
                case ast.ExceptHandler(type=ast.Name(id=kind), name=caught) if caught == name and kind[0] == "_":
                    for call in self.calls[kind]:
                        yield node, call, call.args[0]
        if isinstance(scope, ast.FunctionDef) and name in (names := _parameters(scope)):
            for call in self.calls.get(scope.name, []):
                yield scope, call, _argument(call, names.index(name), name) or _default(scope, name)

    def _returns(self, function: str) -> Iterator[tuple[ast.FunctionDef, ast.Return]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef) and node.name == function:
                yield from ((node, inner) for inner in ast.walk(node) if isinstance(inner, ast.Return))

    def _rows(self, node: ast.Assign, value: ast.AST) -> Iterator[tuple[ast.AST, ast.Tuple | None]]:
        """The tuples that an assignment to several variables takes apart, each with the choice that it takes."""
        match value:
            case ast.Tuple():
                yield node, value
            case ast.Call(func=ast.Name(id=function)):
                for _, returned in self._returns(function):
                    if isinstance(returned.value, ast.Tuple):
                        yield returned, returned.value
            case _:
                yield node, None


def _distinct(found: list[tuple[str, Chosen]], chosen: Chosen) -> list[tuple[str, Chosen]]:
    """With what varies once, whatever was followed to it: that was no choice of a text."""
    texts = [(text, then) for text, then in found if normal(text) != VARIES]
    return texts + [(VARIES, chosen)] * (len(texts) < len(found) or not found)


def _texts(found: list[tuple[str, Chosen]], chosen: Chosen) -> list[tuple[str, Chosen]]:
    """Those that are a part of a longer text, which None is not."""
    return [(text, then) for text, then in found if text != _NONE] or [(VARIES, chosen)]


def _names(targets: list) -> list[str | None]:
    return [getattr(target, "id", None) for target in targets]


def _parameters(function: ast.FunctionDef) -> list[str]:
    """As calls hand them over: a method and a class's own __init__ are called without `self`."""
    every = [*function.args.args, *function.args.kwonlyargs]
    return [argument.arg for argument in every if argument.arg != "self"]


def _argument(call: ast.Call, at: int, name: str) -> ast.AST | None:
    if at < len(call.args):
        return call.args[at]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _default(function: ast.FunctionDef, name: str) -> ast.AST | None:
    arguments = function.args
    with_default = [*zip(reversed(arguments.args), reversed(arguments.defaults), strict=False),
                    *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return next((value for argument, value in with_default if argument.arg == name), None)


def called(call: ast.Call) -> str:
    """The name of what is called, without what is in front of the point."""
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def normal(text: str) -> str:
    """White space is one blank, ellipses that follow one another and points behind one are one ellipsis."""
    return re.sub(r"…(?:\s?…|\.\.+)+", VARIES, " ".join(text.split()))


def messages(package: Path = provoked.PACKAGE) -> list[Message]:
    """Those of all places, in the order of files and lines; a place may make several."""
    found: list[Message] = []
    names = provoked.error_classes(package)
    for path in sorted(package.rglob("*.py")):
        source = Source(path)
        calls = [call for call in itertools.chain(*source.calls.values()) if provoked.makes_error(call.func, names)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            for text, advice, remedy in dict.fromkeys(_made(source, call)):
                if re.search("[a-z]", text):        # else it is another message handed on
                    found.append(Message(text, str(path.relative_to(package)), call.lineno, called(call), advice,
                                         remedy))
    return found


def _made(source: Source, call: ast.Call) -> Iterator[tuple[str, str, str]]:
    """(message, advice, remedy), as the command line shows it: without quotation marks around names."""
    kind = called(call)
    given = _argument(call, 1, "remedy")
    for text, chosen in source.patterns(call.args[0], {}) if call.args else [("interrupted", {})]:
        if kind == "ArgumentTypeError":
            text, _, remedy = text.partition("; ")
            remedies = [remedy]
            text = f"argument …: {text}"
        else:
            remedies = [remedy for remedy, _ in source.patterns(given, chosen)] if given is not None else [_NONE]
        for remedy in remedies:
            remedy = getattr(getattr(errors, kind, None), "remedy", "") if remedy == _NONE else remedy
            yield normal(text.replace("`", "")), source.advice(call, chosen), normal(remedy)


if __name__ == "__main__":
    for message in messages():
        print(f"{message.place} {message.kind}: {message.text}\n    {message.remedy}\n    #: {message.advice}")
