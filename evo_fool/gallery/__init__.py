"""The web application: the elites of every class, browsed while a run goes on. It reads runs and never writes."""
