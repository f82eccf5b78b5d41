import pytest

from altlib.evaluation.page_images import images_of, pages_in

HTML = """<!doctype html><html><body>
<p>Before <img src="boat.jpg"> after</p>
<img src="line.png" alt="">
<a href="/"><img src="logo.svg" alt=""></a>
<a href="/" aria-label="Home"><img src="logo.svg" alt=""></a>
<figure><img src="IMG_1.jpg" alt="A boat lies at the quay in the rain"><figcaption>A boat lies at the quay in the rain</figcaption></figure>
<img src="img/red%20boat.png" alt="red boat">
<img src="a.png" alt="image"><img src="x.png" role="presentation">
<input type="image" src="go.png" alt="Search"><input type="text">
<img src="ok.png" alt="Bar chart: ours 61%, ClipCap 30%">
</body></html>"""

MARKDOWN = """# Title

![](decoration.png)

![Image](boat.png) and a text with ![A red boat on a river](b.png).

```{figure} chart.png
:alt: Chart
The caption
```

```{image} missing.png
```

<img src="x.png">

`![not an image](in-code.png)`
"""


def rules(page):
    return {
        (image.line, image.source): [f.rule for f in image.findings()] for image in images_of(page) if image.findings()
    }


def test_what_is_wrong_on_an_html_page_is_found_with_its_line(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(HTML)
    assert rules(page) == {
        (2, "boat.jpg"): ["no alt attribute"],
        (4, "logo.svg"): ["empty in a link"],
        (6, "IMG_1.jpg"): ["repeats the post"],
        (7, "img/red%20boat.png"): ["file name"],
        (8, "a.png"): ["placeholder"],
    }
    assert len(list(images_of(page))) == 9


def test_what_is_wrong_on_a_markdown_page_is_found_with_its_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(MARKDOWN)
    assert rules(page) == {
        (5, "boat.png"): ["placeholder"],
        (7, "chart.png"): ["file name"],
        (12, "missing.png"): ["no alt attribute"],
        (15, "x.png"): ["no alt attribute"],
    }


def test_pages_of_a_folder_are_found_and_hidden_ones_are_not(tmp_path):
    for name in ("b.md", "sub/a.html", ".git/c.html", "d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff")
    assert [p.name for p in pages_in(tmp_path)] == ["b.md", "a.html"]
    with pytest.raises(ValueError, match="not text in UTF-8"):
        list(images_of(tmp_path / "b.md"))
