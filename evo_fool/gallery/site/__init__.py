"""A run as a static site: the gallery's pages, to be opened from a disk or put on any web server.

The same templates and scripts, at other addresses; what the server would be asked for is in the files.
"""

from evo_fool.gallery.site.writer import LIMIT, Site, write_site

__all__ = ["LIMIT", "Site", "write_site"]
