"""Estimates as tables for people, as CSV and as JSON (schema `bigconst-estimate/1`).

Dollars for people are rounded; files have all digits.
"""

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from bigconst.base.units import format_bytes, format_seconds, format_spent, spent_usd
from bigconst.base.version import __version__
from bigconst.catalogue.model import Instance
from bigconst.estimates.model import StageEstimate
from bigconst.estimates.money import Bill
from bigconst.estimates.offers import RESTART_S, Offer, Refusal
from bigconst.plans.mersenneplan import DEFAULT_PART_S
from bigconst.runs.estimate import HereEstimate
from bigconst.runs.market import Market

SCHEMA = "bigconst-estimate/1"

LINE_WIDTH = 120

STAGE_COLUMNS = ("job", "stage", "seconds", "bound", "compute_seconds", "memory_seconds", "disk_seconds", "read_bytes",
                 "written_bytes")
BILL_COLUMNS = ("hours", "machine_usd", "volumes_usd", "usd", "digits_per_usd", "usd_per_1e12_digits")
MARKET_COLUMNS = ("job", "provider", "region", "instance", "machines", "status", "reason", "cores", "scaled_by",
                  "scaled_from", "memory_bytes", "scratch_bytes", "files_bytes", "place", "volumes", "bound",
                  "relative_error", "usd_per_hour",
                  *BILL_COLUMNS, *(f"verified_{name}" for name in BILL_COLUMNS), "interruptions",
                  "hours_lost_each_time", "pareto", "price_date", "source", "notes")


def name_of(instance: Instance) -> str:
    """The name by which a user can choose the machine."""
    return f"{instance.name}@{instance.region}" if instance.region else instance.name


def lines(result: HereEstimate | Market) -> list[str]:
    """The lines that the terminal shows."""
    return _here_lines(result) if isinstance(result, HereEstimate) else _market_lines(result)


def as_csv(results: Sequence[HereEstimate] | Sequence[Market]) -> str:
    """The tables of all results, which are of one kind, with all digits."""
    is_here = isinstance(results[0], HereEstimate)
    rows = [row for result in results for row in (_stages(result) if is_here else _machines(result))]
    text = io.StringIO()
    writer = csv.DictWriter(text, STAGE_COLUMNS if is_here else MARKET_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """The value of a cell; a list becomes one text."""
    if not isinstance(value, list):
        return value
    return "; ".join(each if isinstance(each, str) else f"{each['count']} x {each['name']}" for each in value)


def as_json(results: Sequence[HereEstimate] | Sequence[Market]) -> str:
    """Everything about all results, with a final newline."""
    return json.dumps({
        "schema": SCHEMA,
        "version": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "estimates": [_here_fields(each) if isinstance(each, HereEstimate) else _market_fields(each)
                      for each in results],
    }, indent=2) + "\n"


# -- a machine that was measured or described ----------------------------------------------


def _stages(here: HereEstimate) -> list[dict]:
    """A row for each stage; those of a level, which are called like "level 2, u", share one."""
    groups: dict[str, list[StageEstimate]] = {}
    for stage in here.whole.stages:
        groups.setdefault(stage.name.partition(", ")[0], []).append(stage)
    return [{"job": here.job.title, "stage": name, "seconds": sum(each.seconds for each in members),
             "bound": _bound(members), "compute_seconds": sum(each.compute_s for each in members),
             "memory_seconds": sum(each.memory_s for each in members),
             "disk_seconds": sum(each.disk_s for each in members),
             "read_bytes": sum(each.read_bytes for each in members),
             "written_bytes": sum(each.written_bytes for each in members)} for name, members in groups.items()]


def _bound(members: Sequence[StageEstimate]) -> str:
    seconds: dict[str, float] = {}
    for stage in members:
        seconds[stage.bound] = seconds.get(stage.bound, 0.0) + stage.seconds
    return max(seconds, key=lambda bound: seconds[bound])


def _here_lines(here: HereEstimate) -> list[str]:
    needs, whole, is_test = here.needs, here.whole, here.job.digits is None
    error = f"± {100 * whole.error:.0f} %"
    rows = [("Machine", here.machine), ("Threads", str(here.threads))]
    if here.disks:
        rows.append(("Disks", here.disks))
    head = [here.job.title, "", *_rows(rows), "",
            f"{'Stage':<18}{'time':>18}  {'bound by':<10}{'computing':>18}{'disks':>18}{'read':>12}{'written':>12}"]
    for row in _stages(here):
        head.append(f"{row['stage']:<18}{format_seconds(row['seconds']):>18}  {row['bound']:<10}"
                    f"{format_seconds(row['compute_seconds']):>18}{format_seconds(row['disk_seconds']):>18}"
                    f"{format_bytes(row['read_bytes']):>12}{format_bytes(row['written_bytes']):>12}")
    rows = [("Working memory", f"{format_bytes(needs.plan.peak_memory_bytes)} of {format_bytes(here.memory_bytes)}"),
            ("Scratch", format_bytes(needs.scratch_bytes) if needs.is_on_disk else "none"),
            ("Files", format_bytes(needs.files_bytes)),
            ("Total time", f"{format_seconds(whole.seconds)} {error}, bound by {whole.bound}")]
    if needs.check:
        if not is_test:
            rows.append(("Without certificate", format_seconds(here.bare_s)))
        rows.append(("A second test" if is_test else "Verification", format_seconds(here.check_s)))
        rows.append(("With it", f"{format_seconds(whole.seconds + here.check_s)} {error}"))
    rows += [(f"Cost{what}", f"{_cost_text(here, seconds)} {error}") for what, seconds in _priced(here)]
    return [*head, "", *_rows(rows), *(["", *here.notes] if here.notes else [])]


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name + ':':<24}{value}" for name, value in rows]


