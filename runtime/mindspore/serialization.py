"""Checkpoints: parameters to a file and back, and into networks."""
from __future__ import annotations

import os
from typing import Any

import numpy as np

from .cell import Cell
from .parameter import Parameter
from .tensor import Tensor


def save_checkpoint(save_obj: Any, ckpt_file_name: str, *ignored: Any, **more: Any) -> None:
    """Writes a cell's parameters, or a list of {"name", "data"}, in NumPy's format under the given name."""
    if isinstance(save_obj, Cell):
        pairs = [(p.name, p) for p in save_obj.get_parameters()]
    elif isinstance(save_obj, dict):
        pairs = list(save_obj.items())
    else:
        pairs = [(entry["name"], entry["data"]) for entry in save_obj]
    name = ckpt_file_name if ckpt_file_name.endswith(".ckpt") else ckpt_file_name + ".ckpt"
    folder = os.path.dirname(name)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(name, "wb") as file:
        np.savez(file, **{key: value.node.value for key, value in pairs})


def load_checkpoint(ckpt_file_name: str, net: Any = None, strict_load: bool = False, filter_prefix: Any = None, *ignored: Any, **more: Any) -> dict[str,
    Parameter]:
    """Parameters by name from a file that `save_checkpoint` wrote."""
    with np.load(ckpt_file_name) as stored:
        made = {name: Parameter(Tensor(stored[name]), name=name) for name in stored.files}
    if net is not None:
        load_param_into_net(net, made)
    return made


def load_param_into_net(net: Any, parameter_dict: dict[str, Any], strict_load: bool = False, remove_redundancy: bool = False) -> tuple[list[str], list[str]]:
    """Gives the net's parameters the values of those with equal names.

    Returns the names that were not in the dict, and those in the dict that the net does not have."""
    if not isinstance(net, Cell):
        raise TypeError(f"For 'load_param_into_net', the argument 'net' should be a Cell, but got {type(net)}.")
    if not isinstance(parameter_dict, dict):
        raise TypeError(f"For 'load_param_into_net', the argument 'parameter_dict' should be a dict, but got {type(parameter_dict)}.")
    missing, used = [], set()
    for p in net.get_parameters():
        given = parameter_dict.get(p.name)
        if given is None:
            missing.append(p.name)
            continue
        if tuple(given.shape) != p.shape:
            raise RuntimeError(f"For 'load_param_into_net', {p.name} in the argument 'net' should have the same shape as {p.name} in the argument "
                               f"'parameter_dict'. But got "
                               f"its shape {p.shape} in the argument 'net' and shape {tuple(given.shape)} in the argument 'parameter_dict'.")
        used.add(p.name)
        p.store(given.node.value)
    return missing, [name for name in parameter_dict if name not in used]


def export(*args: Any, **kwargs: Any) -> None:
    """Model files are not written here."""
