"""Words, sentences and literals: what the detectors that know no language model share."""
