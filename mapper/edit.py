"""Edits to a module's text: what changes is re-written, every other byte stays.

An `Editor` collects edits by source position (expressions, statements, insertions, moves, markers, imports) and
applies them in one pass. Newlines, tabs, a BOM and a missing last newline stay as they are. Comments are never lost:
those inside a replaced expression that the new text no longer has are put on lines of their own above its statement,
and a deleted statement leaves its comments. The result is parsed before it is handed out.
"""

from __future__ import annotations

import ast
import bisect
import io
import re
import tokenize
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Text = str | Callable[[], str]
_LINE = re.compile(r"\r\n|\r|\n")
_LAST_SEMICOLON = re.compile(r"[ \t]*;(?=[ \t]*(?:#|\r|\n|$))")
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_BOM = "\ufeff"


_NO_PARTS = frozenset(("ctx", "id", "attr", "arg", "kind", "type_comment", "lineno", "module", "level", "is_async", "conversion"))
_parts: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: (), ast.alias: ()}


def walk(node: ast.AST) -> list[ast.AST]:
    """A node and all that is in it, as `ast.walk` gives them, but for the contexts of names; in a fraction of the time."""
    found = [node]
    for current in found:
        for name in parts(current):
            value = getattr(current, name, None)
            if isinstance(value, list):
                found += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


def parts(node: ast.AST) -> tuple[str, ...]:
    """The fields of a node that can hold nodes."""
    kind = type(node)
    known = _parts.get(kind)
    if known is None:
        known = _parts[kind] = tuple(name for name in kind._fields if name not in _NO_PARTS)
    return known


def parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """For each node the one that holds it."""
    found: dict[ast.AST, ast.AST] = {}
    pending = [tree]
    for current in pending:
        for name in parts(current):
            value = getattr(current, name, None)
            inside = [item for item in value if isinstance(item, ast.AST)] if isinstance(value, list) else [value] if isinstance(value, ast.AST) else []
            for item in inside:
                found[item] = current
            pending += inside
    return found


