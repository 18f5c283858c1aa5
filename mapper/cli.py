"""The commands: options in, the library's answer out."""
from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mapper import __version__
from mapper.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

_DIRECTIONS = click.Choice(["mindspore", "tensorflow"])
_WIDTH = 100


class _Path(click.Path):
    """A path as pathlib has it, which is imported when there is one: `mapper --help` is to start at once."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from pathlib import Path

        return Path(os.fsdecode(super().convert(value, param, ctx)))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH})
@click.version_option(__version__, prog_name="mapper", message="%(prog)s %(version)s")
def main() -> None:
    """Moves gradient code between TensorFlow 1.x and MindSpore, and proves that the numbers stay.

    \b
    Examples:
      mapper check train.py                what would be converted, and what will differ
      mapper convert train.py              show the program for the other framework
      mapper verify train.py               run both programs and compare every gradient
      mapper rules show tf.gradients       how one API is mapped

    Each command has its own --help. Colours are left out when NO_COLOR is set.
    """


def _fail(error: SourceError) -> NoReturn:
    _tell(f"mapper: {error}")
    sys.exit(2)


def _refuse_notebook(path: Path) -> None:
    """A notebook is no program that could be run: as Python, its JSON fails at the first `null`."""
    if path.suffix == ".ipynb":
        _fail(SourceError(f"{path}: a notebook is not run; make a program of it (jupyter nbconvert --to python) and name that"))


def _print(text: str | bytes) -> None:
    click.echo(text, nl=False)


def _say(text: str) -> None:
    click.echo(_fitted(text, sys.stdout), nl=False)


def _tell(text: str) -> None:
    click.echo(_fitted(text, sys.stderr), err=True)


def _fitted(text: str, stream: Any) -> str:
    """The same, with messages broken into lines that fit a terminal. In a pipe a message stays one line, for those who read it."""
    if max(map(len, text.splitlines()), default=0) <= 50 or not stream.isatty():
        return text
    import re
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size().columns, _WIDTH)
    fit = textwrap.TextWrapper(width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False).fill
    return re.sub(r"^(?:mapper: |\S.*?:\d+:\d+: (?:error|warning|note) ).+$", lambda message: fit(message[0]), text, flags=re.M)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=_Path(allow_dash=True))
@click.option("-o", "--output", type=_Path(), help="File, or directory for a directory, to write to.")
@click.option("--to", type=_DIRECTIONS, help="Framework to convert to; by default it follows from the imports.")
@click.option("--target", help="Version to write for, such as mindspore=1.8.")
@click.option("--in-place", is_flag=True, help="Replace the files, each at once or not at all.")
@click.option("--backup", is_flag=True, help="Keep what --in-place replaces as FILE.orig.")
@click.option("--diff", is_flag=True, help="Print the changes as a patch for `patch -p1`, and write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file would change.")
@click.option("--verify", is_flag=True, help="Run both programs and compare their numbers; --in-place then replaces only what is proven.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out what a pattern of .gitignore's grammar names. May be repeated.")
@click.option("-j", "--jobs", type=click.IntRange(0), default=0, metavar="N", show_default="0",
              help="Processes for a directory; 0 is one for each core.")
@click.option("--no-cache", "cached", flag_value=False, default=True, help="Convert files of a directory anew that were converted before.")
@click.option("--stdin-name", default="<stdin>", metavar="NAME", help="Name for `-` in messages; NAME.ipynb says that it is a notebook.")
def convert(paths: tuple[Path, ...], **options: Any) -> None:
    """Convert programs and notebooks from TensorFlow 1.x to MindSpore, or back.

    A file goes to standard output unless -o or --in-place is given, `-` is standard input, the report goes to standard error. A
    directory goes to the directory of -o. There, .gitignore is obeyed, and vendored, generated and environment folders are left
    out. Without --to a directory with TensorFlow programs goes to MindSpore, whatever else is in it.

    What lies between `# mapper: off` and `# mapper: on`, and a statement with `# mapper: skip`, stay as they are. What cannot be
    converted stays too, below a line `# mapper: CODE reason`. Nothing is ever run, except with --verify.

    \b
    Examples:
      mapper convert train.py                          show the converted program
      mapper convert train.py -o train_ms.py           write it
      mapper convert --diff src | patch -p1            see changes, or apply them
      mapper convert --in-place --backup --to mindspore src
      mapper convert --check --to mindspore src        for CI: exit 1 when a file would change
      mapper convert - --stdin-name train.py < train.py

    \b
    Exit code:
      0  all converted, or nothing to do
      1  something needs a person (marked and listed), or --check found a file that would change
      2  a file could not be read, parsed or written, or the options contradict each other
    """
    from mapper.conversion import Wishes, convert_paths

    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    options["exclude"] = tuple(options["exclude"])
    try:
        code = convert_paths(paths, Wishes(**options, coloured=coloured), _print, _tell)
    except SourceError as error:
        _fail(error)
    sys.exit(code)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=_Path())
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), default="text", show_default=True)
@click.option("--select", multiple=True, metavar="CODES", help="Report these codes only; M4 stands for all that begin so. May be repeated.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Do not report these codes. May be repeated.")
@click.option("--notes", is_flag=True, help="Also say what each reference becomes, and what rarely differs.")
@click.option("--baseline", type=_Path(), help="Report only what this file does not hold.")
@click.option("--write-baseline", type=_Path(), help="Write what is found to this file instead of reporting it.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out what a pattern of .gitignore's grammar names. May be repeated.")
@click.option("-j", "--jobs", type=click.IntRange(0), default=0, metavar="N", show_default="0",
              help="Processes for a directory; 0 is one for each core.")
def check(paths: tuple[Path, ...], form: str, **options: Any) -> None:
    """Report what would be converted, what differs and what is unsupported; change nothing.

    Programs and notebooks are read, of a directory those that `convert` would read.

    A line with `# mapper: ignore` or `# mapper: ignore[M401]` is left out. `[tool.mapper]` in pyproject.toml holds select, ignore,
    exclude, per-file-ignores and baseline.

    \b
    Examples:
      mapper check src                                 a folder, as text
      mapper check --notes train.py                    also what each reference becomes
      mapper check --exclude old/ src                  leave a folder out
      mapper check --select M4 src                     only numbers that will differ
      mapper check --format sarif src > mapper.sarif   for GitHub's code scanning
      mapper check --write-baseline known.json src     what is there today is known
      mapper check --baseline known.json src           only what is new

    \b
    Exit code:
      0  nothing to report
      1  findings of level warning or error
      2  a file could not be read or parsed
    """
    from mapper.conversion import check_paths

    try:
        code = check_paths(paths, form, _say if form == "text" else _print, _tell, **options)
    except SourceError as error:
        _fail(error)
    sys.exit(code)


@main.command()
@click.argument("file", type=_Path())
@click.argument("converted", required=False, type=_Path())
@click.option("--backend", type=click.Choice(["numpy", "native", "tensorflow", "mindspore"]), default="numpy", show_default=True,
              help="Run on the bundled runtime, on both real frameworks, or on one of them.")
@click.option("--tensorflow-python", metavar="PYTHON", help="Interpreter that has TensorFlow; by default this one, or that of MAPPER_NATIVE_PYTHON.")
@click.option("--mindspore-python", metavar="PYTHON", help="Interpreter that has MindSpore; by default this one, or that of MAPPER_NATIVE_PYTHON.")
@click.option("--rtol", type=float, help="Relative tolerance.  [default: 1e-4, and 1e-3 on real frameworks]")
@click.option("--atol", type=float, help="Absolute tolerance.  [default: 1e-6]")
@click.option("--no-finite-differences", is_flag=True, help="Do not hold the original's gradients against finite differences.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds that each program may run.")
@click.option("--memory", "memory_mb", default=8192, show_default=True, help="Megabytes of address space that each program may use.")
@click.option("--output", "output_mb", default=64, show_default=True, help="Megabytes that each program may print.")
@click.option("--env", multiple=True, metavar="NAME", help="Environment variable to pass on; may be repeated. By default only what Python needs is.")
@click.option("--copy-folder", is_flag=True, help="Run each program in a temporary copy of its folder.")
@click.option("--call", multiple=True, metavar="FUNCTION", help="Call this function on both sides too, and compare what it returns; may be repeated.")
@click.option("--inputs", type=_Path(), help="An .npz file with arrays for arguments and placeholders, by their names.")
@click.option("--no-generated-inputs", is_flag=True, help="Do not make up inputs for gradient sites that the program itself does not reach.")
@click.option("--map", "map_file", type=_Path(), help="The map of gradient sites that --save-map wrote.")
@click.option("--save-map", type=_Path(), help="Write the map of gradient sites to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.option("--html", type=_Path(), help="Write the verdict to this file too, as a page that needs no network.")
def verify(file: Path, converted: Path | None, no_finite_differences: bool, no_generated_inputs: bool, as_json: bool, html: Path | None,
           **options: Any) -> None:
    """Convert FILE if needed, run both programs, and compare every gradient and every printed number.

    Both programs are executed, in child processes with limits of time, memory and output. Neither framework has to be installed,
    except for the other backends than numpy.

    \b
    Examples:
      mapper verify train.py                           convert train.py for itself and compare
      mapper verify train.py train_ms.py               compare with a conversion you have
      mapper verify train.py --html verdict.html       both programs side by side, as a page
      mapper verify losses.py --call penalty           compare what a function returns
      mapper verify train.py --backend native          run on the real frameworks

    \b
    Exit code:
      0  all sites match
      1  a site differs, or finite differences disagree
      2  a side could not run, or nothing could be compared
    """
    import mapper
    from mapper import report

    for program in (file, *([converted] if converted else [])):
        _refuse_notebook(program)
    try:
        result = mapper.verify(file, converted, finite_differences=not no_finite_differences, generated_inputs=not no_generated_inputs, **options)
        if html is not None:
            report.write_page(html, result)
    except SourceError as error:
        _fail(error)
    click.echo(report.verification_json(result) if as_json else report.verification_text(result), nl=False)
    sys.exit(2 if result.problem else 0 if result.matches else 1)


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("file", type=_Path())
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(file: Path, args: tuple[str, ...]) -> None:
    """Run a TensorFlow 1.x or MindSpore program on the bundled NumPy runtime.

    \b
    Examples:
      mapper run train.py                              neither framework has to be installed
      mapper run train.py --steps 100                  what follows FILE are its arguments

    \b
    Exit code:
      0  the program ended well; else its own exit code
      2  FILE could not be read or parsed
    """
    from mapper.children import run_program
    from mapper.source import parse, read

    _refuse_notebook(file)
    try:
        parse(read(file).text, str(file))
    except SourceError as error:
        _fail(error)
    sys.exit(run_program(file, args))


@main.group()
def rules() -> None:
    """The mapping rules: which API becomes which, and how they differ.

    \b
    Examples:
      mapper rules list                                every rule
      mapper rules show tf.gradients                   one API, under any of its names
      mapper rules test                                the proof of every example
    """


@rules.command("list")
def rules_list() -> None:
    """List every rule.

    \b
    Examples:
      mapper rules list
      mapper rules list | grep conv

    \b
    Exit code:
      0  always
    """
    from mapper import rules as base

    click.echo(base.list_rules(), nl=False)


@rules.command("show")
@click.argument("api")
def rules_show(api: str) -> None:
    """Show the mapping of one API: signatures, differences, examples.

    API is the name of a rule, or any name that either framework has for it.

    \b
    Examples:
      mapper rules show reduce_sum
      mapper rules show tf.gradients
      mapper rules show ops.GradOperation

    \b
    Exit code:
      0  shown
      1  no rule speaks of it
    """
    from mapper import rules as base

    page = base.show(api)
    if page is None:
        _tell(f"mapper: no rule speaks of {api}; `mapper rules list` names them all")
        sys.exit(1)
    click.echo(page, nl=False)


@rules.command("pages")
@click.argument("folder", type=_Path())
def rules_pages(folder: Path) -> None:
    """Write the mapping pages of all rules into FOLDER, as Markdown.

    \b
    Examples:
      mapper rules pages docs/rules

    \b
    Exit code:
      0  written
    """
    from mapper import rules as base

    for name, text in base.documents().items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@rules.command("test")
@click.option("--backend", type=click.Choice(["numpy", "native"]), default="numpy", show_default=True,
              help="Run the examples on the bundled runtime, or on the real frameworks (with this Python, or that of MAPPER_NATIVE_PYTHON).")
def rules_test(backend: str) -> None:
    """Convert every rule's examples both ways and compare their numbers.

    \b
    Examples:
      mapper rules test
      mapper rules test --backend native

    \b
    Exit code:
      0  every example holds
      1  one does not, or a rule cannot be read
    """
    from mapper import rules as base

    try:
        text, ok = base.self_test(backend)
    except base.RuleError as error:
        _tell(f"mapper: {error}")
        sys.exit(1)
    click.echo(text, nl=False)
    sys.exit(0 if ok else 1)
