"""One module per group of pages; each endpoint asks the views, decides nothing that matters, and renders a template."""
