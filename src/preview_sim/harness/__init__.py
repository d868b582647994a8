"""The judge's side: plays scenarios over HTTP and holds what comes against what must come."""
