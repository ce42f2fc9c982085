"""From CPPN genomes to pixels: a flat program, a compiled CPU renderer, a batched torch one, and neat-python's own."""
