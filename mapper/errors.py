"""What goes wrong with a file, in a module of its own so that commands which need nothing else start at once."""


class SourceError(Exception):
    """A file that cannot be read, parsed or written: the message names the file, the line where there is one, and what to do."""
