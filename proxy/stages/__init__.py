"""The stages of the pipeline: one module and one public function each."""
