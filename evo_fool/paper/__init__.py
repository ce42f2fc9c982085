"""The paper's results beside ours: published figures, and the report that ``evo-fool reproduce`` writes."""
