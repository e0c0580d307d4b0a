"""Plans on disk: levels that chain, lengths that hold their products, places that never overlap, and the accounts."""

import re
from functools import partial
from itertools import combinations
from math import isqrt

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from plan_places import ladder_levels, memory_words, square_of, trace_in_memory
from plan_places import place as place_of

from bigconst.base.errors import DoesNotFit
from bigconst.base.units import format_bytes, parse_size
from bigconst.cli import main
from bigconst.constants.golden import PHI
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.constants.roots import ladder_bounds
from bigconst.constants.sqrt import root_of
from bigconst.plans.accounts import CHUNK_FACTS_BYTES
from bigconst.plans.diskplan import RAID_BYTES_PER_S
from bigconst.plans.diskshape import chunk_bytes, disk_shape
from bigconst.plans.plan import DISK_PROCESS_BYTES
from bigconst.plans.shape import FULL_WORDS_MAX, HALF_FACTOR
from bigconst.runtime.checkpoint import JOURNAL_NAME
from bigconst.storage.journal import Journal

AMPLE = 1 << 60
MIB = 1 << 20


@st.composite
def requests(draw):
    """Of plans that mostly lie on disk: the workspace is a part of what memory would need."""
    digits = int(10 ** draw(st.floats(5.5, 13)))
    workspace = max(MIB, int(digits * 2 ** draw(st.floats(-12, 1))))
    constant = root_of(draw(st.integers(2, 2**31 - 1))) if draw(st.booleans()) else PHI
    return {"constant": constant, "digits": digits, "base": draw(st.sampled_from([10, 16])),
            "threads": draw(st.integers(1, 64)), "memory_bytes": AMPLE, "workspace_bytes": workspace,
            "disk": draw(st.sampled_from(["hdd", "ssd"])), "certified": draw(st.booleans())}


def on_disk(request: dict):
    """The plan; for workspaces that are too small, that of the one which the message names."""
    try:
        plan = make_plan(**request)
    except DoesNotFit as refusal:
        plan = make_plan(**{**request, **named(refusal)})
    assume(plan.disk is not None)
    return plan


def named(refusal: DoesNotFit) -> dict:
    """The option that a message says would be enough."""
    option, size = re.search(r"--(memory|workspace) (\S+)$", str(refusal)).groups()
    return {f"{option}_bytes": parse_size(size)}


plans = settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def is_square(plan) -> bool:
    return isqrt(plan.constant.number.d) ** 2 == plan.constant.number.d


@given(requests())
@plans
def test_levels_chain_and_lengths_hold_their_products(request):
    plan = on_disk(request)
    disk, chunk, d = plan.disk, plan.disk.chunk_words, plan.constant.number.d
    ladder = ladder_bounds(d, bounds_of(plan, certified=True))
    guard = ladder.guard
    sizes = [memory_words(disk), *(level.words_out for level in ladder_levels(disk.trace))]
    assert [level.words_in for level in ladder_levels(disk.trace)] == sizes[:-1]
    assert plan.words == disk.words >= plan.text_words + 1 and disk.words % chunk == 0
    radix = plan.format.radix
    assert radix ** (plan.words - plan.text_words) >= 6 * d * radix
    if is_square(plan):
        assert ladder_levels(disk.trace) == () and memory_words(disk) == 0
    else:
        assert sizes[-1] == disk.words and all(size % chunk == 0 for size in sizes)
    for level in ladder_levels(disk.trace):
        assert 3 * level.words_in - level.words_out >= ladder.overlap
        assert level.words_in < level.words_out
        assert level.residual.stored_words > level.words_in + guard
        assert level.product.stored_words >= 2 * (level.words_in + guard)
    # The square of the digits as they stand, guard words and all.
    assert is_square(plan) or square_of(disk).stored_words >= 2 * disk.words - plan.text_words + guard + 3
    assert radix**ladder.overlap >= 1000 * d and radix**guard >= 40 * (isqrt(d) + 1)
    if memory_words(disk):
        levels = ladder_levels(trace_in_memory(disk))
        memory = [levels[0].words_in, *(level.words_out for level in levels)] if levels else [1]
        assert [level.words_in for level in levels] == memory[:-1]
        assert not levels or memory[-1] == memory_words(disk)


