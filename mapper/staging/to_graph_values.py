"""What the values of a MindSpore program are, as far as building a graph needs to know.

Each value is a kind: a tensor, a Parameter, a cell, a primitive, an optimizer, a gradient function, a function or
class of the program, a sequence of such, or host data. Kinds are joined where control flow or several call sites
meet; a join of different kinds is an `Either`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Union


@dataclass(frozen=True)
class Host:
    """Host data: a Python or NumPy value. `literal` is its source form when it is a known constant."""

    known: bool = False
    literal: object = None
    array: bool = False  # a NumPy array rather than a Python scalar, string, None, …
    floating: bool = False  # a Python float, or unknown arithmetic that may be one
    dtype: str | None = None  # of an array or a NumPy scalar, when it is known


@dataclass(frozen=True)
class Tensor:
    dtype: str | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Param:
    """A Parameter: a variable in the graph."""


@dataclass(frozen=True)
class Update:
    """What an optimizer call or an assignment returns: an operation in the graph."""


@dataclass(frozen=True)
class Seq:
    """A tuple or list: either with known `items`, or any number of `element`."""

    items: tuple[Value, ...] | None = None
    element: Value | None = None
    tuple_: bool = True

    def each(self) -> Value | None:
        return join_all(self.items) if self.items is not None else self.element


@dataclass(frozen=True)
class Dict:
    element: Value | None = None


@dataclass(frozen=True)
class Module:
    """An imported thing that is not called: `ops`, `np.linalg`, `ms.float32`. `name` is canonical."""

    name: str


@dataclass(eq=False)
class FunctionInfo:
    """A function, method or lambda of the program, with what is known of its parameters and result."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    owner: ClassInfo | None = None
    outer: FunctionInfo | None = None
    parameters: dict[str, Value | None] = field(default_factory=dict)
    result: Value | None = None
    locals: dict[str, Value | None] = field(default_factory=dict)
    active: bool = False
    calls: set[ast.AST] = field(default_factory=set)
    builds: bool = False  # called from the graph: it gets tensors and returns tensors
    hosts: bool = False  # tensors become host data inside
    updates: bool = False  # changes variables
    differentiated: bool = False

    @property
    def name(self) -> str:
        return self.node.name if not isinstance(self.node, ast.Lambda) else "<lambda>"


@dataclass(eq=False)
class ClassInfo:
    node: ast.ClassDef
    bases: list[ClassInfo] = field(default_factory=list)
    api_bases: list[str] = field(default_factory=list)
    methods: dict[str, FunctionInfo] = field(default_factory=dict)
    attributes: dict[str, Value | None] = field(default_factory=dict)
    sites: set[ast.AST] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.node.name

    def find(self, name: str) -> FunctionInfo | None:
        for cls in self.mro():
            if name in cls.methods:
                return cls.methods[name]
        return None

    def mro(self) -> Iterator[ClassInfo]:
        yield self
        for base in self.bases:
            yield from base.mro()

    @property
    def base_apis(self) -> set[str]:
        return {name for cls in self.mro() for name in cls.api_bases}

    @property
    def is_cell(self) -> bool:
        return bool(self.base_apis & CELL_BASES)


CELL_BASES = {"nn.Cell", "nn.GraphCell", "nn.LossBase", "nn.TrainOneStepCell", "nn.WithLossCell", "nn.SequentialCell",
              "nn.CellList", "nn.Optimizer", "nn.WithGradCell"}


@dataclass(frozen=True)
class Function:
    info: FunctionInfo
    bound: Value | None = None


@dataclass(frozen=True)
class Class:
    info: ClassInfo


@dataclass(frozen=True)
class Instance:
    info: ClassInfo


@dataclass(frozen=True)
class Layer:
    """An instance of a framework cell (`nn.Dense(…)`, a loss) or primitive (`ops.MatMul(…)`). `call` made it."""

    name: str
    call: ast.Call
    inner: tuple[Value | None, ...] = ()


@dataclass(frozen=True)
class Optimizer:
    name: str
    call: ast.Call


@dataclass(frozen=True)
class GradOperation:
    """`options`: get_all, get_by_list, sens_param, or None when they are not constants."""

    options: tuple[bool, bool, bool] | None
    call: ast.Call | None = None


NO_CALL = ast.Call(func=ast.Name("", ast.Load()), args=[], keywords=[])


@dataclass(frozen=True)
class GradFunction:
    """What differentiates `fn` when called. `form`: 'operation', 'grad', 'value_and_grad', 'vjp', 'jvp', 'jacobian'."""

    form: str
    fn: Value | None
    call: ast.Call
    options: tuple[bool, bool, bool] | None = None


