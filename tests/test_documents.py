"""Every command of the README and of docs/ runs: page by page, in order, in an empty directory.

A command is an indented line that begins with a program (variables before it and a comment behind it do not count).
Large numbers of digits become small ones and mount points directories below that of the page; what needs root, a
package or another machine is not run, but has to be listed here.  Lines that need a shell go to one; those that are
nothing but a command of bigconst run in a fork of this process, which has loaded all kernels.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from interrupted_runs import end
from plausible import keep_speeds

from bigconst.cli import build_parser
from bigconst.kernels import cache
from bigconst.runs.kernels import FAMILIES, load

ROOT = Path(__file__).parents[1]
PAGES = [path.relative_to(ROOT).as_posix() for path in sorted(
    [ROOT / "README.md", ROOT / "swap" / "README.md", *(ROOT / "docs").glob("*.md")])]

RUN = {"bigconst", "python", "mkdir", "tail", "zstd"}
INSTALLING = {"make", "pip", "python3", ".", ".venv/bin/python"}
"""They install, or run all tests or benchmarks, which tests of their own do."""
ELSEWHERE = {"lsblk", "mdadm", "mkfs.xfs", "mount", "hdparm", "apt-get", "systemctl", "journalctl", "loginctl",
             "docker", "dask", "openssl", "snap", "snapcraft", "charmcraft", "juju", "byobu", "tmux"}
"""They need root, a package or another machine."""

VARIABLES = r"(?:[A-Z_]+=(?:\"[^\"]*\"|\S+) )*"

SMALLER = (
    (r"--digits (?:1e8|1e9|3e8)\b", "--digits 1e5"),
    (r"--digits 2e12(?! .*--plan)(?= --memory \S+ --swap| --swap)", "--digits 1e5"),
    (r"--memory 57GiB (?=--swap .*--output)", "--memory 1GiB "),
    (r"--digits 1e7 --workspace 8MiB\b", "--digits 1e6 --workspace 1MiB"),
    (r"\bll 44497\b", "ll 4423"),
    (r"(?<![\w.])/mnt\b", "mnt"),
    (r"--minutes [\d.]+", "--minutes 0.01"),
    (r"--digits 1e10 --memory 8GiB --swap /dev/shm", "--digits 1e5 --workspace 1MiB --swap mnt"),
    (r"--memory 2GiB(?= --swap swap)", "--memory 512MiB"),
)
"""(pattern, replacement): so that a page takes seconds."""

NOT_HERE = {
    "bigconst estimate --refresh https://instances.vantage.sh/instances.json":
        "needs the network; tests/catalogue/test_refresh.py reads such lists",
    "bigconst bench": "takes a minute; tests/estimates/test_bench.py does it",
    "bigconst bench --swap scratch": "the same",
    "bigconst work queue --cluster tls://head:8786 --tls-ca cert.pem --tls-cert cert.pem --tls-key key.pem":
        "needs a scheduler; tests/mersenne/test_cluster.py has one",
    "bigconst work queue --cluster tcp://127.0.0.1:8786":
        "needs a scheduler; tests/mersenne/test_cluster.py has one",
}

BEFORE = {
    "README.md": ["mkdir swap mnt mnt/a mnt/b"],
    "docs/certificate.md": ["bigconst phi --digits 1e5"],
    "docs/checking.md": ["bigconst phi --digits 1e5", "cp phi.txt other.txt"],
    "docs/estimates.md": ["mkdir scratch"],
    "docs/running.md": ["mkdir mnt mnt/a"],
    "docs/series.md": ["cp docs/apery.toml ."],
    "docs/machines.md": [f"cp {ROOT}/bigconst/catalogue/instances.csv prices.csv"],
}
"""What a reader of the page has."""

FAILS = ("BIGCONST_FAILPOINTS",)
"""Commands with these words need not end well: they break something on purpose."""


def commands(page: str) -> list[tuple[int, str]]:
    """(line, command) in the order of the page."""
    found = []
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        text = re.sub(r"\s+# .*", "", line).strip()
        if line.startswith("    ") and program(text) in RUN | INSTALLING | ELSEWHERE:
            found.append((number, text))
    return found


def test_the_example_of_a_series_is_the_file_beside_it():
    text = (ROOT / "docs" / "series.md").read_text()
    assert "".join(f"       {line}\n" for line in (ROOT / "docs" / "apery.toml").read_text().splitlines()) in text


def program(command: str) -> str:
    """Its first word."""
    return re.sub(f"^{VARIABLES}", "", command).partition(" ")[0]


def smaller(command: str) -> str:
    for pattern, replacement in SMALLER:
        command = re.sub(pattern, replacement, command)
    return command


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """With the program of this tree, and settings and caches of nobody."""
    load(*FAMILIES)
    importlib.import_module("matplotlib.backends.backend_agg")      # which forks have then, too
    folder = tmp_path_factory.mktemp("documents")
    keep_speeds(folder, folder / "no scratch")
    binary = folder / "bin"
    binary.mkdir()
    for name, arguments in (("bigconst", "-m bigconst "), ("python", "")):
        (binary / name).write_text(f'#!/bin/sh\nexec {sys.executable} {arguments}"$@"\n')
        (binary / name).chmod(0o755)
    return {**os.environ, "PATH": f"{binary}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder), "HOME": str(folder),
            "BYOBU_CONFIG_DIR": str(folder / "byobu"), "BIGCONST_CACHE": str(cache.CACHE_DIR.parents[1])}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(program(text) in RUN for _, text in commands(page))])
def test_commands_of_a_page_run(page, tmp_path, environment):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "docs" / "verify_certificate.py", tmp_path)
    for command in BEFORE.get(page, ()):
        assert run(command, tmp_path, environment)[0] == 0, command
    for number, command in commands(page):
        if program(command) not in RUN or command in NOT_HERE or not shutil.which(program(command)) \
                and program(command) not in ("bigconst", "python"):
            continue
        code, err = run(smaller(command), tmp_path, environment)
        assert code == 0 or any(word in command for word in FAILS), (page, number, command, err)
        assert "Traceback" not in err, (page, number, command, err)


def run(command: str, folder: Path, environment: dict) -> tuple[int, str]:
    """Exit status of a command, and what it says on stderr."""
    if command.startswith("bigconst ") and set(command).isdisjoint("|&;<>$`*?~"):
        def prepare():
            os.chdir(folder)
            os.environ.update(environment)

        return end(command.removeprefix("bigconst "), prepare)
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_benchmarks_and_targets_that_pages_name_are_there(page):
    for _, command in commands(page):
        words = command.split()
        if program(command) == ".venv/bin/python":
            assert (ROOT / words[1]).is_file(), command
        elif program(command) == "make":
            done = subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, command


@pytest.mark.parametrize("page", PAGES)
def test_subcommands_and_files_that_pages_mention_are_there(page):
    text = (ROOT / page).read_text()
    known = build_parser()._subparsers._group_actions[0].choices
    for name in re.findall(r"`bigconst ([a-z][a-z0-9-]*)", text):
        assert name in known, name
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / target).exists(), target
