"""Readers of what others wrote, given anything: each refuses by a typed error or reads it right.

A *target* is a function of bytes that fails if a promise does not hold. ``python -m tests.fuzz``
lets libFuzzer look for such bytes, guided by coverage (``pip install --group fuzz``); what it has
found interesting is kept in ``corpus/<target>``, and ``test_corpus`` gives it to the targets again,
with small changes, in every run of the suite.
"""
