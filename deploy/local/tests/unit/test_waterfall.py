import xml.etree.ElementTree as ET

from atelier_local.waterfall import CHART, LABEL, Bar, waterfall

SVG = "{http://www.w3.org/2000/svg}"
BARS = [Bar(0, 20, "gateway", "POST /api/generate"), Bar(10, 10, "credits", "handle <hold> & more")]


def test_a_hop_is_drawn_from_its_beginning_to_its_end():
    drawn = ET.fromstring(waterfall(BARS)).findall(f"{SVG}rect")
    assert [(float(one.get("x")), float(one.get("width"))) for one in drawn] == [
        (LABEL, CHART),
        (LABEL + CHART / 2, CHART / 2),
    ]


def test_names_are_shown_as_they_are():
    texts = ET.fromstring(waterfall(BARS)).itertext()
    assert " handle <hold> & more" in list(texts)


def test_it_is_readable_on_dark():
    assert "prefers-color-scheme: dark" in waterfall(BARS)


def test_nothing_can_be_drawn():
    assert ET.fromstring(waterfall([])).findall(f"{SVG}rect") == []
