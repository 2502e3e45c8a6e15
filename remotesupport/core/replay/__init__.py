"""A run planned again: what its plan was made from as a document, with or without texts, and two plans compared."""
