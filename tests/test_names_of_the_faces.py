"""The names that public programs use most exist in the faces; a name that does not says so, with the file and line of the caller."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mapper.runtime.mindspore import modules as mindspore_modules
from mapper.runtime.tensorflow.api import modules as tensorflow_modules

ROOT = Path(__file__).parent.parent
# Counted over public repositories that call tf.gradients or GradOperation, the most frequent first.
NAMES: dict[str, list[str]] = json.loads((ROOT / "tests" / "data" / "frequent_names.json").read_text("utf-8"))
ABSENT = {
    "tensorflow": {
        "import_graph_def": "a frozen graph is a file of TensorFlow's own operations",
        "examples.tutorials.mnist.input_data.read_data_sets": "it downloads data",
        "FIFOQueue": "queues are filled by threads while others run; tf.data is what programs moved to",
        "python.ops.inplace_ops.alias_inplace_update": "an operation without a public name, which has no gradient",
    },
    "mindspore": {
        "ops.grad.grad_func.custom_vjp": "a module path that MindSpore 2 no longer has",
    },
}
# Names that a program can import and test for, of classes that refuse when one is made: data sets on disk, training loops, sparse
# arrays and a loss that is a program of its own.
REFUSE = {"dataset.vision.Rescale", "dataset.transforms.TypeCast", "dataset.vision.HWC2CHW", "dataset.vision.Normalize", "dataset.MnistDataset",
          "dataset.Cifar10Dataset", "dataset.vision.Resize", "dataset.vision.RandomCrop", "dataset.vision.RandomHorizontalFlip",
          "dataset.GeneratorDataset", "COOTensor", "ops.CTCLoss", "Model", "train.model.Model", "nn.probability.distribution.Categorical"}


def find(face: str, name: str) -> Any:
    found: Any = {"tensorflow": tensorflow_modules, "mindspore": mindspore_modules}[face]()[face]
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("face", NAMES)
def test_the_most_used_names_exist(face: str) -> None:
    missing = []
    for name in NAMES[face]:
        try:
            find(face, name)
        except AttributeError:
            missing.append(name)
    assert missing == [name for name in NAMES[face] if name in ABSENT[face]]
    assert len(NAMES[face]) - len(missing) >= 200


@pytest.mark.parametrize("face", NAMES)
def test_the_200_most_used_names_exist_but_for_those_with_a_reason(face: str) -> None:
    assert len(set(NAMES[face][:200]) & set(ABSENT[face])) <= 2


CALLERS = {
    "attribute": ("import tensorflow as tf\nx = 1\ny = tf.nowhere_to_be_found(x)\n", 3, "tensorflow.nowhere_to_be_found"),
    "attribute of a part": ("import tensorflow as tf\ntf.nn.nowhere(1)\n", 2, "tensorflow.nn.nowhere"),
    "attribute of contrib": ("import tensorflow as tf\n\n\ntf.contrib.nowhere.at_all()\n", 4, "tensorflow.contrib.nowhere"),
    "compat.v1": ("import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()\ntf.nowhere\n", 3, "tensorflow.nowhere"),
    "in a function": ("import tensorflow as tf\ndef f():\n    return tf.math.nowhere\nf()\n", 3, "tensorflow.math.nowhere"),
    "from import": ("from tensorflow.contrib import nowhere\n", 1, "tensorflow.contrib.nowhere"),
    "from the top": ("import os\nfrom tensorflow import nowhere\n", 2, "tensorflow.nowhere"),
    "import of a module": ("import os\n\nimport tensorflow.contrib.nowhere as n\n", 3, "tensorflow.contrib.nowhere"),
    "MindSpore attribute": ("import mindspore as ms\nfrom mindspore import ops\nops.Nowhere()\n", 3, "mindspore.ops.Nowhere"),
    "MindSpore top": ("import mindspore as ms\nms.nowhere\n", 2, "mindspore.nowhere"),
    "MindSpore from import": ("import mindspore\nfrom mindspore.nn import Nowhere\n", 2, "mindspore.nn.Nowhere"),
    "MindSpore module": ("import mindspore.nowhere\n", 1, "mindspore.nowhere"),
}


@pytest.mark.parametrize("case", CALLERS)
def test_a_missing_name_says_so_with_the_line_of_the_caller(case: str, tmp_path: Path) -> None:
    text, line, name = CALLERS[case]
    program = tmp_path / "program.py"
    program.write_text(text, "utf-8")
    done = subprocess.run([sys.executable, "-m", "mapper.runtime", "run", str(program)], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"NotImplementedError: {name} is not in mapper's runtime ({program}:{line})"


def test_programs_can_ask_for_names_that_may_be_missing(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import tensorflow as tf, mindspore as ms\n"
                       "print(hasattr(tf, 'nowhere'), getattr(ms.ops, 'Nowhere', None))\n"
                       "for text in ('from tensorflow.contrib import nowhere', 'import mindspore.nowhere', 'from mindspore import nowhere'):\n"
                       "    try:\n        exec(text)\n    except ImportError:\n        print('fallback')\n"
                       "try:\n    tf.mul\nexcept AttributeError as error:\n    print(str(error).split(' (')[0])\n", "utf-8")
    done = subprocess.run([sys.executable, "-m", "mapper.runtime", "run", str(program)], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.splitlines() == ["False None", "fallback", "fallback", "fallback", "module 'tensorflow' has no attribute 'mul'"], done.stderr


@pytest.mark.parametrize("name", sorted(REFUSE))
def test_classes_that_are_only_names_refuse_when_one_is_made(name: str) -> None:
    with pytest.raises(NotImplementedError, match=rf"{name.rpartition('.')[2]} is not in mapper's runtime \(.*{Path(__file__).name}:\d+\)"):
        find("mindspore", name)("folder")


def test_no_other_frequent_class_is_only_a_name() -> None:
    found = {name: find("mindspore", name) for name in NAMES["mindspore"] if name not in ABSENT["mindspore"]}
    assert {name for name, value in found.items() if isinstance(value, type) and value.__init__.__name__ == "refuse"} == REFUSE
