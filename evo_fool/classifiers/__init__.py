"""Who judges: classifiers, where they come from, and how images become log-odds. Knows nothing of genomes."""
