"""Colours and source ids to class ids and back."""

from maskmill.labels.classes import ClassTable, build_class_table, map_colours, map_ids, read_class_table, write_class_table
from maskmill.labels.colours import decode_labels, encode_colours, match_colours

__all__ = [
    "ClassTable",
    "build_class_table",
    "decode_labels",
    "encode_colours",
    "map_colours",
    "map_ids",
    "match_colours",
    "read_class_table",
    "write_class_table",
]