def _priced(here: HereEstimate) -> list[tuple[str, float]]:
    """(label, seconds) of what has a price; empty where the price of the machine is not known."""
    if here.usd_per_hour is None:
        return []
    whole = [("", here.whole.seconds)]
    return whole if here.check_s is None else [*whole, (", verified", here.whole.seconds + here.check_s)]


def _cost_text(here: HereEstimate, seconds: float) -> str:
    usd = spent_usd(seconds, here.usd_per_hour)
    text = format_spent(usd, here.usd_per_hour)
    if here.job.digits is None:
        return text
    return f"{text}, {here.job.digits / usd:.3g} digits a dollar, {_usd(usd / here.job.digits * 1e12)} for 1e12 digits"


def _here_fields(here: HereEstimate) -> dict:
    needs = here.needs
    cost = {} if here.usd_per_hour is None else {
        "usd_per_hour": here.usd_per_hour,
        "usd": spent_usd(here.whole.seconds, here.usd_per_hour),
        "usd_without_certificate": spent_usd(here.bare_s, here.usd_per_hour),
        "usd_verification": None if here.check_s is None else spent_usd(here.check_s, here.usd_per_hour)}
    return {
        "job": here.job.title, "digits": here.job.digits, "machine": here.machine, "disks": here.disks,
        "threads": here.threads, "allowed_memory_bytes": here.memory_bytes,
        "memory_bytes": needs.plan.peak_memory_bytes, "scratch_bytes": needs.scratch_bytes,
        "files_bytes": needs.files_bytes, "seconds": here.whole.seconds, "relative_error": here.whole.error,
        "bound": here.whole.bound, "seconds_without_certificate": here.bare_s,
        "verification_seconds": here.check_s, "stages": [asdict(stage) for stage in here.whole.stages], "cost": cost,
        "notes": list(here.notes)}


# -- machines of the catalogue --------------------------------------------------------------


def _machines(market: Market) -> list[dict]:
    """A row for each machine; a field that does not apply is None."""
    rows = [_offered(market, offer, number in market.front) for number, offer in enumerate(market.offers)]
    rows += [{"status": refusal.status, "reason": refusal.reason, "usd_per_hour": refusal.instance.usd_per_hour,
              **_instance_fields(refusal)} for refusal in market.refusals]
    common = {"job": market.job.title, "machines": market.job.machines or 1}
    return [dict.fromkeys(MARKET_COLUMNS) | common | row for row in rows]


