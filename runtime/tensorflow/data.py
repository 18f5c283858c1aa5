"""tf.data: finite datasets of arrays, and iterators whose get_next() a session runs."""
from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from typing import Any

import numpy as np

from .. import core, ops
from .control_flow import Traced, flatten, pack_sequence_as
from .dtypes import TensorShape, as_dtype, as_shape, numpy_dtype
from .graph import Operation, OutOfRangeError, convert, get_default_graph, wrap

Element = list[Any]


class Source:
    """An array that a data set is made of; what only a run can tell is known once an iterator has been initialized."""

    def __init__(self, tensor: Any) -> None:
        self.node = convert(tensor).node
        self.value = ops.shape.static_value(self.node)


class Dataset:
    """Elements that `make()` yields as flat lists of arrays; `structure` and `specs` (shape, dtype) tell their form."""

    def __init__(self, make: Callable[[], Iterator[Element]], structure: Any, specs: list[Any], fed: Sequence[Source] = ()) -> None:
        self._make, self._structure, self._specs, self._fed = make, structure, specs, fed

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        parts = [Source(t) for t in flatten(tensors)]
        specs = [(None if p.node.shape is None else p.node.shape[1:], p.node.dtype) for p in parts]
        return Dataset(lambda: (list(row) for row in zip(*(p.value for p in parts), strict=True)), tensors, specs, _unknown(parts))

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        parts = [Source(t) for t in flatten(tensors)]
        return Dataset(lambda: iter([[p.value for p in parts]]), tensors, [(p.node.shape, p.node.dtype) for p in parts], _unknown(parts))

    @staticmethod
    def range(*args: int) -> Dataset:
        return Dataset.from_tensor_slices(np.arange(*args, dtype=np.int64))

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        parts = list(flatten(datasets))
        specs = [spec for part in parts for spec in part._specs]
        rest = iter([part._structure for part in parts])
        structure = type(datasets)(next(rest) for _ in parts)
        return Dataset(lambda: ([x for row in rows for x in row] for rows in zip(*(part._make() for part in parts))), structure, specs,
                       [source for part in parts for source in part._fed])

    def batch(self, batch_size: Any, drop_remainder: bool = False) -> Dataset:
        size, make = int(batch_size), self._make

        def batches() -> Iterator[Element]:
            rows = make()
            while group := list(islice(rows, size)):
                if len(group) == size or not drop_remainder:
                    yield [np.stack(column) for column in zip(*group, strict=True)]

        lead = size if drop_remainder else None
        return Dataset(batches, self._structure, [(None if shape is None else (lead, *shape), dtype) for shape, dtype in self._specs], self._fed)

    def repeat(self, count_: Any = None, **named: Any) -> Dataset:
        times, make = named.get("count", count_), self._make
        return Dataset(lambda: (row for _ in (count() if times is None or times < 0 else builtins.range(times)) for row in make()),
                       self._structure, self._specs, self._fed)

    def shuffle(self, buffer_size: int, seed: Any = None, reshuffle_each_iteration: bool = True) -> Dataset:
        make, rng = self._make, np.random.default_rng([seed or 0, get_default_graph().seed or 0])

        def mixed() -> Iterator[Element]:
            rows = make()
            held = list(islice(rows, buffer_size))
            while held:
                place = int(rng.integers(len(held)))
                yield held[place]
                try:
                    held[place] = next(rows)
                except StopIteration:
                    held.pop(place)

        return Dataset(mixed, self._structure, self._specs, self._fed)

    def take(self, count: int) -> Dataset:
        make = self._make
        return Dataset(lambda: islice(make(), count if count >= 0 else None), self._structure, self._specs, self._fed)

    def skip(self, count: int) -> Dataset:
        make = self._make
        return Dataset(lambda: islice(make(), count, None), self._structure, self._specs, self._fed)

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        since = core.next_serial()
        parameters = [ops.state.placeholder(shape, dtype) for shape, dtype in self._specs]
        given = pack_sequence_as(self._structure, [wrap(p, "arg") for p in parameters])
        result = map_func(*given) if isinstance(given, tuple) else map_func(given)
        nodes = [convert(r).node for r in flatten(result)]
        step, make = Traced(nodes, parameters, since), self._make
        if step.captured:
            raise NotImplementedError("tensorflow.data.Dataset.map of a function that uses outer tensors is not in mapper's runtime")
        return Dataset(lambda: ([n.value for n in step.run([core.leaf(v) for v in row], {})] for row in make()), result,
                       [(n.shape, n.dtype) for n in nodes], self._fed)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        tested = self.map(predicate)
        make, test = self._make, tested._make
        return Dataset(lambda: (row for row, keep in zip(make(), test(), strict=True) if bool(keep[0])), self._structure, self._specs, self._fed)

    def prefetch(self, buffer_size: Any = None) -> Dataset:
        return self

    cache = prefetch

    def make_one_shot_iterator(self) -> DatasetIterator:
        return DatasetIterator(self, started=True)

    def make_initializable_iterator(self, shared_name: Any = None) -> DatasetIterator:
        return DatasetIterator(self, started=False)

    @property
    def output_types(self) -> Any:
        return pack_sequence_as(self._structure, [as_dtype(dtype) for _, dtype in self._specs])

    @property
    def output_shapes(self) -> Any:
        return pack_sequence_as(self._structure, [TensorShape(shape) for shape, _ in self._specs])


