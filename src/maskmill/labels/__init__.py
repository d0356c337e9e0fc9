"""Colours and source ids to class ids and back."""

from maskmill.labels.classes import ClassTable, build_class_table, map_colours, map_ids, read_class_table, write_class_table
from maskmill.labels.colours import decode_labels, encode_colours, match_colours
from maskmill.labels.runs import decode_runs, decode_stack, encode_runs, encode_stack

__all__ = [
    "ClassTable",
    "build_class_table",
    "decode_labels",
    "decode_runs",
    "decode_stack",
    "encode_colours",
    "encode_runs",
    "encode_stack",
    "map_colours",
    "map_ids",
    "match_colours",
    "read_class_table",
    "write_class_table",
]
