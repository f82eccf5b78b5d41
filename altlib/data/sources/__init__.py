"""Where posts come from, one module per source; `registry` lists them."""
