"""The PyTorch front end: a module, or a program that torch.export made of one, becomes a graph module.

program.py is what all forms are read into: exported.py reads one in memory, saved.py the JSON of a .pt2 file, which
needs no torch. mutations.py makes it a program without writes, importer.py graph ops, blocks.py functions.
"""
