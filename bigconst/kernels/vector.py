"""Explicit 8-lane vectors for numba, made of LLVM's vector types.

numba does not vectorise the butterflies of a transform, so the kernels say
which values are vectors:

    F8   eight doubles
    Z8   eight complex numbers, split: an F8 of the real and an F8 of the imaginary parts
    Z4   half of a Z8
    I8   eight 32-bit integers
    L8   eight 64-bit integers (`checksum`)

F8, Z4 and Z8 carry + - * (also Z8 * F8, and Z4 or Z8 times a scalar, real or
complex); a Z8 occupies 16 consecutive doubles in memory, 8 real then 8
imaginary.  LLVM splits a vector into what the host has
(one zmm, two ymm, four NEON registers), so results and data layout are the same
everywhere.  Products use explicit fused multiply-adds; nothing here is subject
to fast-math.  How vectors get into memory and out of it is in `access`.
"""

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from .llvm import DOUBLE, I32, LANES, VF, VI, VL, call, pack


class _Vector(types.Type):
    """A numba type whose values are LLVM values of type `llvm`."""

    def __init__(self, name: str, llvm: ir.Type):
        super().__init__(name=name)
        self.llvm = llvm


F8 = _Vector("F8", VF)
Z8 = _Vector("Z8", ir.LiteralStructType([VF, VF]))
Z4 = _Vector("Z4", ir.LiteralStructType([ir.VectorType(DOUBLE, 4)] * 2))
I8 = _Vector("I8", VI)
L8 = _Vector("L8", VL)

HAS_AVX512 = "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2]
PART = Z8 if HAS_AVX512 else Z4
"""What butterflies work on: eight Z8 fit into 32 registers of eight lanes, eight Z4 into 16 of four."""
PART_LANES = PART.llvm.elements[0].count


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, fe_type.llvm)


# --- LLVM building blocks -----------------------------------------------------

def _fma(builder, a, b, c):
    return call(builder, f"llvm.fma.v{a.type.count}f64", [a, b, c])


def splat_of(builder, scalar, vector_type):
    """A vector of this LLVM type whose lanes are all `scalar`."""
    one = builder.insert_element(ir.Constant(vector_type, ir.Undefined), scalar, I32(0))
    first = ir.Constant(ir.VectorType(I32, vector_type.count), [0] * vector_type.count)
    return builder.shuffle_vector(one, ir.Constant(vector_type, ir.Undefined), first)


def parts_of(builder, z):
    """The real and the imaginary parts of a Z4 or Z8."""
    return builder.extract_value(z, 0), builder.extract_value(z, 1)


def complex_of(builder, re, im):
    """The Z4 or Z8 of its real and imaginary parts."""
    z = builder.insert_value(ir.Constant(ir.LiteralStructType([re.type, im.type]), ir.Undefined), re, 0)
    return builder.insert_value(z, im, 1)


def _cmul(builder, a, b, conjugate: bool = False):
    """a*b or a*conj(b): two products, two fused multiply-adds."""
    (ar, ai), (br, bi) = parts_of(builder, a), parts_of(builder, b)
    if conjugate:
        re = _fma(builder, ar, br, builder.fmul(ai, bi))
        im = _fma(builder, builder.fneg(ar), bi, builder.fmul(ai, br))
    else:
        re = _fma(builder, builder.fneg(ai), bi, builder.fmul(ar, br))
        im = _fma(builder, ar, bi, builder.fmul(ai, br))
    return complex_of(builder, re, im)


# --- arithmetic operators -------------------------------------------------------

def _typing(op, table: dict):
    @infer_global(op)
    class _(AbstractTemplate):
        def generic(self, args, kws):
            if args in table and not kws:
                return signature(table[args], *args)


for _op in (operator.add, operator.sub):
    _typing(_op, {(F8, F8): F8, (Z4, Z4): Z4, (Z8, Z8): Z8})
_typing(operator.mul, {(F8, F8): F8, (Z8, F8): Z8,
                       **{(z, other): z for z in (Z4, Z8) for other in (z, types.float64, types.complex128)}})


def _elementwise(op, emit: str):
    @lower_builtin(op, F8, F8)
    def _real(context, builder, sig, args):
        return getattr(builder, emit)(*args)

    @lower_builtin(op, Z4, Z4)
    @lower_builtin(op, Z8, Z8)
    def _split(context, builder, sig, args):
        (ar, ai), (br, bi) = (parts_of(builder, a) for a in args)
        return complex_of(builder, getattr(builder, emit)(ar, br), getattr(builder, emit)(ai, bi))


_elementwise(operator.add, "fadd")
_elementwise(operator.sub, "fsub")


