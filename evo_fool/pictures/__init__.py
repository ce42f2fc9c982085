"""Figures of runs: contact sheets, posters, timelapses, convergence plots, genome graphs."""
