"""Slowdowns planted on purpose, to see that the gate catches them."""

import ast
import copy
import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Seed:
    """A change of one kernel that leaves its results alone and costs time.

    edit : callable that changes the kernel's ``ast.FunctionDef`` in place
    case : name of the gate's case that should be found slower
    """

    name: str
    file: str
    kernel: str
    edit: object
    case: str

    def plant(self, folder):
        """Slow the copy of the packages in `folder`. Raises LookupError where the kernel is no longer what it was."""
        path = pathlib.Path(folder, self.file)
        tree = ast.parse(path.read_text())
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == self.kernel]
        found = [function for function in functions if "njit" in "".join(map(ast.unparse, function.decorator_list))]
        before = ast.dump(tree)
        for function in found:
            self.edit(function)
        if len(found) != 1 or ast.dump(tree) == before:
            raise LookupError(f"{self.file} has no kernel {self.kernel!r} where this can be planted: {self.name}")
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)))


def copy_first(function):
    """The first array is copied before it is read."""
    name = function.args.args[0].arg
    at = 1 if ast.get_docstring(function) is not None else 0
    function.body[at:at] = ast.parse(f"{name} = {name}.copy()").body


def leave_early(function):
    """The first loop ends where its result is infinite, which never happens but keeps it off vectors."""
    loop = next(statement for statement in function.body if isinstance(statement, ast.For))
    target = ast.unparse(loop.body[-1].targets[0])
    loop.body += ast.parse(f"if {target} == math.inf:\n    break").body


def double_loop(function):
    """The first loop runs twice; for kernels where it only overwrites."""
    at = next(i for i, statement in enumerate(function.body) if isinstance(statement, ast.For))
    function.body.insert(at, copy.deepcopy(function.body[at]))


SEEDS = (
    Seed("a copy of the input", "spectra/_kernels/smoothing.py", "inner", copy_first, "Savitzky-Golay"),
    Seed("a lost vectorisation", "spectra/_kernels/baseline.py", "_clip", leave_early, "SNIP"),
    Seed("a doubled pass", "spectra/_kernels/order.py", "block_levels", double_loop, "MAD"),
    Seed("a copy for each tree", "fasttree/_tree_walk.py", "walk", copy_first, "forest, predict"),
)
