"""The web application: the elites of every class, also while a run goes on. It reads runs and never writes."""
