"""Figures of runs: contact sheets and convergence plots. Reads runs, writes pictures, knows nothing of searching."""
