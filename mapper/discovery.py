"""Which files of a tree concern us: .gitignore and --exclude are obeyed, vendored, generated and environment folders are left out."""
from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mapper.results import SourceError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SKIPPED = frozenset({
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".idea", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv", ".pytest_cache", ".pytype",
    ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pycache__", "__pypackages__", "_build", "buck-out", "build", "dist", "node_modules",
    "site-packages", "venv", "vendor", "vendored", "_vendor", "third_party", "thirdparty", "3rdparty", "generated", "_generated", "__generated__",
})
PROGRAMS = (".py", ".ipynb")
LEFT_ALONE = (".pyi", ".md", ".markdown", ".rst")
_GENERATED = ("_pb2.py", "_pb2_grpc.py")


@dataclass(frozen=True)
class Tree:
    """The programs of a tree in the order of their names, and what was passed over on the way, as paths below the tree."""

    files: tuple[Path, ...]
    skipped: tuple[Path, ...] = ()


def find(root: Path, exclude: Sequence[str] = (), suffixes: tuple[str, ...] = PROGRAMS, but: Path | None = None) -> Tree:
    """The programs at or below `root`. A file named itself is always taken; `but` is a folder that is not read, such as the output's.

    Folders are not entered through symbolic links, and a linked file counts only when it leads to a place inside the tree."""
    if not root.is_dir():
        return Tree((root,))
    files: list[Path] = []
    skipped: list[Path] = []
    inside = root.resolve()
    unread = but.resolve() if but is not None else None
    ignored = _Ignored(root, exclude)
    for name, folders, names in os.walk(root, onerror=_refuse):
        folder = Path(name)
        ignored.enter(folder)
        passed = [f for f in sorted(folders) if _is_skipped(folder / f) or ignored(f, True) or unread is not None and (folder / f).resolve() == unread]
        skipped += [folder / f for f in passed]
        folders[:] = [f for f in sorted(folders) if f not in passed]
        for file in (folder / f for f in sorted(names) if f.endswith(suffixes)):
            if file.name.endswith(_GENERATED) or ignored(file.name, False) or _leads_out(file, inside):
                skipped.append(file)
            else:
                files.append(file)
    return Tree(tuple(files), tuple(skipped))


def _refuse(error: OSError) -> None:
    raise SourceError(f"{error.filename}: cannot be read: {error.strerror}")


def _is_skipped(folder: Path) -> bool:
    return (folder.name in SKIPPED or folder.name.endswith(".egg-info") or (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir())


def _leads_out(file: Path, inside: Path) -> bool:
    """Whether a link leads to a place outside the tree. One that leads nowhere is read, which says so."""
    return file.is_symlink() and file.exists() and not file.resolve().is_relative_to(inside)


class _Ignored:
    """Answers whether an entry of the folder last entered is ignored: by --exclude, then by the nearest .gitignore that speaks of it."""

    def __init__(self, root: Path, exclude: Sequence[str]) -> None:
        self._root = self._place = root.resolve()
        self._exclude = _spec(exclude) if exclude else None
        self._specs: list[tuple[Path, GitIgnoreSpec]] = []
        for folder in _up_to_repository(self._root):
            if (folder / ".git").is_dir():
                self._read(folder / ".git" / "info" / "exclude", folder)
            if folder != self._root:
                self._read(folder / ".gitignore", folder)

    def _read(self, file: Path, folder: Path) -> None:
        try:
            lines = file.read_text("utf-8", "replace").splitlines()
        except OSError:
            return
        if any(line.strip() and not line.startswith("#") for line in lines):
            self._specs.append((folder, _spec(lines)))

    def enter(self, folder: Path) -> None:
        """Reads a folder's own .gitignore, before its entries are asked about."""
        self._place = place = folder.resolve()
        while self._specs and not place.is_relative_to(self._specs[-1][0]):
            self._specs.pop()
        self._read(place / ".gitignore", place)

    def __call__(self, name: str, is_folder: bool) -> bool:
        path = self._place / name
        ending = "/" if is_folder else ""
        if self._exclude is not None and self._exclude.match_file(path.relative_to(self._root).as_posix() + ending):
            return True
        for folder, spec in reversed(self._specs):
            said = spec.check_file(path.relative_to(folder).as_posix() + ending).include
            if said is not None:
                return said
        return False


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise SourceError(f"a pattern that cannot be read: {error}") from None


def _up_to_repository(top: Path) -> Iterator[Path]:
    """The folders from the root of the repository that holds `top` down to `top`; only `top` when it is in none."""
    root = next((folder for folder in (top, *top.parents) if (folder / ".git").exists()), top)
    yield from (folder for folder in reversed((top, *top.parents)) if folder.is_relative_to(root))
