"""`bigconst certify FILE --constant C`: a certificate for digits that another program computed."""

import argparse
import time
from dataclasses import dataclass
from typing import Any

from bigconst.base.constant import Constant, parse_constant
from bigconst.base.errors import VerificationError
from bigconst.base.hardware import default_threads
from bigconst.base.units import format_bytes, format_count, format_seconds
from bigconst.commands.options import add_threads_option

_EPILOG = """\
examples:
  bigconst certify "Phi - Dec - Phi.txt" --constant phi
  bigconst certify root.txt --constant "sqrt 2" --base 16
  bigconst certify book.txt --constant phi --lenient       digits in lines and groups
  bigconst certify mine.txt --constant phi --locate        if they are wrong, from where on
"""


def add(commands) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "certify",
        help="make a certificate for a digit file from elsewhere",
        description="Check a digit file with one squaring and write its certificate, or say that it is wrong.\n"
                    "Integer part, point and a newline at the end may be missing; without a point, a file that\n"
                    "begins with the integer part is taken to hold it.  Works in memory.",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="digits as text")
    parser.add_argument("--constant", metavar="C", required=True, help='phi or "sqrt 2"')
    parser.add_argument("--base", type=int, choices=(10, 16), default=10, help="of the digits (default 10)")
    parser.add_argument("--lenient", action="store_true", help="skip spaces, tabs and line breaks")
    parser.add_argument("--locate", action="store_true", help="if the digits are wrong, compute them and compare")
    add_threads_option(parser)
    parser.add_argument("--force", action="store_true", help="replace a certificate that exists")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class Rebuilt:
    """A digit file found right: what its certificate needs."""

    constant: Constant
    digits: int
    text_xxh3: str
    r: Any
    r_residue: int
    words: Any
    seconds: float


def rebuild(arguments: argparse.Namespace, threads: int) -> Rebuilt:
    """Read the file of `arguments` and compute r.  VerificationError when its digits are wrong."""
    constant = parse_constant(arguments.constant)
    from bigconst.runs.kernels import load_engine

    load_engine()
    from bigconst.proof.foreign import rebuild_remainder

    began = time.perf_counter()
    digits, text_xxh3, r, r_residue, words = rebuild_remainder(arguments.file, constant, arguments.base,
                                                               arguments.lenient, threads)
    return Rebuilt(constant, digits, text_xxh3, r, r_residue, words, time.perf_counter() - began)


def run(arguments: argparse.Namespace) -> int:
    """Certify, or raise VerificationError."""
    threads = arguments.threads or default_threads()
    from bigconst.plans.certificate import certificate_path
    from bigconst.storage.atomicfile import AtomicFile

    path = certificate_path(arguments.file)
    with AtomicFile(path, 0, arguments.force) as file:
        try:
            rebuilt = rebuild(arguments, threads)
        except VerificationError as error:
            if not arguments.locate:
                raise
            from bigconst.proof.foreign import first_difference

            position = first_difference(arguments.file, parse_constant(arguments.constant), arguments.base,
                                        arguments.lenient, threads)
            if position is None:
                raise
            raise VerificationError(f"{arguments.file} is wrong from digit {format_count(position)} after the point on",
                                    "the digits before it are right") from error
        from bigconst.base.formats import certificate_bytes
        from bigconst.base.version import __version__
        from bigconst.constants.remainder import write_certificate
        from bigconst.plans.certificate import Header

        header = Header(rebuilt.constant, arguments.base, rebuilt.digits, arguments.lenient, __version__,
                        rebuilt.text_xxh3)
        write_certificate(rebuilt.words, header, lambda start, stop: rebuilt.r[start:stop], rebuilt.r_residue, file)
        file.commit()
    size = format_bytes(certificate_bytes(arguments.base, rebuilt.digits))
    print(f"{arguments.file}: {format_count(rebuilt.digits)} digits of {rebuilt.constant.title} are right\n"
          f"{path}: {size} ({format_seconds(rebuilt.seconds)})")
    return 0
