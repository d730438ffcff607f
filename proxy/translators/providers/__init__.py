"""How providers are asked and understood: one module a provider, over the neutral form."""
