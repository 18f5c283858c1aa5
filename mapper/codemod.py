"""mapper as a command of libcst's codemod tool, for those who have a pipeline of codemods:

    python -m libcst.tool codemod -x mapper.codemod.Convert --to mindspore src/"""
from __future__ import annotations

import argparse

import libcst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

import mapper
from mapper.errors import SourceError
from mapper.results import Direction
from mapper.source import imports


class Convert(CodemodCommand):
    """Converts each module; what needs a person is marked in it and becomes a warning of the tool."""

    DESCRIPTION: str = "Moves gradient code between TensorFlow 1.x tf.gradients and MindSpore GradOperation."

    def __init__(self, context: CodemodContext, to: Direction = "mindspore", target: str | None = None) -> None:
        super().__init__(context)
        self.to = to
        self.target = target

    @staticmethod
    def add_args(parser: argparse.ArgumentParser) -> None:
        """The options of the command."""
        parser.add_argument("--to", choices=["mindspore", "tensorflow"], default="mindspore", help="framework to convert to")
        parser.add_argument("--target", help="version to write for, such as mindspore=1.8")

    def transform_module_impl(self, tree: libcst.Module) -> libcst.Module:
        """The converted module. Raises SkipFile for one that does not import the other framework, or that cannot be converted."""
        text = tree.code
        if ("tensorflow" if self.to == "mindspore" else "mindspore") not in imports(text):
            raise SkipFile(f"imports nothing that would become {self.to}")
        try:
            conversion = mapper.convert(text, self.to, self.target, self.context.filename or "<string>")
        except SourceError as error:
            raise SkipFile(str(error)) from error
        for finding in conversion.findings:
            self.warn(str(finding))
        return libcst.parse_module(conversion.code, config=tree.config_for_parsing)
