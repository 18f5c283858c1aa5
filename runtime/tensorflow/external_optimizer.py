"""tf.contrib.opt.ScipyOptimizerInterface: SciPy minimises a loss of the graph."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import gradients
from .array import reshape, zeros_like
from .graph import GraphKeys, get_collection
from .session import default_session


class ScipyOptimizerInterface:
    """minimize(session) feeds SciPy's points for the variables and assigns the best. Needs SciPy when it runs."""

    _DEFAULT_METHOD = "L-BFGS-B"

    def __init__(self, loss: Any, var_list: Any = None, equalities: Any = None, inequalities: Any = None, var_to_bounds: Any = None,
                 **optimizer_kwargs: Any) -> None:
        if equalities or inequalities:
            raise NotImplementedError("tensorflow.contrib.opt.ScipyOptimizerInterface with equalities or inequalities is not in mapper's runtime")
        self._loss = loss
        self._vars = list(var_list if var_list is not None else get_collection(GraphKeys.TRAINABLE_VARIABLES))
        self._bounds = None if var_to_bounds is None else self._packed_bounds(var_to_bounds)
        self.optimizer_kwargs = optimizer_kwargs
        found = gradients.gradients(loss, self._vars)
        self._grads = [reshape(zeros_like(v) if g is None else g, [-1]) for v, g in zip(self._vars, found, strict=True)]
        self._sizes = [int(v.get_shape().num_elements()) for v in self._vars]

    def _packed_bounds(self, bounds: Any) -> list[tuple[float, float]]:
        packed = []
        for variable in self._vars:
            low, high = bounds.get(variable, (-np.inf, np.inf))
            shape = tuple(variable.get_shape().as_list())
            packed += list(zip(np.broadcast_to(low, shape).reshape(-1).tolist(), np.broadcast_to(high, shape).reshape(-1).tolist(), strict=True))
        return packed

    def _unpacked(self, packed: Any) -> list[Any]:
        parts = np.split(packed, np.cumsum(self._sizes)[:-1])
        return [np.asarray(part, v.dtype.as_numpy_dtype).reshape(v.get_shape().as_list()) for part, v in zip(parts, self._vars, strict=True)]

    def minimize(self, session: Any = None, feed_dict: Any = None, fetches: Any = None, step_callback: Callable[..., Any] | None = None,
                 loss_callback: Callable[..., Any] | None = None, **run_kwargs: Any) -> None:
        import scipy.optimize  # type: ignore[import-not-found,import-untyped]

        session = session or default_session("minimize")
        more = list(fetches or [])

        def loss_and_gradient(packed: Any) -> tuple[Any, Any]:
            feeds = {**dict(zip(self._vars, self._unpacked(packed), strict=True)), **(feed_dict or {})}
            loss, grads, others = session.run([self._loss, self._grads, more], feeds)
            if loss_callback is not None:
                loss_callback(*others)
            return loss, np.concatenate(grads).astype(np.float64)

        options = {"method": self._DEFAULT_METHOD, **self.optimizer_kwargs}
        start = np.concatenate([np.asarray(value).reshape(-1) for value in session.run(self._vars)])
        result = scipy.optimize.minimize(loss_and_gradient, start, jac=True, callback=step_callback, bounds=self._bounds, **options)
        for variable, value in zip(self._vars, self._unpacked(result["x"]), strict=True):
            variable.load(value, session)