def _instance_fields(found: Offer | Refusal) -> dict:
    instance = found.instance
    return {"provider": instance.provider, "region": instance.region, "instance": instance.name,
            "price_date": instance.price_date, "source": instance.source, "notes": list(found.notes)}


def _offered(market: Market, offer: Offer, is_on_front: bool) -> dict:
    needs, digits = offer.needs, market.job.digits
    verified = {} if offer.checked is None else {
        f"verified_{name}": value for name, value in _bill_fields(offer.checked, digits).items()}
    return {"status": "feasible", "cores": offer.threads, "scaled_by": offer.factor,
            "scaled_from": offer.scaling,
            "memory_bytes": needs.plan.peak_memory_bytes, "scratch_bytes": needs.scratch_bytes,
            "files_bytes": needs.files_bytes, "place": offer.place, "volumes": [asdict(v) for v in offer.volumes],
            "bound": offer.bound, "relative_error": offer.error, "usd_per_hour": offer.usd_per_hour,
            **_bill_fields(offer.bare, digits), **verified, "interruptions": offer.interruptions,
            "hours_lost_each_time": offer.loss_hours, "pareto": is_on_front, **_instance_fields(offer)}


def _bill_fields(bill: Bill, digits: int | None) -> dict:
    fields = {"hours": bill.hours, "machine_usd": bill.machine_usd, "volumes_usd": bill.volumes_usd, "usd": bill.usd}
    if digits is not None:
        fields |= {"digits_per_usd": bill.digits_per_usd(digits),
                   "usd_per_1e12_digits": bill.usd_per_1e12_digits(digits)}
    return fields


def _market_fields(market: Market) -> dict:
    wishes = market.wishes
    return {"job": market.job.title, "digits": market.job.digits, "measured": market.measured,
            "objective": "time" if wishes.by_time else "cost", "spot": wishes.is_spot,
            "interruptions_per_day": wishes.interruptions_per_day if wishes.is_spot else None,
            "machines": _machines(market), "assumptions": _assumptions(market)}


def _market_lines(market: Market) -> list[str]:
    text = [market.job.title, ""]
    if market.offers:
        text += [*_table(market), ""]
    for status in sorted({refusal.status for refusal in market.refusals}, reverse=True):
        members = [refusal for refusal in market.refusals if refusal.status == status]
        width = max(len(name_of(refusal.instance)) for refusal in members) + 2
        text.append(f"{status.capitalize()}:")
        text += [f"  {name_of(refusal.instance):<{width}}{refusal.reason}" for refusal in members]
        text.append("")
    if market.offers:
        text += ["Computing is scaled from this machine, there/here, by what is known of:",
                 *_with_names((f"  {offer.factor:.3g} times: {offer.scaling}", offer) for offer in market.offers), ""]
    text += _with_names((note, each) for each in (*market.offers, *market.refusals) for note in each.notes)
    return [*text, *(line for said in _assumptions(market) for line in _wrapped(said))]


def _with_names(notes: Iterable[tuple[str, Offer | Refusal]]) -> list[str]:
    """The lines of each note, once, with the names of all machines that it is about."""
    names: dict[str, list[str]] = {}
    for note, about in notes:
        names.setdefault(note, []).append(name_of(about.instance))
    return [line for note, members in names.items() for line in _wrapped(f"{note}: {', '.join(members)}")]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LINE_WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _table(market: Market) -> list[str]:
    """A table with two lines for a machine: the result alone, and with what verifies it, if anything does."""
    digits = market.job.digits
    what = "digits" if digits is not None else "test" if market.job.machines is None else "tests"
    width = max(len(name_of(offer.instance)) for offer in market.offers) + 4
    head = f"{'Machine':<{width}}{'':<10}{'hours':>8}{'machine':>12}{'volumes':>9}{'total':>12}"
    if digits is not None:
        head += f"{'digits a $':>11}{'1e12 digits':>12}"
    text = [f"{head}  {'scratch':<14}bound by"]
    for number, offer in enumerate(market.offers):
        name = name_of(offer.instance) + (" *" if number in market.front else "")
        where = offer.place if offer.needs.is_on_disk else "in memory"
        text.append(f"{name:<{width}}{_bill_line(what, offer.bare, digits)}"
                    f"  {where:<14}{offer.bound}")
        if offer.checked is not None:
            text.append(f"{'':<{width}}{_bill_line('verified', offer.checked, digits)}")
    return text