class EditError(Exception):
    """The edited text does not parse: `line` says where; nothing may be written."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(eq=False, slots=True)
class _Edit:
    start: int
    end: int
    text: Text
    order: int
    working: bool = False
    whole: bool = False  # insertions where it starts belong inside it
    after: int | None = None  # where the statement begins that an insertion follows
    before: str | None = None  # the indentation of the statement that an insertion precedes
    last: bool = False  # the last of the insertions at its place

    def render(self) -> str:
        return self.text if isinstance(self.text, str) else self.text()


class Editor:
    """Collects edits to `source` and renders them with `result()`.

    `tree` must be the tree of `source` without its BOM; it is parsed when not given. Replacement texts use "\\n";
    they are converted to the file's own newline. A text may be a function, called when the result is rendered, so
    that it can contain `self.text(child)` of children edited later.
    """

    def __init__(self, source: str, tree: ast.Module | None = None) -> None:
        self.bom = _BOM if source.startswith(_BOM) else ""
        self.source = source[len(self.bom):]
        self.tree = tree if tree is not None else ast.parse(self.source)
        newline = _LINE.search(self.source)
        self.newline = newline.group() if newline else "\n"
        self._starts = [0, *(m.end() for m in _LINE.finditer(self.source))]
        self._ascii = self.source.isascii()
        self._edits: list[_Edit] = []
        self._sorted = True
        self._wholes: list[_Edit] = []
        self._deleted: set[ast.stmt] = set()
        self._gone: set[ast.stmt] = set()  # deleted with their whole lines
        self._split: set[int] = set()
        self._dropped: set[int] = set()
        self._home: dict[ast.AST, tuple[list[ast.stmt], ast.AST]] = {}
        self._parents: dict[ast.AST, ast.AST] | None = None
        self._comments: list[tuple[int, str]] | None = None
        self._index_statements(self.tree)

    # ---- positions -----------------------------------------------------------------------------------------
    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        if self._ascii or column == 0:
            return start + column
        end = self._starts[line] if line < len(self._starts) else len(self.source)
        return start + len(self.source[start:end].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword | ast.ExceptHandler) -> tuple[int, int]:
        """Character offsets of a node; a decorated definition starts at its first decorator's `@`."""
        line, column = node.lineno, node.col_offset
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            first = self._offset(decorators[0].lineno, decorators[0].col_offset)
            start = self.source.rindex("@", 0, first)
        else:
            start = self._offset(line, column)
        return start, self._offset(node.end_lineno or line, node.end_col_offset or column)

    def indent(self, statement: ast.stmt) -> str:
        """The whitespace a statement's block is indented by (also for `if x: statement` on one line)."""
        start, _ = self.span(statement)
        before = self.source[self._line_start(start):start]
        if not before.strip():
            return before
        siblings, parent = self._home[statement]
        for sibling in siblings:
            first, _ = self.span(sibling)
            lead = self.source[self._line_start(first):first]
            if not lead.strip():
                return lead
        return (self.indent(parent) + self.unit()) if isinstance(parent, ast.stmt) else ""

    def unit(self) -> str:
        """One level of indentation as this file writes it."""
        for statements, parent in self._home.values():
            if isinstance(parent, ast.stmt):
                first, _ = self.span(statements[0])
                outer, _ = self.span(parent)
                inner_lead = self.source[self._line_start(first):first]
                outer_lead = self.source[self._line_start(outer):outer]
                if not inner_lead.strip() and not outer_lead.strip() and len(inner_lead) > len(outer_lead):
                    return inner_lead[len(outer_lead):]
        return "    "

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node that contains `node`."""
        if self._parents is None:
            self._parents = parents(self.tree)
        return self._parents.get(node)

    def adopt(self, node: ast.AST, parent: ast.AST) -> None:
        """Notes a node that has been put into the tree in another's place."""
        self.parent(parent)
        assert self._parents is not None
        self._parents[node] = parent

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that contains `node` (itself, if it is one)."""
        current: ast.AST | None = node
        while current is not None and not isinstance(current, ast.stmt):
            current = self.parent(current)
        assert current is not None, "every expression stands in a statement"
        return current

    def _line_start(self, offset: int) -> int:
        return self._starts[bisect.bisect_right(self._starts, offset) - 1]

    def _line_end(self, offset: int) -> int:
        """Offset just before the newline of the line that holds `offset`."""
        found = _LINE.search(self.source, offset)
        return found.start() if found else len(self.source)

    def _index_statements(self, node: ast.AST) -> None:
        for name in _BLOCKS:
            block = getattr(node, name, None)
            if isinstance(block, list):
                for child in block:
                    if isinstance(child, ast.stmt):
                        self._home[child] = (block, node)
                    self._index_statements(child)

    # ---- reading -------------------------------------------------------------------------------------------
    def original(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """A node's text as it stands in the source."""
        start, end = self.span(node)
        return self.source[start:end]

    def text(self, node: ast.expr | ast.stmt, under: _Edit | None = None) -> str:
        """A node's text with the edits made so far inside it (and to it, but not `under` and what is outside that)."""
        if under is None:
            return self._splice(*self.span(node))
        outside = [e for e in self._edits if not e.working and e.start == under.start and (
            e.end == under.end and e.order >= under.order or e.end == e.start and not under.whole)]
        for edit in outside:
            edit.working = True
        try:
            return self._splice(*self.span(node))
        finally:
            for edit in outside:
                edit.working = False

    def header(self, statement: ast.stmt) -> str:
        """The edited text of a statement without the blocks in it."""
        body = getattr(statement, "body", None)
        if not isinstance(body, list) or not body:
            return self.text(statement)
        return self._splice(self._line_start(self.span(statement)[0]), self._extent_start(body[0]))

    def block(self, statements: Sequence[ast.stmt], indent: str | None = None) -> str:
        """Consecutive statements with their comments and edits, re-indented to `indent`; no newline at the end.

        For moving code: `delete` (with comments=False) the originals and insert this text elsewhere. The first line
        carries no indentation (insertions add it); lines inside multi-line strings stay as they are.
        """
        left = [s for s in statements if s not in self._gone]
        if not left:
            return "pass"
        first, last = left[0], left[-1]
        start, end = self._extent_start(first), self._extent_end(last)
        old = self.indent(first)
        return reindent(self._splice(start, end), old, self.indent(first) if indent is None else indent)

    def _extent_start(self, statement: ast.stmt) -> int:
        """Where the comment lines directly above a statement begin (past the indentation)."""
        start, _ = self.span(statement)
        line_start = self._line_start(start)
        lead = self.source[line_start:start]
        if lead.strip():
            return start
        line = bisect.bisect_right(self._starts, start) - 1
        begin = start
        while line > 0:
            above = self.source[self._starts[line - 1]:self._starts[line]].rstrip("\r\n")
            if not above.startswith(lead + "#") or self._inside_string(self._starts[line - 1]):
                break
            line -= 1
            begin = self._starts[line] + len(lead)
        return begin

    def _extent_end(self, statement: ast.stmt) -> int:
        """The end of a statement with the comment that trails it on its last line."""
        _, end = self.span(statement)
        rest = self.source[end:self._line_end(end)]
        stripped = rest.strip()
        return end + len(rest.rstrip(" \t\f")) if stripped.startswith("#") else end

    def _inside_string(self, offset: int) -> bool:
        line = bisect.bisect_right(self._starts, offset)
        return line in self._string_lines

    @property
    def _string_lines(self) -> set[int]:
        cached: set[int] | None = self.__dict__.get("string_lines")
        if cached is None:
            cached = set()
            for node in ast.walk(self.tree):
                if isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno != node.lineno:
                    cached.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
            self.__dict__["string_lines"] = cached
        return cached

    # ---- expressions ---------------------------------------------------------------------------------------
    def replace(self, node: ast.expr, text: Text) -> _Edit:
        """Put `text` where the expression stands, in parentheses when its surroundings need them.

        A later replacement of the same expression is outside an earlier one: its text may contain `self.text(node)`.
        The result names this replacement in `text(node, under=…)`, which gives the text without it.
        """
        start, end = self.span(node)

        def rendered() -> str:
            new = text if isinstance(text, str) else text()
            return f"({new})" if self._needs_parentheses(node, new) else new

        edit = self._add(start, end, rendered)
        self._rescue_comments(self.statement(node), start, end, rendered)
        return edit

    def _needs_parentheses(self, node: ast.expr, text: str) -> bool:
        parent = self.parent(node)
        try:
            new = ast.parse(text.strip(), mode="eval").body
        except SyntaxError:
            return False
        bracketed = isinstance(new, (ast.Call, ast.List, ast.Tuple, ast.Dict)) or text.lstrip()[0] in "([{"
        if "\n" in text and not bracketed:
            return True
        return precedence(new) <= _required(parent, node) and not (
            isinstance(new, ast.Tuple) and text.lstrip().startswith("("))

    def replace_span(self, start: int, end: int, text: Text) -> None:
        """Replace a stretch of text by offsets: a name in a definition's header, a decorator."""
        self._add(start, end, text)

    def rename_definition(self, definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, name: str) -> None:
        """Another name in a `def` or `class` line."""
        start = self._offset(definition.lineno, definition.col_offset)
        found = re.compile(rf"\b{re.escape(definition.name)}\b").search(self.source, start)
        assert found is not None
        self._add(found.start(), found.end(), name)

    def delete_decorator(self, decorator: ast.expr) -> None:
        """Remove a decorator with its line; a comment on it gets a line of its own."""
        start = self.source.rindex("@", 0, self._offset(decorator.lineno, decorator.col_offset))
        _, end = self.span(decorator)
        newline = _LINE.search(self.source, end)
        line_start, stop = self._line_start(start), newline.end() if newline else end
        kept = [f"{self.source[line_start:start]}{text}{newline[0] if newline else self.newline}" for _, text in self._comment_tokens(line_start, stop)]
        self._add(line_start, stop, "".join(kept))

    # ---- statements ----------------------------------------------------------------------------------------
    def precede(self, statement: ast.stmt, text: Text) -> None:
        """Put statements between a statement and its comments, as part of what the statement becomes.

        Where the statement is indented or moved by a later edit, they go with it."""
        self._own_line(statement)
        start, end = self.span(statement)
        indent = self.indent(statement)
        edit = self._add(start, end, lambda: self._lines(text, indent) + self.newline + indent + self.text(statement, under=edit))

    def trailing_comment(self, statement: ast.stmt) -> str:
        """The comment that trails a statement, "" when there is none."""
        _, end = self.span(statement)
        return self.source[end:self._extent_end(statement)].strip()

    def comments(self, statement: ast.stmt) -> list[str]:
        """The comments in a statement and behind it."""
        return [text for _, text in self._comment_tokens(self.span(statement)[0], self._extent_end(statement))]

    def replace_statement(self, statement: ast.stmt, text: Text, comment: bool = True) -> None:
        """Put other statements in a statement's place: lines without indentation, "\\n" between them.

        Its comments above stay; the one that trails it stays at the end of the new text, or goes with comment=False.
        """
        self._own_line(statement)
        start, end = self.span(statement)
        if not comment:
            end = self._extent_end(statement)
        indent = self.indent(statement)

        def rendered() -> str:
            new = text if isinstance(text, str) else text()
            return self._lines(new, indent)

        self._add(start, end, rendered)
        self._rescue_comments(statement, start, end, rendered)

    def replace_statements(self, statements: Sequence[ast.stmt], text: Callable[[], str]) -> None:
        """Put other statements in the place of consecutive ones; their texts are had with `block`."""
        for statement in statements:
            self._own_line(statement)
        start, indent = self.span(statements[0])[0], self.indent(statements[0])
        self._add(start, self._extent_end(statements[-1]), lambda: self._lines(text, indent))

    def delete(self, statement: ast.stmt, comments: bool = True) -> None:
        """Remove a statement. Its comments stay, unless comments=False (it was moved with them)."""
        self._own_line(statement)
        self._deleted.add(statement)
        start, end = self._extent_start(statement), self._extent_end(statement)
        own_start, _ = self.span(statement)
        kept = [] if not comments else [t for _, t in self._comment_tokens(own_start, end)]
        begin, stop = (start, end) if not comments else (own_start, end)
        if kept:
            self._add(begin, stop, self._joined(kept, self.indent(statement)))
        elif self._alone(statement):
            line_start, line_end = self._line_start(begin), self._line_end(stop)
            newline = _LINE.match(self.source, line_end)
            line_end = newline.end() if newline else line_end
            if begin == start:
                line_end = self._skip_blank(line_start, line_end)
            self._add(line_start, line_end, "")
            self._gone.add(statement)
        else:
            self._add(begin, stop, "pass")

    def indent_block(self, statements: Sequence[ast.stmt]) -> None:
        """Indent consecutive statements one level more, where they stand (a header goes above with another edit)."""
        first, last = statements[0], statements[-1]
        self._own_line(first)
        start, end = self._extent_start(first), self._extent_end(last)
        old, unit = self.indent(first), self.unit()
        edit = self._add(start, end, lambda: unit + reindent(self._splice(start, end), old, old + unit))
        edit.whole = True

    def insert_before(self, statement: ast.stmt, text: Text) -> None:
        """Put statements above a statement and its comments: lines without indentation, "\\n" between them."""
        self._own_line(statement)
        at, indent = self._extent_start(statement), self.indent(statement)
        self._add(at, at, lambda: self._lines(text, indent) + self.newline + indent).before = indent

    def insert_after(self, statement: ast.stmt, text: Text) -> None:
        """Put statements below a statement (below the comment that trails it)."""
        self._own_line(statement)
        at, indent = self._extent_end(statement), self.indent(statement)
        self._add(at, at, lambda: self.newline + indent + self._lines(text, indent)).after = self.span(statement)[0]

    def mark(self, statement: ast.stmt, code: str, reason: str) -> None:
        """`# mapper: CODE reason` on a line of its own directly above a statement."""
        self._own_line(statement)
        at, indent = self.span(statement)[0], self.indent(statement)
        self._add(at, at, f"# mapper: {code} {' '.join(reason.split())}{self.newline}{indent}").last = True

    def unwrap(self, statement: ast.With | ast.If | ast.For | ast.While | ast.Try, body: list[ast.stmt] | None = None,
               header: Text = "") -> None:
        """Replace a compound statement by (its body or the given block of it), dedented; `header` lines go first."""
        inner = statement.body if body is None else body
        start, end = self.span(statement)
        if self.span(inner[-1])[1] == end:
            end = self._extent_end(statement)
        indent = self.indent(statement)
        _, header_end = self.span(statement.items[-1].context_expr) if isinstance(statement, ast.With) else (0, start)
        first = self._extent_start(inner[0])
        trailing = [t for _, t in self._comment_tokens(header_end, first)]

        def rendered() -> str:
            head = header if isinstance(header, str) else header()
            lines = [*trailing, *([reindent(head, "", indent)] if head else [])]
            kept = [s for s in inner if s not in self._deleted]
            siblings, parent = self._home[statement]
            needed = not lines and not isinstance(parent, ast.Module) and all(s is statement or s in self._gone for s in siblings)
            if kept or needed:
                lines.append(self.block(inner, indent).strip(" \t\r\n"))
            return (self.newline + indent).join(line for line in lines if line)

        self._add(start, end, rendered)

    # ---- imports -------------------------------------------------------------------------------------------
    def remove_names(self, statement: ast.Import | ast.ImportFrom, aliases: Sequence[ast.alias]) -> None:
        """Drop some names of an import; the whole statement when none is left."""
        left = [a for a in statement.names if a not in aliases]
        if not left:
            self.delete(statement)
            return
        names = ", ".join(a.name + (f" as {a.asname}" if a.asname else "") for a in left)
        if isinstance(statement, ast.ImportFrom):
            self.replace_statement(statement, f"from {'.' * statement.level}{statement.module or ''} import {names}")
        else:
            self.replace_statement(statement, f"import {names}")

    def add_imports(self, lines: Sequence[str], near: ast.stmt | None = None) -> None:
        """Add import lines: above `near` (usually the import they replace), else after docstring and __future__."""
        text = "\n".join(lines)
        body = self.tree.body
        if near is not None:
            self.insert_before(near, text)
            return
        at = 1 if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else 0
        while at < len(body) and isinstance(body[at], ast.ImportFrom) and body[at].module == "__future__":  # type: ignore[attr-defined]
            at += 1
        if at < len(body):
            self.insert_before(body[at], text)
        elif body:
            self.insert_after(body[-1], text)
        else:
            self._add(0, 0, text.replace("\n", self.newline) + self.newline)

    # ---- result --------------------------------------------------------------------------------------------
    @property
    def changed(self) -> bool:
        return bool(self._edits)

    def result(self) -> str:
        """The edited module. Raises EditError if it does not parse (a defect of the edits, never of the source)."""
        return self.parsed()[0]

    def parsed(self) -> tuple[str, ast.Module]:
        """The edited module and its syntax tree. Raises EditError as `result` does."""
        if not self._edits:
            return self.bom + self.source, self.tree
        self._fill_emptied_blocks()
        code = self._splice(0, len(self.source))
        try:
            return self.bom + code, ast.parse(code)
        except SyntaxError as error:
            raise EditError(f"edited text does not parse: {error.msg}", error.lineno or 0) from error

    # ---- inside --------------------------------------------------------------------------------------------
    def _add(self, start: int, end: int, text: Text) -> _Edit:
        edit = _Edit(start, end, text, len(self._edits))
        self._edits.append(edit)
        self._sorted = False
        return edit

    def _splice(self, start: int, end: int) -> str:
        """source[start:end] with the outermost edits inside it applied (an edit being rendered is passed over)."""
        if not self._sorted:
            # at one position: insertions first in the order made, then the widest replacement, the latest of equals
            self._edits = sorted(self._edits, key=lambda e: (e.start, e.end > e.start, e.last, -e.end if e.end > e.start else 0,
                                            -e.order if e.end > e.start else e.order))
            self._sorted = True
            self._wholes = [e for e in self._edits if e.whole]
        parts: list[str] = []
        position, removed = start, None
        low = bisect.bisect_left(self._edits, start, key=lambda e: e.start)
        wholes = {e.start for e in self._wholes if e.start >= start and not e.working and e.end <= end}
        edits = self._edits                                     # what is added while an edit is rendered gets a list of its own
        for index in range(low, len(edits)):
            edit = edits[index]
            if edit.start > end:
                break
            if edit.start == edit.end and edit.start in wholes:
                continue
            if removed is not None and removed.start <= edit.start < position and edit.start == edit.end and not edit.working:
                ended = self.newline if self.source[removed.end - 1:removed.end] in ("\n", "\r") else ""
                if edit.after is not None:  # what follows a statement whose last lines are gone
                    parts.append(edit.render().removeprefix(self.newline) + ended)
                    continue
                if edit.before is not None:  # what precedes one that is gone
                    text = edit.render()
                    parts.append(edit.before + text[:len(text) - len(edit.before) - len(self.newline)] + ended)
                    continue
            if edit.working or edit.start < position or edit.end > end or (edit.start == end > start
                                                                           and edit.end == edit.start
                                                                           and not self._closing(edit, end)):
                continue
            parts.append(self.source[position:edit.start])
            edit.working = True
            try:
                parts.append(edit.render())
            finally:
                edit.working = False
            position = edit.end
            removed = edit if edit.text == "" and edit.end > edit.start else None
        parts.append(self.source[position:end])
        return "".join(parts)

    def _closing(self, edit: _Edit, end: int) -> bool:
        """An insertion at the very end of a spliced range belongs to it when it was put after a statement."""
        return end == len(self.source) or edit.render().startswith(self.newline)

    def _lines(self, text: Text, indent: str) -> str:
        new = text if isinstance(text, str) else text()
        return reindent(new, "", indent).replace("\r\n", "\n").replace("\n", self.newline)

    def _joined(self, lines: list[str], indent: str) -> str:
        return (self.newline + indent).join(lines)

    def _alone(self, statement: ast.stmt) -> bool:
        """No other code on the statement's lines."""
        start, end = self.span(statement)
        before = self.source[self._line_start(start):start]
        after = self.source[end:self._line_end(end)].strip().removeprefix(";").lstrip()
        return not before.strip() and (not after or after.startswith("#"))

    def _drop_semicolon(self, statement: ast.stmt) -> None:
        """Remove a semicolon that nothing follows: what the statement becomes may not take one."""
        _, end = self.span(statement)
        found = _LAST_SEMICOLON.match(self.source, end)
        if found and end not in self._dropped:
            self._dropped.add(end)
            self._add(end, found.end(), "")

    def _skip_blank(self, line_start: int, line_end: int) -> int:
        """Past the blank lines after a removed statement when there is a blank line (or nothing) above it."""
        above = self._line_start(line_start - 1) if line_start else 0
        if line_start and (not above or self.source[above:line_start].strip()):
            return line_end
        blank = re.compile(r"[ \t]*(\r\n|\r|\n)").match(self.source, line_end)
        while blank:
            line_end = blank.end()
            blank = re.compile(r"[ \t]*(\r\n|\r|\n)").match(self.source, line_end)
        return line_end

    def _own_line(self, statement: ast.stmt) -> None:
        """Give the statements that share a line with this one (`a; b`, `if x: a`) lines of their own."""
        self._drop_semicolon(statement)
        if self._alone(statement):
            return
        siblings, parent = self._home[statement]
        if id(siblings) in self._split:
            return
        self._split.add(id(siblings))
        indent = self.indent(statement)
        previous_end: int | None = None
        for sibling in siblings:
            self._drop_semicolon(sibling)
            start, end = self.span(sibling)
            gap_start = previous_end if previous_end is not None else self._colon(parent, start)
            gap = self.source[gap_start:start] if gap_start is not None else "\n"
            if "\n" not in gap and "\r" not in gap:
                assert gap_start is not None
                self._add(gap_start, start, self.newline + indent)
            previous_end = end

    def _colon(self, parent: ast.AST, start: int) -> int | None:
        """The offset after the colon of a compound statement whose first statement begins at `start`."""
        if not isinstance(parent, (ast.stmt, ast.ExceptHandler)):
            return None
        before = self.source[self._line_start(start):start].rstrip()
        return self._line_start(start) + len(before) if before.endswith(":") else None

    def _fill_emptied_blocks(self) -> None:
        blocks = {id(block): (block, parent) for block, parent in
                  (self._home[s] for s in self._deleted) if not isinstance(parent, ast.Module)}
        for block, _ in blocks.values():
            if all(s in self._deleted for s in block) and not self._inserted_in(block):
                last = block[-1]
                start = self.span(last)[0]
                line_start = self._line_start(start)
                text = f"{self.indent(last)}pass{self.newline}"
                self._add(line_start, line_start, text)

    def _inserted_in(self, block: list[ast.stmt]) -> bool:
        start, end = self._extent_start(block[0]), self._extent_end(block[-1])
        return any(start <= e.start <= end and (e.after is None or start <= e.after) and self._is_code(e.render()) for e in self._edits if e.start == e.end)

    @staticmethod
    def _is_code(text: str) -> bool:
        return any(line.strip() and not line.strip().startswith("#") for line in re.split(r"\r\n|\r|\n", text))

    def _comment_tokens(self, start: int, end: int) -> list[tuple[int, str]]:
        """(offset, text) of the comments between two offsets."""
        if "#" not in self.source[start:end]:
            return []
        if self._comments is None:
            self._comments = []
            reader = io.StringIO(self.source, newline="").readline
            try:
                for token in tokenize.generate_tokens(reader):
                    if token.type == tokenize.COMMENT:
                        self._comments.append((self._starts[token.start[0] - 1] + token.start[1], token.string))
            except (tokenize.TokenError, IndentationError):
                pass
        low = bisect.bisect_left(self._comments, (start, ""))
        high = bisect.bisect_left(self._comments, (end, ""))
        return self._comments[low:high]

    def _rescue_comments(self, statement: ast.stmt, start: int, end: int, text: Callable[[], str]) -> None:
        comments = [t for _, t in self._comment_tokens(start, end)]
        if not comments:
            return
        at, indent = self.span(statement)[0], self.indent(statement)

        def lost() -> str:
            new = text()
            missing = [c for c in comments if c not in new]
            return "".join(c + self.newline + indent for c in missing)

        self._add(at, at, lost)


