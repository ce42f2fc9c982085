"""The command line: one thin file a verb group. What is slow to import is imported inside the verb that needs it."""
