"""`brownfield tokenize`."""

from __future__ import annotations

from brownfield.policies.tokenize import TokenizeConfig, tokenize_datasets

Tokenize = TokenizeConfig


def run(config: TokenizeConfig) -> int:
    """Fit the tokenizers, and say where they are."""
    print(f"tokenizers in {tokenize_datasets(config)}")
    return 0