def reindent(text: str, old: str, new: str) -> str:
    """Shift every line but the first from indentation `old` to `new`, except lines inside multi-line strings."""
    if old == new or ("\n" not in text and "\r" not in text):
        return text
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)         # other marks that splitlines() knows are no ends of lines
    protected = _string_lines(text, old)
    out = [lines[0]]
    for number, line in enumerate(lines[1:], start=2):
        if number in protected or not line.strip():
            out.append(line)
        elif line.startswith(old):
            out.append(new + line[len(old):])
        else:
            out.append(new + line.lstrip(" \t"))
    return "".join(out)


def _string_lines(text: str, indent: str) -> set[int]:
    """Numbers of the lines that begin inside a multi-line string."""
    if '"""' not in text and "'''" not in text and "\\" not in text:
        return set()
    found: set[int] = set()
    source = f"if 1:\n{indent or ' '}{text}\n" if indent else text + "\n"
    shift = 1 if indent else 0
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return found
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and (node.end_lineno or 0) > node.lineno:
            found.update(range(node.lineno + 1 - shift, (node.end_lineno or 0) + 1 - shift))
    return found


_BINARY = {
    ast.BitOr: 7, ast.BitXor: 8, ast.BitAnd: 9, ast.LShift: 10, ast.RShift: 10, ast.Add: 11, ast.Sub: 11,
    ast.Mult: 12, ast.Div: 12, ast.FloorDiv: 12, ast.Mod: 12, ast.MatMult: 12, ast.Pow: 14,
}
_ATOM = 20


