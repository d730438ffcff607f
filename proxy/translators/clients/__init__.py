"""How clients ask and are answered: one module a dialect, over the neutral form."""
