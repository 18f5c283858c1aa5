"""nn.Cell and its containers: attributes that are Parameters or Cells, their names, and their order."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from .parameter import Parameter, ParameterTuple


class Cell:
    """A part of a network. Parameters and cells set as attributes are found again by name, own parameters first."""

    def __init__(self, auto_prefix: bool = True, flags: Any = None) -> None:
        set_ = object.__setattr__
        set_(self, "_params", OrderedDict())
        set_(self, "_cells", OrderedDict())
        set_(self, "_auto_prefix", auto_prefix)
        set_(self, "training", False)
        set_(self, "requires_grad", False)
        set_(self, "cell_type", None)
        set_(self, "_prefix", "")

    def __setattr__(self, name: str, value: Any) -> None:
        cells = self.__dict__.get("_cells")
        if isinstance(value, Parameter):
            if cells is None:
                raise AttributeError("For 'insert_param_to_cell', please call Cell.__init__() firstly.")
            if value.unnamed:
                value.name, value.unnamed = name, False
            self._forget(name, self._params)
            self._params[name] = value
        elif isinstance(value, ParameterTuple) and cells is not None:
            for p in value:
                if all(p is not known for known in self.get_parameters()):
                    self._params[p.name] = p
            object.__setattr__(self, name, value)
        elif isinstance(value, Cell):
            if cells is None:
                raise AttributeError("For 'insert_child_to_cell', please call Cell.__init__() firstly.")
            self._forget(name, cells)
            cells[name] = value
            if self._auto_prefix:
                # What joins a container that has a place in a network gets its name from there.
                value.update_parameters_name((self._prefix if isinstance(self, (CellList, SequentialCell, CellDict)) else "") + name + ".")
        else:
            if cells is not None:
                self._forget(name, None)
            object.__setattr__(self, name, value)

    def _forget(self, name: str, kept: Any) -> None:
        """Drops whatever has the name as another kind of attribute; the order of what is only replaced stays."""
        for table in (self._params, self._cells, self.__dict__):
            if table is not kept:
                table.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for table in ("_params", "_cells"):
            if table in own and name in own[table]:
                return own[table][name]
        raise AttributeError(f"The '{type(self).__name__}' object has no attribute '{name}'.")

    def __delattr__(self, name: str) -> None:
        for table in (self._params, self._cells):
            if name in table:
                del table[name]
                return
        object.__delattr__(self, name)

    def construct(self, *args: Any, **kwargs: Any) -> Any:
        raise AttributeError("For 'Cell', the method 'construct' is not defined.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "bprop" in dir(type(self)):
            from .gradients import with_bprop

            return with_bprop(self, args)
        return self.construct(*args, **kwargs)

    # -- parameters and cells
    def parameters_and_names(self, name_prefix: str = "", expand: bool = True) -> Iterator[tuple[str, Parameter]]:
        seen: set[int] = set()
        for path, cell in self.cells_and_names(name_prefix) if expand else [(name_prefix, self)]:
            for name, p in cell._params.items():
                if id(p) not in seen:
                    seen.add(id(p))
                    yield (f"{path}.{name}" if path else name), p

    def get_parameters(self, expand: bool = True) -> Iterator[Parameter]:
        for _, p in self.parameters_and_names(expand=expand):
            yield p

    def trainable_params(self, recurse: bool = True) -> list[Parameter]:
        return [p for p in self.get_parameters(recurse) if p.requires_grad]

    def untrainable_params(self, recurse: bool = True) -> list[Parameter]:
        return [p for p in self.get_parameters(recurse) if not p.requires_grad]

    def parameters_dict(self, recurse: bool = True) -> OrderedDict[str, Parameter]:
        return OrderedDict((p.name, p) for p in self.get_parameters(recurse))

    def update_parameters_name(self, prefix: str = "", recurse: bool = True) -> None:
        for name, p in self.parameters_and_names(expand=recurse):
            p.name, p.unnamed = prefix + name, False
        for path, cell in self.cells_and_names():
            object.__setattr__(cell, "_prefix", f"{prefix}{path}." if path else prefix)

    def cells_and_names(self, name_prefix: str = "") -> Iterator[tuple[str, Cell]]:
        pending: list[tuple[str, Cell]] = [(name_prefix, self)]
        seen: set[int] = set()
        while pending:
            path, cell = pending.pop()
            if id(cell) in seen:
                continue
            seen.add(id(cell))
            yield path, cell
            pending.extend(reversed([(f"{path}.{name}" if path else name, child) for name, child in cell._cells.items()]))

    def cells(self) -> Any:
        return self._cells.values()

    def name_cells(self) -> OrderedDict[str, Cell]:
        return OrderedDict(self._cells)

    def insert_param_to_cell(self, param_name: str, param: Parameter, check_name_contain_dot: bool = True) -> None:
        setattr(self, param_name, param)

    def insert_child_to_cell(self, child_name: str, child_cell: Cell) -> None:
        setattr(self, child_name, child_cell)

    def apply(self, fn: Any) -> Cell:
        for cell in self.cells():
            cell.apply(fn)
        fn(self)
        return self

    def init_parameters_data(self, *args: Any, **kwargs: Any) -> Any:
        return self.parameters_dict()

    # -- modes
    def set_train(self, mode: bool = True) -> Cell:
        for _, cell in self.cells_and_names():
            object.__setattr__(cell, "training", mode)
        return self

    def set_grad(self, requires_grad: bool = True) -> Cell:
        object.__setattr__(self, "requires_grad", requires_grad)
        return self

    def to_float(self, dst_type: Any) -> Cell:
        return self

    def set_inputs(self, *args: Any, **kwargs: Any) -> None:
        pass

    def compile(self, *args: Any, **kwargs: Any) -> None:
        pass

    def add_flags(self, **flags: Any) -> Cell:
        return self

    add_flags_recursive = add_flags

    def recompute(self, **options: Any) -> None:
        pass

    def cast_param(self, param: Any) -> Any:
        return param

    @property
    def param_prefix(self) -> str:
        return str(self._prefix)[:-1]

    def extend_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        head = f"{type(self).__name__}({self.extend_repr()}"
        if not self._cells:
            return head + ")"
        lines = [f"({name}): {cell!r}".replace("\n", "\n  ") for name, cell in self._cells.items()]
        return head + "\n  " + "\n  ".join(lines) + "\n)"

    __str__ = __repr__


class SequentialCell(Cell):
    """Cells called one after the other: given one by one, as a list, or as an OrderedDict."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        items = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple, OrderedDict, CellList)) else args
        named = items.items() if isinstance(items, OrderedDict) else ((str(i), c) for i, c in enumerate(items))
        for name, cell in named:
            setattr(self, name, cell)

    def construct(self, x: Any) -> Any:
        for cell in self._cells.values():
            x = cell(x)
        return x

    def append(self, cell: Cell) -> SequentialCell:
        setattr(self, str(len(self._cells)), cell)
        return self

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, index: Any) -> Any:
        listed = list(self._cells.values())
        return SequentialCell(listed[index]) if isinstance(index, slice) else listed[index]

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells.values())


