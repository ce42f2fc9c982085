"""Who judges: classifiers, where they come from, and how images become log-odds.

Knows nothing of genomes. Nothing is imported here, so that :mod:`evo_fool.classifiers.odds` costs no torch import.
"""