def flatten_shapes(shapes: Any) -> list[Any]:
    """The shapes of a structure of shapes; a list of sizes is one shape."""
    if isinstance(shapes, dict):
        return [s for key in sorted(shapes) for s in flatten_shapes(shapes[key])]
    if isinstance(shapes, tuple) and not all(s is None or isinstance(s, int) for s in shapes):
        return [s for part in shapes for s in flatten_shapes(part)]
    return [shapes]


def _unknown(parts: Sequence[Source]) -> list[Source]:
    return [part for part in parts if part.value is None]


class DatasetIterator:
    """One pass through a dataset; each run of what get_next() gives takes the next element."""

    def __init__(self, dataset: Dataset, started: bool) -> None:
        self._dataset = dataset
        if started and dataset._fed:
            raise ValueError("A one-shot iterator cannot be made of a data set of tensors that are fed: make an initializable one.")
        self._rows: Iterator[Element] | None = dataset._make() if started else None
        self.initializer = self.make_initializer(dataset)

    @staticmethod
    def from_structure(output_types: Any, output_shapes: Any = None, shared_name: Any = None, output_classes: Any = None) -> DatasetIterator:
        """An iterator for any dataset of these types and shapes: make_initializer(dataset) gives what starts it."""
        kinds = flatten(output_types)
        shapes = [None] * len(kinds) if output_shapes is None else flatten_shapes(output_shapes)
        specs = [(as_shape(shape), numpy_dtype(kind)) for shape, kind in zip(shapes, kinds, strict=True)]
        return DatasetIterator(Dataset(lambda: iter(()), output_types, specs), started=False)

    def make_initializer(self, dataset: Dataset, name: Any = None) -> Operation:
        def start(*values: Any) -> bool:
            for source, value in builtins.zip(dataset._fed, values, strict=True):
                source.value = value
            self._rows = dataset._make()
            return True

        graph = get_default_graph()
        node = ops.python(start, [source.node for source in dataset._fed], [((), np.dtype(bool))])[0]
        return Operation(graph, graph.unique_name(name or "MakeIterator"), "MakeIterator", node)

    def _next(self) -> Element:
        from .graph import FailedPreconditionError

        if self._rows is None:
            raise FailedPreconditionError("GetNext() failed because the iterator has not been initialized.")
        try:
            return next(self._rows)
        except StopIteration:
            raise OutOfRangeError("End of sequence") from None

    def get_next(self, name: Any = None) -> Any:
        nodes = ops.python(self._next, [], [(shape, dtype) for shape, dtype in self._dataset._specs])
        return pack_sequence_as(self._dataset._structure, [wrap(n, name or "IteratorGetNext") for n in nodes])
