"""
Which indexes there are, what each is for, what PostgreSQL says of their use, and whether lists are read through them.

Start with `report.py`. `declared.py` knows what the code wants, `catalog.py` what a database has, `findings.py` compares the two without
asking anybody, `lists.py` and `plans.py` ask for every list and look at its plan, `scripts.py` writes the indexes as SQL.
"""
