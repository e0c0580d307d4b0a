"""The last step of a Newton level: three numbers added with their factors, one pass over memory."""

from .jit import kernel


@kernel("i8(i4[::1], i8, i4[::1], i4[::1], i8, i8, i8, i8)")
def newton_update(y, fresh, u, v, sign, start, stop, radix):
    """Words start..stop-1 of y*[j >= fresh] - sign*floor(u/2) + 3*floor(v/8).

    y      its first `fresh` words count as zero and are written for the first time
    u, v   canonical words, zero beyond their ends; the radix is a multiple of 8,
           so a quotient word depends on two neighbours only
    Returns the carry out of word stop - 1, the carry into word start being zero.
    The main carry of a word comes from its own sum (-2 .. 3), so that the chain
    from word to word is one rare unit, predicted rather than computed.
    """
    chain = 0
    own = 0
    for j in range(start, stop):
        half = 0
        if j < len(u):
            half = u[j]
            if j + 1 < len(u):
                half += radix * (u[j + 1] & 1)
            half >>= 1
        eighth = 0
        if j < len(v):
            eighth = v[j]
            if j + 1 < len(v):
                eighth += radix * (v[j + 1] & 7)
            eighth >>= 3
        total = 3 * eighth - sign * half
        if j >= fresh:
            total += y[j]
        now = 0
        if total < 0:
            now = -1
        else:
            now = (1 if total >= radix else 0) + (1 if total >= 2 * radix else 0) + (1 if total >= 3 * radix else 0)
            now += 1 if total >= 4 * radix else 0
        word = total - now * radix + own + chain
        chain = 0
        if word < 0:
            word += radix
            chain = -1
        elif word >= radix:
            word -= radix
            chain = 1
        y[j] = word
        own = now
    return own + chain
