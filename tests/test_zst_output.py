"""`--output phi.txt.zst`: written, verified, certified, killed and resumed through the command line."""

import itertools
import json
import os
import signal

import pytest
import zstandard
from certificates import proves
from interrupted_runs import DIGITS, ON_DISK, bigconst, check_finished, kill
from test_cli import one_line

from bigconst.base.errors import FaultError
from bigconst.constants import digits as digit_writer
from bigconst.constants import engine
from bigconst.storage import zstfile
from bigconst.storage.zstfile import ZstText

NAME = "phi.txt.zst"
TO_ZST = f"phi --digits {DIGITS} --output {NAME}"

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def small_pieces(monkeypatch):
    """So that a small text has six."""
    monkeypatch.setattr(digit_writer, "TEXT_PIECE_BYTES", 12_000)
    monkeypatch.setattr(zstfile, "FRAME_BYTES", 12_000)


def decompress(directory) -> None:
    """phi.txt in the place of phi.txt.zst."""
    with open(directory / NAME, "rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    (directory / "phi.txt").write_bytes(text)
    (directory / NAME).unlink()


def check_same_files(place, in_memory) -> None:
    """The text, and the certificate under the name of the text's, are those of a run that did not compress."""
    assert sorted(os.listdir(place / "files")) == ["phi.txt.cert", NAME]
    decompress(place / "files")
    check_finished(place, in_memory)


@pytest.mark.parametrize("command", [TO_ZST, f"{ON_DISK} --output {NAME}"])
def test_the_same_text_and_certificate(place, in_memory, capsys, small_pieces, command):
    assert bigconst(f"{command} --json ../run.json") == 0
    assert NAME in capsys.readouterr().out
    size = os.path.getsize(NAME)
    report = json.loads((place / "run.json").read_text())
    (place / "run.json").unlink()
    assert report["files"][0] == {"path": str(place / "files" / NAME), "bytes": size}
    assert report["certificate"] == str(place / "files" / "phi.txt.cert")
    assert bigconst(f"verify {NAME}") == 0
    assert "70,000 digits" in capsys.readouterr().out
    check_same_files(place, in_memory)
    assert bigconst("verify phi.txt") == 0


def test_hexadecimal_of_few_digits(place, capsys):
    for digits in (1, 2, 1000):
        assert bigconst(f"sqrt 3 --digits {digits} --base 16 --output a{digits}.zst") == 0
        assert os.path.exists(f"a{digits}.cert")
        assert bigconst(f"verify a{digits}.zst") == 0
    assert os.path.getsize("a1000.zst") < 600


def test_certified_from_elsewhere(place, in_memory, capsys):
    text = in_memory("1e4")["phi.txt"]
    with ZstText(NAME, len(text), 10) as file:
        file.write_at(0, memoryview(text))
        file.commit()
    assert bigconst(f"verify {NAME} --without-certificate --constant phi") == 0
    assert bigconst(f"certify {NAME} --constant phi") == 0
    assert proves(text, (place / "files/phi.txt.cert").read_bytes())


def test_a_wrong_digit_and_a_damaged_file(place, in_memory, capsys):
    assert bigconst(f"phi --digits 1e4 --output {NAME}") == 0
    data = bytearray((place / "files" / NAME).read_bytes())
    data[1000] ^= 1
    (place / "files" / NAME).write_bytes(data)
    capsys.readouterr()
    for command in ("verify", "certify --constant phi --force", "find 12", "compare phi.txt.zst"):
        name, *options = command.split(" ", 1)
        assert bigconst(" ".join([name, NAME, *options])) == 3
        assert "is damaged in bytes 0 to 10002" in one_line(capsys)
    text = bytearray(in_memory("1e4")["phi.txt"])
    capsys.readouterr()
    text[5000] ^= 1
    os.unlink(NAME)
    with ZstText(NAME, len(text), 10) as file:
        file.write_at(0, memoryview(text))
        file.commit()
    assert bigconst(f"verify {NAME}") == 1
    assert "is not the file that the certificate was made for" in one_line(capsys)


def test_zstandard_without_a_table(place, in_memory, capsys):
    (place / "files" / NAME).write_bytes(zstandard.compress(in_memory("1e4")["phi.txt"]))
    (place / "files/phi.txt.cert").write_bytes(in_memory("1e4")["phi.txt.cert"])
    assert bigconst(f"verify {NAME}") == 3
    assert "without a seek table" in one_line(capsys)


def test_files_that_exist_are_kept(place, capsys):
    (place / "files/phi.txt.cert").write_text("of phi.txt")
    assert bigconst(f"phi --digits 100 --output {NAME}") == 2
    assert "phi.txt.cert exists; add --force" in one_line(capsys)
    assert bigconst(f"phi --digits 100 --output {NAME} --json phi.txt.cert --force") == 2
    assert "the same file" in one_line(capsys)
    assert os.listdir(place / "files") == ["phi.txt.cert"]
    assert bigconst(f"phi --digits 100 --output {NAME} --force") == 0
    assert bigconst(f"verify {NAME}") == 0


def test_the_target_of_a_link_decides(place):
    os.symlink("real.txt", "link.zst")
    assert bigconst("phi --digits 10 --output link.zst") == 0
    assert (place / "files/real.txt").read_text() == "1.6180339887\n"


def test_the_plan_has_both_sizes(capsys):
    assert bigconst(f"phi --digits 1e9 --plan --output {NAME}") == 0
    rows = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert rows["Digit file"].strip() == "954 MiB"
    assert rows["Compressed digit file"].strip() == "408 MiB"


def test_killed_while_the_file_is_written(place, in_memory, small_pieces):
    def prepare():
        calls, write_at = itertools.count(), ZstText.write_at

        def killed(self, *rest):
            write_at(self, *rest)
            if next(calls) == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        ZstText.write_at = killed

    kill(f"{ON_DISK} --output {NAME}", prepare)
    assert bigconst("resume ../a") == 0
    check_same_files(place, in_memory)


def test_a_run_that_goes_on_into_a_compressed_file(place, in_memory):
    kill(ON_DISK, _ended_before_the_files)
    assert bigconst(f"resume ../a --output {NAME}") == 0
    check_same_files(place, in_memory)


def _ended_before_the_files() -> None:
    engine._write_files = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


def test_a_fault_while_the_file_is_written(place, in_memory, small_pieces, monkeypatch, capsys):
    """All is written again, in this process."""
    calls, write_at = itertools.count(), ZstText.write_at

    def faulty(self, offset, data):
        if next(calls) == 3:
            raise FaultError("cosmic rays")
        write_at(self, offset, data)

    monkeypatch.setattr(ZstText, "write_at", faulty)
    assert bigconst(f"{ON_DISK} --output {NAME}") == 0
    assert next(calls) >= 4 + 6
    check_same_files(place, in_memory)


def test_standard_output_is_text(in_memory, capfdbinary):
    assert bigconst("phi --digits 1e4 --output -") == 0
    assert capfdbinary.readouterr().out == in_memory("1e4")["phi.txt"]
