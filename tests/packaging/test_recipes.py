"""Dockerfile, snap, charm and systemd units: their commands and paths exist, and the tools that are here agree."""

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

import bigconst
from bigconst.cli import build_parser

TOP = Path(__file__).resolve().parents[2]


def text(name: str) -> str:
    return (TOP / name).read_text()


def parsed(line: str):
    """What our own parser makes of a command line, whose program is bigconst; it raises for one that is wrong."""
    program, *argv = shlex.split(line)
    assert Path(program).name == "bigconst", line
    return build_parser().parse_args(argv)


def instructions(name: str) -> list[tuple[str, str]]:
    """Of a Dockerfile, without comments, continued lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text(name)))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


@pytest.fixture
def workunit():
    """The charm's module without ops."""
    spec = importlib.util.spec_from_file_location("workunit", TOP / "charm/src/workunit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- docker -------------------------------------------------------------------------------

def test_dockerfile():
    found = instructions("Dockerfile")
    by_name = {name: [value for each, value in found if each == name] for name, _ in found}
    assert by_name.keys() == {"FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL", "ENTRYPOINT",
                              "CMD"}
    (base,) = by_name["FROM"]
    oldest = re.search(r'requires-python = ">=3\.(\d+)"', text("pyproject.toml"))[1]
    assert int(re.fullmatch(r"python:3\.(\d+)-slim", base)[1]) >= int(oldest)
    copied = [source for value in by_name["COPY"] for source in value.split()[:-1]]
    assert all((TOP / source).exists() for source in copied)
    assert set(copied) == set(re.findall(r"(?m)^!(.*)$", text(".dockerignore")))
    # What pyproject.toml names has to be there when it is installed.
    assert {"pyproject.toml", "bigconst", "README.md", "LICENSE"} == set(copied)
    assert by_name["USER"] == ["bigconst"] and any("useradd" in each and "bigconst" in each for each in by_name["RUN"])
    volumes = json.loads(by_name["VOLUME"][0])
    assert set(volumes) == {"/data", "/scratch", "/cache"} and by_name["WORKDIR"][0] in volumes
    assert all(volume in by_name["RUN"][-1] for volume in volumes)
    assert found.index(("USER", "bigconst")) > found.index(("RUN", by_name["RUN"][-1]))
    assert by_name["STOPSIGNAL"] == ["SIGTERM"]
    (entry,), (default,) = json.loads(by_name["ENTRYPOINT"][0]), json.loads(by_name["CMD"][0])
    with pytest.raises(SystemExit) as ended:
        parsed(f"{entry} {default}")
    assert ended.value.code == 0


def test_docker_reads_it():
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("docker has no daemon here")
    done = subprocess.run(["docker", "build", "--check", "."], cwd=TOP, capture_output=True, text=True, timeout=300)
    if "unknown flag" in done.stderr:
        pytest.skip("this docker cannot check without building")
    assert done.returncode == 0, done.stderr


# -- YAML ---------------------------------------------------------------------------------

def simple_yaml(source: str) -> dict:
    """The part of YAML in our files: nested mappings of plain values, lists of plain values, | and lines folded."""
    lines = source.splitlines()

    def block(at: int, indent: int):
        result = None
        while at < len(lines):
            line = lines[at]
            if not line.strip():
                at += 1
                continue
            depth = len(line) - len(line.lstrip())
            if depth < indent:
                break
            assert depth == indent, f"line {at + 1}: {line}"
            if line.lstrip().startswith("- "):
                result = [] if result is None else result
                result.append(line.strip()[2:])
                at += 1
                continue
            match = re.fullmatch(r"([\w-]+):(?: (.*))?", line.strip())
            assert match, f"line {at + 1}: {line}"
            result = {} if result is None else result
            assert match[1] not in result, f"line {at + 1}: twice"
            if match[2] == "|":
                at += 1
                begin = at
                while at < len(lines) and (not lines[at].strip() or lines[at].startswith(" " * (indent + 2))):
                    at += 1
                result[match[1]] = "\n".join(each[indent + 2:] for each in lines[begin:at]) + "\n"
            elif match[2] is not None:
                result[match[1]] = plain(match[2])
                at += 1
            else:
                rest = next((each for each in lines[at + 1:] if each.strip()), "")
                deeper = len(rest) - len(rest.lstrip())
                if deeper > indent:
                    result[match[1]], at = block(at + 1, deeper)
                else:
                    result[match[1]], at = None, at + 1
        return result, at

    def plain(value: str):
        assert value[0] not in "&*!%@`{[>'\"" and ": " not in value and " #" not in value, value
        if value in ("true", "false"):
            return value == "true"
        return int(value) if re.fullmatch(r"-?\d+", value) else value

    return block(0, 0)[0]


def loaded(name: str) -> dict:
    """A YAML file; PyYAML, where it is installed, has to see the same in it."""
    found = simple_yaml(text(name))
    if importlib.util.find_spec("yaml") is not None:
        import yaml

        assert yaml.safe_load(text(name)) == found
    return found


def test_snap(tmp_path):
    snap = loaded("snap/snapcraft.yaml")
    assert snap["name"] == "bigconst" and snap["confinement"] == "strict" and snap["base"] == "core24"
    assert len(snap["summary"]) < 79 and set(snap["platforms"]) == {"amd64", "arm64"}
    (app, fields), = snap["apps"].items()
    assert app == "bigconst" and fields["command"] == "bin/bigconst"
    assert 'bigconst = "bigconst.cli:main"' in text("pyproject.toml")
    (part, recipe), = snap["parts"].items()
    assert part == snap["adopt-info"] and recipe["plugin"] == "python" and (TOP / recipe["source"]) == TOP
    # Its version is read from our file by a command in the recipe.
    (tmp_path / "craftctl").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "craftctl").chmod(0o755)
    said = subprocess.run(["sh", "-ec", recipe["override-pull"]], cwd=TOP, capture_output=True, text=True, check=True,
                          env={"PATH": f"{tmp_path}:/usr/bin:/bin"}).stdout
    assert said == f"default\nset version={bigconst.__version__}\n"


