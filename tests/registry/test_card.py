"""The model card's first lines."""

from maskmill.registry.card import describe_model

METRICS = {"dice": 0.5, "iou": 0.4, "accuracy": 0.9, "split": "test", "classes": {"a": {"dice": 0.5, "iou": None}}}
TAGS = {"maskmill.device_name": "a CPU", "maskmill.device_kind": "cpu", "maskmill.data_hash": "d"}


def test_a_card_says_whether_classes_overlap():
    exclusive = describe_model(data_name="fields", metrics=METRICS, tags=TAGS)
    overlapping = describe_model(data_name="fields", metrics=METRICS | {"labels": "overlapping"}, tags=TAGS)
    assert exclusive.splitlines()[0] == "Segmentation of fields, 1 classes."
    assert overlapping.splitlines()[0] == "Segmentation of fields, 1 classes, which may overlap."
    assert exclusive.splitlines()[1:] == overlapping.splitlines()[1:]
    assert "| a | 0.5000 | - |" in exclusive.splitlines()
