"""An estimate of Anthropic's tokens, since the vendor publishes no tokenizer; its endpoint counts exactly."""

from __future__ import annotations

import functools

from pillion.tokens import Counter, Framing, Weights, by_patches, estimate
from pillion.values import ModelInfo

NEW, OLD = "claude-5", "claude-3"
TOKENIZERS = {
    NEW: Weights(lower=0.40, upper=0.90, digit=0.60, sign=0.65, space=0.17, line=0.8, two=0.70, run=1.0),
    OLD: Weights(),
}
"""The models since Opus 4.7 write the same text in up to 1.35 times as many tokens, code and capitals in more. Fitted
to a public reconstruction of the vendor's counts; docs/decisions/0028 says how far off it is."""
FRAMING = Framing(request=6, message=4, call=12, tool=12, kit=530)
"""`kit`: the largest of those that the vendor lists for its own prompt about tools ("Tool use pricing and tokens")."""
PICTURE = by_patches(28, 4_784)
"""As the vendor documents it ("Images and vision"): squares of 28 pixels, of a picture of 2,576 pixels at most."""


def counter(model: ModelInfo) -> Counter:
    """The estimate that fits the model: the newer one, which is the larger, where its settings don't say."""
    name = model.tokenizer or NEW
    count = functools.partial(estimate, weights=TOKENIZERS.get(name, TOKENIZERS[NEW]))
    return Counter(f"estimate {name}", count, image=PICTURE, framing=FRAMING)
