"""mindspore.context: modes and settings. Only the mode has a meaning here."""
from __future__ import annotations

from typing import Any

from . import gradients

GRAPH_MODE, PYNATIVE_MODE = 0, 1
_KNOWN = {"mode", "device_target", "device_id", "save_graphs", "save_graphs_path", "enable_dump", "save_dump_path", "enable_reduce_precision",
          "variable_memory_max_size",
          "enable_profiling", "profiling_options", "enable_auto_mixed_precision", "enable_graph_kernel", "reserve_class_name_in_scope", "check_bprop",
          "max_device_memory",
          "print_file_path", "enable_sparse", "max_call_depth", "env_config_path", "graph_kernel_flags", "save_compile_cache", "load_compile_cache",
          "grad_for_scalar",
          "pynative_synchronize", "mempool_block_size", "disable_format_transform", "op_timeout", "deterministic", "jit_level", "memory_optimize_level",
          "precompile_only",
          "ascend_config", "runtime_num_threads", "inter_op_parallel_num", "gpu_config", "jit_config", "exec_order", "conv_fprop_algo", "enable_task_sink",
          "enable_loop_sink",
          "enable_mem_reuse", "enable_gpu_summary", "auto_tune_mode", "aoe_tune_mode", "aoe_config", "enable_compile_cache", "compile_cache_path",
          "backend_policy",
          "parallel_speed_up_json_path", "host_scheduling_max_threshold", "debug_level", "dryrun", "memory_offload", "topo_order",
          "jit_enable_in_place_update", "jit_syntax_level"}
_values: dict[str, Any] = {"mode": PYNATIVE_MODE, "device_target": "CPU", "device_id": 0, "save_graphs": False}
_parallel: dict[str, Any] = {"parallel_mode": "stand_alone", "device_num": 1, "gradients_mean": False, "global_rank": 0, "full_batch": False,
                             "loss_repeated_mean": True,
                             "all_reduce_fusion_config": [], "parameter_broadcast": False}


def set_context(**kwargs: Any) -> None:
    """Sets what is given. Raises ValueError for a setting that does not exist."""
    for name, value in kwargs.items():
        if name not in _KNOWN:
            raise ValueError(f"For 'context.set_context', the keyword argument {name} is not recognized! For detailed usage of 'set_context', "
                             f"please refer to the Mindspore official website.")
        if name == "mode":
            if value not in (GRAPH_MODE, PYNATIVE_MODE):
                raise ValueError(f"For 'context.set_context', the argument 'mode' should be context.GRAPH_MODE (0) or context.PYNATIVE_MODE (1), "
                                 f"but got {value}.")
            gradients.set_graph_mode(value == GRAPH_MODE)
        _values[name] = value


def get_context(attr_key: str) -> Any:
    if attr_key not in _KNOWN:
        raise ValueError(f"For 'context.get_context', the argument {attr_key} is not recognized! For detailed usage of 'get_context', please refer "
                         f"to the Mindspore official website.")
    return _values.get(attr_key)


def set_auto_parallel_context(**kwargs: Any) -> None:
    _parallel.update(kwargs)


def get_auto_parallel_context(attr_key: str) -> Any:
    return _parallel.get(attr_key)


def reset_auto_parallel_context() -> None:
    _parallel.update(parallel_mode="stand_alone", device_num=1)


class ParallelMode:
    STAND_ALONE, DATA_PARALLEL, HYBRID_PARALLEL = "stand_alone", "data_parallel", "hybrid_parallel"
    SEMI_AUTO_PARALLEL, AUTO_PARALLEL = "semi_auto_parallel", "auto_parallel"
    MODE_LIST = [STAND_ALONE, DATA_PARALLEL, HYBRID_PARALLEL, SEMI_AUTO_PARALLEL, AUTO_PARALLEL]


NAMES = {"GRAPH_MODE": GRAPH_MODE, "PYNATIVE_MODE": PYNATIVE_MODE, "set_context": set_context, "get_context": get_context, "ParallelMode": ParallelMode,
         "set_auto_parallel_context": set_auto_parallel_context, "get_auto_parallel_context": get_auto_parallel_context,
         "reset_auto_parallel_context": reset_auto_parallel_context}
