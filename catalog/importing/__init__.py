"""Catalogues from files and from the API into the database: read, map, check, write.

`readers` turns a file into raw rows, `columns` finds out which column means what, `rows` checks one row, `row_pictures`
loads its pictures, `plan` compares it with the database, `writer` writes a batch, `importer` drives them all.
"""
