"""What LLVM makes of the kernels, and the cache they are kept in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bigconst
from bigconst.kernels.cache import sources_hash

ROOT = Path(bigconst.__file__).parent.parent


def python(code: str, **environment: str) -> str:
    """stdout of a fresh interpreter that runs `code`."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment)
    return result.stdout


ASSEMBLY = """
from bigconst.kernels.rows import rows
print(next(iter(rows.inspect_asm().values())))
"""


@pytest.mark.slow
@pytest.mark.parametrize("cpu,register", [("skylake-avx512", "zmm"), ("haswell", "ymm")])
def test_the_row_pass_is_vectors_of_full_width_with_fused_multiply_adds(cpu, register, tmp_path):
    """Compiled for a given processor, not run on it; for the first LLVM itself prefers vectors of half the width."""
    code = "import llvmlite.binding as llvm\nfeatures = llvm.get_host_cpu_features().flatten()\n" + ASSEMBLY
    text = python(code, NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES=FEATURES[register], BIGCONST_CACHE=str(tmp_path))
    fused = re.findall(rf"^\s+vfn?m(?:add|sub)\d+pd\s.*%{register}", text, re.MULTILINE)
    wide = re.findall(rf"^\s+v(?:add|sub|mul)pd\s.*%{register}", text, re.MULTILINE)
    scalar = re.findall(r"^\s+v(?:add|sub|mul|fn?m(?:add|sub)\d+)sd\s", text, re.MULTILINE)
    assert len(fused) > 100 and len(wide) > 200
    assert len(scalar) < 20


SQUARINGS = """
import gmpy2, random, bigconst
for p in (9941, 44497, 110503, 216091, 756839):
    m = gmpy2.mpz(2)**p - 1
    x = y = gmpy2.mpz(random.Random(p).getrandbits(p)) % m
    for _ in range(3):
        y = (y * y - 2) % m
    assert bigconst.iterate(p, int(x), 3, 2) == y, p
ten = gmpy2.mpz(10)**10**6
assert bigconst.compute_integer("phi", 10**6) == (ten + gmpy2.isqrt(5 * ten * ten)) // 2
print("equal")
"""


@pytest.mark.slow
def test_results_are_right_without_avx512(tmp_path):
    """The loops that take four lanes at a time, on whatever machine this runs."""
    llvmlite = pytest.importorskip("llvmlite.binding")
    names = ("avx512", "avx10", "amx", "evex512")
    features = ",".join(("-" if word[1:].startswith(names) else word[0]) + word[1:]
                        for word in llvmlite.get_host_cpu_features().flatten().split(","))
    assert python(SQUARINGS, NUMBA_CPU_NAME="haswell" if "+avx2" in features else llvmlite.get_host_cpu_name(),
                  NUMBA_CPU_FEATURES=features, BIGCONST_CACHE=str(tmp_path)) == "equal\n"


FEATURES = {"zmm": "+avx,+avx2,+fma,+avx512f,+avx512dq,+avx512vl,+avx512bw", "ymm": "+avx,+avx2,+fma"}


def test_any_edit_of_a_kernel_file_names_another_cache(tmp_path):
    folder = tmp_path / "kernels"
    shutil.copytree(ROOT / "bigconst" / "kernels", folder, ignore=shutil.ignore_patterns("__pycache__"))
    names = {sources_hash(folder)}
    assert names == {sources_hash()}
    files = sorted(folder.glob("*.py"))
    assert len(files) >= 10
    for path in files:
        path.write_text(path.read_text() + "\n# edited\n")
        names.add(sources_hash(folder))
    assert len(names) == len(files) + 1


def test_another_process_uses_the_named_cache_and_compiles_nothing(tmp_path):
    """numba's own cache stays what the user made it."""
    code = ("import sys, numba\nfrom bigconst.kernels import cache\nfrom bigconst.runs.kernels import DIGITS, load\n"
            "cold = cache.is_cold('columns')\nif not cold: load(DIGITS)\n"
            "kernels = {id(k): k.stats for name, module in list(sys.modules.items()) if name.startswith('bigconst.')\n"
            "           for k in vars(module).values() if getattr(k, 'signatures', None)}.values()\n"
            "print(cold, sum(sum(s.cache_misses.values()) for s in kernels),"
            " sum(sum(s.cache_hits.values()) for s in kernels) > 20, cache.CACHE_DIR, numba.config.CACHE_DIR)")
    assert python(code).split()[:3] == ["False", "0", "True"]      # the session has compiled them
    folder = tmp_path / "bigconst" / f"kernels-{sources_hash()}"
    assert python(code, BIGCONST_CACHE=str(tmp_path), NUMBA_CACHE_DIR="/mine").split() == [
        "True", "0", "False", str(folder), "/mine"]
