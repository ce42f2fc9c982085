"""MAP-Elites against one class at a time."""
