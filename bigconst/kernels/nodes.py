"""Binary splitting on one thread: the numbers of a range of terms, from single terms up, in one call."""

from .columns import columns_forward, columns_inverse, join_runs, resolve_carries
from .jit import helper, kernel
from .propagate import propagate
from .rows import BACKWARD, FORWARD, multiply_spectra, rows
from .terms import STACK, leave_out, most, short_ranges

HEIGHT, STRIDE, WIDTH, BLOCK, WORDS, RADICES, TABLES = 0, 1, 2, 3, 4, 5, 9
"""Columns of `shapes`: five numbers of a shape (plans.shape), where the radices of its columns and of its rows begin
and end, and the same for its tables: those of columns, `base`, those of rows, `leaf_re`, `leaf_im`."""
FIELDS = 19
WORK = 24 + STACK


@helper
def _signed(words, count, top, radix):
    """Reduce words[:count] + top*B^count modulo B^count + 1 to a magnitude below half of that; returns its sign."""
    for _ in range(3):
        if top == 0:
            break
        top = propagate(words, 0, count, -top, radix)
    if 2 * words[count - 1] < radix:
        return 1
    for i in range(count):
        words[i] = radix - 1 - words[i]
    propagate(words, 0, count, 2, radix)
    return -1


@kernel("void(i8, i8, i8[::1], i8[:,::1], i4[::1], i8[:,::1], i8[:,::1], i8[:,::1], i8[:,::1], i8[::1], f8[::1],"
        "f8[::1], i8[:,::1], f8[::1], i8[:,::1], f8[:,::1], f8[::1], f8[::1], i8[::1], f8[::1], i8[::1], uint64[::1],"
        "i8)")
def long_range(terms, levels, wanted, pairs, words, layout, counts, signs, shapes, radices, tables, differences,
               polynomials, digits, ranks, spectra, buffer, carries, runs, stats, work, no_sums, radix):
    """The numbers of the next `terms` terms, at least 2^levels: those of 2^levels short ranges, then those of two
    neighbours, level after level.

    wanted       by names: whether the number of all terms is wanted
    pairs        (name, left name, right name) for each product (kernels.terms)
    words        memory for numbers: of 8 ranges in the first level, of 2 in others; what is wanted is left in the first
                 one of the last level
    layout       (at, step) for each level: the number of a name of a range begins at at + (range*names + name)*step,
                 where a cache line does
    counts       words of numbers by level and name
    signs        by level, of number and range at range*names + name; set
    shapes, radices, tables   transforms of the levels from the first on (FIELDS)
    differences, polynomials, digits, ranks   of single terms, of the first ranges (kernels.terms.short_ranges); where
                 the values of terms stand there, those of the next eight ranges follow, and `polynomials` is changed
    spectra      one for each name in both halves and one more
    buffer       as kernels.columns, kernels.rows and kernels.terms.leave_out need
    carries, runs   2*height of the largest shape, doubles and integers
    stats        [largest |x - rint(x)|, largest |x|], updated (kernels.columns)
    work         WORK integers

    A number that is longer than it may be is cut.
    """
    names, units = counts.shape[1], 1 << levels
    ends, own, left_out, stack = work[:1], work[8:16], work[16:24], work[24:]
    own[:], left_out[:] = 1, 0
    done = 0
    for unit in range(units):
        if unit % 8 == 0:
            for i in range(min(8, units - unit)):
                start = (unit + i) * terms // units
                if unit > 0:
                    left_out[i] = start - ((unit - 8 + i) * terms // units + done)
                own[i] = (unit + i + 1) * terms // units - start
            for name in range(names):
                if unit > 0 and polynomials[name, 1] < 0:
                    polynomials[name, 0] += 8 * done * polynomials[name, 2]
            done = most(own)
            leave_out(differences, polynomials, left_out, buffer, radix)
            short_ranges(words, layout[0, 1], counts[0], signs[0], differences, polynomials, own, pairs, digits,
                         ranks, stack, radix)
        level, index = 0, unit
        while index & 1:
            shape, below = shapes[level], level
            level += 1
            index >>= 1
            half = index & 1 if level < levels else 0
            left = unit % 8 - 1 if below == 0 else 0
            height, stride, width, block, size = shape[HEIGHT], shape[STRIDE], shape[WIDTH], shape[BLOCK], shape[WORDS]
            column_radices = radices[shape[RADICES]:shape[RADICES + 1]]
            row_radices = radices[shape[RADICES + 2]:shape[RADICES + 3]]
            twiddles, base = tables[shape[TABLES]:shape[TABLES + 1]], tables[shape[TABLES + 2]:shape[TABLES + 3]]
            row_twiddles = tables[shape[TABLES + 4]:shape[TABLES + 5]]
            leaf_re = tables[shape[TABLES + 6]:shape[TABLES + 7]]
            leaf_im = tables[shape[TABLES + 8]:shape[TABLES + 9]]
            ends[0] = width
            for name in range(names):
                for side in range(2):
                    start = layout[below, 0] + ((left + side) * names + name) * layout[below, 1]
                    number, x = words[start:start + counts[below, name]], spectra[2 * name + side]
                    columns_forward(number, number.size, radix, x, height, stride, width, column_radices, twiddles, 0,
                                    width, block, no_sums, buffer)
                    rows(x, 0, height, stride, width, row_radices, base, row_twiddles, leaf_re, leaf_im, 0.0, FORWARD,
                         x, x, buffer)
            x = spectra[2 * names]
            for name in range(names):
                if level == levels and wanted[name] == 0:
                    continue
                lead = 0        # with the sign of its first product a sum is hardly ever negative
                for pair in range(pairs.shape[0]):
                    if pairs[pair, 0] == name:
                        one, other = pairs[pair, 1], pairs[pair, 2]
                        sign = signs[below, left * names + one] * signs[below, (left + 1) * names + other]
                        adds = lead != 0
                        lead = lead if adds else sign
                        multiply_spectra(x, spectra[2 * one], spectra[2 * other + 1], float(sign * lead), 0,
                                         height * stride // 16, adds)
                rows(x, 0, height, stride, width, row_radices, base, row_twiddles, leaf_re, leaf_im, 2.0 / size,
                     BACKWARD, x, x, buffer)
                start = layout[level, 0] + (half * names + name) * layout[level, 1]
                found = words[start:start + size]
                carries[:2 * height] = 0.0
                columns_inverse(x, height, stride, width, column_radices, twiddles, 0, width, block, found,
                                float(radix), carries, stats, no_sums, buffer)
                resolve_carries(found, carries, ends, height, width, radix, runs)
                top = join_runs(found, runs[:2 * height], 8 * width, radix)
                signs[level, half * names + name] = lead * _signed(found, size, top, radix)
