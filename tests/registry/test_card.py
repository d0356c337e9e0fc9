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
    assert "dice 0.5000, IoU 0.4000, accuracy 0.9000." in exclusive


def test_a_card_says_which_network_it_is_and_from_where_a_pixel_is_of_a_class():
    model = {"name": "unet resnet18", "parameters": 14333000, "head": "sigmoid", "thresholds": {"road": 0.7771}}
    said = describe_model(data_name="fields", metrics=METRICS, tags=TAGS, model=model)
    assert said.splitlines()[1] == "Model: unet resnet18, 14,333,000 parameters, head sigmoid (road above 0.777)."
    softmax = model | {"head": "softmax", "thresholds": {}}
    assert "parameters, head softmax." in describe_model(data_name="fields", metrics=METRICS, tags=TAGS, model=softmax)


def test_a_card_says_how_well_outlines_are_met():
    further = {"precision": 0.25, "true_positive_rate": None, "boundary_f1": 0.125, "boundary_tolerance": 3}
    card = describe_model(data_name="fields", metrics=METRICS | further, tags=TAGS)
    line = "accuracy 0.9000, precision 0.2500, true-positive rate -, boundary F1 0.1250 within 3 pixels."
    assert line in card
