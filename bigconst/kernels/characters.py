"""ASCII characters and their values as digits: one character, or the eight in a uint64."""

import numpy as np

from .jit import helper

U64 = np.uint64


@helper
def digit_value(character, base):
    """The value of one ASCII character as a digit of base 10 or 16, or -1."""
    if np.uint8(48) <= character <= np.uint8(57):
        return np.int64(character) - 48
    if base == 16 and np.uint8(97) <= character <= np.uint8(102):
        return np.int64(character) - 87
    return -1


@helper
def two_words(characters):
    """Two 16-bit words from eight hexadecimal characters, and a mask that is 0 if all of these are among 0-9a-f.

    The first character is in the lowest byte.  The words are at bits 0 and 32, the less significant one first.
    A digit v and the letter flag l of a character t (bit 6) are right if and only
    if v + 0x30 + 39 l = t, and l = [v > 9], and v < 16.
    """
    t = characters
    letter = (t >> U64(6)) & U64(0x0101010101010101)
    v = (t & U64(0x0F0F0F0F0F0F0F0F)) + (letter << U64(3)) + letter
    again = v + U64(0x3030303030303030) + (letter << U64(5)) + (letter << U64(3)) - letter
    over = (((v + U64(0x0606060606060606)) >> U64(4)) ^ letter) & U64(0x0101010101010101)
    foreign = (again ^ t) | over | (v & U64(0x1010101010101010))
    v = ((v << U64(4)) | (v >> U64(8))) & U64(0x00FF00FF00FF00FF)
    v = ((v << U64(8)) | (v >> U64(16))) & U64(0x0000FFFF0000FFFF)
    return (v << U64(32)) | (v >> U64(32)), foreign


@helper
def eight_characters(pair):
    """Eight ASCII digits of the two 16-bit words at bits 0 and 32 of a uint64; those of the upper word are lowest."""
    x = (pair << U64(32)) | (pair >> U64(32))
    x = ((x >> U64(8)) & U64(0x000000FF000000FF)) | ((x & U64(0x000000FF000000FF)) << U64(16))
    x = ((x >> U64(4)) | (x << U64(8))) & U64(0x0F0F0F0F0F0F0F0F)
    letter = ((x + U64(0x0606060606060606)) >> U64(4)) & U64(0x0101010101010101)
    # 39 = ord("a") - 10 - ord("0")
    return x + U64(0x3030303030303030) + (letter << U64(5)) + (letter << U64(3)) - letter
