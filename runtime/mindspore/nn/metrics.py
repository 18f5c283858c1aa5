"""Metrics: clear, update, eval."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor


class Metric:
    """The base: `update(*inputs)` collects, `eval()` gives the result."""

    def __init__(self) -> None:
        self._indexes: Any = None

    def clear(self) -> None:
        raise NotImplementedError

    def update(self, *inputs: Any) -> None:
        raise NotImplementedError

    def eval(self) -> Any:
        raise NotImplementedError

    def __call__(self, *inputs: Any) -> Any:
        self.clear()
        self.update(*inputs)
        return self.eval()

    def _convert_data(self, data: Any) -> Any:
        return data.asnumpy() if isinstance(data, Tensor) else np.asarray(data)


class Accuracy(Metric):
    def __init__(self, eval_type: str = "classification") -> None:
        super().__init__()
        self.eval_type = eval_type
        self.clear()

    def clear(self) -> None:
        self._correct, self._total = 0, 0

    def update(self, *inputs: Any) -> None:
        predicted, label = (self._convert_data(x) for x in inputs)
        if self.eval_type == "classification":
            chosen = predicted.argmax(1)
            target = label.argmax(1) if label.ndim == predicted.ndim else label
            hits = chosen == target
        else:
            hits = (predicted.reshape(len(predicted), -1) == label.reshape(len(label), -1)).all(1)
        self._correct += int(hits.sum())
        self._total += hits.size

    def eval(self) -> Any:
        if not self._total:
            raise RuntimeError("The 'Accuracy' can not be calculated, because the number of samples is 0.")
        return self._correct / self._total


class _Mean(Metric):
    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        self._sum, self._count = 0.0, 0

    def update(self, *inputs: Any) -> None:
        first, second = (self._convert_data(x) for x in inputs)
        self._sum += float(self._measure(first - second).sum())
        self._count += len(second)

    def _measure(self, difference: Any) -> Any:
        return np.abs(difference)

    def eval(self) -> Any:
        return self._sum / self._count


class MAE(_Mean):
    pass


class MSE(_Mean):
    def _measure(self, difference: Any) -> Any:
        return np.square(difference)


class _Ratio(Metric):
    """Per class (or their mean): hits among what `_of` counts."""

    def __init__(self, eval_type: str = "classification") -> None:
        super().__init__()
        self.eval_type = eval_type
        self.clear()

    def clear(self) -> None:
        self._hits: Any = 0
        self._all: Any = 0

    def update(self, *inputs: Any) -> None:
        predicted, label = (self._convert_data(x) for x in inputs)
        classes = np.arange(predicted.shape[1])
        target = label if label.ndim < predicted.ndim else label.argmax(1)
        chosen = predicted.argmax(1)[:, None] == classes
        wanted = target.reshape(-1)[:, None] == classes
        self._hits = self._hits + (chosen & wanted).sum(0)
        self._all = self._all + self._of(chosen, wanted).sum(0)

    def _of(self, chosen: Any, wanted: Any) -> Any:
        return chosen

    def eval(self, average: bool = False) -> Any:
        ratio = self._hits / np.maximum(self._all, 1e-12)
        return ratio.mean() if average else ratio


class Precision(_Ratio):
    pass


class Recall(_Ratio):
    def _of(self, chosen: Any, wanted: Any) -> Any:
        return wanted


class Loss(Metric):
    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        self._sum, self._count = 0.0, 0

    def update(self, *inputs: Any) -> None:
        self._sum += float(self._convert_data(inputs[0]).mean())
        self._count += 1

    def eval(self) -> Any:
        return self._sum / self._count


METRICS: dict[str, Any] = {c.__name__: c for c in (Metric, Accuracy, MAE, MSE, Loss, Precision, Recall)}
