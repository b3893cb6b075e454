"""Running the box: import, training, access, health, the demo shop and benchmarks."""
