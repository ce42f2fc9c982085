"""The paper's results beside ours: ``evo-fool reproduce`` and the report that it writes, for people and machines."""
