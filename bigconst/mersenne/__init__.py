"""Tests of Mersenne numbers 2^p - 1: the chains of squarings, their checks, save files, work and result files."""
