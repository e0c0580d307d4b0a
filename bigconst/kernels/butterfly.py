"""Discrete Fourier transforms of 2, 3, 4, 5, 7, 8, 9, 10 and 12 vectors held in registers.

Each computes X_j = sum_k x_k * zeta^(jk), zeta = exp(+2 pi i / r), in natural
order; the inverse without its factor 1/r is the same with output j read as
output -j mod r, so there is no second set.  Counts are instructions on vectors
of 8 lanes: additions (a) and multiplications or fused multiply-adds (m).
Formulas: Winograd's small transforms as in Nussbaumer, "Fast Fourier Transform
and Convolution Algorithms" (1982), chapter 5, arranged for fused multiply-adds.
"""

import cmath
import math

from .jit import helper
from .vector import add_i, axpy, sub_i

_SQRT_HALF = math.sqrt(0.5)
_C3, _S3 = -0.5, math.sin(2 * math.pi / 3)
_C51, _S51 = math.cos(2 * math.pi / 5), math.sin(2 * math.pi / 5)
_C52, _S52 = math.cos(4 * math.pi / 5), math.sin(4 * math.pi / 5)
_Z91 = cmath.rect(1, 2 * math.pi / 9)
_Z92 = cmath.rect(1, 4 * math.pi / 9)
_Z94 = cmath.rect(1, 8 * math.pi / 9)
_C71, _S71 = math.cos(2 * math.pi / 7), math.sin(2 * math.pi / 7)
_C72, _S72 = math.cos(4 * math.pi / 7), math.sin(4 * math.pi / 7)
_C73, _S73 = math.cos(6 * math.pi / 7), math.sin(6 * math.pi / 7)


@helper(fused=True)
def dft2(x0, x1):
    """Radix 2: 4a."""
    return x0 + x1, x0 - x1


@helper(fused=True)
def dft3(x0, x1, x2):
    """Radix 3: 10a 4m."""
    s, d = x1 + x2, x1 - x2
    c = axpy(_C3, s, x0)
    t = d * _S3
    return x0 + s, add_i(c, t), sub_i(c, t)


@helper(fused=True)
def dft4(x0, x1, x2, x3):
    """Radix 4: 16a."""
    a, b = x0 + x2, x0 - x2
    c, d = x1 + x3, x1 - x3
    return a + c, add_i(b, d), a - c, sub_i(b, d)


@helper(fused=True)
def dft5(x0, x1, x2, x3, x4):
    """Radix 5: 20a 16m."""
    s1, d1 = x1 + x4, x1 - x4
    s2, d2 = x2 + x3, x2 - x3
    a = axpy(_C51, s1, axpy(_C52, s2, x0))
    b = axpy(_C52, s1, axpy(_C51, s2, x0))
    u = axpy(_S51, d1, d2 * _S52)
    v = axpy(_S52, d1, d2 * -_S51)
    return x0 + (s1 + s2), add_i(a, u), add_i(b, v), sub_i(b, v), sub_i(a, u)


@helper(fused=True)
def dft7(x0, x1, x2, x3, x4, x5, x6):
    """Radix 7: 30a 36m."""
    s1, d1 = x1 + x6, x1 - x6
    s2, d2 = x2 + x5, x2 - x5
    s3, d3 = x3 + x4, x3 - x4
    a = axpy(_C71, s1, axpy(_C72, s2, axpy(_C73, s3, x0)))
    b = axpy(_C72, s1, axpy(_C73, s2, axpy(_C71, s3, x0)))
    c = axpy(_C73, s1, axpy(_C71, s2, axpy(_C72, s3, x0)))
    u = axpy(_S71, d1, axpy(_S72, d2, d3 * _S73))
    v = axpy(_S72, d1, axpy(-_S73, d2, d3 * -_S71))
    w = axpy(_S73, d1, axpy(-_S71, d2, d3 * _S72))
    return (x0 + ((s1 + s2) + s3), add_i(a, u), add_i(b, v), add_i(c, w),
            sub_i(c, w), sub_i(b, v), sub_i(a, u))


@helper(fused=True)
def halves8(x0, x1, x2, x3, x4, x5, x6, x7):
    """`dft8` without its last additions: those of even places, and those of odd ones with their turns begun."""
    e0, e1, e2, e3 = dft4(x0, x2, x4, x6)
    o0, o1, o2, o3 = dft4(x1, x3, x5, x7)
    return e0, e1, e2, e3, o0, add_i(o1, o1), o2, sub_i(o3, o3)     # o1 sqrt(2) zeta, -o3 sqrt(2) zeta^3


@helper(fused=True)
def join8(e, o):
    """e + o/sqrt(2) and e - o/sqrt(2): X1 and X5 of a dft8 from e1 and o1 of its halves, X7 and X3 from e3 and o3."""
    return axpy(_SQRT_HALF, o, e), axpy(-_SQRT_HALF, o, e)


@helper(fused=True)
def dft8(x0, x1, x2, x3, x4, x5, x6, x7):
    """Radix 8: 44a 8m, the factors sqrt(1/2) merged into the last additions."""
    e0, e1, e2, e3, o0, o1, o2, o3 = halves8(x0, x1, x2, x3, x4, x5, x6, x7)
    y1, y5 = join8(e1, o1)
    y7, y3 = join8(e3, o3)
    return e0 + o0, y1, add_i(e2, o2), y3, e0 - o0, y5, sub_i(e2, o2), y7


@helper(fused=True)
def dft9(x0, x1, x2, x3, x4, x5, x6, x7, x8):
    """Radix 9, three times three: 60a 40m."""
    a0, a1, a2 = dft3(x0, x3, x6)
    b0, b1, b2 = dft3(x1, x4, x7)
    c0, c1, c2 = dft3(x2, x5, x8)
    y0, y3, y6 = dft3(a0, b0, c0)
    y1, y4, y7 = dft3(a1, b1 * _Z91, c1 * _Z92)
    y2, y5, y8 = dft3(a2, b2 * _Z92, c2 * _Z94)
    return y0, y1, y2, y3, y4, y5, y6, y7, y8


@helper(fused=True)
def dft10(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9):
    """Radix 10, twice five without turns between (Good's algorithm): 60a 32m."""
    a0, a1 = dft2(x0, x5)
    b0, b1 = dft2(x2, x7)
    c0, c1 = dft2(x4, x9)
    d0, d1 = dft2(x6, x1)
    e0, e1 = dft2(x8, x3)
    y0, y6, y2, y8, y4 = dft5(a0, b0, c0, d0, e0)
    y5, y1, y7, y3, y9 = dft5(a1, b1, c1, d1, e1)
    return y0, y1, y2, y3, y4, y5, y6, y7, y8, y9


@helper(fused=True)
def dft12(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11):
    """Radix 12, three times four without turns between (Good's algorithm): 88a 16m."""
    a0, a1, a2, a3 = dft4(x0, x3, x6, x9)
    b0, b1, b2, b3 = dft4(x4, x7, x10, x1)
    c0, c1, c2, c3 = dft4(x8, x11, x2, x5)
    y0, y4, y8 = dft3(a0, b0, c0)
    y9, y1, y5 = dft3(a1, b1, c1)
    y6, y10, y2 = dft3(a2, b2, c2)
    y3, y7, y11 = dft3(a3, b3, c3)
    return y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11
