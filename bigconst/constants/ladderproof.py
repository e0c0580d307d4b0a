"""The certificate of a ladder, from a few words of its last level (docs/certificate.md).

A certificate needs v modulo 8*B^(k+o) and u modulo 2*B^o, o = 3k - K, which are the lowest words that the level keeps
of both, and three small integers, which follow from words around a few places of x, y, u and v.  K may be less than the
words that the run computes.
"""

from dataclasses import replace

from bigconst.arithmetic.ladder import LOW_WORDS
from bigconst.constants.bounds import Bounds
from bigconst.plans.certificate import Claim, Ladder

MORE_WORDS = 3
"""Words of u above 3k - K, and of v above 4k - K, that L needs in addition to the guard words."""


def ladder_statement(claim: Claim, lengths: Ladder, bounds: Bounds, x, low_y, middle_u, low_u, low_v) -> Ladder | None:
    """The statement with all its parameters, from x and what `arithmetic.ladder.level` keeps; None where a parameter is
    out of its bounds, since the digits below the last written one are nearly all 0 or nearly all 9."""
    radix, d, m, k, end = bounds.radix, claim.number.d, claim.doubled, lengths.k, lengths.K
    ring, o, s = radix**LOW_WORDS, 3 * k - lengths.K, low_u.sign

    def small(value: int) -> int:
        """The integer nearest to 0 that is congruent modulo B^LOW_WORDS."""
        return (value + ring // 2) % ring - ring // 2

    x1, x2 = (x.value(at, at + LOW_WORDS) for at in (bounds.words - k, bounds.words - 2 * k))
    c = small(d * low_y.value(0, LOW_WORDS) - m * x1)
    c2 = small(s * d * middle_u.value(0, LOW_WORDS) + 2 * m * x2)
    # The lowest words of the y that this level would have ended with, if it had computed K words.
    more = end - bounds.text_words + MORE_WORDS
    low = -s * (low_u.value(o, o + more) // 2) + 3 * low_v.sign * (low_v.value(k + o, k + o + more) // 8)
    found = replace(lengths, s=s, c=c, c2=c2)
    found = replace(found, L=(d * low if m == 2 else 2 * d * low) % found.guard(claim))
    return None if found.wrong(claim) else found
