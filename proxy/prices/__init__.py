"""What models cost: the published list that ships with the product, and which price holds for a target."""
