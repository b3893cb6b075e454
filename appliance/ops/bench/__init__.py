"""Benchmarks of this box against its own limits, each figure beside a no-op endpoint of the same run."""
