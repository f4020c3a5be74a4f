"""A person's data as a whole: where it lies, how it is handed out, erased, and let go with time; see docs/privacy.md.

`registry` is the one list of places; a test walks over every model and fails where one is not in it.
"""
