"""Division of long signed numbers of unequal lengths on both machines, against gmpy2."""


from gmpy2 import mpz, t_divmod
from hypothesis import given
from hypothesis import strategies as st
from machine_runs import CHUNK, results
from machine_runs import given as number_of
from test_machine_products import MACHINES, integers

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.base.formats import WORDS


def program(y, ly, x, lx, n, spare):
    """A program that divides y*B^n by x."""
    def divided(machine):
        return divide(machine, DivisionBounds(ly, lx, spare), number_of(machine, "y", y, ly),
                      number_of(machine, "x", x, lx), n)
    return divided


@st.composite
def divisions(draw):
    """Dividend, divisor, their lengths, n, and by how many words the divisor may be shorter."""
    base = draw(st.sampled_from([10, 16]))
    radix = mpz(WORDS[base].radix)
    ly, lx = (draw(st.integers(1, draw(st.sampled_from([3, 3000, 30_000])))) for _ in range(2))
    spare = draw(st.integers(0, 3))
    spare = min(spare, lx - 1)
    x = max(draw(integers(lx, base)), radix ** max(0, lx - 1 - spare))
    spare = max(spare, 1)
    y = draw(st.one_of(integers(ly, base), st.builds(
        lambda k, off: max(0, min(radix**ly - 1, k * x + off)), integers(max(1, ly - lx), base), st.integers(-1, 1))))
    signs = draw(st.sampled_from([(1, 1), (1, -1), (-1, 1), (-1, -1)]))
    return base, signs[0] * y, ly, signs[1] * x, lx, draw(st.integers(0, 10)) * CHUNK, spare + 1


@MACHINES
@given(divisions())
def test_quotient_and_remainder(where, division):
    base, y, ly, x, lx, n, spare = division
    options = {"workspace": 900 << 10} if where == "on disk" else {}
    found = results(program(y, ly, x, lx, n, spare), base, where, **options)
    assert found == list(t_divmod(y * mpz(WORDS[base].radix) ** n, x))