def precedence(node: ast.expr) -> int:
    """How tightly an expression binds; 20 for what never needs parentheses."""
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        return 5 if isinstance(node.op, ast.Not) else 13
    if isinstance(node, ast.BoolOp):
        return 3 if isinstance(node.op, ast.Or) else 4
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return 19
    table: dict[type[ast.expr], int] = {
        ast.NamedExpr: 0, ast.Tuple: 0, ast.Yield: 0, ast.YieldFrom: 0, ast.Lambda: 1, ast.IfExp: 2, ast.Compare: 6,
        ast.Starred: 0, ast.Await: 15, ast.GeneratorExp: _ATOM,
    }
    return table.get(type(node), _ATOM)


def _required(parent: ast.AST | None, node: ast.expr) -> int:
    """The highest precedence that still needs parentheses where `node` stands; -1 when none does."""
    if isinstance(parent, ast.BinOp):
        own = _BINARY[type(parent.op)]
        right = parent.right is node
        if isinstance(parent.op, ast.Pow):
            return own - 2 if right else own
        return own if right else own - 1
    if isinstance(parent, ast.UnaryOp):
        return 4 if isinstance(parent.op, ast.Not) else 12
    if isinstance(parent, (ast.Attribute, ast.Await)):
        return 19
    if isinstance(parent, ast.Subscript) and parent.value is node or isinstance(parent, ast.Call) and parent.func is node:
        return 19 - 1
    if isinstance(parent, ast.Compare):
        return 6
    if isinstance(parent, ast.BoolOp):
        return 3 if isinstance(parent.op, ast.Or) else 4
    if isinstance(parent, ast.IfExp):
        return 2
    if isinstance(parent, (ast.Call, ast.keyword, ast.List, ast.Tuple, ast.Set, ast.Starred, ast.comprehension,
                           ast.Lambda, ast.Dict)):
        return 0
    return -1
