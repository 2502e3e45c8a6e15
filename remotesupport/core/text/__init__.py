"""Texts: composing and recognising the product's own, normalizing, cutting, and what people are told in words."""