@lower_builtin(operator.mul, F8, F8)
def _mul_real(context, builder, sig, args):
    return builder.fmul(*args)


def _factors(context, builder, sig, args):
    """Two factors, the second one, if it is a scalar, in all lanes."""
    a, b = args
    lanes = sig.args[0].llvm.elements[0]
    if sig.args[1] is types.float64:
        b = splat_of(builder, b, lanes)
    elif sig.args[1] is types.complex128:
        b = context.make_complex(builder, types.complex128, b)
        b = complex_of(builder, splat_of(builder, b.real, lanes), splat_of(builder, b.imag, lanes))
    return a, b


@lower_builtin(operator.mul, Z4, Z4)
@lower_builtin(operator.mul, Z8, Z8)
@lower_builtin(operator.mul, Z4, types.complex128)
@lower_builtin(operator.mul, Z8, types.complex128)
def _mul_complex(context, builder, sig, args):
    return _cmul(builder, *_factors(context, builder, sig, args))


@lower_builtin(operator.mul, Z8, F8)
@lower_builtin(operator.mul, Z4, types.float64)
@lower_builtin(operator.mul, Z8, types.float64)
def _mul_mixed(context, builder, sig, args):
    a, factor = _factors(context, builder, sig, args)
    re, im = parts_of(builder, a)
    return complex_of(builder, builder.fmul(re, factor), builder.fmul(im, factor))


# --- complex intrinsics ---------------------------------------------------------

@intrinsic
def mul_conj(typingctx, a, b):
    """a * conj(b), with b as a or a complex scalar."""
    def codegen(context, builder, sig, args):
        return _cmul(builder, *_factors(context, builder, sig, args), conjugate=True)
    return a(a, b), codegen


@intrinsic
def add_i(typingctx, a, b):
    """a + i*b without a negation."""
    def codegen(context, builder, sig, args):
        (ar, ai), (br, bi) = (parts_of(builder, z) for z in args)
        return complex_of(builder, builder.fsub(ar, bi), builder.fadd(ai, br))
    return a(a, b), codegen


@intrinsic
def sub_i(typingctx, a, b):
    """a - i*b without a negation."""
    def codegen(context, builder, sig, args):
        (ar, ai), (br, bi) = (parts_of(builder, z) for z in args)
        return complex_of(builder, builder.fadd(ar, bi), builder.fsub(ai, br))
    return a(a, b), codegen


@intrinsic
def square(typingctx, z):
    """z*z: one product and one fused multiply-add, one addition and one product."""
    def codegen(context, builder, sig, args):
        re, im = parts_of(builder, args[0])
        real = _fma(builder, re, re, builder.fneg(builder.fmul(im, im)))
        return complex_of(builder, real, builder.fmul(builder.fadd(re, re), im))
    return z(z), codegen


@intrinsic
def make_z(typingctx, re, im):
    """The Z8 of two F8."""
    def codegen(context, builder, sig, args):
        return complex_of(builder, *args)
    return Z8(F8, F8), codegen


@intrinsic
def real(typingctx, z):
    """The real parts of a Z8."""
    def codegen(context, builder, sig, args):
        return builder.extract_value(args[0], 0)
    return F8(Z8), codegen


@intrinsic
def imag(typingctx, z):
    """The imaginary parts of a Z8."""
    def codegen(context, builder, sig, args):
        return builder.extract_value(args[0], 1)
    return F8(Z8), codegen


@intrinsic
def axpy(typingctx, a, x, y):
    """a*x + y with a double `a`: two fused multiply-adds."""
    def codegen(context, builder, sig, args):
        a, x, y = args
        (xr, xi), (yr, yi) = parts_of(builder, x), parts_of(builder, y)
        a = splat_of(builder, a, xr.type)
        return complex_of(builder, _fma(builder, a, xr, yr), _fma(builder, a, xi, yi))
    return x(types.float64, x, y), codegen


# --- real and integer intrinsics --------------------------------------------------

@intrinsic
def splat(typingctx, x):
    """Eight copies of a double."""
    def codegen(context, builder, sig, args):
        return splat_of(builder, args[0], VF)
    return F8(types.float64), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """a*b + c, rounded once."""
    def codegen(context, builder, sig, args):
        return _fma(builder, *args)
    return F8(F8, F8, F8), codegen


@intrinsic
def fnma(typingctx, a, b, c):
    """c - a*b, rounded once."""
    def codegen(context, builder, sig, args):
        return _fma(builder, builder.fneg(args[0]), args[1], args[2])
    return F8(F8, F8, F8), codegen


@intrinsic
def rint(typingctx, x):
    """Nearest integer, ties to even."""
    def codegen(context, builder, sig, args):
        return call(builder, "llvm.rint.v8f64", args)
    return F8(F8), codegen


