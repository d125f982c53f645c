"""Measures RunWisp against its peers on the same machine (``python -m benchmarks``).

Every figure that counts is a ratio of two measurements of the same run, so that a slow or busy machine slows
down both sides. ``README.rst`` in this directory says how to read the table.
"""
