"""Digits printed for people."""

from typing import TYPE_CHECKING

from bigconst.base.units import format_count

if TYPE_CHECKING:
    from bigconst.reading.source import DigitText

LINE_DIGITS = 50
_GROUP = 10


def digit_line(digits: str, position: int) -> str:
    """At most LINE_DIGITS digits in groups of ten, and the position of the last of them (from 1)."""
    groups = " ".join(digits[i:i + _GROUP] for i in range(0, len(digits), _GROUP))
    return f"  {groups:<54}  :  {format_count(position)}"


def surroundings(text: "DigitText", first: int, count: int, around: int = 20) -> str:
    """Digits first .. first+count-1 in brackets, with at most `around` digits before and after them.

    Of more than 2*around digits in brackets only the first are shown; ".." stands for digits that are left out.
    """
    start, stop = max(0, first - around), min(text.digits, first + count + around)
    shown = min(count, 2 * around)
    before, inside = text.digits_at(start, first - start), text.digits_at(first, shown)
    after = text.digits_at(first + count, stop - first - count)
    return (f"{'..' if start else text.whole + '.'}{before}[{inside}{'..' if shown < count else ''}]{after}"
            f"{'..' if stop < text.digits else ''}")
