"""The data of pages: open runs, caches, sheets of thumbnails, and the process that renders and scores."""