@intrinsic
def floor(typingctx, x):
    """Largest integer not above x."""
    def codegen(context, builder, sig, args):
        return call(builder, "llvm.floor.v8f64", args)
    return F8(F8), codegen


def _max_bits(builder, a, b):
    a, b = builder.bitcast(a, VL), builder.bitcast(b, VL)
    return builder.bitcast(builder.select(builder.icmp_unsigned(">", a, b), a, b), VF)


@intrinsic
def max_abs(typingctx, largest, x):
    """max(largest, |x|) for largest >= 0, by comparing bit patterns: a NaN is larger than all and stays."""
    def codegen(context, builder, sig, args):
        return _max_bits(builder, args[0], call(builder, "llvm.fabs.v8f64", [args[1]]))
    return F8(F8, F8), codegen


@intrinsic
def max_number(typingctx, largest, x):
    """max(largest, |x|), or `largest` where x is NaN."""
    def codegen(context, builder, sig, args):
        x = call(builder, "llvm.fabs.v8f64", [args[1]])
        return builder.select(builder.fcmp_ordered(">", x, args[0]), x, args[0])
    return F8(F8, F8), codegen


@intrinsic
def lane(typingctx, x, index):
    """One lane of an F8, I8 or L8 as a double, int32 or uint64."""
    def codegen(context, builder, sig, args):
        return builder.extract_element(args[0], builder.trunc(args[1], I32))
    return {F8: types.float64, I8: types.int32, L8: types.uint64}[x](x, types.int64), codegen


def _zeros(kind):
    def zeros(typingctx):
        return kind(), lambda context, builder, sig, args: ir.Constant(kind.llvm, [0] * LANES)
    return zeros


zeros_i = intrinsic(_zeros(I8))
zeros_l = intrinsic(_zeros(L8))


@intrinsic
def to_float(typingctx, x):
    """I8 -> F8."""
    def codegen(context, builder, sig, args):
        return builder.sitofp(args[0], VF)
    return F8(I8), codegen


@intrinsic
def to_int(typingctx, x):
    """F8 holding integers below 2^31 in magnitude -> I8."""
    def codegen(context, builder, sig, args):
        return builder.fptosi(args[0], VI)
    return I8(F8), codegen


@intrinsic
def balance(typingctx, word, previous, radix):
    """Carry-free balancing of canonical words.

    word - radix*[word >= radix/2] + [previous >= radix/2], where `previous` holds
    the next lower word of each lane.  The results are in the closed range
    -radix/2 .. radix/2, and the number keeps its value if its top word is below
    radix/2.
    """
    def codegen(context, builder, sig, args):
        word, previous, radix = args
        half = splat_of(builder, builder.lshr(radix, I32(1)), VI)
        zero = ir.Constant(VI, [0] * LANES)
        low = builder.select(builder.icmp_signed(">=", word, half), splat_of(builder, radix, VI), zero)
        carry = builder.zext(builder.icmp_signed(">=", previous, half), VI)
        return builder.add(builder.sub(word, low), carry)
    return I8(I8, I8, types.int32), codegen


@intrinsic
def at_least(typingctx, a, b, x, y):
    """x where a >= b, else y, lane by lane."""
    def codegen(context, builder, sig, args):
        a, b, x, y = args
        return builder.select(builder.fcmp_ordered(">=", a, b), x, y)
    return F8(F8, F8, F8, F8), codegen


# --- order of instructions -----------------------------------------------------------

@intrinsic
def pinned(typingctx, values):
    """A tuple of F8 and Z8 as it is, computed before all that follows in the source.

    LLVM puts alike instructions in a row, which then wait for the same port, and one of two chains that are written in
    turns after the other, with all that it needs in memory until then.  This is no instruction, only an order for it to
    keep.  Processors without AVX-512 have too few registers for that.
    """
    def codegen(context, builder, sig, args):
        if not HAS_AVX512:
            return args[0]
        kinds, flat = list(sig.return_type), []
        for kind, value in zip(kinds, cgutils.unpack_tuple(builder, args[0]), strict=True):
            flat += parts_of(builder, value) if kind is Z8 else [value]
        of_all, numbers = [VF] * len(flat), range(len(flat))
        struct = builder.asm(ir.FunctionType(ir.LiteralStructType(of_all), of_all), "",
                             ",".join(["=v" for _ in numbers] + [str(k) for k in numbers]), flat, True)
        after = iter([builder.extract_value(struct, k) for k in numbers])
        return pack(context, builder, sig.return_type,
                    [complex_of(builder, next(after), next(after)) if kind is Z8 else next(after) for kind in kinds])
    return values(values), codegen
