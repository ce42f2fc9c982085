"""What pages show: open runs, caches, the history of a run, and the process that renders and scores."""
