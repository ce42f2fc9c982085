"""From genomes to pixels, compiled: CPPNs as flat programs on a CPU or by torch, neat-python's own way, and genes."""
