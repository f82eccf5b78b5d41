"""The theme's faults are mended."""

from altlib.report.accessible_pages import mend

PAGE = """<!DOCTYPE html><html lang="en"><body><header><div class="navbar-persistent--container"><button>Search</button></div>
<div class="navbar-persistent--mobile"><button>Search</button></div></header><div id="pst-primary-sidebar"><p>Title</p></div>
<main><div role="list"><div role="doc-biblioentry">Entry &amp; year</div></div><pre>  a &lt; b
  c</pre></main></body></html>"""


def test_the_sidebar_is_a_landmark_and_entries_are_items_of_their_list():
    mended = mend(PAGE)
    assert '<div id="pst-primary-sidebar" role="region" aria-label="The book">' in mended
    assert '<div role="listitem">Entry &amp; year</div>' in mended and "doc-biblioentry" not in mended


def test_one_search_box_stays_in_the_header_for_narrow_screens():
    assert mend(PAGE).count("Search") == 1 and "navbar-persistent--mobile" in mend(PAGE)


def test_the_button_that_unfolds_pages_has_a_name():
    mended = mend('<details><summary><span class="toctree-toggle"><i></i></span></summary></details>')
    assert '<summary aria-label="Pages below this one"><span' in mended


def test_everything_else_stays_as_it_is():
    assert "<pre>  a &lt; b\n  c</pre>" in mend(PAGE)


def test_the_page_that_leads_on_can_be_read_where_nothing_follows():
    mended = mend('<meta http-equiv="Refresh" content="0; url=intro.html" />\n')
    assert '<a href="intro.html">' in mended and "<main><h1>" in mended and 'http-equiv="Refresh"' in mended
