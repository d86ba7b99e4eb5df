"""Benchmarks: ``python -m benchmarks.NAME`` for one, ``python -m benchmarks`` for all.

Each prints a table in which pygase stands beside its peers, measured in the same run. Compare ratios of medians within
one run, never absolute figures of two machines. The peers' environments are made by ``python -m benchmarks.setup``; a
peer without one is left out, and the table says so.

Everything runs on the loopback interface of this machine, and is bounded in count and time.
"""
