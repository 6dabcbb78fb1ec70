"""The lab: emulated networks in which the place of a fault is known.

A developer's tool, not part of the wheel. `python -m lab list` shows what there is; docs/lab.md
tells how it works. Needs Linux, root, gcc, nginx and ffmpeg. Nothing leaves its namespaces.
"""
