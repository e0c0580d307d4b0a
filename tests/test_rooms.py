"""The house: its rooms as docs/design.md draws them, arrows that point down, names that mean one thing, the way in."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import traceback
from collections import Counter
from pathlib import Path

import pytest

from bigconst.arithmetic.memory import transform
from bigconst.cli import main

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "bigconst"
DESIGN = (ROOT / "docs/design.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [[room.strip() for room in layer.split("|")] for layer in CONTRACTS[0]["layers"]]
MODULES = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def lint(root: Path) -> subprocess.CompletedProcess:
    return subprocess.run([shutil.which("lint-imports", path=str(Path(sys.executable).parent)), "--no-cache"], cwd=root,
                          env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)


def test_imports_point_down_only():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file, line, contract", [
    ("storage/lane.py", "from bigconst.plans.shape import LANES", "imports point down only"),
    ("kernels/pack.py", "def later():\n    from bigconst.base.errors import UsageError\n    import bigconst.runs.lanes",
     "imports point down only"),
    ("runs/lanes.py", "import bigconst", "imports point down only"),
    ("arithmetic/words.py", "import bigconst.arithmetic.memory.products", "disk stands on memory"),
])
@pytest.mark.slow
def test_an_arrow_that_points_up_is_refused(tmp_path, file, line, contract):
    shutil.copytree(PACKAGE, tmp_path / "bigconst", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with open(tmp_path / "bigconst" / file, "a") as module:
        module.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1 and re.search(rf"{contract}.* BROKEN", done.stdout), done.stdout


def test_the_map_of_the_rooms_is_that_of_the_folders():
    drawn = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", DESIGN, re.MULTILINE)
    there = [path.stem for path in PACKAGE.iterdir()
             if (path.is_dir() and path.name != "__pycache__") or path.suffix == ".py"]
    assert sorted(drawn) == sorted(there)
    assert [room for room in drawn if room != "__init__"] == [room for layer in LAYERS for room in layer]


def test_nothing_lies_loose_at_the_top():
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py", "api.py", "cli.py"}


def test_a_class_name_means_one_thing():
    names = Counter(node.name for tree in MODULES.values() for node in ast.walk(tree)
                    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_nobody_below_the_commands_knows_argparse():
    """Nor takes apart a command line: requests are typed."""
    knowing = {room_of(path) for path, tree in MODULES.items() for node in ast.walk(tree)
               if isinstance(node, ast.Import) and any(each.name == "argparse" for each in node.names)}
    assert knowing == {"cli", "commands"}
    builders = {room_of(path) for path, tree in MODULES.items() for node in ast.walk(tree)
                if isinstance(node, ast.Name) and node.id == "build_parser"}
    assert builders <= {"cli", "commands"}


def test_any_is_rare():
    used = Counter()
    for path, tree in MODULES.items():
        used[room_of(path)] += sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(tree))
    assert sum(used.values()) <= 40 and used["estimates"] == used["commands"] == 0


def test_docstrings_stand_by_themselves():
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                text = ast.get_docstring(node) or ""
                assert not text.startswith(("Of ", "The same")), f"{path}: {text}"


def test_the_way_in_goes_down(tmp_path, monkeypatch):
    """From the command line to the first kernel of a run: as docs/design.md tells it."""
    stacks, kernel = [], transform.columns_forward

    def spy(*arguments):
        stacks.append(traceback.extract_stack())
        return kernel(*arguments)

    monkeypatch.setattr(transform, "columns_forward", spy)
    assert main(["phi", "--digits", "30000", "--threads", "1", "--output", str(tmp_path / "phi.txt")]) == 0
    way = [(Path(frame.filename).relative_to(PACKAGE), frame.name) for frame in stacks[0]
           if Path(frame.filename).is_relative_to(PACKAGE)]
    # Programs call themselves, and each other by a machine.
    way = list(dict.fromkeys((path, name) for path, name in way if name not in ("call", "_level")))
    told = re.findall(r"^\d+\. `([\w/]+\.py)`: `(\w+)`", DESIGN, re.MULTILINE)
    assert told == [*((str(path), name) for path, name in way), ("kernels/columns.py", "columns_forward")]
    assert len(told) <= 16
    rank = {room: i for i, layer in enumerate(LAYERS) for room in layer}
    heights = [rank[Path(file).parts[0].removesuffix(".py")] for file, _ in told]
    assert heights == sorted(heights)
