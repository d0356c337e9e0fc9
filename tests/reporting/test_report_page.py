"""The results page as a browser gets it."""

import base64
import io
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from maskmill.cli import app
from maskmill.errors import RegistryError
from maskmill.presets import write_params
from maskmill.reporting.choosing import open_store
from maskmill.reporting.page import show_figure, show_percent, write_report

VOID_ELEMENTS = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """What is on a page: its elements, its text; fails where tags do not match."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def make_page(tracker, tmp_path, presets):
    def make(name="report.html"):
        write_report(tracker, tmp_path / name, presets=presets)
        return (tmp_path / name).read_text(encoding="utf-8")

    return make


def open_picture(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2])))


def test_the_page_needs_nothing_else(record_run, make_page):
    record_run()
    html = make_page()
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "base", "video"} & {tag for tag, _ in page.elements}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    images = page.all("img")
    assert len(images) == 2 + 4 + 1 + 1  # curves, pictures, confusion, contact sheet
    for image in images:
        assert image["src"].startswith(("data:image/webp;base64,", "data:image/svg+xml;base64,"))
        assert image["alt"]
    scrolled = [box for box in page.all("div") if "tabindex" in box]
    assert len(scrolled) == 5 + 4 + 1  # tables, pictures, contact sheet
    assert all(box["role"] == "group" and box["aria-label"] for box in scrolled)
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = [link["href"] for link in page.all("a")]
    assert [target for target in targets if not target.startswith("#")] == ["https://example.org/streets"]
    assert {target[1:] for target in targets if target.startswith("#")} <= set(identifiers)
    assert "url(" not in html
    assert "@import" not in html
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


def test_what_a_section_says(record_run, make_page):
    run = record_run(preset="cpu/streets")
    text = Page(make_page()).text
    assert "streets on two cores." in text
    assert "Reproduces: a paper, section 2. Published: 0.5." in text
    assert "not of it" not in text
    assert "make preset P=cpu/streets SOURCE=streets.tar && make repro" in text
    assert "someone" not in text
    assert "precision mixed_bfloat16" in text
    assert "14,340,373" in text
    assert "96 x 128, tiles at 0.5 times the picture's scale" in text
    assert "loss 0.05 bce + 1 dice" in text
    assert "sgd, learning rate 0.1, momentum 0.9" in text
    assert "2 of 4; 2 was kept, the best by val_dice" in text
    assert "registered as not registered" in text
    assert run.run_id in text
    assert "best: a, dice 0.812" in text
    assert "median: b worst: c" in text  # a picture without a figure has none in its caption
    assert "cpu/streets some streets 0.750 0.375 0.875 5 / 3 / 2 unet resnet18 a GPU" in text
    assert "dice 0.500 0.750" in text
    assert "sky 0.900 0.450 0.900 0.450 0.900" in text
    assert "car absent absent absent absent absent" in text
    assert "mean over classes 0.750 0.375 0.750 0.375 0.750" in text  # of 0.9 and 0.6
    # 250 of 1000 and 1 of 400 labelled pixels; the test part has none
    assert "road 25.0% 0.25% absent" in text
    assert "train 5 2 96 100 to 128 3" in text


def test_sections_are_of_the_newest_run_of_each_preset_in_order(record_run, make_page, tracker):
    record_run("streets", test_dice=0.125)
    newest = record_run("streets", test_dice=0.25)
    roofs = record_run("roofs", test_dice=0.5)
    failed = tracker.start_run("train", tags={"maskmill.kind": "train", "maskmill.preset": "failed"})
    failed.log_metrics({"test_dice": 1.0})
    failed.finish("FAILED")
    tracker.start_run("train", tags={"maskmill.kind": "train", "maskmill.preset": "unevaluated"}).finish()
    tracker.start_run("trial 0", tags={"maskmill.kind": "trial", "maskmill.preset": "trial"}).finish()
    page = Page(make_page())
    assert [section["id"] for section in page.all("section")] == [f"run-{roofs.run_id}", f"run-{newest.run_id}"]
    assert "0.125" not in page.text
    assert not re.search("failed|unevaluated|trial", page.text)


def test_presets_of_one_name_on_different_data_have_a_section_each(record_run, make_page):
    for source in ("mine", "theirs"):
        record_run("auto", source=source)
    assert len(Page(make_page()).all("section")) == 2


def test_whatever_comes_from_data_is_escaped(record_run, make_page):
    classes = ("<b>sky</b>", '"><script>alert(1)</script>', "{{ 7 * 7 }} & co")
    record_run(source="<i>streets</i>", home="'javascript:alert(1)'", classes=classes)
    page = Page(make_page())
    assert not {"b", "i", "script"} & {tag for tag, _ in page.elements}
    for text in (*classes, "<i>streets</i>", "Streets <b>seen</b> from a car."):
        assert text in page.text
    assert not [link for link in page.all("a") if "javascript" in link["href"]]


def test_a_run_that_lacks_everything_says_so(tracker, make_page):
    run = tracker.start_run("train", tags={"maskmill.kind": "train"})
    run.log_metrics({"test_dice": float("nan")})
    run.finish()
    page = Page(make_page())
    for missing in (
        "does not say which command wrote its settings",
        "no table of scores",
        "no pictures of predictions",
        "no figures of its epochs",
        "no table of its data",
        "no contact sheet",
    ):
        assert f"The record of this run {missing if missing.startswith('does') else 'has ' + missing}." in page.text
    assert page.all("img") == []
    assert "unnamed data unnamed data absent absent absent ? / ? / ? unknown unknown" in page.text
    assert not re.search(r"\bnan\b|None", page.text)


@pytest.mark.parametrize("artifact", ["evaluation", "training", "lineage", "data"])
def test_a_run_without_one_folder_of_artifacts_still_has_its_section(artifact, record_run, make_page, tracker):
    run = record_run()
    root = tracker.client.get_run(run.run_id).info.artifact_uri
    shutil.rmtree(Path(root.removeprefix("file://"), artifact))
    page = Page(make_page())
    assert len(page.all("section")) == 1
    assert "0.750" in page.text
    assert not re.search(r"\bnan\b|None", page.text)


def test_pictures_are_no_wider_than_they_are_shown(record_run, make_page):
    record_run()
    (sheet,) = [image for image in Page(make_page()).all("img") if image["alt"].startswith("contact sheet")]
    with open_picture(sheet["src"]) as picture:
        assert picture.size == (1000, 60)  # of 1500 x 90
        assert abs(picture.convert("RGB").getpixel((500, 30))[0] - 77) <= 3
    assert (sheet["width"], sheet["height"]) == ("1000", "60")


def test_the_same_store_gives_the_same_bytes(record_run, make_page):
    record_run()
    assert make_page("once.html") == make_page("twice.html")


@pytest.mark.parametrize(
    ("labels", "classes", "meaning"),
    [
        (None, ("background", "stone"), "Dice and IoU are those of stone;"),
        (None, ("sky", "road", "car"), "Dice and IoU are means over the classes that occur;"),
        ("overlapping", ("tree", "car"), "Dice and IoU are means over the classes, which may overlap;"),
    ],
)
def test_what_the_figures_are_of(labels, classes, meaning, record_run, make_page):
    record_run(labels=labels, classes=classes, dice=(0.9, 0.6, 0.3)[: len(classes)])
    assert meaning in Page(make_page()).text


def test_no_evaluated_run_is_an_error_and_leaves_no_page(tracker, tmp_path, presets):
    with pytest.raises(RegistryError, match="no training that is finished and evaluated") as error:
        write_report(tracker, tmp_path / "report.html", presets=presets)
    assert error.value.fix == "make repro"
    assert not (tmp_path / "report.html").exists()


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(RegistryError, match="does not exist"):
        open_store(f"sqlite:///{tmp_path}/mlflow.db", "maskmill")
    assert list(tmp_path.iterdir()) == []


def test_the_command(record_run, tracker, store_uri, tmp_path, monkeypatch):
    record_run()
    experiment = tracker.client.get_experiment(tracker.experiment_id).name
    write_params("default", source=None, target=tmp_path / "params.yaml")
    settings = (tmp_path / "params.yaml").read_text().replace("experiment: maskmill", f"experiment: {experiment}")
    (tmp_path / "params.yaml").write_text(settings)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["report", "--out", "pages/report.html"])
    assert done.exit_code == 0, done.output
    assert "1 section, one a preset: pages/report.html" in done.output
    assert len(Page((tmp_path / "pages" / "report.html").read_text()).all("section")) == 1


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "absent"), (float("nan"), "absent"), (0.0, "0.000"), (1.0, "1.000"), (0.12345, "0.123")]
)
def test_figures(value, shown):
    assert show_figure(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "absent"), (0.5, "50.0%"), (0.0047, "0.47%"), (0.0, "0.00%")])
def test_percentages(value, shown):
    assert show_percent(value) == shown