@given(requests())
@plans
def test_the_memory_is_enough_and_not_exceeded(request):
    plan = on_disk(request)
    disk, allowed = plan.disk, max(request["workspace_bytes"], plan.disk.workspace_bytes)
    assert disk.used_bytes <= disk.workspace_bytes <= allowed and plan.arena_bytes <= allowed
    for shape, operands, added in disk.shapes:
        assert shape.memory_bytes(operands, added) <= disk.used_bytes
        assert shape.chunk_words == disk.chunk_words and shape.run_words % disk.chunk_words == 0
        assert shape.base == plan.base and shape.threads == plan.threads
        # What a product is repeated on, when it comes to that, fits as well.
        for smaller in disk.smaller(shape, operands, added):
            assert smaller.digits < shape.digits and smaller.stored_words >= shape.stored_words
            assert smaller.memory_bytes(operands, added) <= disk.used_bytes and smaller.chunk_words == disk.chunk_words
    assert plan.peak_memory_bytes <= DISK_PROCESS_BYTES + max(allowed, disk.files_bytes) + disk.record_bytes
    assert disk.record_bytes >= 100 * disk.words // disk.chunk_words
    assert disk.stripe_bytes == min([shape.tile_bytes for shape, *_ in disk.shapes], default=disk.chunk_bytes)
    assert disk.stripe_bytes % 4096 == disk.chunk_bytes % 4096 == 0


@given(requests())
@plans
def test_no_transform_is_longer_than_the_words_allow(request):
    disk = on_disk(request).disk
    for shape, operands, _ in disk.shapes:
        assert shape.words <= FULL_WORDS_MAX[shape.base, shape.digits] * (HALF_FACTOR if operands == 2 else 1)