# -- the charm ----------------------------------------------------------------------------

def test_charm_files(workunit):
    charm = loaded("charm/charmcraft.yaml")
    assert charm["name"] == "bigconst" and charm["subordinate"] is True
    (relation,) = charm["requires"].values()
    assert relation == {"interface": "juju-info", "scope": "container"}
    (part,) = charm["parts"].values()
    assert all((TOP / "charm" / name).is_file() for name in part["charm-requirements"])
    assert re.match(r"ops\b", text("charm/requirements.txt"))
    options = charm["config"]["options"]
    defaults = {name: each["default"] for name, each in options.items()}
    workunit.Settings(**{name.replace("-", "_"): value for name, value in defaults.items()})
    assert set(re.findall(r'self\.config\["([\w-]+)"\]', text("charm/src/charm.py"))) == set(options)
    assert set(re.findall(r'resources\.fetch\("(\w+)"\)', text("charm/src/charm.py"))) == set(charm["resources"])
    for name in ("charm.py", "workunit.py"):
        compile(text(f"charm/src/{name}"), name, "exec")


def unit_fields(unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))


def test_charm_unit(workunit):
    fields = unit_fields(workunit.unit_text(workunit.Settings("/srv/queue", 3, 19)))
    arguments = parsed(fields["ExecStart"])
    assert (arguments.dir, arguments.workers) == ("/srv/queue", 3) and arguments.run.__module__.endswith(".work")
    assert fields["ExecStart"].split()[0] == workunit.PROGRAM and fields["ReadWritePaths"] == "/srv/queue"
    assert (fields["Nice"], fields["CPUSchedulingPolicy"], fields["IOSchedulingClass"]) == ("19", "idle", "idle")
    assert (fields["KillSignal"], fields["TimeoutStopSec"]) == ("SIGTERM", "120")
    assert unit_fields(workunit.unit_text(workunit.Settings("/q", 1, 5)))["CPUSchedulingPolicy"] == "batch"


@pytest.mark.parametrize("settings", [("queue", 1, 19), ("", 1, 19), ("/", 1, 19), ("/a b", 1, 19), ("/a%h", 1, 19),
                                      ("/a\nUser=root", 1, 19), ("/q", 0, 19), ("/q", 257, 19), ("/q", 1, 20),
                                      ("/q", 1, -1)])
def test_charm_settings_that_make_no_sense(workunit, settings):
    with pytest.raises(ValueError, match="has to be"):
        workunit.Settings(*settings)


def test_charm_resource(workunit):
    members = ["bigconst/__init__.py", "bigconst-0.1.0.dist-info/RECORD", "bigconst-0.1.0.dist-info/METADATA"]
    assert workunit.wheel_name(members) == "bigconst-0.1.0-py3-none-any.whl"
    for wrong in ([], members[:2], ["other-1.0.dist-info/METADATA"]):
        with pytest.raises(ValueError, match="make dist"):
            workunit.wheel_name(wrong)


