"""A panel for JupyterLab: change a picture, its post or the search, and see what the captioner writes."""

from __future__ import annotations

import html
from typing import Any

import pandas as pd
from torch import Tensor

from altlib.generation.decoding import Candidate, Decoding, decode
from altlib.generation.reranking import rouge_similarity
from altlib.models.captioner import PrefixCaptioner
from altlib.models.shorter_prefix import with_first_vectors
from altlib.report.figures import picture_tag, table

STILL = (
    "<p><strong>This panel is live in JupyterLab.</strong> Open the chapter there to change the picture, its post, the "
    "beams, trigram blocking and the prefix length. Below is what it shows at first.</p>"
)
WIDTH = 240  # of the picture (CSS pixels)


class DecodingPanel:
    """Decodes one picture at a time; display the panel itself.

    Every change of a control decodes again. Where no widgets are live, such as on the pages of the
    book, the panel is shown as it stands.

    Args:
        captioner: The captioner, in evaluation mode.
        features: Of the pictures, (n, d_clip).
        posts: Their rows, with ``image``, ``text`` and ``alt_text``.
        settings: The search at first; up to three times its number of beams can be set.

    Raises:
        ValueError: There is no picture.
    """

    def __init__(self, captioner: PrefixCaptioner, features: Tensor, posts: pd.DataFrame, settings: Decoding):
        import ipywidgets as widgets

        if posts.empty:
            raise ValueError("there is no picture to caption")
        self.captioner, self.features, self.posts, self.settings = captioner, features, posts, settings
        self.candidates: list[Candidate] = []
        wide = {"style": {"description_width": "9em"}, "layout": {"width": "36em"}}
        self.picture = widgets.IntSlider(1, 1, len(posts), description="Picture", continuous_update=False, **wide)
        self.post = widgets.Textarea(description="Post", continuous_update=False, rows=3, **wide)
        self.beams = widgets.IntSlider(
            settings.beams, 1, max(3 * settings.beams, 2), description="Beams", continuous_update=False, **wide
        )
        self.blocking = widgets.Checkbox(settings.block_trigrams, description="Block trigrams", **wide)
        k = captioner.prefix_length
        self.prefix = widgets.IntSlider(k, 0, k, description="Prefix vectors", continuous_update=False, **wide)
        self.shown = widgets.HTML()
        self.controls = (self.picture, self.post, self.beams, self.blocking, self.prefix)
        self.view = widgets.VBox([*self.controls, self.shown])
        self.post.value = str(posts["text"].iloc[0])
        self.picture.observe(self.take_post, names="value")
        for control in self.controls[1:]:
            control.observe(self.decode, names="value")
        self.decode()

    @property
    def row(self) -> int:
        """Number of the shown picture, from 0."""
        return self.picture.value - 1

    def take_post(self, change: Any = None) -> None:
        """Take the post of the picture that was chosen, and decode."""
        before, self.post.value = self.post.value, str(self.posts["text"].iloc[self.row])
        if before == self.post.value:  # otherwise the change of the post has decoded already
            self.decode()

    def decode(self, change: Any = None) -> None:
        """Decode the shown picture with the post and the search of the controls, and show the candidates."""
        search = Decoding(
            beams=self.beams.value, block_trigrams=self.blocking.value, max_tokens=self.settings.max_tokens
        )
        captioner = with_first_vectors(self.captioner, self.prefix.value)
        picture = self.features[self.row : self.row + 1]
        self.candidates = decode(captioner, picture, [self.post.value], search, name="one picture")[0]
        self.shown.value = self.result()

    def result(self) -> str:
        """The picture and its candidates, best first, escaped."""
        post = self.posts.iloc[self.row]
        similarity = rouge_similarity([self.post.value])
        rows = pd.DataFrame(
            {
                "rank": range(1, len(self.candidates) + 1),
                "text": [c.text or "(empty)" for c in self.candidates],
                "score (nats per token)": [c.score for c in self.candidates],
                "log-likelihood (nats)": [c.log_likelihood for c in self.candidates],
                "tokens": [len(c.tokens) for c in self.candidates],
                "ROUGE-L with the post": [similarity(0, c.text) for c in self.candidates],
            }
        )
        shown = picture_tag(str(post["image"]), str(post["alt_text"]), WIDTH)
        candidates = table(rows, "What the captioner writes: the first line is its caption", digits=2).data
        return f'<div role="status">{shown}{candidates}</div>'

    def still(self) -> str:
        """What the panel shows, with the values of the controls in words, for pages on which no widget is live."""
        values = {
            "Picture": f"{self.picture.value} of {len(self.posts)}",
            "Post": self.post.value,
            "Beams": self.beams.value,
            "Block trigrams": "yes" if self.blocking.value else "no",
            "Prefix vectors": f"{self.prefix.value} of {self.captioner.prefix_length}",
        }
        terms = "".join(f"<dt>{name}</dt><dd>{html.escape(str(value))}</dd>" for name, value in values.items())
        return f"{STILL}<dl>{terms}</dl>{self.shown.value}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The live view for JupyterLab, and a still for everything else that shows notebooks."""
        return {**self.view._repr_mimebundle_(**options), "text/html": self.still()}
