"""Read models over the tables of integrations: one module each."""
