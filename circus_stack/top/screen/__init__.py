"""The screen: what Textual draws. Nothing outside of this package imports Textual, which takes a third of a second."""
