"""How we search: the archive, the strategies that fill it, and the loop. Genomes are opaque batches here."""
