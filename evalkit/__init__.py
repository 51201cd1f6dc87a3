"""evalkit decides whether a fine-tuned model may replace the model it came from."""

__version__ = "0.1.0"
