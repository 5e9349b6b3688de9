"""Examples to Arrow files and back: documents, building, reading, manifest."""