@given(requests())
@plans
def test_nothing_alive_overlaps(request):
    """The births and deaths of a run, told again: what the engine needs at a time is apart."""
    plan = on_disk(request)
    disk = plan.disk
    place, work = partial(place_of, disk), partial(place_of, disk, work=True)

    def packed(words):
        return -(-words // disk.chunk_words) * chunk_bytes(disk.chunk_words, plan.base)

    moments = []
    y = None if is_square(plan) else place("ladder in memory", "ladder in memory")
    for i, level in enumerate(ladder_levels(disk.trace), 1):
        k, words, name = level.words_in, level.words_out, f"level {i}"
        old = ("y", y, packed(k))
        e = ("e", place(f"{name}, e", "e"), packed(level.residual.stored_words))
        spectrum = ("spectrum", place(f"{name}, u", "spectrum"), level.product.region_bytes)
        u = ("u", place(f"{name}, u", "u"), packed(level.product.stored_words))
        skipped = 0 if f"{name}, proof" in dict(disk.stages) else packed(4 * k - words)
        v = ("v", place(f"{name}, v", "v"), packed(level.product.stored_words) - skipped)
        y = place(f"{name}, sum", "y")
        moments += [[old, ("work", work(f"{name}, e", "e"), level.residual.region_bytes), e],
                    [old, e, spectrum, ("work", work(f"{name}, u", "u"), level.product.region_bytes), u],
                    [old, e, spectrum, ("work", work(f"{name}, v", "v"), level.product.region_bytes), u],
                    # v is written when its spectrum is not needed any more.
                    [old, e, ("work", work(f"{name}, v", "v"), level.product.region_bytes), u, v],
                    [old, u, v, ("next", y, packed(words))]]
        if not skipped:
            low = ("low v", place(f"{name}, proof", "low v"), packed(4 * k - words))
            moments += [[old, u, v, low, ("next", y, packed(words))]]
    x = ("x", place("root", "x"), packed(disk.words + 1))
    if is_square(plan):
        moments.append([x])
    else:
        moments.append([("y", y, packed(disk.words)), x])
        for stage in ("last digit", "remainder") if request["certified"] else ("last digit",):
            r = ("r", place(f"in doubt, {stage}", "r"), packed(square_of(disk).stored_words))
            moments.append([x, r, ("work", work(f"in doubt, {stage}", "r"), square_of(disk).region_bytes)])
        if any(name.endswith("proof") for name, _ in disk.stages):
            moments.append([x, low])
    end = 0
    for alive in moments:
        for (a, start, size), (b, other, other_size) in combinations(alive, 2):
            assert start + size <= other or other + other_size <= start, (a, b)
        for _, start, size in alive:
            assert start >= 0 and start % 4096 == 0
            end = max(end, start + size)
    # The last thing is rounded up to a stripe.
    assert end <= disk.scratch_bytes < end + max([shape.tile_bytes for shape, *_ in disk.shapes],
                                                 default=disk.chunk_bytes)


@given(requests())
@plans
def test_the_stages_are_those_of_the_run_and_their_traffic_adds_up(request):
    plan = on_disk(request)
    disk = plan.disk
    names = [] if is_square(plan) else ["ladder in memory"]
    levels = range(1, len(ladder_levels(disk.trace)) + 1)
    is_long = plan.text_words >= 2 * max((each.words_in for each in ladder_levels(disk.trace)), default=plan.words)
    names += [f"level {i}, {part}" for i in levels for part in ("e", "u", "v", "proof", "sum")
              if part != "proof" or request["certified"] and i == levels[-1] and is_long]
    names += ["root", *(["remainder"] if request["certified"] and not is_long else []), "files"]
    assert [name for name, _ in disk.stages] == names
    assert disk.traffic.read_bytes == sum(traffic.read_bytes for _, traffic in disk.stages)
    assert disk.traffic.written_bytes == sum(traffic.written_bytes for _, traffic in disk.stages)


@given(requests())
@plans
def test_equal_requests_give_equal_plans_and_every_shape_is_printed(request):
    plan = on_disk(request)
    assert plan == on_disk(request)
    text = "\n".join(value for _, value in plan.describe())
    for shape, *_ in plan.disk.shapes:
        assert f"{shape}, {shape.base}^{shape.digits}, {shape.passes} passes" in text
    assert str(plan.disk.scratch_bytes) in text
    rows = dict(plan.describe())
    assert f"{format_bytes(plan.disk.longest_unit_bytes)} moved" in rows["Longest unit"]
    assert "594 MB/s" in rows["Longest unit"] and format_bytes(plan.disk.journal_bytes) in rows["Journal"]


@given(digits=st.floats(9.3, 13).map(lambda log: int(10**log)), base=st.sampled_from([10, 16]),
       kind=st.sampled_from(["hdd", "ssd"]), threads=st.integers(1, 64))
@settings(max_examples=settings.default.max_examples // 3)
def test_a_refusal_names_what_is_enough(digits, base, kind, threads):
    asked = {"disk": kind, "workspace_bytes": None, "memory_bytes": DISK_PROCESS_BYTES + MIB // 2}
    with pytest.raises(DoesNotFit) as refused:
        make_plan(PHI, digits, base, threads, **asked)
    assert refused.value.exit_code == 4
    enough = named(refused.value)["memory_bytes"]
    plan = make_plan(PHI, digits, base, threads, **{**asked, "memory_bytes": enough})
    assert plan.peak_memory_bytes <= enough
    # and is hardly more than needed: with an eighth less of what is not the program's there is no plan
    with pytest.raises(DoesNotFit):
        make_plan(PHI, digits, base, threads,
                  **{**asked, "memory_bytes": enough - (enough - DISK_PROCESS_BYTES) // 8 - MIB})


@pytest.mark.parametrize("digits,workspace", [(10**10, MIB), (10**12, 16 * MIB)])
def test_a_refused_workspace_names_one_that_works(digits, workspace):
    with pytest.raises(DoesNotFit, match="of working memory") as refused:
        make_plan(PHI, digits, 10, 4, AMPLE, workspace_bytes=workspace, disk="ssd")
    enough = named(refused.value)
    assert enough["workspace_bytes"] > workspace
    assert make_plan(PHI, digits, 10, 4, AMPLE, disk="ssd", **enough).disk is not None


@pytest.mark.parametrize("base,longest", [(10, 1 << 48), (16, 1 << 43)])
def test_above_the_longest_transform_that_is_exact_the_bound_is_named(base, longest):
    with pytest.raises(DoesNotFit, match=rf"longest that is exact, {longest:,}") as refused:
        make_plan(PHI, 10**15, base, 4, AMPLE, disk="ssd")
    assert refused.value.exit_code == 4


@given(digits=st.integers(1, 10**6), base=st.sampled_from([10, 16]))
def test_what_fits_memory_stays_there(digits, base):
    plan = make_plan(PHI, digits, base, 2, AMPLE, disk="hdd")
    assert plan.disk is None and plan == make_plan(PHI, digits, base, 2, AMPLE)


def test_disk_kinds_differ_in_their_runs():
    hard, solid = (make_plan(PHI, 10**10, 10, 4, AMPLE, workspace_bytes=2 << 30, disk=kind).disk
                   for kind in ("hdd", "ssd"))
    assert hard.chunk_words == 1 << 19 and solid.chunk_words == 1 << 16
    assert hard.stripe_bytes >= 8 << 20 and solid.stripe_bytes >= 512 << 10


def test_long_runs_in_two_passes_then_in_three_then_shorter_ones():
    preferred = 1 << 19

    def planned(workspace):
        disk = make_plan(PHI, 10**11, 10, 4, AMPLE, workspace_bytes=workspace, disk="hdd").disk
        return disk, disk.chunk_words, {shape.passes for shape, *_ in disk.shapes}

    def possible(disk, passes):
        """Whether its transforms can have the preferred runs in so many passes."""
        return all(disk_shape(shape.stored_words, 10, shape.digits, preferred, disk.workspace_bytes, operands, 4,
                              passes) for shape, operands, _ in disk.shapes)

    _, chunk_words, passes = planned(16 << 30)
    assert chunk_words >= preferred and passes == {2}
    disk, chunk_words, passes = planned(2 << 30)
    assert chunk_words == preferred and passes == {2, 3} and not possible(disk, 2)
    disk, chunk_words, passes = planned(1 << 28)
    assert chunk_words < preferred and not possible(disk, 3)


def accounts(digits: int, memory_bytes: int, kind: str) -> tuple[float, float, object]:
    """Scratch and traffic in bytes per digit."""
    disk = make_plan(PHI, digits, 10, 8, memory_bytes, disk=kind).disk
    return disk.scratch_bytes / digits, (disk.traffic.read_bytes + disk.traffic.written_bytes) / digits, disk


@given(requests())
@plans
def test_a_unit_is_a_small_part_of_a_run_and_the_journal_of_the_scratch(request):
    disk = on_disk(request).disk
    # Units move what is in memory, operands of a product and its result at most.
    assert 0 < disk.longest_unit_bytes <= 3 * disk.workspace_bytes
    for shape, operands, _ in disk.shapes:
        slab, row = shape.rows * (shape.tile_bytes + 2 * shape.run_bytes), (operands + 1) * shape.row_bytes
        assert disk.longest_unit_bytes >= max(slab, row)
    assert disk.journal_bytes > 0


@pytest.mark.parametrize("base,chunk_words", [(10, 1 << 8), (10, 1 << 16), (10, 1 << 19), (16, 1 << 19)])
def test_the_journal_counts_what_numbers_record(base, chunk_words):
    """A pure plan cannot ask for its size."""
    from bigconst.arithmetic.disk.number import Number
    from bigconst.arithmetic.words import Words
    from bigconst.base.formats import WORDS

    number = Number(None, Words(WORDS[base], None), 0, chunk_words, chunk_words)
    facts = sum(array.nbytes for array in number.known(slice(0, 1)).values())
    assert facts == CHUNK_FACTS_BYTES


@pytest.mark.parametrize("digits,base,workspace", [
    (135_001, 10, "576KiB"), (510_001, 16, "576KiB"), (1_300_003, 10, "2MiB")])
def test_the_journal_stays_below_its_bound(monkeypatch, tmp_path, digits, base, workspace):
    """All journals of a real run together, after each record."""
    (tmp_path / "scratch").mkdir()
    append, largest = Journal.append, 0

    def watched(journal, *record):
        nonlocal largest
        append(journal, *record)
        largest = max(largest, sum(path.stat().st_size for path in tmp_path.glob(f"scratch/{JOURNAL_NAME}.*")))

    monkeypatch.setattr(Journal, "append", watched)
    monkeypatch.setattr("bigconst.plans.diskplan.MIN_WORKSPACE_BYTES", 1 << 19)
    options = f"--digits {digits} --base {base} --workspace {workspace} --threads 2 --disk ssd"
    assert main(f"phi {options} --swap {tmp_path}/scratch --output {tmp_path}/phi.txt".split()) == 0
    plan = make_plan(PHI, digits, base, 2, AMPLE, workspace_bytes=parse_size(workspace), disk="ssd")
    assert plan.disk.journal_bytes / 8 < largest <= plan.disk.journal_bytes


def test_two_trillion_digits_in_57_gib_lose_a_minute_at_most():
    *_, disk = accounts(2 * 10**12, 57 << 30, "hdd")
    assert disk.longest_unit_bytes / RAID_BYTES_PER_S <= 60
    assert disk.journal_bytes <= disk.scratch_bytes / 500


def test_two_trillion_digits_in_57_gib_on_hard_disks():
    scratch, traffic, disk = accounts(2 * 10**12, 57 << 30, "hdd")
    assert scratch <= 3.4 and traffic <= 31.5
    assert min(shape.tile_bytes for shape, *_ in disk.shapes) >= 8 << 20
    assert min(shape.run_bytes for shape, *_ in disk.shapes) >= 1 << 20
    assert all(shape.passes == 2 for shape, *_ in disk.shapes)


@pytest.mark.parametrize("digits,memory_bytes,scratch_most,traffic_most", [
    (10**9, 512 * MIB, 3.0, 26.4), (10**10, 2 << 30, 2.9, 25.4),
])
def test_bytes_per_digit_on_solid_state_disks(digits, memory_bytes, scratch_most, traffic_most):
    scratch, traffic, disk = accounts(digits, memory_bytes, "ssd")
    assert scratch <= scratch_most and traffic <= traffic_most
    assert min(shape.tile_bytes for shape, *_ in disk.shapes) >= 512 << 10
    assert min(shape.run_bytes for shape, *_ in disk.shapes) >= 128 << 10


def test_without_a_certificate_only_its_traffic_is_missing():
    with_one, without = (make_plan(PHI, 10**9, 10, 4, AMPLE, workspace_bytes=1 << 29, disk="ssd", certified=certified)
                         for certified in (True, False))
    assert [name for name, _ in with_one.disk.stages if "proof" not in name] == [n for n, _ in without.disk.stages]
    moved = [plan.disk.traffic.read_bytes + plan.disk.traffic.written_bytes for plan in (with_one, without)]
    assert 1 < moved[0] / moved[1] < 1.03
    assert ladder_levels(with_one.disk.trace) == ladder_levels(without.disk.trace)
    assert with_one.disk.shapes == without.disk.shapes
