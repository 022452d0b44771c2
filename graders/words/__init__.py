"""Languages: what people read is written in English, and translated where it is shown."""
