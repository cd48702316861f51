"""Things that show themselves, as text and as a picture or HTML; they know no process."""