@pytest.fixture
def charm(workunit, monkeypatch, tmp_path):
    """The charm's module with as much of ops as it asks for, and calls noted instead of made."""
    ops = types.SimpleNamespace(
        CharmBase=object, Framework=object, EventBase=object, ModelError=type("ModelError", (Exception,), {}),
        **{f"{name}Status": lambda said="", name=name: (name, said) for name in ("Active", "Blocked", "Maintenance")})
    monkeypatch.setitem(sys.modules, "ops", ops)
    monkeypatch.setitem(sys.modules, "workunit", workunit)
    spec = importlib.util.spec_from_file_location("bigconst_charm", TOP / "charm/src/charm.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PROGRAM", str(tmp_path / "bin/bigconst"))
    monkeypatch.setattr(module, "ENVIRONMENT", str(tmp_path))
    monkeypatch.setattr(module, "UNIT_PATH", str(tmp_path / "unit"))
    module.calls = []
    monkeypatch.setattr(module, "_call", lambda *command: module.calls.append(command))
    module.charm = object.__new__(module.BigconstCharm)
    module.charm.unit = types.SimpleNamespace(status=None)
    module.charm.config = {"queue-dir": str(tmp_path / "queue"), "workers": 2, "nice": 19}
    wheel = tmp_path / "bigconst.whl"
    module.charm.model = types.SimpleNamespace(resources=types.SimpleNamespace(fetch=lambda name: wheel))
    return module


def test_charm_installs_and_starts(charm, tmp_path):
    with zipfile.ZipFile(tmp_path / "bigconst.whl", "w") as archive:
        archive.writestr("bigconst-0.1.0.dist-info/METADATA", "")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bigconst").touch()
    charm.charm._install(None)
    installed = next(call for call in charm.calls if "--force-reinstall" in call)
    assert Path(installed[-1]).name == "bigconst-0.1.0-py3-none-any.whl"
    assert charm.calls[-1][:2] == ("systemctl", "restart") and charm.charm.unit.status[0] == "Active"
    assert f"work {tmp_path}/queue --workers 2\n" in (tmp_path / "unit").read_text()
    charm.charm._remove(None)
    assert not (tmp_path / "unit").exists() and ("systemctl", "disable", "--now", charm.UNIT) in charm.calls


def test_charm_is_blocked_without_its_wheel(charm, tmp_path):
    def refuse(name):
        raise charm.ops.ModelError

    charm.charm._configure(None)
    assert charm.charm.unit.status[0] == "Blocked"
    (tmp_path / "bigconst.whl").write_bytes(b"")        # what is attached where there is nothing yet
    charm.charm._install(None)
    assert charm.charm.unit.status[0] == "Blocked"
    charm.charm.model.resources.fetch = refuse
    charm.charm._install(None)
    assert charm.charm.unit.status[0] == "Blocked" and charm.calls == []


def test_charm_is_blocked_by_settings_that_make_no_sense(charm, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bigconst").touch()
    charm.charm.config["workers"] = 0
    charm.charm._configure(None)
    assert charm.charm.unit.status == ("Blocked", "workers has to be 1 to 256") and charm.calls == []


# -- systemd ------------------------------------------------------------------------------

def documented_unit() -> str:
    """The unit of docs/running.md."""
    lines = text("docs/running.md").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.strip() == "[Unit]")
    end = next(number for number, line in enumerate(lines) if line.strip().startswith("WantedBy=")) + 1
    return "\n".join(line.strip() for line in lines[begin:end]) + "\n"


def test_documented_unit():
    fields = unit_fields(documented_unit())
    arguments = parsed(fields["ExecStart"])
    assert arguments.run.__module__.endswith(".compute") and arguments.swap and not arguments.force
    # It does not begin again after the files are there.
    assert fields["ConditionPathExists"] == f"!{arguments.output}"
    assert fields["Restart"] == "on-failure" and fields["SuccessExitStatus"] == "75"
    # Errors that the next start would meet again: those of the contract, which errors.py numbers.
    assert fields["RestartPreventExitStatus"].split() == ["1", "2", "3", "4"]
    assert int(fields["TimeoutStopSec"]) >= 120


@pytest.mark.parametrize("which", ["charm", "documented"])
def test_systemd_takes_the_unit(workunit, tmp_path, which):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = documented_unit() if which == "documented" else workunit.unit_text(workunit.Settings(str(tmp_path), 2, 19))
    # The program has to be there, and so has the user.
    unit = re.sub(r"(?m)^(ExecStart=)\S+", rf"\g<1>{sys.executable}", unit)
    path = tmp_path / "bigconst-test.service"
    path.write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if "bigconst-test" in line or str(path) in line]
    assert said == [], done.stderr
    path.write_text(unit.replace("Restart=", "Restart=perhaps-"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, timeout=60)
    assert "perhaps-" in done.stderr        # it does look