class CellList(Cell):
    """A list of cells."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(kwargs.get("auto_prefix", True))
        for cell in args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args:
            self.append(cell)

    def append(self, cell: Cell) -> CellList:
        setattr(self, str(len(self._cells)), cell)
        return self

    def extend(self, cells: Any) -> CellList:
        for cell in cells:
            self.append(cell)
        return self

    def insert(self, index: int, cell: Cell) -> None:
        listed = list(self._cells.values())
        listed.insert(index, cell)
        self._cells.clear()
        self.extend(listed)

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, index: Any) -> Any:
        listed = list(self._cells.values())
        return CellList(listed[index]) if isinstance(index, slice) else listed[index]

    def __setitem__(self, index: int, cell: Cell) -> None:
        setattr(self, str(index % len(self._cells)), cell)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells.values())


class CellDict(Cell):
    """A dict of cells."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if args:
            self.update(args[0])

    def update(self, cells: Any) -> None:
        for name, cell in cells.items() if hasattr(cells, "items") else cells:
            setattr(self, name, cell)

    def __getitem__(self, key: str) -> Cell:
        cell: Cell = self._cells[key]
        return cell

    def __setitem__(self, key: str, cell: Cell) -> None:
        setattr(self, key, cell)

    def __len__(self) -> int:
        return len(self._cells)

    def __contains__(self, key: str) -> bool:
        return key in self._cells

    def keys(self) -> Any:
        return self._cells.keys()

    def values(self) -> Any:
        return self._cells.values()

    def items(self) -> Any:
        return self._cells.items()


