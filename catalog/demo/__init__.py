"""The built-in demo shop: a catalogue of 731 things in the import format, made on the spot from two npm packages.

`packages.fetch` brings the pictures and their names, `shop.build` turns them into a directory that `import_catalog`
loads like anybody's catalogue. Nothing of it needs the database.
"""
