"""Writing the direct form: functions for gradient sites and for what is fed, calls for runs of the session."""
from __future__ import annotations

import ast
from collections.abc import Sequence

from mapper.results import Conversion
from mapper.results import Site as Place
from mapper.staging.direct import Direct, NotDirect, Site, Step

_IMPORTS = (ast.Import, ast.ImportFrom)


def convert_directly(source: str, filename: str) -> Conversion:
    """The direct form of a program. Raises NotDirect when it has none, SyntaxError when `source` does not parse."""
    direct = Direct(source)
    direct.read()
    return _Writer(direct, filename).write()


class _Writer:
    """Registers the edits of one module."""

    def __init__(self, direct: Direct, filename: str) -> None:
        self.direct, self.editor, self.filename = direct, direct.editor, filename
        self.env = direct.env
        self.names = {n for scope in direct.names.scopes.values() for n in scope.bindings} | {"ms", "ops", "nn"}
        if {"ms", "ops", "nn"} & {n for scope in direct.names.scopes.values() for n in scope.bindings}:
            raise NotDirect("a name of MindSpore is taken")
        self.sites: list[tuple[ast.Call, str]] = []
        self.needed: set[str] = set()
        self.settled: set[ast.AST] = set()
        self.dropped: set[ast.stmt] = set()
        self.given: dict[str, str] = {}
        self.updaters: dict[Step, tuple[str, str]] = {}
        self.made: set[str] = set()
        self.inside = 0

    def write(self) -> Conversion:
        direct = self.direct
        self.find_runs()
        self.choose_functions()
        self.runs()
        self.in_place()
        for step in direct.steps:
            self.step(step)
        self.furniture()
        self.functions()
        self.host_tensors()
        self.leftovers()
        self.imports()
        code = self.editor.result()
        return Conversion(code, (), tuple(self.places(code)))

    # ------------------------------------------------------------------------------------------------------------ functions

    def find_runs(self) -> None:
        """The runs of the session and the evals of tensors, with what they fetch and feed."""
        direct = self.direct
        self.run_calls: list[tuple[ast.Call, ast.expr, dict[str, str]]] = []
        self.feeds: dict[str, ast.Dict] = {}
        for node in ast.walk(direct.tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            if direct.is_run(node):
                given = dict(zip(("fetches", "feed_dict"), node.args, strict=False))
                given.update({str(k.arg): k.value for k in node.keywords})
                if set(given) - {"fetches", "feed_dict"} or "fetches" not in given:
                    raise NotDirect("the arguments of a run")
                if not self.is_initializer(given["fetches"]):
                    self.run_calls.append((node, given["fetches"], self.feed(given.get("feed_dict"))))
            elif node.func.attr in ("eval", "run") and isinstance(owner, ast.Name) and direct.kind(owner.id) in ("tensor", "variable", "gradient", "action"):
                given = {str(k.arg): k.value for k in node.keywords}
                given.update(zip(("feed_dict", "session"), node.args, strict=False))
                if node.args and isinstance(node.args[0], ast.Name) and direct.kind(node.args[0].id) == "session":
                    raise NotDirect("the arguments of eval")
                self.run_calls.append((node, owner, self.feed(given.get("feed_dict"))))

    def feed(self, node: ast.expr | None) -> dict[str, str]:
        """The texts of the tensors that are fed, by placeholder."""
        direct = self.direct
        if node is None or isinstance(node, ast.Constant) and node.value is None:
            return {}
        if isinstance(node, ast.Dict):
            return {name: self.fed(name, value) for name, value in self.entries(node)}
        if isinstance(node, ast.Name):
            bindings = direct.names.bindings(node)
            if len(bindings) == 1 and isinstance(bindings[0].value, ast.Dict):
                self.feeds[node.id] = bindings[0].value
                return {name: f"{node.id}['{name}']" for name, _ in self.entries(bindings[0].value)}
        raise NotDirect("what is fed")

    def entries(self, node: ast.Dict) -> list[tuple[str, ast.expr]]:
        found = []
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Name) or self.direct.kind(key.id) != "placeholder":
                raise NotDirect("what is fed")
            found.append((key.id, value))
        return found

    def fed(self, name: str, value: ast.expr) -> str:
        step = self.env[name].step
        assert step is not None and isinstance(step.node.value, ast.Call)
        return f"ms.Tensor({self.editor.original(value)}, {self.direct.placeholder_dtype(step.node.value)})"

    def choose_functions(self) -> None:
        """The tensors that become functions: what is fetched, what is differentiated, and what several of them need."""
        direct = self.direct
        self.wanted: set[Step] = set()
        self.labels: dict[Step, str] = {}
        for _, fetch, _ in self.run_calls:
            for name in self.fetched_names(fetch):
                step = self.env[name].step
                if step is not None and step.kind in ("tensor", "gradient", "action") and direct.waits(step) or step is not None and step.kind == "action":
                    self.wanted.add(step)
        for step in direct.steps:
            if step.kind == "action":
                self.wanted.add(step)
                if (loss := self.loss_of(step)) is not None:
                    self.wanted.add(loss)
            if step.site is not None and direct.waits(step) and (whole := self.whole(step.site)) is not None:
                self.wanted.add(whole)
        dead = [s for s in direct.steps if s.kind in ("tensor", "gradient") and direct.waits(s) and s not in self.wanted and s not in self.moved()]
        self.wanted.update(dead)
        while True:
            users: dict[Step, int] = {}
            for step in self.wanted:
                for inner in self.closure(step):
                    users[inner] = users.get(inner, 0) + 1
            shared = {step for step, count in users.items() if count > 1}
            if not shared:
                break
            self.wanted |= shared
        for step in sorted(self.wanted, key=lambda s: s.place):
            if len(step.targets) == 1:
                self.labels[step] = step.targets[0]
            else:
                assert step.site is not None
                y = step.site.ys[0]
                self.labels[step] = self.fresh(f"gradients_of_{y.id}" if len(step.site.ys) == 1 and isinstance(y, ast.Name) else "gradients")
        for step in self.wanted:
            if not direct.waits(step) and step.kind != "action":
                raise NotDirect("a value that is also a function")

    def moved(self) -> set[Step]:
        """The statements that some function holds."""
        found = {inner for step in self.wanted for inner in self.closure(step)}
        for step in self.direct.steps:
            if step.site is not None:
                found.update(self.direct.slice(step.site.ys, step.site.xs))
        return found

    def fetched_names(self, node: ast.expr) -> list[str]:
        found = []
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and self.direct.kind(inner.id) not in ("host", "session"):
                value = self.env[inner.id]
                found += value.items if value.kind == "list" else [inner.id]
        return found

    def loss_of(self, step: Step) -> Step | None:
        call = step.node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "minimize":
            assert isinstance(call.args[0], ast.Name)
            return self.env[call.args[0].id].step
        return None

    def whole(self, site: Site) -> Step | None:
        """The tensor y whose function a site can differentiate as it is: its xs are placeholders and variables."""
        if len(site.ys) != 1 or not isinstance(site.ys[0], ast.Name):
            return None
        step = self.env[site.ys[0].id].step
        if step is None or step.kind != "tensor" or not self.direct.waits(step):
            return None
        return step if all(self.env[x].kind in ("placeholder", "variable") for x in site.xs) else None

    def reads(self, step: Step) -> list[str]:
        """What the function of a step needs the values of: for a site, what its inner function does not compute itself."""
        direct, site = self.direct, step.site
        if step.kind == "action":
            loss = self.loss_of(step)
            return [] if loss is not None else step.reads
        if site is None:
            return step.reads
        sens = [n for part in site.sens or () for n in direct.tensor_names(part)]
        if self.whole(site) is not None:
            return sens
        return direct.outer_reads(step)

    def closure(self, step: Step) -> list[Step]:
        """The statements that the function of a step holds besides its own, in order."""
        found: set[Step] = set()
        pending = list(self.reads(step))
        while pending:
            inner = self.env[pending.pop()].step
            if inner is None or inner in found or inner in self.wanted or inner is step or inner.kind not in ("tensor", "gradient") \
                    or not self.direct.waits(inner):
                continue
            found.add(inner)
            pending += self.reads(inner)
        return sorted(found, key=lambda s: s.place)

    def parameters(self, step: Step) -> list[str]:
        order = {s.targets[0]: s.place for s in self.direct.steps if s.kind == "placeholder"}
        return sorted(step.deps, key=lambda name: order[name])

    def define(self, step: Step) -> list[str]:
        """The function that a waiting tensor becomes."""
        direct = self.direct
        body: list[str] = []
        inner = self.closure(step)
        given: dict[str, str] = {}
        reads = [n for s in [*inner, step] for n in self.reads(s)]
        for name in dict.fromkeys(reads):
            other = self.env[name].step
            if other is None or other not in self.wanted or other is step:
                continue
            call = f"{self.labels[other]}({', '.join(self.parameters(other))})"
            if len(other.targets) > 1:
                call += f"[{other.targets.index(name)}]"
            if other.kind == "action":
                continue
            if reads.count(name) > 1 or self.uses(name, [*inner, step]) > 1:
                given[name] = self.fresh(f"{name}_value")
                body.append(f"{given[name]} = {call}")
            else:
                given[name] = call
        self.given = given
        for other in inner:
            if other.site is not None:
                body += self.gradient(other)
            else:
                body += self.comments(other) + f"{other.targets[0]} = {direct.render(other.node.value, given)}".split("\n")
        body += self.last(step)
        self.given = {}
        nested = step.site is not None and any(s.site is not None for s in direct.slice(step.site.ys, step.site.xs))
        del nested
        indent = self.editor.unit()
        lines = [f"def {self.labels[step]}({', '.join(self.parameters(step))}):"]
        return lines + [(indent + line).rstrip() for part in body for line in part.split("\n")] + [""]

    def uses(self, name: str, steps: Sequence[Step]) -> int:
        return sum(isinstance(n, ast.Name) and n.id == name for s in steps for n in ast.walk(s.node.value))

    def last(self, step: Step) -> list[str]:
        """The end of the function of a step."""
        direct = self.direct
        if step.site is not None:
            lines = self.gradient(step)
            target = ", ".join(step.targets)
            if lines[-1].startswith(f"{target} = "):
                lines[-1] = "return " + lines[-1].removeprefix(f"{target} = ")
            else:
                before, _, after = lines[-1].rpartition(f"\n{target} = ")
                lines[-1] = f"{before}\nreturn {after}"
            return lines
        if step.kind == "action":
            return self.act(step)
        text = direct.render(step.node.value, self.given)
        return [f"return {text}" if "\n" not in text or text.startswith("(") else f"return ({text})"]

    def act(self, step: Step) -> list[str]:
        """The statements of something that changes variables."""
        direct, call = self.direct, step.node.value
        assert isinstance(call, ast.Call)
        direct.imports.add("from mindspore import ops")
        loss = self.loss_of(step)
        if loss is not None:
            arguments = ", ".join(self.parameters(loss))
            return [f"{self.updaters[step][0]}(ops.GradOperation(get_by_list=True)({self.labels[loss]}, {self.updaters[step][1]})({arguments}))"]
        api = direct.api(call.func)
        if api == "tf.group":
            return self.group(call)
        ref, value = (call.args[0], call.args[1]) if api else (call.func.value, call.args[0])  # type: ignore[attr-defined]
        name = direct.editor.original(ref)
        kind = api.rpartition(".")[2] if api else call.func.attr  # type: ignore[attr-defined]
        text = direct.render(value, self.given)
        if kind == "assign":
            return [f"ops.assign({name}, {text})"]
        return [f"ops.assign({name}, {name} {'+' if kind == 'assign_add' else '-'} {self.factor(value, text)})"]

    def factor(self, node: ast.expr, text: str) -> str:
        binds_tighter = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow, ast.MatMult))
        return text if binds_tighter or not isinstance(node, (ast.BinOp, ast.UnaryOp)) else f"({text})"

    def group(self, call: ast.Call) -> list[str]:
        """All new values are computed before the first variable changes."""
        lines, ends = [], []
        for part in call.args:
            assert isinstance(part, ast.Name)
            inner = self.env[part.id].step
            assert inner is not None
            if self.loss_of(inner) is not None or inner.node.value.func is None:  # type: ignore[attr-defined]
                raise NotDirect("a group of optimizer steps")
            texts = self.act_with_closure(inner)
            *before, end = texts
            lines += [line for line in before if line not in lines]
            target, value = end.removeprefix("ops.assign(").removesuffix(")").split(", ", 1)
            fresh = self.fresh(f"new_{target}")
            lines.append(f"{fresh} = {value}")
            ends.append(f"ops.assign({target}, {fresh})")
        return lines + ends

    def act_with_closure(self, step: Step) -> list[str]:
        """The statements of an action with those that compute its operands."""
        outer = self.given
        lines: list[str] = []
        for name in dict.fromkeys(self.reads(step)):
            other = self.env[name].step
            if other is not None and other in self.wanted and other.kind != "action":
                call = f"{self.labels[other]}({', '.join(self.parameters(other))})"
                if len(other.targets) > 1:
                    text = f"{', '.join(other.targets)} = {call}"
                    if text not in lines:
                        lines.append(text)
                else:
                    self.given = {**self.given, name: call}
        for other in self.closure(step):
            if other.site is not None:
                lines += self.gradient(other)
            else:
                lines.append(f"{other.targets[0]} = {self.direct.render(other.node.value, self.given)}")
        lines += self.act(step)
        self.given = outer
        return lines

    # ---------------------------------------------------------------------------------------------------------------- steps

    def in_place(self) -> None:
        """The tensors that are computed where they stand: those that somebody needs outside of the functions of sites."""
        direct = self.direct
        for step in direct.steps:
            if step.site is not None and not direct.waits(step):
                self.needed.update(direct.outer_reads(step))
        for step in direct.steps:
            if direct.waits(step):
                self.needed.update(n for n in self.reads(step) if n in self.env)
        for step in reversed(direct.steps):
            if step.kind == "tensor" and not direct.waits(step) and any(name in self.needed for name in step.targets):
                self.needed.update(step.reads)

    def step(self, step: Step) -> None:
        if step.kind == "variable":
            self.editor.replace(step.node.value, step.text)
        elif step.kind == "placeholder":
            self.editor.delete(step.node)
        elif step in self.wanted:
            if (loss := self.loss_of(step)) is not None:
                start = self.make_optimizer(step, loss)
            else:
                start = []
            self.given = {}
            if step.kind == "action" and self.grouped(step):
                self.editor.delete(step.node, comments=False)
            else:
                self.editor.replace_statement(step.node, self.spaced(step.node, [*start, *self.define(step)]))
        elif self.direct.waits(step):
            self.editor.delete(step.node, comments=False)
        elif step.kind == "tensor":
            if step.targets[0] in self.needed or step not in self.moved():
                self.editor.replace(step.node.value, self.direct.render(step.node.value, {}))
            else:
                self.editor.delete(step.node, comments=False)
        elif step.kind == "gradient":
            self.given = {}
            self.editor.replace_statement(step.node, self.spaced(step.node, self.gradient(step)))
        self.settled.update(ast.walk(step.node))

    def spaced(self, node: ast.stmt, lines: list[str]) -> str:
        """The text of lines that may begin or end with a definition, with blank lines around it as far as there are none."""
        source, (start, end) = self.editor.source, self.editor.span(node)
        before = source[:start].split("\n")[-2:-1]
        after = source[end:].split("\n")[1:2]
        if lines[0].startswith(("def ", "@")) and before and before[0].strip() and not before[0].lstrip().startswith("#"):
            lines = ["", *lines]
        if lines[-1] == "" and after and not after[0].strip():
            lines = lines[:-1]
        return "\n".join(lines)

    def grouped(self, step: Step) -> bool:
        """Whether an action happens only as a part of a group."""
        name = step.targets[0]
        fetched = any(name in self.fetched_names(fetch) for _, fetch, _ in self.run_calls)
        return not fetched and any(name in [a.id for a in s.node.value.args if isinstance(a, ast.Name)]  # type: ignore[attr-defined]
                                   for s in self.direct.steps if s.kind == "action" and s is not step)

    def make_optimizer(self, step: Step, loss: Step) -> list[str]:
        direct = self.direct
        call = step.node.value
        assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        direct.imports.update(("from mindspore import nn", "from mindspore import ops"))
        loss_name = ast.Name(id=loss.targets[0], ctx=ast.Load())
        weights = [v for v in direct.variables if direct.connected([loss_name], v)]
        text = f"[{', '.join(weights)}]"
        made = direct.optimizer(call.func.value)
        assert made is not None
        lines = []
        owner = call.func.value
        if isinstance(owner, ast.Name):
            name = owner.id
            if name in self.made:
                raise NotDirect("an optimizer with two losses")
        else:
            name = self.fresh("optimizer")
        self.made.add(name)
        self.updaters[step] = (name, text)
        lines.append(f"{name} = {direct.optimizer_text(made, text)}")
        return [*lines, ""]

    def gradient(self, step: Step) -> list[str]:
        """The statements that take the gradients of a site."""
        direct, site = self.direct, step.site
        assert site is not None
        weights = [x for x in site.xs if self.env[x].kind == "variable"]
        inputs = [x for x in site.xs if x not in weights]
        whole = self.whole(site) if direct.waits(step) else None
        arguments, extra = list(inputs), ""
        if whole is not None and inputs in ([], self.parameters(whole)[:1], self.parameters(whole)):
            name, lines, arguments = self.labels[whole], [], self.parameters(whole)
        elif whole is not None:
            name = self.fresh(f"{self.labels[whole]}_of_{'_'.join(inputs)}")
            indent = self.editor.unit()
            lines = [f"def {name}({', '.join(inputs)}):", f"{indent}return {self.labels[whole]}({', '.join(self.parameters(whole))})", ""]
        else:
            name = self.function_name(site, inputs)
            arguments = [*inputs, *self.outer_inputs(site)]
            lines = self.function(name, arguments, site)
        if inputs and len(arguments) > len(inputs) and (weights or not (len(site.xs) == 1 and (site.pick is not None or not self.listed(step)))):
            extra = f"[:{len(inputs)}]"
            if weights:
                raise NotDirect("weights and some of the inputs")
        options = []
        alone = len(site.xs) == 1 and (site.pick is not None or not self.listed(step))
        if inputs and not (alone and not weights):
            options.append("get_all=True")
        if weights:
            options.append("get_by_list=True")
        if site.sens:
            options.append("sens_param=True")
        direct.imports.add("from mindspore import ops")
        call = f"ops.GradOperation({', '.join(options)})({name}"
        if weights:
            call += f", {weights[0]}" if alone else f", ms.ParameterTuple([{', '.join(weights)}])"
        sens = [direct.render(part, self.given) for part in site.sens or ()]
        arguments = [self.given.get(a, a) for a in arguments] + ([sens[0] if len(sens) == 1 else f"({', '.join(sens)})"] if sens else [])
        call += f")({', '.join(arguments)})" + extra
        if len(call) + len(", ".join(step.targets)) > 96:
            head = call.index("(", call.index("(") + 1)
            call = call[:head + 1] + "\n" + self.editor.unit() + call[head + 1:]
        lines.append(self.result(step, call, inputs, weights, alone))
        if not self.inside:
            self.sites.append((site.call, call))
        return lines

    def outer_inputs(self, site: Site) -> list[str]:
        """The xs of gradients inside the function of a site that come from outside of it.

        A compiled function takes what it captures for constants, and the gradient for a constant is not the right one."""
        inner = self.direct.slice(site.ys, site.xs)
        bound = {name for s in inner for name in s.targets} | set(site.xs)
        found = [x for s in inner if s.site is not None for x in s.site.xs if x not in bound and self.env[x].kind != "variable"]
        return list(dict.fromkeys(found))

    def listed(self, step: Step) -> bool:
        return isinstance(step.node.targets[0], ast.Name)

    def result(self, step: Step, call: str, inputs: list[str], weights: list[str], alone: bool) -> str:
        site = step.site
        assert site is not None
        target = ", ".join(step.targets)
        if inputs and weights:
            lines = [f"{self.fresh('input_grads')}, {self.fresh('weight_grads')} = {call}"]
            order = [f"input_grads[{inputs.index(x)}]" if x in inputs else f"weight_grads[{weights.index(x)}]" for x in site.xs]
            value = order[site.pick] if site.pick is not None else ("[%s]" if self.listed(step) else "%s") % ", ".join(order)
            return "\n".join([*lines, f"{target} = {value}"])
        if site.pick is not None and not alone:
            return f"{target} = {call}[{site.pick}]"
        return f"{target} = {call}"

    def function_name(self, site: Site, inputs: Sequence[str]) -> str:
        y = site.ys[0].id if len(site.ys) == 1 and isinstance(site.ys[0], ast.Name) else ""
        if not y:
            return self.fresh("forward")
        return self.fresh(f"{y}_of_{'_'.join(inputs)}" if inputs else f"compute_{y}")

    def fresh(self, name: str) -> str:
        found, count = name, 1
        while found in self.names:
            count += 1
            found = f"{name}_{count}"
        self.names.add(found)
        return found

    def function(self, name: str, inputs: Sequence[str], site: Site) -> list[str]:
        """The function from the inputs to ys: the statements between, where they came from."""
        direct = self.direct
        body: list[str] = []
        inner = direct.slice(site.ys, site.xs)
        outer = {n: t for n, t in self.given.items() if n not in inputs and n not in {t for s in inner for t in s.targets}}
        result = [direct.render(y, outer) for y in site.ys]
        last = inner[-1] if inner else None
        for step in inner:
            if step.site is not None:
                self.inside += 1
                body += self.gradient(step)
                self.inside -= 1
            elif step is last and len(result) == 1 and result[0] == step.targets[0]:
                result = [direct.render(step.node.value, outer)]
                body += self.comments(step)
            else:
                body += self.comments(step) + f"{step.targets[0]} = {direct.render(step.node.value, outer)}".split("\n")
        if "\n" in result[0] and not result[0].startswith("("):
            result = [f"({result[0]})"] if len(result) == 1 else result
        nested = any(step.site is not None for step in inner)
        indent = self.editor.unit()
        lines = ["@ms.jit"] if nested else []
        lines.append(f"def {name}({', '.join(inputs)}):")
        lines += [(indent + line).rstrip() for part in [*body, f"return {', '.join(result)}"] for line in part.split("\n")]
        return [*lines, ""]

    def comments(self, step: Step) -> list[str]:
        """The comment lines above a statement that moves."""
        if step.targets[0] in self.needed or step in self.wanted:
            return []
        start = self.editor.span(step.node)[0]
        lines = self.editor.source[:start].split("\n")[:-1]
        found: list[str] = []
        while lines and lines[-1].strip().startswith("#"):
            found.insert(0, lines.pop().strip())
        return found

    # ----------------------------------------------------------------------------------------------------------------- runs

    def runs(self) -> None:
        """Runs of the session become the values themselves, or calls of the functions they have become."""
        for node, fetch, feed in self.run_calls:
            statement = self.editor.statement(node)
            items = fetch.elts if isinstance(fetch, (ast.List, ast.Tuple)) else [fetch]
            actions = [e for e in items if isinstance(e, ast.Name) and self.direct.kind(e.id) == "action"]
            waiting = [e for e in items if e not in actions]
            if actions and (len(items) > 1 or not isinstance(statement, ast.Expr)):
                self.mixed(node, statement, items, feed)
            elif actions:
                self.editor.replace(node, self.called(actions[0], feed))
            elif len(items) > 1 and (lines := self.one_by_one(node, statement, items, feed)):
                self.editor.replace_statement(statement, "\n".join(lines))
            else:
                self.editor.replace(node, self.fetched(fetch, feed))
            del waiting
            self.settled.update(ast.walk(node))
        for name, literal in self.feeds.items():
            for key, value in zip(literal.keys, literal.values, strict=True):
                assert isinstance(key, ast.Name)
                self.editor.replace(key, f"'{key.id}'")
                self.editor.replace(value, self.fed(key.id, value))
                self.settled.add(key)
            self.feed_uses(name)

    def feed_uses(self, name: str) -> None:
        """A dict of feeds is only fed."""
        feeding = {id(k.value) for node, _, _ in self.run_calls for k in node.keywords} | {id(a) for node, _, _ in self.run_calls for a in node.args}
        for node in ast.walk(self.direct.tree):
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) and id(node) not in feeding:
                raise NotDirect("a dict of feeds that is changed")

    def one_by_one(self, node: ast.Call, statement: ast.stmt, items: Sequence[ast.expr], feed: dict[str, str]) -> list[str]:
        """`a, b = sess.run([x, y], feed)` as one assignment for each value, where that is the same."""
        if not isinstance(statement, ast.Assign) or statement.value is not node or not isinstance(statement.targets[0], ast.Tuple):
            return []
        targets = statement.targets[0].elts
        texts = [self.editor.original(t) for t in targets]
        if len(targets) != len(items) or not all(isinstance(t, ast.Name) for t in targets):
            return []
        if any(isinstance(n, ast.Name) and n.id in texts for part in [*node.args[1:], *node.keywords] for n in ast.walk(part)):
            return []
        lines, at = [], 0
        while at < len(items):
            item = items[at]
            step = self.env[item.id].step if isinstance(item, ast.Name) and item.id in self.env else None
            group = step.targets if step is not None and step in self.wanted and len(step.targets) > 1 else []
            if group and [e.id for e in items[at:at + len(group)] if isinstance(e, ast.Name)] == group:
                assert isinstance(item, ast.Name)
                lines.append(f"{', '.join(texts[at:at + len(group)])} = [grad.asnumpy() for grad in {self.called(item, feed)}]")
                at += len(group)
            else:
                lines.append(f"{texts[at]} = {self.fetched(item, feed)}")
                at += 1
        return lines

    def mixed(self, node: ast.Call, statement: ast.stmt, items: Sequence[ast.expr], feed: dict[str, str]) -> None:
        """`_, c = sess.run([train, cost], feed)`: the values first, then what changes them."""
        if not isinstance(statement, ast.Assign) or statement.value is not node or not isinstance(statement.targets[0], ast.Tuple):
            raise NotDirect("values and updates in one run")
        targets = statement.targets[0].elts
        kept, calls = [], []
        if len(targets) != len(items):
            raise NotDirect("values and updates in one run")
        for target, item in zip(targets, items, strict=True):
            if isinstance(item, ast.Name) and self.direct.kind(item.id) == "action":
                if not isinstance(target, ast.Name) or target.id != "_":
                    raise NotDirect("the value of an update")
                calls.append(self.called(item, feed))
            else:
                kept.append(f"{self.editor.original(target)} = {self.fetched(item, feed)}")
        self.editor.replace_statement(statement, "\n".join([*kept, *calls]))

    def called(self, name: ast.Name, feed: dict[str, str]) -> str:
        """The call of the function that a tensor has become, with what is fed."""
        step = self.env[name.id].step
        assert step is not None
        missing = [p for p in self.parameters(step) if p not in feed]
        if missing:
            raise NotDirect(f"{missing[0]} is not fed")
        return f"{self.labels[step]}({', '.join(feed[p] for p in self.parameters(step))})"

    def is_initializer(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return self.direct.api(node.func) in ("tf.global_variables_initializer", "tf.initialize_all_variables")
        return isinstance(node, ast.Name) and self.direct.kind(node.id) == "initializer"

    def fetched(self, node: ast.expr, feed: dict[str, str]) -> str:
        """The arrays of what is fetched."""
        direct = self.direct
        if isinstance(node, (ast.List, ast.Tuple)):
            inner = ", ".join(self.fetched(e, feed) for e in node.elts)
            return f"[{inner}]" if isinstance(node, ast.List) else f"({inner}{',' if len(node.elts) == 1 else ''})"
        if isinstance(node, ast.Name):
            kind, step = direct.kind(node.id), self.env[node.id].step if node.id in self.env else None
            waits = step is not None and step in self.wanted
            if kind == "gradients":
                return f"[grad.asnumpy() for grad in {self.called(node, feed) if waits else node.id}]"
            if kind == "list":
                return "[" + ", ".join(self.fetched(ast.Name(id=n, ctx=ast.Load()), feed) for n in direct.env[node.id].items) + "]"
            if kind == "variable":
                return f"{node.id}.asnumpy().copy()" if direct.changes else f"{node.id}.asnumpy()"
            if kind in ("tensor", "gradient"):
                assert step is not None
                if waits:
                    pick = f"[{step.targets.index(node.id)}]" if len(step.targets) > 1 else ""
                    return f"{self.called(node, feed)}{pick}.asnumpy()"
                self.needed.add(node.id)
                return f"{node.id}.asnumpy()"
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and direct.kind(node.value.id) == "gradients":
            step = self.env[node.value.id].step
            if step in self.wanted:
                return f"{self.called(node.value, feed)}[{self.editor.original(node.slice)}].asnumpy()"
            return f"{self.editor.original(node)}.asnumpy()"
        direct.check(node)
        names = direct.tensor_names(node)
        if not names and not direct.mentions(node):
            raise NotDirect("what is fetched")
        if any((s := self.env[n].step) is not None and direct.waits(s) for n in names):
            raise NotDirect("an expression that is fetched")
        self.needed.update(names)
        text = direct.render(node, {})
        return f"{text}.asnumpy()" if isinstance(node, (ast.Call, ast.Subscript)) else f"({text}).asnumpy()"

    def need(self, names: list[str]) -> list[str]:
        self.needed.update(names)
        return names

    # ------------------------------------------------------------------------------------------------------------ furniture

    def furniture(self) -> None:
        """The session, the initializer and their statements go."""
        direct = self.direct
        for value in self.env.values():
            if value.kind in ("session", "initializer") and value.step is not None:
                self.drop(value.step.node)
            elif value.kind in ("list", "optimizer") and value.step is not None:
                self.drop(value.step.node)
        for node in ast.walk(direct.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                call = node.value
                closes = isinstance(call.func, ast.Attribute) and call.func.attr == "close" and isinstance(call.func.value, ast.Name) \
                    and direct.kind(call.func.value.id) == "session"
                starts = direct.is_run(call) and len(call.args) == 1 and self.is_initializer(call.args[0])
                starts = starts or isinstance(call.func, ast.Attribute) and call.func.attr == "run" and self.is_initializer(call.func.value)
                if closes or starts:
                    self.drop(node)
        for statement in direct.tree.body:
            if isinstance(statement, ast.With) and direct.session_of(statement) is not None:
                self.settled.update(n for item in statement.items for n in ast.walk(item))
                body = list(statement.body)
                while len(body) > 1 and body[0] in self.dropped:
                    del body[0]
                self.editor.unwrap(statement, body)

    def drop(self, node: ast.stmt) -> None:
        self.settled.update(ast.walk(node))
        self.dropped.add(node)
        self.editor.delete(node)

    def functions(self) -> None:
        """The calls of TensorFlow in functions that compute on values."""
        for name in self.direct.pure:
            function = self.direct.functions[name]
            self.values_in(function)
            self.settled.update(ast.walk(function))

    def values_in(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.BinOp, ast.Call, ast.Attribute, ast.UnaryOp, ast.Subscript, ast.Compare)):
                text = self.direct.render(child, {})
                if text != self.editor.original(child):
                    self.editor.replace(child, text)
            else:
                self.values_in(child)

    def host_tensors(self) -> None:
        """Host code that reads a tensor without running it: only what is the same for values stays."""
        for node in ast.walk(self.direct.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in self.settled \
                    and self.direct.kind(node.id) not in ("host", "session") \
                    and self.direct.names.lookup(node.id, self.direct.names.scope_of[node]) is self.direct.names.module:
                raise NotDirect(f"{node.id} in host code")

    def leftovers(self) -> None:
        for node in ast.walk(self.direct.tree):
            if isinstance(node, (ast.Name, ast.Attribute)) and node not in self.settled and self.direct.api(node) is not None:
                raise NotDirect(f"{self.direct.api(node)} outside of the graph")

    # -------------------------------------------------------------------------------------------------------------- imports

    def imports(self) -> None:
        old = [n for n in ast.walk(self.direct.tree) if isinstance(n, _IMPORTS) and _is_tensorflow(n)]
        if any(n not in self.direct.tree.body for n in old):
            raise NotDirect("an import inside a block")
        order = ("import mindspore as ms", "from mindspore import ops")
        lines = sorted(self.direct.imports, key=lambda line: (order.index(line) if line in order else 9, line))
        first = old[0]
        if all(isinstance(first, ast.ImportFrom) or a.name.split(".")[0] == "tensorflow" for a in first.names):
            self.editor.replace_statement(first, "\n".join(lines))
            del old[0]
        else:
            self.editor.insert_before(first, "\n".join(lines))
        for node in old:
            self.editor.remove_names(node, [a for a in node.names if isinstance(node, ast.ImportFrom) or a.name.split(".")[0] == "tensorflow"])

    def places(self, code: str) -> list[Place]:
        """The sites with where they went: the call of GradOperation whose text was written for them."""
        lines = code.split("\n")
        found: list[Place] = []
        used: set[int] = set()
        for call, text in sorted(self.sites, key=lambda s: (s[0].lineno, s[0].col_offset)):
            first = text.split("\n")[0]
            place = next(((i + 1, line.index(first) + 1) for i, line in enumerate(lines) if first in line and i not in used), None)
            if place is not None:
                used.add(place[0] - 1)
            found.append(Place(f"G{len(found) + 1}", call.lineno, call.col_offset + 1, place))
        return found


def _is_tensorflow(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and (node.module or "").split(".")[0] == "tensorflow"
    return any(alias.name.split(".")[0] == "tensorflow" for alias in node.names)
