"""The command line: one thin file a verb group. Whatever is slow to import is imported inside the verb that needs it."""
