"""CPPN genomes: packed arrays that mean exactly what neat-python's genome means."""
