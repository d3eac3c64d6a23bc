"""Local names of a chunk, and what an expression's type is written as.

An expression is spelled so that a resolver can find its type without the code:

    self              the receiver
    <T>               something whose type is written out (`rsidx.indexer.rust.types`)
    a::f()            what a call of a path returns
    a::B              a constant, a static or a unit struct
    ….field  ….0      a field of what stands before
    ….m()             what a method returns
    ….?               the inside of an Option or Result
    ….!               the error of a Result
    ….[]              an element
    ….await           the output of an async call
    ?                 anything else
"""

import re

from tree_sitter import Node

from rsidx.indexer.rust.types import UNKNOWN, canonical, name_of

SELF = "self"
_POINTERS = (
    ["Box", "new"],
    ["Rc", "new"],
    ["Arc", "new"],
    ["Pin", "new"],
    ["Rc", "clone"],
    ["Arc", "clone"],
)
_MAX_HOPS = 6
_MAX_STEPS = 16
_MAX_CHARS = 200
_INNER = {
    "reference_expression": "value",
    "parenthesized_expression": None,
    "unary_expression": None,
}
_WORD = re.compile(r"\w+")


class Scope:
    """Names bound at one point of a chunk: values with their expression, generics with bounds.

    `leave(enter())` undoes all that was bound in between.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._values: dict[str, str | None] = {}
        self._generics: dict[str, str | None] = {}
        self._undo: list[tuple[dict[str, str | None], str, str | None]] = []

    def enter(self) -> int:
        """Begin a scope; returns what `leave` wants."""
        return len(self._undo)

    def leave(self, mark: int) -> None:
        """End the scope that `enter` began."""
        while len(self._undo) > mark:
            table, name, before = self._undo.pop()
            table[name] = before

    def bind(self, name: str, expression: str) -> None:
        """Bind a value."""
        self._undo.append((self._values, name, self._values.get(name)))
        self._values[name] = expression

    def declare(self, generics: dict[str, str]) -> None:
        """Bind generic parameters."""
        for name, bounds in generics.items():
            self._undo.append((self._generics, name, self._generics.get(name)))
            self._generics[name] = bounds

    def value(self, name: str) -> str | None:
        """Return the expression that a local name stands for, None if it is not local."""
        return self._values.get(name)

    def bounds(self, name: str) -> str | None:
        """Return a generic parameter's bounds, None if the name is none."""
        return self._generics.get(name)

    def binds(self, name: str) -> bool:
        """Tell whether a name is local: a value, or a generic parameter."""
        return self.value(name) is not None or self.bounds(name) is not None

    def type_of(self, node: Node | None) -> str:
        """Return a written type's spelling with generic parameters replaced by their bounds."""
        spelled = canonical(node, self._text)
        if any(self._generics.values()):
            spelled = _WORD.sub(lambda m: self._generics.get(m.group()) or m.group(), spelled)
        return spelled

    def typed(self, node: Node | None) -> str:
        """Return the expression of something whose type is written out."""
        spelled = self.type_of(node)
        return UNKNOWN if spelled == UNKNOWN else f"<{spelled}>"

    def expression(self, node: Node | None) -> str:
        """Spell an expression; `UNKNOWN` for what has no written type."""
        hops: list[str] = []
        atom = UNKNOWN
        for _ in range(_MAX_STEPS):
            if node is None:
                break
            kind = node.type
            if kind in _INNER:
                field = _INNER[kind]
                named = node.named_children
                if kind == "unary_expression" and not self._starts(node, b"*"):
                    return UNKNOWN
                node = node.child_by_field_name(field) if field else (named[0] if named else None)
            elif kind == "field_expression":
                hops.append(self._field(node))
                node = node.child_by_field_name("value")
            elif kind in ("try_expression", "await_expression", "index_expression"):
                hops.append({"t": "?", "a": "await", "i": "[]"}[kind[0]])
                node = node.named_children[0] if node.named_children else None
            elif kind == "call_expression":
                function = _callee(node)
                if function is not None and function.type == "field_expression":
                    hops.append(f"{self._field(function)}()")
                    node = function.child_by_field_name("value")
                elif self._is_pointer_to(function):
                    node = _first_argument(node)
                else:
                    atom, node = self._call(function), None
            else:
                atom, node = self._atom(node), None
        if atom == UNKNOWN or node is not None or len(hops) > _MAX_HOPS:
            return UNKNOWN
        spelled = ".".join([atom, *reversed(hops)])
        return spelled if len(spelled) <= _MAX_CHARS else UNKNOWN

    def _starts(self, node: Node, text: bytes) -> bool:
        return self._text.startswith(text, node.start_byte)

    def _field(self, node: Node) -> str:
        field = node.child_by_field_name("field")
        if field is None:
            return UNKNOWN
        return self._text[field.start_byte : field.end_byte].decode("utf-8", "replace")

    def _is_pointer_to(self, function: Node | None) -> bool:
        """Tell whether a call puts its argument behind a pointer that methods see through."""
        if function is None or function.type != "scoped_identifier":
            return False
        return name_of(function, self._text).rsplit("::", 2)[-2:] in _POINTERS

    def _call(self, function: Node | None) -> str:
        if function is None or function.type not in ("identifier", "scoped_identifier"):
            return UNKNOWN
        path = name_of(function, self._text)
        head = path.split("::", 1)[0]
        if not path or self.value(head) is not None or self.bounds(head) is not None:
            return UNKNOWN
        return f"{path}()"

    def _atom(self, node: Node) -> str:
        match node.type:
            case "self":
                return SELF
            case "identifier":
                name = name_of(node, self._text)
                return self.value(name) or name
            case "scoped_identifier":
                return name_of(node, self._text) or UNKNOWN
            case "struct_expression":
                return self.typed(node.child_by_field_name("name"))
            case "type_cast_expression":
                return self.typed(node.child_by_field_name("type"))
            case _:
                return UNKNOWN


def _first_argument(call: Node) -> Node | None:
    arguments = call.child_by_field_name("arguments")
    return arguments.named_children[0] if arguments and arguments.named_children else None


def _callee(call: Node) -> Node | None:
    function = call.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        return function.child_by_field_name("function")
    return function


def hop(expression: str, step: str) -> str:
    """Return the expression one step further."""
    if expression == UNKNOWN or len(expression) + len(step) >= _MAX_CHARS:
        return UNKNOWN
    return f"{expression}.{step}"
