"""Intake: verify the signature over the raw bytes, bound the body, append durably, answer. Nothing else before the answer."""
