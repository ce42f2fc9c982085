"""A run as a static site: the gallery's pages as files, to be opened from a disk or put on any web server.

The same page data, templates and scripts, at relative urls; what the server would answer later is in the files.
"""

from evo_fool.gallery.site.writer import Site, write_site

__all__ = ["Site", "write_site"]
