"""Pi and e on disk: the files are those of the engine in memory, in any workspace."""

import pytest
from disk_runs import in_memory, plan_on_disk, run_on_lanes

from bigconst.constants.e import E
from bigconst.constants.pi import PI


@pytest.mark.parametrize("constant,digits,base,workspace,lanes,disk,threads", [
    (PI, 60_000, 10, 1024, 1, "ssd", 2), (PI, 150_000, 16, 1024, 3, "hdd", 1), (E, 300_000, 10, 1024, 2, "ssd", 3),
    (E, 250_000, 16, 1536, 4, "ssd", 1), (PI, 130_001, 10, 4096, 2, "hdd", 3)])
def test_on_disk(constant, digits, base, workspace, lanes, disk, threads, tmp_path):
    plan = plan_on_disk(constant, digits, base, workspace << 10, disk, threads)
    found = run_on_lanes(plan, tmp_path, lanes)
    assert found.faults == []
    assert found.files() == in_memory(constant, digits, base)
