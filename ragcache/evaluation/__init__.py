"""Figures of the embeddings, the semantic cache and retrieval on labelled data, for whoever has to believe them."""
