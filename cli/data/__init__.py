"""Commands on data: import and export."""