def _bill_line(what: str, bill: Bill, digits: int | None) -> str:
    line = (f"{what:<10}{_hours(bill.hours):>8}{_usd(bill.machine_usd):>12}{_usd(bill.volumes_usd):>9}"
            f"{_usd(bill.usd):>12}")
    if digits is not None:
        line += f"{bill.digits_per_usd(digits):>11.2e}{_usd(bill.usd_per_1e12_digits(digits)):>12}"
    return line


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10_000 else f"{hours:,.1f}" if hours >= 100 else f"{hours:.3g}"


def _usd(usd: float) -> str:
    """Dollars with cents, from 100,000 on without them, or with three significant digits below ten cents."""
    return f"${usd:,.0f}" if usd >= 100_000 else f"${usd:,.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.3g}"


def _assumptions(market: Market) -> list[str]:
    """The assumptions behind all lines of a table."""
    wishes, offers, is_test = market.wishes, market.offers, market.job.digits is None
    on_cluster = market.job.machines is not None
    said = []
    if offers:
        said.append(f"hours and dollars ± {100 * max(offer.error for offer in offers):.0f} %, "
                    f"scaled from {market.measured}; * marks those that no other machine beats in both")
        if any(offer.checked is not None for offer in offers):
            said.append("verified: a second test, with the next longer transform where there is one" if is_test else
                        "verified: with the certificate, and one pass of `bigconst verify` over the files")
        if on_cluster:
            said += ["each machine takes the next test of the file when it has ended one; all are paid for until the "
                     "last test ends",
                     "a machine is one worker of `bigconst work --cluster`, counted with all its cores for a test at a "
                     "time, though small ones run side by side",
                     "not counted: second tests of numbers; and the coordinator, which makes the proofs, and needs "
                     f"{format_bytes(offers[0].needs.files_bytes)} of disk for save files and for residues of proofs"]
        else:
            said.append("disks read and write in turns, at the sequential speeds of the catalogue")
        if wishes.memory_bytes is None:
            said.append("runs may use three quarters of the memory (--memory)")
    if any(volumes.mb_s for offer in offers for volumes in offer.volumes):
        said.append("network volumes are as fast as the machine can take them and no faster, paid by the hour, 730 to "
                    "a month; one of their operations moves at most 256 KiB")
    if wishes.is_spot:
        said.append("spot prices are the highest of the region in the catalogue; they move by the hour")
        said.append(f"interruptions expected in a day: {wishes.interruptions_per_day:g} (--interruptions); after each "
                    f"the run goes on {format_seconds(RESTART_S)} later")
        if on_cluster:
            said.append("each machine is taken away so often, and with it goes half of a part of a test, "
                        f"{format_seconds(DEFAULT_PART_S / 2)} (`work --minutes`); save files are with the coordinator")
        elif is_test:
            said.append("with a machine goes what its test did since it was saved; save files are on a network volume")
        else:
            said.append("with the disks of a machine goes half of the longest level, on average; copies of finished "
                        "levels are on a network volume (--checkpoint), and writing them is not counted")
    dates = sorted({offer.instance.price_date for offer in offers if offer.instance.price_date})
    if dates and not wishes.is_spot:
        said.append(f"prices of {dates[0]}" + (f" to {dates[-1]}" if len(dates) > 1 else ""))
    return said
