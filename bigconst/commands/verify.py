"""`bigconst verify FILE`: check digits against their certificate."""

import argparse

from bigconst.base.errors import UsageError
from bigconst.base.hardware import default_threads
from bigconst.base.screen import result
from bigconst.base.units import format_count, format_seconds, parse_count
from bigconst.commands.options import add_threads_option, argument
from bigconst.constants.ownseries import read_series, series_constant
from bigconst.constants.registry import parse
from bigconst.plans.certificate import MAX_PRIMES

_EPILOG = """\
examples:
  bigconst verify phi.txt                        against phi.txt.cert
  bigconst verify phi.txt --primes 4             for more than 1e13 digits
  bigconst verify phi.txt --certificate other.cert
  bigconst verify apery.txt --series apery.toml  digits of a series of somebody's own
  bigconst verify phi.txt --without-certificate --constant phi
  bigconst verify 57885161-9.proof               a proof of a probable prime test

What is proved, and what is not, stands in docs/certificate.md.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "verify",
        help="check a digit file against its certificate, or a proof of a test",
        description="Check in one pass that every digit of FILE is right, by random primes and without any transform; "
                    "or check a proof of a probable prime test, P-POWER.proof.",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE",
                        help="digits: text, .zst or .ycd (the first file of a set); or a .proof")
    parser.add_argument("--primes", metavar="K", type=argument(parse_count, 1, MAX_PRIMES), default=3,
                        help="random primes (default 3)")
    parser.add_argument("--certificate", metavar="FILE", help="default FILE.cert; for phi.txt.zst phi.txt.cert, for "
                        "a set, 'phi - 0.ycd', phi.ycd.cert")
    parser.add_argument("--series", metavar="FILE", help="the series, for digits of one of somebody's own")
    parser.add_argument("--without-certificate", action="store_true",
                        help="rebuild the certificate by one squaring, in memory; needs --constant")
    parser.add_argument("--constant", metavar="C", help='phi or "sqrt 2", with --without-certificate')
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help="with --without-certificate")
    parser.add_argument("--lenient", action="store_true", help="as of certify, with --without-certificate")
    add_threads_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify the digits and print the verdict.  Raises VerificationError, UsageError, InputOutputError."""
    if arguments.file.endswith(".proof"):
        return _verify_proof(arguments)
    if arguments.without_certificate:
        return _rebuild(arguments)
    if arguments.constant:
        #: Either there is a certificate, which names the constant, or `--without-certificate --constant` says it.
        raise UsageError("the certificate names the constant", "leave out --constant, or add --without-certificate")
    from bigconst.runs.kernels import CHECKING, load

    load(CHECKING)
    from bigconst.proof.verification import verify

    own = series_constant(read_series(arguments.series)).number if arguments.series else None
    verdict = verify(arguments.file, arguments.certificate, arguments.primes, arguments.threads or default_threads(),
                     own)
    header, title = verdict.header, verdict.header.constant.title
    left, right, bounds = header.statement.describe(header.claim)
    result("\n".join([
        f"{arguments.file}: {format_count(header.digits)} digits of {title}, base {header.base}",
        f"  {left} = {right}",
        *(f"  modulo {prime}:  {one} = {other}"
          for prime, (one, other) in zip(verdict.primes, verdict.sides, strict=True)),
        *(f"  {bound}:  yes" for bound in bounds),
        f"  text xxh3-128:  {header.text_xxh3}",
        f"  a wrong file passes with probability below {verdict.error_probability:.1e}",
        f"all digits are right ({format_seconds(verdict.seconds)})"]))
    return 0


def _verify_proof(arguments: argparse.Namespace) -> int:
    """Check a proof of a probable prime test."""
    from bigconst.runs.kernels import SQUARINGS, load
    from bigconst.runs.mersenneproof import verify_proof

    if arguments.certificate or arguments.series or arguments.without_certificate or arguments.constant:
        #: The options for digits have no meaning for it.
        raise UsageError(f"{arguments.file} is a proof of a test, not a file of digits", "leave out all other options")
    load(SQUARINGS)
    verdict = verify_proof(arguments.file, arguments.threads or default_threads())
    proof = verdict.proof
    result("\n".join([
        f"{arguments.file}: proof of power {proof.power} for M{proof.exponent}, md5 {verdict.md5}",
        f"M{proof.exponent} is " + ("a probable prime, base 3" if verdict.is_probable_prime
                                    else f"composite, res64 {verdict.res64}"),
        f"the proof holds ({format_seconds(verdict.seconds)})"]))
    return 0


def _rebuild(arguments: argparse.Namespace) -> int:
    """Check the digits without a certificate."""
    from bigconst.runs.certify import certify, request_for

    if not arguments.constant or arguments.certificate:
        #: As for "the certificate names the constant".
        raise UsageError("--without-certificate needs --constant and no --certificate",
                         'name the constant, like --constant phi or --constant "sqrt 2"')
    constant = parse(arguments.constant)
    found = certify(request_for(constant, arguments.file, arguments.base, arguments.lenient, threads=arguments.threads,
                                with_certificate=False))
    result(f"{arguments.file}: {format_count(found.digits)} digits of {constant.title} are right "
           f"(one squaring, {format_seconds(found.seconds)})")
    return 0
