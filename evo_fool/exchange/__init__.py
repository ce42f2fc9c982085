"""Images in and out: export in three layouts, import of image sets, a PNG reader for files of unknown origin."""
