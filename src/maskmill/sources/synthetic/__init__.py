"""The synthetic sample: aerial scenes that this project draws itself (`python -m maskmill.sources.synthetic data`).

A scene is built as a map of albedo, height and labels (canvas), covered from the ground up (fields, water, roads, buildings,
woods), and then photographed (camera): the flight's sun shades the heights and casts the shadows, air and sensor do the rest.
"""
