"""Nodobo: 27 mobile phones in Glasgow, 2010 to 2011."""