@dataclass(frozen=True)
class Method:
    """A method of a framework object: `tensor.sum`, `cell.trainable_params`, `list.append`."""

    of: Value
    name: str


@dataclass(frozen=True)
class Partial:
    fn: Value | None
    args: tuple[Value | None, ...]


@dataclass(frozen=True)
class MultiFunction:
    """A MultitypeFuncGraph: several functions under one name, chosen by the types of the arguments."""

    key: ast.AST
    functions: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Either:
    options: frozenset[Value]


Value = Union[Host, Tensor, Param, Update, Seq, Dict, Module, Function, Class, Instance, Layer, Optimizer, GradOperation,
              GradFunction, Method, Partial, MultiFunction, Either]

HOST = Host()
ARRAY = Host(array=True)
FLOAT = Host(floating=True)
NONE = Host(known=True, literal=None)
TENSOR = Tensor()
UPDATE = Update()
_LIMIT = 12
_DEPTH = 4


def join(a: Value | None, b: Value | None) -> Value | None:
    """The least kind that covers both; None is 'nothing known yet'."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return Tensor(a.dtype if a.dtype == b.dtype else None, a.rank if a.rank == b.rank else None)
    if isinstance(a, Host) and isinstance(b, Host):
        return Host(array=a.array and b.array, floating=a.floating or b.floating,
                    dtype=a.dtype if a.dtype == b.dtype else None)
    if isinstance(a, Seq) and isinstance(b, Seq):
        return _join_seq(a, b)
    if isinstance(a, Dict) and isinstance(b, Dict):
        return Dict(join(a.element, b.element))
    options: set[Value] = set()
    for value in (a, b):
        options |= value.options if isinstance(value, Either) else {value}
    merged = _merge(options)
    return next(iter(merged)) if len(merged) == 1 else (Either(frozenset(merged)) if len(merged) <= _LIMIT else HOST)


def _merge(options: set[Value]) -> set[Value]:
    """At most one each of tensor, host, sequence and dict among the alternatives."""
    out: set[Value] = set()
    for kind in (Tensor, Host, Seq, Dict):
        same = [o for o in options if isinstance(o, kind)]
        options = {o for o in options if not isinstance(o, kind)}
        joined = join_all(same)
        if joined is not None:
            out.add(joined)
    return out | options


def _join_seq(a: Seq, b: Seq) -> Seq:
    if a.items is not None and b.items is not None and len(a.items) == len(b.items):
        items = tuple(join(x, y) or HOST for x, y in zip(a.items, b.items))
        return Seq(items=items, tuple_=a.tuple_ and b.tuple_)
    element = join(a.each(), b.each())
    return Seq(element=element if _nested(element) <= _DEPTH else HOST, tuple_=a.tuple_ and b.tuple_)


def _nested(value: Value | None, depth: int = 0) -> int:
    """How many sequences lie inside one another, counted up to one more than the limit: recursive functions would have them without end."""
    if depth > _DEPTH:
        return depth
    inner = [o for o in alternatives(value) if isinstance(o, (Seq, Dict))]
    parts = [p for o in inner for p in ((o.items or (o.element,)) if isinstance(o, Seq) else (o.element,))]
    return max((_nested(p, depth + 1) for p in parts), default=depth)


def join_all(values: object) -> Value | None:
    result: Value | None = None
    for value in values:  # type: ignore[attr-defined]
        result = join(result, value)
    return result


def alternatives(value: Value | None) -> list[Value]:
    if value is None:
        return []
    return list(value.options) if isinstance(value, Either) else [value]


def is_tensor(value: Value | None) -> bool:
    """May this be one tensor (or Parameter) of the graph?"""
    return any(isinstance(v, (Tensor, Param)) for v in alternatives(value))


def has_tensor(value: Value | None, depth: int = 0) -> bool:
    """Is this a tensor, an update, or a structure that holds one?"""
    if depth > _DEPTH:
        return False
    for option in alternatives(value):
        if isinstance(option, (Tensor, Param, Update)):
            return True
        if isinstance(option, Seq) and (any(has_tensor(v, depth + 1) for v in option.items)
                                        if option.items is not None else has_tensor(option.element, depth + 1)):
            return True
        if isinstance(option, Dict) and has_tensor(option.element, depth + 1):
            return True
    return False


def literal(value: Value | None) -> tuple[bool, object]:
    """(True, constant) when the value is one known constant."""
    return (True, value.literal) if isinstance(value, Host) and value.known else (False, None)
